"""Nothing a caller sends wedges an invoice (contract, section 4): Updates answer with the reason, Signals leave it in
the details and in the audit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pytest

from schemas.commands import COMMANDS
from tests.workflows import malformed
from tests.workflows.conftest import House
from tests.workflows.life import Life, Refusal, request

T = TypeVar("T")
AT_ONCE = 8
"""The server takes ten Updates of one workflow at a time."""


async def each(calls: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """All of them, a bounded number in flight."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(call: Callable[[], Awaitable[T]]) -> T:
        async with gate:
            return await call()

    return await asyncio.gather(*(one(call) for call in calls))


def everything() -> list[tuple[str, str, tuple[Any, ...]]]:
    bodies = [(name, what, sent) for name in COMMANDS for what, sent in malformed.BODIES.items()]
    big = [(name, what, sent) for name in ("dispute", "note") for what, sent in malformed.BIG.items()]
    return bodies + big + malformed.fields()


async def updates_are_refused(life: Life) -> None:
    async def refused(name: str, what: str, payloads: tuple[Any, ...]) -> str:
        try:
            answer = await life.raw(name, *payloads)
        except Refusal as refusal:
            return str(refusal)
        pytest.fail(f"{name} took {what}: {answer}")

    reasons = await each(partial(refused, *sent) for sent in everything())
    assert all(reason.strip() and len(reason) < 3000 for reason in reasons)


async def signals_are_noted(life: Life) -> int:
    before = (await life.status())["malformed"]
    sent = everything()
    await each(partial(life.handle.signal, name, args=list(payloads)) for name, _, payloads in sent)
    await life.until(lambda said: said["malformed"] - before == len(sent), 60)
    return len(sent)


async def alive(life: Life) -> None:
    await life.do("note", by="somebody", text="still here")
    assert await life.wedged() == []


def noted(life: Life) -> int:
    """How many unreadable commands the audit accounts for; a flood is told in one entry."""
    return sum(int(entry.keys.get("count", "1")) for entry in life.audited("command.malformed"))


async def test_every_command_of_an_issued_invoice_survives_malformed_payloads(sqlite_house: House) -> None:
    life = await sqlite_house.issued(seller="demo", reference="TOLERANT")
    assert len(malformed.BODIES) >= 25
    await updates_are_refused(life)
    assert life.audited("command.malformed") == []
    count = await signals_are_noted(life)
    await alive(life)
    assert noted(life) == count
    assert "Signals refused lately" in await life.told()
    assert len((await life.details()).encode()) <= 4096
    assert (await life.status())["balance"] == "119.00"


@pytest.mark.parametrize("ready", ["invalid", "awaiting_approval"])
async def test_before_issue_nothing_wedges_either(sqlite_house: House, ready: str) -> None:
    reference = f"EARLY-{ready.upper()}"
    good = request("demo", reference, price="260.00")
    life = await sqlite_house.raw(f"invoice-demo-{reference}", *([] if ready == "invalid" else [good]))
    await life.state(ready)
    await updates_are_refused(life)
    await signals_are_noted(life)
    assert (await life.status())["state"] == ready
    if ready == "invalid":
        await life.do("amend", by="crm", request=good)
    else:
        await alive(life)
    await life.state("awaiting_approval")
    assert await life.wedged() == []
    await life.do("approve", by="ana")
    await life.state("collecting")


async def test_a_bad_signal_says_in_the_details_what_was_wrong(sqlite_house: House) -> None:
    life = await sqlite_house.issued(seller="demo", reference="SAYS", price="101.00")
    await life.handle.signal("dispute", {"reason": "no `by` <img src=x>"})
    await life.do("note", by="x", text="after the first")
    assert (await life.status())["malformed"] == 1
    assert "dispute: by: is required" in await life.told()
    assert "<img" not in await life.details()
    await life.handle.signal("write_off", {"by": "ana", "reason": "not for ana"})
    await life.do("note", by="x", text="after the second")
    assert "ana has approver; write_off needs a controller" in await life.told()
    (entry,) = life.audited("command.refused")
    assert entry.actor == "ana"
    assert life.text_of(entry.keys["reason"]) == "ana has approver; write_off needs a controller"
    (entry,) = life.audited("command.malformed")
    assert entry.keys["command"] == "dispute"
    assert life.text_of(entry.keys["problem"]) == "by: is required"


