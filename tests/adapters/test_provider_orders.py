"""What a provider tells of one payment, in any order and as often as it likes, ends in the same books."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import col, func, select

from adapters.books.engine import open_engine, read
from adapters.books.provider import book_payment
from adapters.books.verify import verify
from domain.payments import DisputeState, PaymentState, RefundState
from schemas import tables as t
from tests.conftest import Databases, seed_demo
from tests.story import Story

TOTAL, OVER = 14040, 1000
STORIES = ("won", "won after a refund", "lost", "refunded", "refund failed", "debit returned", "inquiry")
EXAMPLES = 15
GLOBEX = {"name": "Globex GmbH", "email": "ap@globex.example", "country": "DE"}


def states(story: Story, what: str) -> list[PaymentState]:
    """The payment as it stood, one after the other; the last is how it stays."""
    begun, mark = story.now, story.reference
    debit = what == "debit returned"
    told = PaymentState(
        provider="stripe",
        id=f"pi_{mark}",
        status="processing",
        currency="EUR",
        amount=TOTAL + OVER,
        method="sepa_debit" if debit else "card",
        seller=story.seller,
        invoice=story.id,
        tried_at=begun,
    )
    paid = replace(told, status="succeeded", paid=TOTAL + OVER, at=begun)
    known = replace(paid, fee=236)
    small = RefundState(id=f"re_1{mark}", amount=600, status="succeeded", at=begun + timedelta(days=2))
    refunded = replace(known, refunds=(small,))
    more = RefundState(id=f"re_2{mark}", amount=700, status="pending", at=begun + timedelta(days=25))
    taken = DisputeState(
        id=f"dp_{mark}",
        amount=5000,
        status="lost" if debit else "open",
        taken=what != "inquiry",
        reason="insufficient_funds" if debit else "fraudulent",
        at=begun + timedelta(days=20),
        due_by=begun + timedelta(days=30),
        fee=0 if what == "inquiry" else 2000,
    )
    disputed = replace(refunded, disputes=(taken,))
    won = replace(taken, status="won", taken=False, at=begun + timedelta(days=40))
    ends = {
        "won": [disputed, replace(disputed, disputes=(won,))],
        "won after a refund": [
            disputed,
            replace(disputed, refunds=(small, more)),
            replace(disputed, refunds=(small, more), disputes=(won,)),
        ],
        "lost": [disputed, replace(disputed, disputes=(replace(taken, status="lost"),))],
        "refunded": [replace(refunded, refunds=(small, more))],
        "refund failed": [disputed, replace(disputed, refunds=(replace(small, status="failed"),))],
        "debit returned": [disputed],
        "inquiry": [disputed, replace(disputed, disputes=(won,))],
    }
    return [told, paid, known, refunded, *ends[what]]


class Books:
    """Databases do not grow cheaper: every example is a customer of its own in the same one."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._numbers = itertools.count(1)
        self._in_order: dict[str, dict[str, Any]] = {}

    def told(self, what: str, order: Callable[[int], Sequence[int]]) -> dict[str, Any]:
        """The books after these of the states."""
        n = next(self._numbers)
        story = Story(self.engine, "demo", f"N{n}")
        story.start({**GLOBEX, "key": f"globex-{n}"}, "100.00")
        story.command("approve", "ana")
        story.run(0.1)
        every = states(story, what)
        for at in order(len(every)):
            book_payment(self.engine, every[at], story.now)
        return self.seen(story, f"globex-{n}")

    def in_order(self, what: str) -> dict[str, Any]:
        if what not in self._in_order:
            self._in_order[what] = self.told(what, range)
        return self._in_order[what]

    def seen(self, story: Story, customer: str) -> dict[str, Any]:
        account = story.books.outcome(story.id).account
        assert account is not None
        with read(self.engine) as session:
            own = t.Posting.customer == customer
            sums = select(t.Posting.account, func.sum(t.Posting.amount)).where(own).group_by(col(t.Posting.account))
            asked = select(t.OpenException.kind).where(
                t.OpenException.invoice == story.id, col(t.OpenException.decided_at).is_(None)
            )
            back = (
                select(t.Reversal.amount, t.Reversal.state)
                .join(t.Receipt, col(t.Receipt.id) == col(t.Reversal.receipt))
                .where(t.Receipt.customer == customer)
            )
            return {
                "ledger": {name: int(amount) for name, amount in session.exec(sums) if amount},
                "exceptions": sorted(session.exec(asked)),
                "back": sorted(tuple(found) for found in session.exec(back)),
                "owed": (account.phase, account.balance, account.customer_credit, len(account.holds)),
            }


@pytest.fixture(scope="module")
def books(databases: Databases) -> Iterator[Books]:
    url = databases.copy(seed_demo)
    engine = open_engine(url)
    yield Books(engine)
    assert verify(engine) == []
    engine.dispose()
    databases.remove(url)


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(what=st.sampled_from(STORIES), order=st.data())
def test_any_order_with_any_duplicates_ends_in_the_same_books(books: Books, what: str, order: st.DataObject) -> None:
    """The last state is among what is told, wherever: what is read late is told as it was, and undoes nothing."""

    def drawn(count: int) -> list[int]:
        told = [*order.draw(st.lists(st.integers(0, count - 1), max_size=8)), count - 1]
        return order.draw(st.permutations(told))

    assert books.told(what, drawn) == books.in_order(what)


def test_every_story_ends_as_a_person_would_book_it(books: Books) -> None:
    ends = {what: books.in_order(what) for what in STORIES}
    owed = {what: said["owed"] for what, said in ends.items()}
    assert owed == {
        "won": ("paid", 0, 400, 0),
        "won after a refund": ("paid", 0, 400, 0),
        "lost": ("open", 4600, 0, 1),
        "refunded": ("paid", 0, 400, 0),
        "refund failed": ("open", 4000, 0, 1),
        "debit returned": ("open", 4600, 0, 0),
        "inquiry": ("paid", 0, 400, 0),
    }
    asked = {what: said["exceptions"] for what, said in ends.items()}
    assert asked == {
        "won": ["overpaid"],
        "won after a refund": ["refund_unexplained"],
        "lost": ["chargeback_lost"],
        "refunded": ["refund_unexplained"],
        "refund failed": ["chargeback"],
        "debit returned": [],
        "inquiry": ["overpaid"],
    }
