"""How far a rung can be trusted to go by itself: the share of its messages that people agreed with, and the lower bound
of what that share may be in truth. It recommends; who lets a rung go is a person with a new policy version."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

LEAST: Final = 50
BOUND: Final = Decimal(98)
_Z: Final = Decimal("1.959963984540054")
"""The 97.5 % point of the normal distribution: of a two-sided interval of 95 %."""
_CERTAIN: Final = Decimal(100)
_DIGITS: Final = 40
_SHOWN: Final = Decimal("0.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Messages of one rung of a policy that were put before people or would have been sent. `decided` counts them all;
    of some nobody has said anything yet."""

    policy: str
    rung: str  # the message's kind where it is no rung: invoice, credit_note, receipt
    template: str
    decided: int
    agreed: int
    vetoed: int

    @property
    def judged(self) -> int:
        return self.agreed + self.vetoed

    @property
    def share(self) -> Decimal | None:
        """Percent that was agreed with, None before anybody said anything."""
        return (Decimal(100 * self.agreed) / self.judged).quantize(_SHOWN) if self.judged else None

    @property
    def lower(self) -> Decimal:
        """Percent that the true share exceeds with 97.5 % confidence; rounded down."""
        return lower_bound(self.agreed, self.judged)


def lower_bound(agreed: int, judged: int) -> Decimal:
    """The lower end of Wilson's score interval at 95 %, in percent, rounded down to a tenth; 0 without any judgement.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference (JASA 22, 1927).
    """
    assert 0 <= agreed <= judged
    if not judged:
        return Decimal("0.0")
    with localcontext(prec=_DIGITS):
        n, share, square = Decimal(judged), Decimal(agreed) / judged, _Z * _Z
        spread = _Z * ((share * (1 - share) + square / (4 * n)) / n).sqrt()
        low = (share + square / (2 * n) - spread) / (1 + square / n)
        tenths = int(max(low, Decimal(0)) * 1000)
    return Decimal(tenths).scaleb(-1)


def missing(evidence: Evidence, least: int = LEAST, bound: Decimal = BOUND) -> str:
    """What the evidence lacks, in words; empty when it suffices."""
    told = []
    if evidence.judged < least:
        told.append(f"{least - evidence.judged} more decisions, for {least}")
    if evidence.lower < bound:
        more = _agreements(evidence, bound)
        told.append(f"a lower bound of {bound} %: {more} more agreements without a veto")
    return "; ".join(told)


def _agreements(evidence: Evidence, bound: Decimal) -> int:
    """How many agreements in a row bring the lower bound up to `bound`: found by doubling, then by halving."""
    assert bound < _CERTAIN, "no number of agreements proves more"
    step = 1
    while lower_bound(evidence.agreed + step, evidence.judged + step) < bound:
        step *= 2
    low, high = step // 2, step
    while high - low > 1:
        middle = (low + high) // 2
        reached = lower_bound(evidence.agreed + middle, evidence.judged + middle) >= bound
        low, high = (low, middle) if reached else (middle, high)
    return high
