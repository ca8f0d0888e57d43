"""A provider's payout and the line it arrives with find each other, whichever comes first, and never an invoice."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Engine

from adapters.books import payouts, views
from adapters.books.verify import verify
from domain.payments import PayoutState
from tests.adapters.test_provider import postings
from tests.bank import IBAN, Bank, line

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ARRIVED = "2026-03-09"


def payout(engine: Engine, id_: str = "po_1", amount: int = 46400, **more: object) -> None:
    state = PayoutState(
        id=id_, status=str(more.get("status", "paid")), amount=amount, currency="EUR", arrives_on=date(2026, 3, 8),
        trace=str(more.get("trace", "")),
    )  # fmt: skip
    payouts.remember(engine, "stripe", state, NOW)


def arrived(engine: Engine, amount: int = 46400, **said: str) -> str:
    """What became of a line of the statement."""
    Bank(engine, NOW).send(line(amount, ARRIVED, **said), closed=ARRIVED)
    kinds = {e["kind"] for e in views.exceptions(engine)}
    return "question" if kinds else "booked" if f"bank/{IBAN}" in postings(engine) else "left alone"


def test_the_line_brings_a_payout_that_was_told(seeded: Engine) -> None:
    payout(seeded)
    assert arrived(seeded, name="Stripe Technology Europe", text="STRIPE") == "booked"
    assert postings(seeded) == {f"bank/{IBAN}": 46400, "clearing/stripe": -46400}
    assert verify(seeded) == []


def test_a_payout_told_after_its_line_settles_the_question(seeded: Engine) -> None:
    assert arrived(seeded, name="STRIPE") == "question"
    payout(seeded, amount=46300)
    assert [e["kind"] for e in views.exceptions(seeded)] == ["payout_difference"]
    payout(seeded, "po_2")
    assert views.exceptions(seeded) == []
    assert postings(seeded) == {f"bank/{IBAN}": 46400, "clearing/stripe": -46400}
    payout(seeded, "po_2")
    assert postings(seeded)["clearing/stripe"] == -46400
    assert verify(seeded) == []


def test_the_trace_tells_two_payouts_of_one_amount_apart(seeded: Engine) -> None:
    payout(seeded, "po_1", trace="T-1001")
    payout(seeded, "po_2", trace="T-1002")
    assert arrived(seeded, name="Bank of Ireland", text="ref T-1002") == "booked"
    with seeded.connect() as connection:
        found = connection.exec_driver_sql("SELECT id FROM payouts WHERE line IS NOT NULL").scalars().all()
    assert list(found) == ["po_2"]


@pytest.mark.parametrize("name", ["Globex GmbH", "Pinstripes Ltd", ""])
def test_a_transfer_of_the_same_amount_is_nobodys_payout(seeded: Engine, name: str) -> None:
    payout(seeded)
    assert arrived(seeded, name=name, text="thank you") == "question"
    assert "clearing/stripe" not in postings(seeded)
    assert "payout_difference" not in {e["kind"] for e in views.exceptions(seeded)}


def test_a_payout_that_failed_brings_no_line(seeded: Engine) -> None:
    payout(seeded, status="failed")
    assert arrived(seeded, name="Stripe") == "question"
