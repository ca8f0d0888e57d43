"""A command does not wait for a mail server or a payment provider that is away: it is answered between two attempts,
and the next one looks at books that know of it. An attempt that is under way is never broken off."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity

from adapters.books import messages
from adapters.books.verify import verify
from adapters.mail.port import Message
from adapters.payment.stripe import Stripe
from domain.errors import ProviderDown
from domain.payments import RefundState
from tests.workflows.endings import today
from tests.workflows.life import PATIENCE, Life
from tests.workflows.test_defects import failing
from tests.workflows.test_deliveries import Post, almost_due, post, reminder_waits
from tests.workflows.test_payments import overpaid, until
from tests.workflows.till import Till

__all__ = ["post"]

BETWEEN = ["patch", "send cancel requested", "send canceled", "command scheduled", "command started"]
"""What follows a command that comes between two attempts; no attempt begins before it is judged."""
UNDER_WAY = ["patch", "send cancel requested", "send started"]
"""What follows one that comes while an attempt is under way; a server tells of the beginning at the end."""
PLACES = {"activity_task_scheduled": "scheduled", "activity_task_started": "started",
          "activity_task_completed": "completed", "activity_task_failed": "failed",
          "activity_task_timed_out": "timed out", "activity_task_cancel_requested": "cancel requested",
          "activity_task_canceled": "canceled"}  # fmt: skip


async def told(life: Life) -> list[str]:
    """What became of its activities, in the order of its history."""
    found: list[str] = []
    names: dict[int, str] = {}
    async for event in life.handle.fetch_history_events():
        kind = (event.WhichOneof("attributes") or "").removesuffix("_event_attributes")
        if kind == "marker_recorded":
            found.append("patch")
        if kind not in PLACES:
            continue
        said = getattr(event, f"{kind}_event_attributes")
        if kind == "activity_task_scheduled":
            names[event.event_id] = said.activity_type.name
        name = names[event.event_id if kind == "activity_task_scheduled" else said.scheduled_event_id]
        found.append(f"{name} {PLACES[kind]}")
    return found


async def after_the_reminder(life: Life) -> list[str]:
    """... since the reminder was scheduled."""
    found = await told(life)
    return found[found.index("send scheduled", found.index("look scheduled")) + 1 :]


@pytest.fixture(autouse=True)
def mended(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test breaks is whole for the next one."""
    yield
    if "post" in request.fixturenames:
        mail = request.getfixturevalue("post").mail
        mail.down, mail.does = False, None


async def command(life: Life, how: str, name: str, **fields: Any) -> None:
    if how == "update":
        await life.do(name, **fields)
    else:
        await life.handle.signal(name, fields)


@pytest.mark.parametrize("how", ["update", "signal"])
async def test_a_dispute_is_heard_between_two_attempts_and_withholds_the_reminder(post: Post, how: str) -> None:
    life = await reminder_waits(post)
    await command(life, how, "dispute", by="globex", reason="damaged")
    await life.state("disputed")
    assert (await after_the_reminder(life))[: len(BETWEEN)] == BETWEEN
    post.mail.down = False
    await life.forward(10)
    assert life.rungs() == []
    assert [(why.rung, why.code) for why in life.whys("withheld")] == [("D-3", "disputed")]
    assert life.whys("moved") == []
    assert await life.wedged() == []
    assert verify(life.engine) == []


async def test_a_payment_is_heard_between_two_attempts_and_ends_it(post: Post) -> None:
    life = await reminder_waits(post)
    paid = {"by": "ben", "amount": "1190.00", "received_on": await today(life), "method": "transfer"}
    assert (await life.do("pay", external_id=life.id, **paid))["state"] == "paid"
    assert (await after_the_reminder(life))[: len(BETWEEN)] == BETWEEN
    post.mail.down = False
    await life.forward(1)
    assert (await life.result())["state"] == "paid"
    assert (life.rungs(), len(post.recipients(life, "receipt"))) == ([], 1)
    assert [(why.rung, why.code) for why in life.whys("withheld")] == [("D-3", "closed")]
    assert await life.wedged() == []


async def test_what_changes_nothing_has_the_message_tried_again_at_once(post: Post) -> None:
    """Twice, by one marker; nobody is asked, and it leaves when the mail server is back."""
    life = await reminder_waits(post)
    for text in ("first", "second"):
        await life.do("note", by="ana", text=text)
        await tried(post, life)
    said = await told(life)
    assert (said.count("patch"), said.count("send canceled"), said.count("release scheduled")) == (1, 2, 0)
    assert (await life.status())["exceptions"] == []
    post.mail.down = False
    await life.forward(10 / 1440)
    assert (life.rungs(), life.whys("withheld")) == (["D-3"], [])


async def tried(post: Post, life: Life) -> None:
    """Waits until an attempt that began after this failed."""
    before = Counter(entry.type for entry in life.audited())["message.unclaimed"]
    await until(lambda: Counter(entry.type for entry in life.audited())["message.unclaimed"] > before)


