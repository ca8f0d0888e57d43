"""Every posting balances, and what is taken back leaves nothing behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import chain

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domain import ledger
from domain.errors import Invalid
from domain.ledger import Entry
from domain.parts import Line
from domain.tax import Breakdown, Category, scale


def part(taxable: int, tax: int, rate: str = "19", category: str = "S") -> Breakdown:
    return Breakdown(category=Category(category), rate=Decimal(rate), taxable=taxable, tax=tax, reason=None)


BEARERS = (ledger.CUSTOMER_CREDIT, ledger.UNIDENTIFIED, ledger.UNEXPLAINED)
amounts = st.integers(1, 10**9)
keys = st.sampled_from(["consulting", "licences", "travel"])
minor = st.integers(-10_000, 100_000)
line_lists = st.lists(st.tuples(keys, minor), min_size=1, max_size=6)


@st.composite
def breakdown_lists(draw) -> list[Breakdown]:
    rates = draw(st.lists(st.sampled_from(["19", "7", "0", "8.1", "20.0"]), min_size=1, max_size=3, unique=True))
    return [part(draw(st.integers(0, 100_000)), draw(st.integers(0, 20_000)) if r != "0" else 0, r) for r in rates]


def sums(*postings: ledger.Entries) -> dict[str, int]:
    books: Counter[str] = Counter()
    for entries in postings:
        for entry in entries:
            books[entry.account] += entry.amount
    return {account: amount for account, amount in books.items() if amount}


def gross(parts: Sequence[Breakdown]) -> int:
    return sum(each.taxable + each.tax for each in parts)


@given(line_lists, breakdown_lists())
def test_every_builder_balances(lines, parts):
    built = [
        ledger.invoice(lines, parts),
        ledger.credit(parts, lines),
        ledger.discount(parts),
        ledger.recover(parts),
        *(ledger.write_off(kind, parts) for kind in ledger.WRITE_OFFS),
        ledger.receipt(ledger.bank("DE02 1203"), 500),
        ledger.allocate(500),
        ledger.unallocate(500),
        ledger.charge(40_00),
        ledger.identify(500),
        *(ledger.give_back(ledger.clearing("stripe"), 500, source) for source in BEARERS),
        ledger.explain(500),
        ledger.fee(ledger.clearing("stripe"), 36),
        ledger.fee(ledger.clearing("stripe"), -36),
        ledger.payout("stripe", ledger.bank("DE02 1203"), 464),
        ledger.payout("stripe", ledger.bank("DE02 1203"), -464),
    ]
    for entries in built:
        assert ledger.balanced(entries)
        assert ledger.balanced(ledger.reverse(entries))
        assert all(entry.amount != 0 for entry in entries)
        assert len({entry.account for entry in entries}) == len(entries)


@given(line_lists, breakdown_lists())
def test_a_full_credit_undoes_the_invoice(lines, parts):
    assert sums(ledger.invoice(lines, parts), ledger.credit(parts, lines)) == {}


@st.composite
def documents(draw) -> tuple[list[Line], int]:
    """Lines, some of which deduct, and what they come to with the document's allowances and charges."""
    lines = [
        Line(str(at), "Work", Decimal(1), "C62", Decimal(0), "S", Decimal(19), revenue=key, net=net, deducts=deducts)
        for at, (key, net, deducts) in enumerate(draw(st.lists(st.tuples(keys, minor, st.booleans()), min_size=1)))
    ]
    return lines, sum(line.net for line in lines) + draw(minor) * any(not line.deducts for line in lines)


@given(documents())
def test_what_is_taken_off_as_paid_bears_no_part_of_an_allowance(document):
    lines, net = document
    billed, paid = ([line for line in lines if line.deducts is deducts] for deducts in (False, True))
    deducted = sum(line.net for line in paid)
    assert sum(amount for _, amount in ledger.revenue(lines, net)) == net
    apart = (*ledger.revenue(billed, net - deducted), *ledger.revenue(paid, deducted))
    assert ledger.revenue_left(ledger.revenue(lines, net), ()) == ledger.revenue_left(apart, ())


@given(documents(), st.lists(st.tuples(minor, st.lists(keys, max_size=2)), max_size=4))
def test_whatever_was_credited_before_the_last_credit_leaves_no_revenue(document, earlier):
    """Some by their own lines, some in proportion to what was left."""
    lines, net = document
    booked, rest = ledger.revenue(lines, net), net
    posted = [ledger.invoice(booked, [part(net, 0, "0", "Z")])]
    for amount, of in earlier:
        some = [line for line in lines if line.revenue in of and not line.deducts]
        takes = ledger.revenue(some, amount) if some else ledger.revenue_left(booked, chain(*posted[1:]))
        posted.append(ledger.credit([part(amount, 0, "0", "Z")], takes))
        rest -= amount
    left = ledger.revenue_left(booked, chain(*posted[1:]))
    assert sum(amount for _, amount in left) == rest
    assert sums(*posted, ledger.credit([part(rest, 0, "0", "Z")], left)) == {}


@given(line_lists, breakdown_lists())
def test_the_receivable_is_the_gross_total_and_revenue_the_net(lines, parts):
    books = sums(ledger.invoice(lines, parts))
    assert books.get("receivable", 0) == gross(parts)
    revenue = sum(amount for account, amount in books.items() if account.startswith("revenue/"))
    assert revenue == -sum(each.taxable for each in parts)


