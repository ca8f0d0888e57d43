"""What happens at Stripe, and what the SDK sees of it: payments, refunds, disputes, payouts and their movements."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from adapters.standins.stripe import objects
from adapters.standins.stripe.errors import Wrong
from adapters.standins.stripe.server import StandIn
from tests.adapters.standins.stripe.support import NOW, SDK_WARNS, STAMP, asked

pytestmark = pytest.mark.filterwarnings(SDK_WARNS)
SOON = NOW + timedelta(hours=2)
LATER = NOW + timedelta(days=3)


def session_of(client: stripe.StripeClient, amount: int = 12_000, *, transfer: bool = False) -> str:
    more = {"customer": client.v1.customers.create({"name": "Globex"}).id} if transfer else {}
    return client.v1.checkout.sessions.create(asked(amount, **more)).id


def kinds(client: stripe.StripeClient, *, since: int = 0) -> list[str]:
    """The types of what happened, oldest first."""
    return [str(event.type) for event in client.v1.events.list({"limit": 100}).auto_paging_iter()][::-1][since:]


@given(st.integers(0, 10**9))
def test_the_fee_is_rounded_half_up(amount: int) -> None:
    exact = (Decimal(amount) * Decimal("0.015")).quantize(Decimal(1), ROUND_HALF_UP)
    assert objects.fee(amount) == exact + 25


def test_a_card_pays_at_once(sim: StandIn, mine: stripe.StripeClient) -> None:
    key = session_of(mine)
    paid = sim.pay(key, at=SOON)
    found = mine.v1.checkout.sessions.retrieve(key, {"expand": ["payment_intent.latest_charge.balance_transaction"]})
    intent: Any = found.payment_intent
    moved = intent.latest_charge.balance_transaction
    assert (found.status, found.payment_status, found.url) == ("complete", "paid", None)
    assert (intent.id, intent.status, intent.amount_received) == (paid["payment_intent"], "succeeded", 12_000)
    assert intent.metadata["invoice"] == intent.latest_charge.metadata["invoice"] == "invoice-demo-1"
    assert (moved.type, moved.amount, moved.fee, moved.net) == ("charge", 12_000, 205, 11_795)
    assert moved.created == intent.created == int(SOON.timestamp())
    assert kinds(mine) == ["charge.succeeded", "payment_intent.succeeded", "checkout.session.completed"]
    assert mine.v1.charges.list({"payment_intent": intent.id}).data[0].id == intent.latest_charge.id


def test_a_debit_is_pending_for_days_and_then_succeeds(sim: StandIn, mine: stripe.StripeClient) -> None:
    key = session_of(mine)
    intent = sim.pay(key, "sepa_debit")["payment_intent"]
    found = mine.v1.checkout.sessions.retrieve(key)
    assert (found.status, found.payment_status) == ("complete", "unpaid")
    assert mine.v1.payment_intents.retrieve(intent).status == "processing"
    assert mine.v1.balance_transactions.list().data == []
    sim.settle(key, at=LATER)
    assert mine.v1.checkout.sessions.retrieve(key).payment_status == "paid"
    moved = mine.v1.balance_transactions.list().data
    assert [(one.type, one.reporting_category, one.created) for one in moved] == [
        ("payment", "charge", int(LATER.timestamp()))
    ]
    assert kinds(mine, since=2) == [
        "checkout.session.completed", "charge.succeeded", "payment_intent.succeeded",
        "checkout.session.async_payment_succeeded",
    ]  # fmt: skip
    with pytest.raises(Wrong, match="no payment is under way"):
        sim.settle(key)


def test_a_debit_that_fails_takes_no_money(sim: StandIn, mine: stripe.StripeClient) -> None:
    key = session_of(mine)
    intent = sim.pay(key, "sepa_debit")["payment_intent"]
    sim.fail(key, at=LATER, code="debit_not_authorized")
    found = mine.v1.payment_intents.retrieve(intent, {"expand": ["latest_charge"]})
    assert found.last_payment_error
    assert (found.status, found.last_payment_error.code) == ("requires_payment_method", "debit_not_authorized")
    assert mine.v1.checkout.sessions.retrieve(key).payment_status == "unpaid"
    assert mine.v1.balance_transactions.list().data == []
    assert kinds(mine)[-1] == "checkout.session.async_payment_failed"
    for act in (sim.settle, sim.fail):
        with pytest.raises(Wrong, match="under way"):
            act(key)


def test_a_transfer_may_come_in_parts(sim: StandIn, mine: stripe.StripeClient) -> None:
    key = session_of(mine, transfer=True)
    intent = sim.pay(key, "customer_balance")["payment_intent"]
    sim.fund(key, 5_000, at=NOW + timedelta(days=1))
    found: Any = mine.v1.payment_intents.retrieve(intent)
    assert (found.status, found.amount_received) == ("requires_action", 0)
    assert found.next_action.display_bank_transfer_instructions.amount_remaining == 7_000
    with pytest.raises(Wrong, match="7000"):
        sim.fund(key, 7_001)
    with pytest.raises(Wrong, match="no debit"):
        sim.fail(key)
    sim.fund(key, 7_000, at=LATER)
    assert mine.v1.checkout.sessions.retrieve(key).payment_status == "paid"
    assert [kind for kind in kinds(mine) if "partially" in kind or "async" in kind] == [
        "payment_intent.partially_funded", "checkout.session.async_payment_succeeded",
    ]  # fmt: skip
    with pytest.raises(Wrong, match="does not offer"):
        sim.pay(session_of(mine), "customer_balance")


def test_refunds_by_us_and_by_others_add_up(sim: StandIn, mine: stripe.StripeClient) -> None:
    intent = sim.pay(session_of(mine))["payment_intent"]
    ours = mine.v1.refunds.create({"payment_intent": intent, "amount": 2_000, "metadata": {"credit": "c1"}})
    theirs = sim.refund_outside(intent, 3_000, at=LATER)
    assert (ours.status, ours.to_dict()["metadata"]) == ("succeeded", {"credit": "c1"})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        mine.v1.refunds.create({"payment_intent": intent, "amount": 7_001})
    rest = mine.v1.refunds.create({"charge": str(ours.charge)})
    assert rest.amount == 7_000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        mine.v1.refunds.create({"payment_intent": intent})
    assert refused.value.code == "charge_already_refunded"
    charge = mine.v1.charges.retrieve(str(ours.charge))
    assert (charge.amount_refunded, charge.refunded) == (12_000, True)
    found = mine.v1.refunds.list({"payment_intent": intent}).data
    assert {one.id for one in found} == {ours.id, theirs["id"], rest.id}
    moved = mine.v1.balance_transactions.list({"type": "refund"}).data
    assert sorted(one.amount for one in moved) == [-7_000, -3_000, -2_000]
    assert mine.v1.balance_transactions.list({"source": ours.id}).data[0].id == ours.balance_transaction


@pytest.mark.parametrize("wrong", [{}, {"payment_intent": "pi_x", "charge": "ch_x"}, {"payment_intent": "pi_nobody"}])
def test_a_refund_names_one_payment_that_exists(client: stripe.StripeClient, wrong: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create(wrong)


def test_a_refund_that_fails_gives_the_money_back_to_us(sim: StandIn, mine: stripe.StripeClient) -> None:
    intent = sim.pay(session_of(mine))["payment_intent"]
    refund = mine.v1.refunds.create({"payment_intent": intent, "amount": 2_000})
    sim.fail_refund(refund.id, at=LATER)
    found: Any = mine.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction", "charge"]})
    assert (found.status, found.failure_balance_transaction.amount) == ("failed", 2_000)
    assert found.charge.amount_refunded == 0
    assert kinds(mine)[-1] == "refund.failed"
    with pytest.raises(Wrong, match="status of failed"):
        sim.fail_refund(refund.id)


@pytest.mark.parametrize(("status", "net"), [("won", -2_000), ("lost", -7_000)])
def test_a_chargeback_takes_money_and_a_won_one_brings_it_back(
    sim: StandIn, mine: stripe.StripeClient, status: Any, net: int
) -> None:
    intent = sim.pay(session_of(mine))["payment_intent"]
    dispute = sim.dispute(intent, "fraudulent", 5_000, at=LATER, due_by=LATER + timedelta(days=20))
    found = mine.v1.disputes.list({"payment_intent": intent}).data[0]
    assert (found.id, found.status, found.amount, found.reason) == (
        dispute["id"],
        "needs_response",
        5_000,
        "fraudulent",
    )
    assert found.evidence_details.due_by == int((LATER + timedelta(days=20)).timestamp())
    with pytest.raises(stripe.InvalidRequestError) as refused:
        mine.v1.refunds.create({"payment_intent": intent})
    assert refused.value.code == "charge_disputed"
    contested = mine.v1.disputes.update(found.id, {"evidence": {"receipt": "file_1"}, "submit": True})
    assert (contested.status, contested.evidence_details.submission_count) == ("under_review", 1)
    sim.close_dispute(found.id, status, at=LATER)
    closed = mine.v1.disputes.retrieve(found.id)
    assert closed.status == status
    assert sum(one.net for one in closed.balance_transactions) == net
    assert kinds(mine)[-1] == "charge.dispute.closed"
    assert ("charge.dispute.funds_reinstated" in kinds(mine)) is (status == "won")
    with pytest.raises(Wrong, match="already closed"):
        sim.close_dispute(found.id)


def test_accepting_a_dispute_loses_it(sim: StandIn, mine: stripe.StripeClient) -> None:
    dispute = sim.dispute(sim.pay(session_of(mine))["payment_intent"])
    assert mine.v1.disputes.close(dispute["id"]).status == "lost"


def test_nobody_can_contest_what_a_bank_gives_back_under_sepa(sim: StandIn, mine: stripe.StripeClient) -> None:
    key = session_of(mine)
    intent = sim.pay(key, "sepa_debit")["payment_intent"]
    with pytest.raises(Wrong, match="successful charge"):
        sim.dispute(intent)
    sim.settle(key)
    returned = sim.dispute(intent, "insufficient_funds", at=LATER)
    assert (returned["status"], returned["evidence_details"]["due_by"]) == ("lost", None)
    assert kinds(mine)[-3:] == [
        "charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.closed",
    ]  # fmt: skip


def test_a_payout_takes_what_is_available_and_lists_it(sim: StandIn, mine: stripe.StripeClient) -> None:
    early, late = sim.pay(session_of(mine)), sim.pay(session_of(mine), at=NOW + timedelta(hours=12))
    sim.refund_outside(early["payment_intent"], 1_000)
    with pytest.raises(Wrong, match="nothing to pay out"):
        sim.payout(at=NOW)
    first = sim.payout(at=NOW + timedelta(days=2))
    assert first["amount"] == 12_000 - 205 - 1_000
    within = mine.v1.balance_transactions.list({"payout": first["id"], "expand": ["data.source"]}).data
    assert [(one.type, one.net) for one in within] == [("payout", -10_795), ("refund", -1_000), ("charge", 11_795)]
    assert sum(one.net for one in within) == 0
    found = mine.v1.payouts.retrieve(first["id"], {"expand": ["balance_transaction"]})
    assert (found.status, found.arrival_date, found.currency) == (
        "paid",
        int((NOW + timedelta(days=2)).timestamp()),
        "eur",
    )
    second = sim.payout(at=NOW + timedelta(days=4))
    assert second["amount"] == 11_795
    assert [one.id for one in mine.v1.payouts.list({"arrival_date": {"gt": found.arrival_date}}).data] == [second["id"]]
    assert late["payment_status"] == "paid"


def test_pages_of_a_list_have_everything_once(sim: StandIn, mine: stripe.StripeClient) -> None:
    for day in (3, 1, 2):
        for _ in range(2):
            sim.pay(session_of(mine), at=NOW + timedelta(hours=day))
    every = list(mine.v1.balance_transactions.list({"limit": 2, "type": "charge"}).auto_paging_iter())
    assert [one.created - STAMP for one in every] == [10_800, 10_800, 7200, 7200, 3600, 3600]
    assert len({one.id for one in every}) == 6
    since = mine.v1.balance_transactions.list({"created": {"gte": STAMP + 7200, "lt": STAMP + 10_800}})
    assert [one.id for one in since.data] == [one.id for one in every[2:4]]
    before = mine.v1.balance_transactions.list({"ending_before": every[4].id, "limit": 3})
    assert ([one.id for one in before.data], before.has_more) == ([one.id for one in every[1:4]], True)
    for wrong in ({"limit": 0}, {"limit": 101}, {"starting_after": "txn_nobody"}):
        with pytest.raises(stripe.InvalidRequestError):
            mine.v1.balance_transactions.list(wrong)  # type: ignore[arg-type]
