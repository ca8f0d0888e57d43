"""How a document's XML is spelled: by its currency, and by the rules of its profile. Decides nothing about content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from adapters.einvoices.binding import Terms
from domain import money
from domain.keys import plain_decimal
from domain.profiles import PEPPOL, PROFILES, XRECHNUNG
from domain.tax import Category

_SLACK = Decimal("0.02")


@dataclass(frozen=True, slots=True)
class Manner:
    currency: str
    profile: str

    @property
    def german(self) -> bool:
        """Whether XRechnung's own rules hold."""
        return self.profile.startswith(XRECHNUNG)

    @property
    def strict(self) -> bool:
        """Whether Peppol's rules hold, which XRechnung took over: they want a contact of the seller (BR-DE-5, DE-R-005)
        and recompute percentages."""
        return self.german or self.profile == PEPPOL

    @property
    def level(self) -> str | None:
        return PROFILES[self.profile].level

    def show(self, minor: int) -> str:
        return money.show(minor, self.currency)

    def agrees(self, amount: int, base: int, percent: Decimal) -> bool:
        """Whether a percentage may stand beside its amount (PEPPOL-EN16931-R040: to 0.02)."""
        slack = _SLACK.scaleb(money.exponent(self.currency))
        return not self.strict or abs(base * percent / 100 - amount) <= slack

    def rate(self, category: str | None, rate: Decimal | None) -> str | None:
        """O has no rate (BR-O-05)."""
        return plain_decimal(rate) if rate is not None and category != Category.O else None


def present(terms: Mapping[str, object]) -> Terms:
    """Those that say something."""
    return {term: said for term, said in terms.items() if said}


def day(value: date | None) -> str | None:
    return value.isoformat() if value else None