async def test_a_document_is_tried_again_and_a_dispute_is_told(post: Post) -> None:
    """A dispute stops the ladder, not the invoice itself."""
    life = await post.house.start("1000.00")
    await life.state("awaiting_approval")
    post.mail.down = True
    await life.do("approve", by="ana")
    await life.forward(3 / 1440)
    await life.do("dispute", by="globex", reason="damaged")
    assert (await life.status())["state"] == "disputed"
    assert life.mails("invoice") == []
    post.mail.down = False
    await life.forward(10 / 1440)
    assert len(post.recipients(life, "invoice")) == 1
    assert life.whys("withheld") == []


class Slow:
    """An attempt that is under way until its worker has heard of the command, and then ends as told."""

    def __init__(self, fails: bool) -> None:
        self.fails, self.begun = fails, False

    def __call__(self, message: Message) -> None:
        if self.begun or message.kind != "reminder":
            return
        self.begun = True
        deadline = time.monotonic() + PATIENCE
        while not activity.is_cancelled():
            assert time.monotonic() < deadline, "nobody asked it to end"
            time.sleep(0.01)
        time.sleep(0.1)
        if self.fails:
            raise ProviderDown("mail: hung up")


async def under_way(post: Post, slow: Slow) -> Life:
    life = await almost_due(post)
    post.mail.does = slow
    await until(lambda: slow.begun)
    return life


async def test_an_attempt_that_is_under_way_is_not_broken_off(post: Post) -> None:
    life = await under_way(post, Slow(fails=False))
    assert (await life.do("dispute", by="globex", reason="damaged"))["state"] == "disputed"
    assert (await after_the_reminder(life))[:4] == [*UNDER_WAY, "send completed"]
    assert life.rungs() == ["D-3"]
    order = [entry.type for entry in life.audited("message.claimed", "message.sent", "invoice.disputed")]
    disputed = order.index("invoice.disputed")
    assert order[disputed - 2 : disputed] == ["message.claimed", "message.sent"]
    assert "D-3" in [why.rung for why in life.whys("sent")]
    assert await life.wedged() == []
    assert verify(life.engine) == []


async def test_an_attempt_that_fails_after_the_command_came_is_not_the_last(post: Post) -> None:
    """It ends there without a release, and as nothing that was asked stops the message, the next begins at once."""
    life = await under_way(post, Slow(fails=True))
    await life.do("note", by="ana", text="hello")
    said = await after_the_reminder(life)
    assert said[:4] == [*UNDER_WAY, "send failed"]
    await life.at_rest()
    assert life.rungs() == ["D-3"]
    assert "release scheduled" not in await told(life)
    assert (life.whys("moved"), (await life.status())["exceptions"]) == ([], [])


async def test_a_claim_that_a_worker_left_is_resumed_once_its_lease_has_ended(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command meanwhile is answered at once, and makes no busy loop: the attempts keep their pauses."""
    monkeypatch.setattr(messages, "LEASE", timedelta(seconds=3))
    life = await almost_due(post)
    post.mail.does = dies
    await failing(life)
    await life.do("dispute", by="globex", reason="damaged")
    post.mail.does = None
    said = await life.until(lambda said: "delivery_unknown" in said["exceptions"])
    assert said["state"] == "disputed"
    assert life.rungs() == []
    sends = (await told(life)).count("send scheduled")
    assert sends <= 4, await told(life)
    assert await life.wedged() == []


def dies(message: Message) -> None:
    """As a worker that is gone: no handler of ours tidies up."""
    raise RuntimeError("gone")


async def test_a_refund_is_heard_between_two_attempts(sqlite_till: Till) -> None:
    till = sqlite_till
    life, payment = await overpaid(till)
    till.sim.faults.down()
    try:
        await till.command(life, "refund", "ben", amount="119.00", reason="paid twice")
        await failing(till.fresh(life))
        await till.fresh(life).do("note", by="ana", text="hello")
    finally:
        till.sim.faults.up()
    said = await told(till.fresh(life))
    assert "refund canceled" in said or "refund failed" in said
    assert (await till.fresh(life).result())["customer_credit"] == "0.00"
    assert "release scheduled" not in await told(till.fresh(life))
    assert [(r["amount"], r["status"]) for r in till.refunds_at(payment)] == [(11900, "succeeded")]


async def test_a_refund_that_is_under_way_is_not_broken_off(sqlite_till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    till, refund, begun = sqlite_till, Stripe.refund, asyncio.Event()

    async def slow(self: Stripe, key: str, payment: str, amount: int) -> RefundState:
        begun.set()
        await until(activity.is_cancelled)
        await asyncio.sleep(0.1)
        return await refund(self, key, payment, amount)

    monkeypatch.setattr(Stripe, "refund", slow)
    life, payment = await overpaid(till)
    await till.command(life, "refund", "ben", amount="119.00", reason="paid twice")
    await begun.wait()
    await till.fresh(life).do("note", by="ana", text="hello")
    said = await told(till.fresh(life))
    at = said.index("patch")
    assert said[at : at + 4] == ["patch", "refund cancel requested", "refund started", "refund completed"]
    assert said.count("refund scheduled") == 1
    assert (await till.fresh(life).result())["customer_credit"] == "0.00"
    assert [(r["amount"], r["status"]) for r in till.refunds_at(payment)] == [(11900, "succeeded")]
