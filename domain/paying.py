"""What a customer who wants to pay online is asked for, and for how long the page stays open. Pure; amounts are minor
units of the account's currency."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from domain import calendar, settlement
from domain.account import Account
from domain.einvoice import DiscountView
from domain.policy import Policy

LONGEST = timedelta(hours=24) - timedelta(minutes=5)
SHORTEST = timedelta(minutes=31)
"""Stripe lets a checkout live from 30 minutes to 24 hours, on its own clock."""
LEAST = timedelta(minutes=2)
"""A page that closes sooner is not worth going to."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`discount` is waived when exactly `amount` is paid in time. Nothing is owed: `amount` 0."""

    amount: int
    discount: int
    expires_at: datetime


def asked(account: Account, policy: Policy, now: datetime, everything: bool) -> Asked:
    """What settles the receivable now, on a new page. A discount whose last day ends before a page may is not offered;
    whoever pays by transfer can still take it."""
    amount, discount, until = _amount(account, policy, now, everything)
    ends = _end_of(until, account) if until is not None else now + LONGEST
    if discount and ends - now < SHORTEST:
        amount, discount, ends = amount + discount, 0, now + LONGEST
    return Asked(amount, discount, min(ends, now + LONGEST))


def still_fits(
    account: Account, policy: Policy, now: datetime, everything: bool, amount: int, discount: int, expires_at: datetime
) -> bool:
    """Whether an open page asks for what would be asked for now. One that offers a discount is good until it closes,
    also in the last minutes, when no new one would offer it."""
    due, open_discount, _ = _amount(account, policy, now, everything)
    new = asked(account, policy, now, everything)
    return expires_at - now >= LEAST and (amount, discount) in {(due, open_discount), (new.amount, new.discount)}


def discount_told(account: Account, policy: Policy, today: date) -> DiscountView | None:
    """The discount that page and mails tell of: what settles all that is left, by when; without the grace, which is
    granted and not offered. None while something is disputed, since only who pays all of it may deduct."""
    discount, until = settlement.open_discount(account, replace(policy, discount_grace_days=0), today)
    if not 0 < discount < account.balance or account.disputed or account.plans or until is None:
        return None
    percent = max(Decimal(step.percent) for step in account.discounts if step.until == until)
    return DiscountView(percent, until, account.balance - discount)


def _amount(account: Account, policy: Policy, now: datetime, everything: bool) -> tuple[int, int, date | None]:
    """(amount, discount, its last day): all that is undisputed less an open discount; of several dues the next one,
    without any. The whole balance when the customer wants it so, or disputes all of it and pays nevertheless."""
    balance, dues = max(account.balance, 0), settlement.undisputed(account)
    whole = everything or not dues
    if not whole and len(settlement.open_dues(account)) > 1:
        return dues[0][1], 0, None
    due = balance if whole else sum(amount for _, amount in dues)
    discount, until = settlement.open_discount(account, policy, calendar.local_date(now, account.seller_place.timezone))
    if not 0 < discount < due:
        return due, 0, None
    return due - discount, discount, until


def _end_of(day: date, account: Account) -> datetime:
    return calendar.at(day + timedelta(days=1), time(0), account.seller_place.timezone)