@given(line_lists.filter(lambda lines: sum(amount for _, amount in lines)), st.integers(-100_000, 100_000))
@example([("consulting", 0), ("licences", -1), ("travel", -1)], 1)
def test_document_allowances_are_spread_in_proportion(lines, net):
    books = sums(ledger.invoice(lines, [part(net, 0, "0", "Z")]))
    whole = sum(amount for _, amount in lines)
    for key in {key for key, _ in lines}:
        own = sum(amount for each, amount in lines if each == key)
        assert abs(-books.get(f"revenue/{key}", 0) * whole - net * own) < abs(whole)


def test_an_invoice_as_an_accountant_writes_it():
    entries = ledger.invoice(
        [("consulting", 900_00), ("travel", 300_00), ("consulting", -200_00)],
        [part(900_00, 171_00), part(100_00, 7_00, "7.0")],
    )
    assert entries == (
        Entry("receivable", 1178_00),
        Entry("revenue/consulting", -700_00),
        Entry("revenue/travel", -300_00),
        Entry("vat/19", -171_00),
        Entry("vat/7", -7_00),
    )


def test_lines_that_cancel_out_and_no_lines():
    entries = ledger.invoice([("a", 100), ("b", -100)], [part(30, 0, "0", "Z")])
    assert sums(entries) == {"receivable": 30, "revenue/a": -130, "revenue/b": 100}
    assert ledger.invoice([("a", 0)], [part(0, 0, "0", "Z")]) == ()
    with pytest.raises(Invalid):
        ledger.invoice([], [part(30, 0)])


@given(st.integers(1, 100_000))
def test_an_invoice_paid_with_discount_closes_the_receivable(net):
    parts = [part(net, net * 19 // 100)]
    waived = scale(parts, gross(parts) // 50)
    received = gross(parts) - gross(waived)
    books = sums(
        ledger.invoice([("a", net)], parts),
        ledger.receipt(ledger.clearing("stripe"), received),
        ledger.allocate(received),
        ledger.discount(waived),
    )
    assert "receivable" not in books
    assert "customer_credit" not in books
    assert books.get("clearing/stripe", 0) == received


def test_which_account_bears_a_write_off_and_what_keeps_its_vat():
    lost = [part(100_00, 19_00)]
    assert sums(ledger.write_off("bad_debt", lost)) == {
        "bad_debt": 100_00,
        "vat/19": 19_00,
        "receivable": -119_00,
    }
    assert sums(ledger.write_off("late_discount", lost))["discount"] == 100_00
    assert sums(ledger.write_off("small_difference", lost))["discount"] == 100_00
    assert sums(ledger.write_off("bank_fee", lost)) == {"fees": 119_00, "receivable": -119_00}
    assert sums(ledger.write_off("withholding_tax", lost)) == {
        "withholding_tax": 119_00,
        "receivable": -119_00,
    }
    with pytest.raises(Invalid, match="kind"):
        ledger.write_off("generosity", lost)


def test_a_recovery_takes_the_loss_back():
    lost = [part(100_00, 19_00)]
    assert sums(ledger.write_off("bad_debt", lost), ledger.recover(lost)) == {}


def test_receipts_go_to_money_accounts_only():
    assert ledger.receipt(ledger.bank("de02 1203"), 5) == (
        Entry("bank/DE021203", 5),
        Entry("customer_credit", -5),
    )
    with pytest.raises(Invalid):
        ledger.receipt("receivable", 5)


def test_an_unbalanced_set_is_seen():
    assert not ledger.balanced((Entry("receivable", 2), Entry("fees", -1)))


@given(st.dates(), st.dates(max_value=date(9999, 12, 30)))
def test_nothing_is_posted_into_a_locked_period(wanted, locked):
    day, reason = ledger.posted_on(wanted, locked)
    assert day > locked
    assert day >= wanted
    assert (reason is None) == (day == wanted)
    assert ledger.posted_on(wanted, None) == (wanted, None)


@given(amounts, st.sampled_from(BEARERS))
def test_money_that_comes_back_after_it_went_leaves_nothing(amount, source):
    gone = ledger.give_back(ledger.clearing("stripe"), amount, source)
    assert sums(gone, ledger.reverse(gone)) == {}
    assert sums(gone) == {source: amount, "clearing/stripe": -amount}


@given(amounts)
def test_an_unknown_payer_named_later_is_as_one_known_at_once(amount):
    account = ledger.bank("DE02 1203")
    later = sums(ledger.receipt(account, amount, identified=False), ledger.identify(amount))
    assert later == sums(ledger.receipt(account, amount))


@given(amounts)
def test_money_gone_for_no_reason_and_explained_is_borne_by_the_customers_credit(amount):
    account = ledger.clearing("stripe")
    found = sums(ledger.give_back(account, amount, ledger.UNEXPLAINED), ledger.explain(amount))
    assert found == sums(ledger.give_back(account, amount))


@given(amounts, st.integers(0, 10**6))
def test_a_balance_paid_out_leaves_the_fee_as_the_only_difference(amount, fee):
    account, clearing = ledger.bank("DE02 1203"), ledger.clearing("stripe")
    paid = [ledger.receipt(clearing, amount), ledger.fee(clearing, fee), ledger.payout("stripe", account, amount - fee)]
    expected = {"customer_credit": -amount, "fees": fee, account: amount - fee}
    assert sums(*paid) == {name: value for name, value in expected.items() if value}


@pytest.mark.parametrize("account", ["receivable", "clearing", "bank", ""])
def test_money_lies_on_a_bank_or_clearing_account(account):
    for post in (ledger.receipt, ledger.give_back, ledger.fee):
        with pytest.raises(Invalid):
            post(account, 100)
    with pytest.raises(Invalid):
        ledger.payout("stripe", account, 100)
