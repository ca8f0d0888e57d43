"""A page asks for what settles the receivable now, never for more than is owed, and closes before its discount does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import calendar, settlement
from domain.account import Account
from domain.paying import LEAST, LONGEST, SHORTEST, asked, discount_told, still_fits
from tests.domain.test_settlement import NOW, POLICY, account, accounts, dispute, due

STEPS = ("3", 7), ("2", 14)
ISSUED = date(2026, 3, 2)


def discounted(**fields) -> Account:
    from domain.account import DiscountStep

    steps = tuple(DiscountStep(percent=p, until=ISSUED + timedelta(days=d)) for p, d in STEPS)
    return account(**{"total": 100_00, "dues": (due("1", 30, 100_00),), "discounts": steps, **fields})


def at(day: int, hour: int = 10, minute: int = 0) -> datetime:
    """March 2026 in Berlin, which is an hour ahead of UTC then."""
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=1)


@given(accounts(), st.booleans(), st.integers(0, 40 * 24 * 60))
def test_nobody_is_asked_for_more_than_is_owed(books: Account, everything: bool, minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    found = asked(books, POLICY, now, everything)
    balance = max(books.balance, 0)
    assert 0 <= found.amount <= balance
    assert (found.amount == 0) == (balance == 0)
    assert found.amount + found.discount <= balance
    if everything or balance == books.disputed:
        assert found.amount + found.discount == balance
    else:
        assert found.amount + found.discount <= balance - books.disputed
    assert SHORTEST <= found.expires_at - now <= LONGEST


@given(accounts(), st.integers(0, 40 * 24 * 60))
def test_a_discount_on_offer_is_granted_whenever_the_page_is_paid(books: Account, minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    found = asked(books, POLICY, now, everything=True)
    if not found.discount:
        return
    last = found.expires_at - timedelta(seconds=1)
    day = calendar.local_date(last, books.seller_place.timezone)
    outcome = settlement.settle(books, found.amount, day, POLICY)
    assert (outcome.allocate, outcome.discount, outcome.small_difference) == (found.amount, found.discount, 0)


@given(accounts(), st.booleans())
def test_a_page_just_made_still_fits(books: Account, everything: bool) -> None:
    found = asked(books, POLICY, NOW, everything)
    assert still_fits(books, POLICY, NOW, everything, found.amount, found.discount, found.expires_at)
    late = found.expires_at - LEAST + timedelta(seconds=1)
    assert not still_fits(books, POLICY, late, everything, found.amount, found.discount, found.expires_at)


@pytest.mark.parametrize(
    ("now", "amount", "discount"),
    [
        (at(2), 97_00, 3_00),
        (at(9, 23, 20), 97_00, 3_00),
        (at(9, 23, 30), 100_00, 0),  # less than half an hour is left: a page of Stripe lives longer than that
        (at(10), 98_00, 2_00),
        (at(16, 23, 0), 98_00, 2_00),
        (at(17), 100_00, 0),
    ],
)
def test_the_page_follows_the_discount_window_in_the_sellers_day(now: datetime, amount: int, discount: int) -> None:
    found = asked(discounted(), replace(POLICY, discount_grace_days=0), now, everything=False)
    assert (found.amount, found.discount) == (amount, discount)
    if discount:
        assert found.expires_at <= at(17 if discount == 2_00 else 10, 0)


def test_an_open_page_keeps_its_discount_to_the_last_minutes() -> None:
    rules, books = replace(POLICY, discount_grace_days=0), discounted()
    offered = asked(books, rules, at(9, 20), everything=False)
    assert offered.expires_at == at(10, 0)
    fits = [still_fits(books, rules, now, False, offered.amount, offered.discount, offered.expires_at)
            for now in (at(9, 23, 50), at(9, 23, 59), at(10))]  # fmt: skip
    assert fits == [True, False, False]


def test_grace_lengthens_the_window() -> None:
    found = asked(discounted(), replace(POLICY, discount_grace_days=2), at(11), everything=False)
    assert found.discount == 3_00


def test_a_dispute_takes_its_part_out_and_leaves_the_discount() -> None:
    books = discounted(disputes=(dispute(40_00),))
    assert asked(books, POLICY, at(2), everything=False).amount == 57_00
    assert asked(books, POLICY, at(2), everything=True).amount == 97_00


def test_what_is_wholly_disputed_can_be_paid_whole() -> None:
    books = account(total=100_00, dues=(due("1", 30, 100_00),), disputes=(dispute(100_00),))
    assert asked(books, POLICY, NOW, everything=False).amount == 100_00


def test_of_several_dues_the_next_is_asked_for_or_all_of_them() -> None:
    books = discounted(dues=(due("1", 10, 40_00), due("2", 30, 60_00)), disputes=(dispute(70_00),))
    assert [asked(books, POLICY, at(2), everything).amount for everything in (False, True)] == [30_00, 97_00]
    paid = replace(books, paid=40_00, disputes=())
    assert asked(paid, POLICY, at(2), everything=False).amount == 57_00


@given(accounts(), st.integers(0, 40))
def test_what_is_told_of_a_discount_settles(books: Account, days: int) -> None:
    today = ISSUED + timedelta(days=days)
    found = discount_told(books, POLICY, today)
    if found is not None:
        assert found.until >= today
        told = settlement.settle(books, found.amount, found.until, POLICY)
        assert told.allocate + told.discount + told.small_difference == books.balance


def test_after_a_credit_note_the_discount_is_of_what_is_left() -> None:
    found = discount_told(discounted(total=238_00, credited=119_00), POLICY, ISSUED + timedelta(days=10))
    assert found is not None
    assert (found.percent, found.until, found.amount) == (Decimal(2), ISSUED + timedelta(days=14), 116_62)
    assert discount_told(discounted(disputes=(dispute(10_00),)), POLICY, ISSUED) is None
    assert discount_told(discounted(), POLICY, ISSUED + timedelta(days=15)) is None
