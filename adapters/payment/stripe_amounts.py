"""Amounts as Stripe writes them. It takes minor units, but of its own making for some currencies (Stripe,
"Supported currencies"): the ariary has none, króna and Ugandan shilling have two that must be zero, and the last digit
of three must be zero."""

from __future__ import annotations

from domain.currencies import EXPONENTS
from domain.errors import Refused

_STRIPES = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Decimals at Stripe where ISO 4217 has others."""


def to_stripe(amount: int, currency: str) -> int:
    """Minor units of ISO 4217 as Stripe's. Refused for what Stripe cannot be asked for."""
    if EXPONENTS[currency] == 3 and amount % 10:
        raise Refused(f"Stripe takes {currency} only in steps of 0.010")
    theirs, ours = _units(currency)
    whole, rest = divmod(amount * theirs, ours)
    if rest:
        raise Refused(f"Stripe takes {currency} only in whole units")
    return whole


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's minor units as those of ISO 4217, cut off towards zero; `currency` in any case."""
    theirs, ours = _units(currency.upper())
    whole = abs(amount) * ours // theirs
    return whole if amount >= 0 else -whole


def _units(currency: str) -> tuple[int, int]:
    """How many minor units one major unit has: at Stripe, and here."""
    ours = EXPONENTS[currency]
    return int(10 ** _STRIPES.get(currency, ours)), int(10**ours)
