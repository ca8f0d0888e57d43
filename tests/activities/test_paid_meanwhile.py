"""Before a reminder leaves, the provider is asked what became of every checkout: nobody who has paid is chased."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from activities.checkout import BeforeSending
from activities.sending import Sender
from adapters.books import views
from adapters.books.verify import verify
from adapters.documents.archive import Archive
from adapters.documents.typst import TypstDocuments
from adapters.letters import Composer
from adapters.mail.outbox import Outbox
from adapters.standins.stripe.server import StandIn
from domain.actions import Send
from domain.errors import ProviderDown
from domain.messages import MessageState
from schemas.steps import Outcome, SendStep
from tests.activities.desk import DAY, Desk, issued


def sender(desk: Desk, folder: Path) -> Sender:
    composer = Composer(TypstDocuments(), Archive(folder / "archive"))
    look = BeforeSending(desk.cashier, asyncio.get_running_loop())
    return Sender(desk.story.books, Outbox(folder / "outbox"), composer, look)


async def send(desk: Desk, folder: Path, step: SendStep) -> Outcome:
    """As the activity does: in a thread, while the loop goes on."""
    return await asyncio.to_thread(sender(desk, folder).attempt, step)


def reminders(folder: Path) -> int:
    return len(list((folder / "outbox").glob("*reminder*.eml")))


def kinds(engine: Engine) -> set[str]:
    return {e["kind"] for e in views.exceptions(engine)}


async def test_a_payment_nobody_told_of_withholds_the_reminder(seeded: Engine, sim: StandIn, tmp_path: Path) -> None:
    async with issued(seeded, sim) as desk:
        step = desk.next_reminder()
        await desk.checkout()
        sim.pay(desk.page())
        outcome = await send(desk, tmp_path, step)
        assert outcome.account is not None
        assert outcome.account.balance == 0
        assert reminders(tmp_path) == 0
        assert [why.rung for why in desk.whys("withheld")] == ["D-3"]
        assert desk.told == [desk.story.id]
        assert verify(seeded) == []


async def test_a_debit_nobody_told_of_withholds_it_too(seeded: Engine, sim: StandIn, tmp_path: Path) -> None:
    async with issued(seeded, sim) as desk:
        step = desk.next_reminder()
        await desk.checkout()
        sim.pay(desk.page(), "sepa_debit")
        await send(desk, tmp_path, step)
        assert reminders(tmp_path) == 0
        assert [why.code for why in desk.whys("withheld")] == ["payment_pending"]


async def test_a_page_that_nobody_paid_in_does_not_hold_it(seeded: Engine, sim: StandIn, tmp_path: Path) -> None:
    async with issued(seeded, sim) as desk:
        step = desk.next_reminder()
        await desk.checkout()
        await send(desk, tmp_path, step)
        assert reminders(tmp_path) == 1


async def test_a_chargeback_nobody_told_of_is_seen_on_a_paid_page(seeded: Engine, sim: StandIn, tmp_path: Path) -> None:
    terms = {"schedule": [{"percent": "50", "due": "net 7"}, {"percent": "50", "due": "net 30"}]}
    async with issued(seeded, sim, terms=terms) as desk:
        desk.story.run(8)
        await desk.checkout()
        page = desk.page()
        sim.pay(page)
        await desk.hear()
        step = desk.next_reminder()
        assert step.now - desk.rows()[0].minted_at > timedelta(0)
        recent = step.now - desk.rows()[0].minted_at < 14 * DAY
        sim.dispute(desk.pages()[0]["payment_intent"], at=desk.story.now)
        await send(desk, tmp_path, step)
        assert ("chargeback" in kinds(seeded)) is recent


async def test_stripe_is_not_asked_before_other_mail(seeded: Engine, sim: StandIn, tmp_path: Path) -> None:
    async with issued(seeded, sim) as desk:
        await desk.checkout()
        desk.story.command("credit", "ben", amount="20.00", reason="goodwill")
        sim.faults.down()
        action = desk.story.books.outcome(desk.story.id).action
        assert isinstance(action, Send)
        assert action.kind == "credit_note"
        asked = len(sim.requests)
        await send(desk, tmp_path, SendStep(workflow_id=desk.story.id, now=desk.story.now, key=action.key))
        assert len(sim.requests) == asked


async def test_while_stripe_is_down_the_reminder_waits_and_says_why(
    seeded: Engine, sim: StandIn, tmp_path: Path
) -> None:
    async with issued(seeded, sim) as desk:
        step = desk.next_reminder()
        await desk.checkout()
        sim.faults.down()
        with pytest.raises(ProviderDown, match="Stripe fails with HTTP 500"):
            await send(desk, tmp_path, step)
        outcome = desk.story.books.release(SendStep(workflow_id=step.workflow_id, now=step.now, key=step.key,
                                                    failure="Stripe fails with HTTP 500"))  # fmt: skip
        assert outcome.account is not None
        [message] = [m for m in outcome.account.messages if m.key == step.key]
        assert (message.state, message.retry_at) == (MessageState.RELEASED, step.now + timedelta(minutes=15))
        [moved] = desk.whys("moved")
        assert moved.reason.startswith("Stripe fails with HTTP 500; again at ")
        sim.faults.up()
        assert reminders(tmp_path) == 0
        await send(desk, tmp_path, desk.next_reminder())
        assert reminders(tmp_path) == 1


async def test_a_payment_that_never_ends_stops_the_ladder_for_fourteen_days(
    seeded: Engine, sim: StandIn, tmp_path: Path
) -> None:
    async with issued(seeded, sim, terms="net 7") as desk:
        desk.story.run(9)
        await desk.checkout()
        sim.pay(desk.page(), "sepa_debit", at=desk.story.now)
        await desk.hear()
        began = desk.story.now
        before = desk.account()
        desk.story.run(13.9)
        assert [m.key for m in desk.account().messages] == [m.key for m in before.messages]
        desk.story.run(0.2)
        assert desk.states() == ["stalled"]
        assert "payment_stalled" in kinds(seeded)
        account = desk.account()
        assert (account.pending_payment, account.ladder_stopped_on) == (0, None)
        assert account.dues[0].ladder_on - before.dues[0].ladder_on == 14 * DAY
        step = desk.next_reminder()
        assert step.now > began + 14 * DAY
        sim.settle(desk.pages()[0]["id"], at=desk.story.now)
        await send(desk, tmp_path, step)
        assert reminders(tmp_path) == 0
        assert desk.states() == ["paid"]
        assert "payment_stalled" not in kinds(seeded)
        assert verify(seeded) == []


async def test_a_debit_that_fails_gives_the_ladder_the_distance_it_had_left(seeded: Engine, sim: StandIn) -> None:
    async with issued(seeded, sim, terms="net 7") as desk:
        desk.story.run(9)
        before = desk.account().dues[0].ladder_on
        await desk.checkout()
        sim.pay(desk.page(), "sepa_debit", at=desk.story.now)
        await desk.hear()
        desk.story.run(5)
        sim.fail(desk.pages()[0]["id"], at=desk.story.now)
        await desk.hear()
        assert desk.states() == ["failed"]
        assert desk.account().dues[0].ladder_on - before == 5 * DAY


async def test_a_due_whose_payment_is_under_way_is_not_chased_and_another_is(seeded: Engine, sim: StandIn) -> None:
    terms = {"schedule": [{"percent": "50", "due": "net 7"}, {"percent": "50", "due": "net 8"}]}
    async with issued(seeded, sim, terms=terms) as desk:
        desk.story.run(6)
        chased = {m.due for m in desk.account().messages if m.kind == "reminder"}
        await desk.checkout()
        sim.pay(desk.page(), "sepa_debit", at=desk.story.now)
        await desk.hear()
        assert desk.account().pending_payment == 7020
        desk.story.run(7)
        later = {m.due for m in desk.account().messages if m.kind == "reminder"} - chased
        first, second = (due.id for due in desk.account().dues)
        assert first not in later - chased
        assert second in later