SOON = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("dispute", {"by": "x", "reason": "r", "amount": "119.01"}, "more than what is owed"),
    ("dispute", {"by": "x", "reason": "r", "amount": "1.001"}, "decimals"),
    ("dispute", {"by": "x", "reason": "r", "lines": ["77"]}, "no line 77"),
    ("promise", {"by": "x", "date": "2020-01-01"}, "in the past"),
    ("promise", {"by": "x", "date": SOON, "amount": "119.01"}, "more than what is owed"),
    ("promise", {"by": "x", "date": "2099-01-01"}, "days ahead"),
    ("accelerate", {"by": "ben", "reason": "r"}, "no instalment plan is running"),
    ("extend", {"by": "ben", "due": "2020-01-01", "reason": "r"}, "must be later"),
    ("hold", {"by": "sam", "reason": "r", "until": "2020-01-01"}, "not after today"),
    (
        "pay",
        {"by": "ben", "amount": "1.00", "received_on": "2199-01-01", "method": "cash", "external_id": "F"},
        "after",
    ),
    (
        "pay",
        {"by": "ben", "amount": "1.005", "received_on": "2026-01-05", "method": "cash", "external_id": "F"},
        "decimals",
    ),
    ("credit", {"by": "ben", "amount": "119.01", "reason": "r"}, "more than what was invoiced"),
    ("credit", {"by": "ben", "lines": ["77"], "reason": "r"}, "no line 77"),
    ("write_off", {"by": "ben", "amount": "119.01", "reason": "r"}, "more than what is owed"),
    ("write_off", {"by": "nobody", "reason": "r"}, "not a person"),
    ("write_off", {"by": "sam", "reason": "r"}, "needs a controller"),
    ("credit", {"by": "ana", "amount": "1.00", "reason": "r"}, "needs a controller"),
    ("extend", {"by": "sam", "due": "2099-01-01", "reason": "r"}, "needs a controller"),
    ("hand_over", {"by": "ana", "to": "X", "reason": "r"}, "needs a controller"),
    ("pay", {"by": "ana", "amount": "1.00", "received_on": "2026-01-05", "method": "cash", "external_id": "F"}, "need"),
    ("resend", {"by": "crm"}, "needs an owner"),
    ("assign", {"by": "sam", "owner": "nobody"}, "not a known person"),
    ("assign", {"by": "ana", "owner": "ben"}, "needs an owner"),
    ("escalate", {"by": "ana", "reason": "r"}, "needs an owner"),
    ("cancel", {"by": "crm", "reason": "r"}, "only before issue"),
    ("approve", {"by": "ana"}, "nothing waits"),
    ("approve", {"by": "sam"}, "needs an approver"),
    ("reject", {"by": "ana", "reason": "r"}, "nothing waits"),
    ("resolve", {"by": "ana", "outcome": "withdrawn"}, "no dispute is open"),
    ("release", {"by": "sam"}, "not on hold"),
    ("send", {"by": "sam"}, "no message waits"),
    ("skip", {"by": "sam", "reason": "r"}, "no message waits"),
    ("plan", {"by": "ben", "instalments": [{"due": "2099-01-01", "amount": "1.00"}]}, "days ahead; end by"),
    ("refund", {"by": "ben", "amount": "1.00", "reason": "r"}, "be paid back"),
]


async def test_what_is_not_allowed_is_refused_with_the_reason_and_recorded(house: House) -> None:
    life = await house.issued(seller="demo", reference="NOT-ALLOWED", price="100.00")
    amend = {"by": "crm", "request": request("demo", "NOT-ALLOWED")}
    cases = [*REFUSED, ("amend", amend, "is issued")]
    assert {name for name, _, _ in cases} == set(COMMANDS) - {"note"}
    for name, body, reason in cases:
        with pytest.raises(Refusal, match=reason):
            await life.raw(name, body)
    for name, body, _ in cases:
        await life.handle.signal(name, body)
    await alive(life)
    entries = life.audited("command.refused")
    assert [entry.keys["command"] for entry in entries] == [name for name, _, _ in cases] * 2
    said = [life.text_of(entry.keys["reason"]) for entry in entries]
    assert all(reason in text for text, (_, _, reason) in zip(said, [*cases, *cases], strict=True))
    status = await life.status()
    assert (status["state"], status["balance"], status["disputed"]) == ("collecting", "119.00", "0.00")


async def test_no_start_input_wedges_and_each_is_repaired_or_cancelled(sqlite_house: House) -> None:
    async def start(number: int, what: str, payloads: tuple[Any, ...]) -> None:
        reference = f"START-{number}"
        life = await sqlite_house.raw(f"invoice-demo-{reference}", *payloads)
        said = await life.state("invalid")
        assert said["problems"], what
        assert len(await life.details()) <= 4096
        if number % 2:
            await life.do("amend", by="crm", request=request("demo", reference, price=f"{300 + number}.00"))
            said = await life.state("awaiting_approval")
            assert said["problems"] == []
        else:
            await life.do("cancel", by="crm", reason="cannot be read")
            assert (await life.result())["state"] == "cancelled"
        assert await life.wedged() == [], what

    good = request("demo", "GOOD")
    wrong = [*malformed.BODIES.items(), *malformed.BIG.items(), *malformed.requests(good).items()]
    numbered = [
        (number, what, tuple(_under(payload, f"START-{number}", what) for payload in payloads))
        for number, (what, payloads) in enumerate(wrong)
    ]
    await each(partial(start, *one) for one in numbered)


def _under(payload: Any, reference: str, what: str) -> Any:
    """The same request under the name of its workflow, so that nothing else is wrong with it."""
    if isinstance(payload, dict) and payload.get("reference") == "GOOD" and what != "another reference":
        return {**payload, "reference": reference}
    return payload


async def test_hints_believe_nothing(sqlite_house: House) -> None:
    life = await sqlite_house.issued(seller="demo", reference="HINTS", price="102.00")
    forged = {"state": "paid", "balance": "0.00", "account": None}
    for name in ("books_changed", "mail_event"):
        await each(
            partial(life.handle.signal, name, args=list(sent)) for sent in [*malformed.BODIES.values(), (forged,)]
        )
    await alive(life)
    assert (await life.at_rest())["balance"] == "121.38"
