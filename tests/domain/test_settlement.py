"""Receipts settle no more than is owed, dues fill oldest first, and discounts are granted only as
promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import settlement
from domain.account import Account, DiscountStep, Dispute, Due, Phase, Place, Promise, Subject
from domain.errors import Invalid
from domain.policy import Policy, parse_policy
from domain.settlement import Settlement

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = date(2026, 3, 2)
BERLIN = Place(timezone="Europe/Berlin", country="DE")
POLICY: Policy = parse_policy("standard", 1, {})


def account(**fields) -> Account:
    return Account(
        **{
            "seller": "demo",
            "reference": "ORD-1",
            "request_hash": "sha256:0",
            "phase": Phase.OPEN,
            "currency": "EUR",
            "customer": "globex",
            "owner": "sam",
            "hash": "sha256:1",
            "mode": "auto",
            "seller_place": BERLIN,
            "customer_place": BERLIN,
            **fields,
        }
    )


def due(id_: str, days: int, amount: int) -> Due:
    on = DAY + timedelta(days=days)
    return Due(id=id_, due_on=on, ladder_on=on, episode=0, amount=amount)


def dispute(amount: int, outcome: str | None = None) -> Dispute:
    return Dispute(id="d1", by="x", code="other", reason="", amount=amount, lines=(), opened_at=NOW, outcome=outcome)


def promise(amount: int, outcome: str | None = None) -> Promise:
    return Promise(id="p1", by="x", amount=amount, promised_on=DAY, made_at=NOW, outcome=outcome)


amounts = st.integers(0, 200_00)


@st.composite
def accounts(draw) -> Account:
    dues = [due(str(at), draw(st.integers(-40, 40)), draw(amounts)) for at in range(draw(st.integers(1, 4)))]
    total = sum(each.amount for each in dues)
    charges = draw(st.integers(0, 20_00))
    steps = draw(st.lists(st.tuples(st.sampled_from(["2", "3", "2.5"]), st.integers(-10, 20)), max_size=2))
    return account(
        total=total,
        charges=charges,
        dues=tuple(dues),
        paid=draw(st.integers(0, total + charges)),
        credited=draw(st.just(0) | st.integers(0, 50_00)),
        written_off=draw(st.just(0) | st.integers(0, 50_00)),
        disputes=(dispute(draw(amounts)), dispute(99_00, "rejected")),
        promises=(promise(draw(amounts)), promise(99_00, "kept")),
        discounts=tuple(DiscountStep(percent=p, until=DAY + timedelta(days=d)) for p, d in steps),
    )


@given(accounts())
def test_open_dues_sum_to_the_balance_and_fill_oldest_first(books):
    opened = settlement.open_dues(books)
    assert sum(amount for _, amount in opened) == max(books.balance, 0)
    assert all(amount > 0 for _, amount in opened)
    days = [each.due_on for each, _ in opened]
    assert days == sorted(days)
    last = max(books.dues, key=lambda each: each.due_on)
    for each, amount in opened[1:]:
        if each.due_on < last.due_on:
            assert amount == each.amount
    if opened and len(opened) > 1:
        assert opened[0][1] <= opened[0][0].amount


def test_charges_ride_on_the_last_due():
    books = account(total=100_00, charges=5_00, paid=40_00, dues=(due("2", 30, 70_00), due("1", 0, 30_00)))
    assert [(each.id, amount) for each, amount in settlement.open_dues(books)] == [("2", 65_00)]
    books = account(total=100_00, charges=5_00, paid=10_00, dues=(due("2", 30, 70_00), due("1", 0, 30_00)))
    assert [(each.id, amount) for each, amount in settlement.open_dues(books)] == [("1", 20_00), ("2", 75_00)]


@given(accounts())
def test_disputed_and_promised_amounts_are_never_chased(books):
    opened = {each.id: amount for each, amount in settlement.open_dues(books)}
    chased = settlement.chaseable(books)
    assert sum(amount for _, amount in chased) == max(books.balance, 0) - books.disputed - books.promised
    assert all(0 < amount <= opened[each.id] for each, amount in chased)
    assert [each for each, _ in chased] == [each for each, _ in settlement.open_dues(books)][: len(chased)]


def test_what_is_exempt_is_taken_from_the_latest_due():
    books = account(total=100_00, dues=(due("1", 0, 30_00), due("2", 30, 70_00)), disputes=(dispute(80_00),))
    assert [(each.id, amount) for each, amount in settlement.chaseable(books)] == [("1", 20_00)]


@given(accounts(), st.integers(1, 500_00), st.integers(-5, 40))
def test_a_receipt_is_split_without_loss_and_never_below_zero(books, amount, days):
    on = DAY + timedelta(days=days)
    split = settlement.settle(books, amount, on, POLICY)
    assert split.allocate + split.credit == amount
    assert min(split.allocate, split.discount, split.small_difference, split.credit) >= 0
    rest = max(books.balance, 0) - split.allocate - split.discount - split.small_difference
    assert rest >= 0
    if split.discount or split.small_difference:
        assert rest == 0
        assert split.credit == 0
    if split.credit:
        assert rest == 0
    assert split.small_difference <= POLICY.small_difference["EUR"]
    assert split.discount <= settlement.discount_now(books, POLICY, on)


DISCOUNTED = {
    "total": 1000_00,
    "dues": (due("1", 30, 1000_00),),
    "discounts": (
        DiscountStep(percent="3", until=DAY),
        DiscountStep(percent="2", until=DAY + timedelta(days=7)),
    ),
}


@pytest.mark.parametrize(
    ("days", "more", "expected"),
    [
        (0, {}, 30_00),
        (2, {}, 30_00),  # the days of grace
        (3, {}, 20_00),
        (9, {}, 20_00),
        (10, {}, 0),
        (0, {"total": 33_33}, 1_00),  # 0.9999, half up
        (0, {"total": 1_50}, 5),  # 4.5 cents, half up
        (0, {"credited": 500_00}, 15_00),
        (0, {"charges": 500_00}, 30_00),
        (0, {"paid": 500_00}, 30_00),
        (0, {"paid": 990_00}, 10_00),
        (0, {"paid": 970_00, "discounted": 30_00}, 0),
        (0, {"paid": 900_00, "discounted": 30_00}, 0),
        (0, {"paid": 1000_00}, 0),
        (0, {"disputes": (dispute(500_00),)}, 30_00),
    ],
)
def test_the_discount_of_a_day(days, more, expected):
    books = account(**{**DISCOUNTED, **more})
    assert settlement.discount_now(books, POLICY, DAY + timedelta(days=days)) == expected


@pytest.mark.parametrize(
    ("amount", "days", "expected"),
    [
        (1000_00, 0, Settlement(allocate=1000_00)),
        (970_00, 0, Settlement(allocate=970_00, discount=30_00)),
        (970_00, 3, Settlement(allocate=970_00)),  # only 2 % are left
        (980_00, 0, Settlement(allocate=980_00, discount=20_00)),  # took less than allowed
        (969_96, 0, Settlement(allocate=969_96, discount=30_00, small_difference=4)),
        (969_94, 0, Settlement(allocate=969_94)),
        (999_97, 0, Settlement(allocate=999_97, small_difference=3)),  # a slip, not a discount
        (999_95, 20, Settlement(allocate=999_95, small_difference=5)),
        (999_94, 20, Settlement(allocate=999_94)),
        (1000_01, 20, Settlement(allocate=1000_00, credit=1)),
    ],
)
def test_what_a_receipt_settles(amount, days, expected):
    assert settlement.settle(account(**DISCOUNTED), amount, DAY + timedelta(days=days), POLICY) == expected


def test_nothing_is_waived_in_a_currency_without_a_small_difference():
    books = account(total=10000, currency="JPY", dues=(due("1", 0, 10000),))
    assert settlement.settle(books, 9999, DAY, POLICY) == Settlement(allocate=9999)


@pytest.mark.parametrize("amount", [0, -1])
def test_an_empty_receipt_is_refused(amount):
    with pytest.raises(Invalid):
        settlement.settle(account(**DISCOUNTED), amount, DAY, POLICY)


SUBJECT = Subject(id="credit-1", kind="credit", amount=1, hash="", approvers=1, roles=(), creators=(), opened_at=NOW)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"total": 100}, None),
        ({"total": 100, "paid": 99}, None),
        ({"total": 100, "paid": 100}, Phase.PAID),
        ({"total": 0}, Phase.PAID),
        ({"total": 100, "paid": 100, "subjects": (SUBJECT,)}, None),
        ({"total": 100, "credited": 100}, Phase.CREDITED),
        ({"total": 100, "credited": 40, "paid": 60}, Phase.PAID),
        ({"total": 100, "credited": 97, "written_off": 3}, Phase.CREDITED),
        ({"total": 100, "written_off": 100, "bad_debt": 100}, Phase.WRITTEN_OFF),
        ({"total": 100, "paid": 60, "written_off": 40, "bad_debt": 40}, Phase.WRITTEN_OFF),
        ({"total": 100, "paid": 97, "written_off": 3}, Phase.PAID),
        ({"total": 0, "phase": Phase.DRAFT}, None),
        ({"total": 0, "phase": Phase.SCHEDULED}, None),
        ({"total": 100, "phase": Phase.CANCELLED}, Phase.CANCELLED),
        ({"total": 100, "paid": 100, "phase": Phase.ESCALATED}, Phase.PAID),
    ],
)
def test_how_a_receivable_ends(fields, expected):
    assert settlement.close_phase(account(**fields)) == expected


@pytest.mark.parametrize(
    ("amount", "kept", "fee"),
    [
        (95_00, 5_00, 5_00),  # settles with it
        (95_00, 9_00, 5_00),  # only what settles it
        (95_00, 4_96, 4_96),  # and a small difference is waived
        (95_00, 4_90, 4_90),  # what is left then is within the discount
        (90_00, 4_90, 0),  # not even with it
        (100_00, 5_00, 0),  # settled without
        (98_00, 2_00, 0),  # that is the discount
        (97_00, 1_00, 1_00),  # discount and fee
        (99_97, 3, 3),  # told by the bank: no small difference
        (95_00, 0, 0),
    ],
)
def test_a_bank_fee_is_borne_only_where_it_settles(amount: int, kept: int, fee: int) -> None:
    owed = account(total=100_00, dues=(due("1", 30, 100_00),), discounts=(DiscountStep(percent="2", until=DAY),))
    assert settlement.bank_fee(owed, amount, kept, DAY, POLICY) == fee


@given(accounts(), st.integers(1, 300_00), st.integers(0, 50_00))
def test_a_bank_fee_never_settles_more_than_is_owed(owed: Account, amount: int, kept: int) -> None:
    fee = settlement.bank_fee(owed, amount, kept, DAY, POLICY)
    assert 0 <= fee <= kept
    if fee:
        rest = settlement.settle(replace(owed, written_off=owed.written_off + fee), amount, DAY, POLICY)
        assert rest.allocate + rest.discount + rest.small_difference + fee == owed.balance
        assert rest.credit == 0
