"""Every way a receivable can end, each played once on a real server: what the golden histories are made of.

Each script answers the receivables it played. It checks only that the end is the one it is named for; what happens on
the way is other tests' to judge.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session, func, select

from adapters.books import by_hand
from schemas import tables as t
from tests.workflows.conftest import House
from tests.workflows.life import Life, Refusal, request

DAY = timedelta(days=1)
NET_14 = {"terms": "net 14"}

Script = Callable[[House], Awaitable[Life]]


async def due_of(life: Life) -> date:
    return date.fromisoformat((await life.status())["dues"][0]["due_on"])


async def today(life: Life) -> str:
    return (await life.now()).date().isoformat()


async def pay(life: Life, amount: str = "") -> None:
    """By hand, as a controller books it; everything that is owed unless told otherwise."""
    amount = amount or (await life.status())["balance"]
    day, told = await today(life), {"method": "transfer", "external_id": f"{life.id}/{amount}"}
    await life.do("pay", by="ben", amount=amount, received_on=day, **told)


async def take_back(life: Life) -> None:
    """The last money of a receivable, as who finds that it was another's; nobody tells its workflow."""
    with Session(life.engine) as session:
        newest = session.exec(select(func.max(t.Allocation.id)).where(t.Allocation.invoice == life.id)).one()
    assert newest is not None
    assert by_hand.unapply(life.engine, newest, "ben", "another's money", await life.now()) == life.id


async def approve(life: Life, answer: dict[str, Any], by: str = "cho") -> None:
    """Has somebody else agree, where somebody is asked."""
    if answer["result"] == "pending":
        await life.do("approve", by=by, subject=answer["subject"])


async def ends(life: Life, state: str) -> Life:
    said = await life.result()
    assert said["state"] == state, said
    return life


async def paid(house: House) -> Life:
    """The customer's second invoice: nobody has to approve it."""
    seller = house.clock()
    await house.issued(seller=seller, reference="FIRST")
    life = await house.start("110.00", seller=seller, reference="SECOND")
    await life.state("collecting")
    await life.forward(10)
    await pay(life)
    return await ends(life, "paid")


async def paid_after_dunning(house: House) -> Life:
    life = await house.issued("1000.00", **NET_14)
    await life.forward_to(await due_of(life) + 9 * DAY)
    await pay(life, "190.00")
    await pay(life)
    return await ends(life, "paid")


async def paid_with_discount(house: House) -> Life:
    """A part, and within the ten days the rest less its 2 %."""
    life = await house.issued("1000.00", terms="2/10 net 30")
    await life.forward(3)
    await pay(life, "490.00")
    await pay(life, "676.20")
    return await ends(life, "paid")


async def credited(house: House) -> Life:
    life = await house.issued("1000.00")
    await approve(life, await life.do("credit", by="ben", amount="1190.00", reason="never delivered"))
    return await ends(life, "credited")


async def cancelled_before_issue(house: House) -> Life:
    life = await house.start("1000.00")
    await life.state("awaiting_approval")
    await life.do("cancel", by="ben", reason="ordered twice")
    return await ends(life, "cancelled")


async def cancelled_after_issue(house: House) -> Life:
    life = await house.issued("1000.00")
    await approve(life, await life.do("cancel", by="ben", reason="ordered twice"))
    return await ends(life, "credited")


async def rejected_then_cancelled(house: House) -> Life:
    life = await house.start("1000.00")
    await life.state("awaiting_approval")
    await life.do("reject", by="ana", reason="wrong price")
    await life.do("amend", by="crm", request=request(life.id.split("-")[1], "ORD-1", price="900.00"))
    await life.do("reject", by="ana", reason="still wrong")
    await life.do("cancel", by="crm", reason="no order")
    return await ends(life, "cancelled")


async def written_off(house: House) -> Life:
    """The whole ladder, and nobody ever answers."""
    life = await house.issued("1000.00")
    await life.forward(75)
    await approve(life, await life.do("write_off", by="ben", reason="gone"))
    return await ends(life, "written_off")


async def collections_paid(house: House) -> Life:
    life = await house.issued("1000.00", **NET_14)
    await life.do("escalate", by="sam", reason="no answer")
    await life.do("hand_over", by="ben", to="Collect Ltd", reason="silent")
    await life.forward(30)
    await pay(life)
    return await ends(life, "paid")


async def collections_written_off(house: House) -> Life:
    life = await house.issued("1000.00", **NET_14)
    await life.do("hand_over", by="ben", to="Collect Ltd", reason="silent")
    await approve(life, await life.do("write_off", by="ben", reason="insolvent"))
    return await ends(life, "written_off")


async def nothing_to_pay(house: House) -> Life:
    life = await house.start("0.00")
    await life.state("awaiting_approval")
    await life.do("approve", by="ana")
    return await ends(life, "paid")


async def disputed_then_paid(house: House) -> Life:
    """A line disputed and granted in part, then everything and refused, then paid."""
    life = await house.issued("1000.00", **NET_14)
    await life.forward_to(await due_of(life))
    await life.do("dispute", by="globex", reason="two hours too many", amount="100.00")
    await approve(life, await life.do("resolve", by="ben", outcome="partly", credit="40.00"))
    await life.do("dispute", by="globex", reason="price")
    await life.forward(5)
    await life.do("resolve", by="ana", outcome="rejected")
    await life.forward(10)
    await pay(life)
    return await ends(life, "paid")


async def disputed_then_credited(house: House) -> Life:
    life = await house.issued("1000.00")
    await life.forward(32)
    await life.do("dispute", by="globex", reason="damaged")
    await approve(life, await life.do("resolve", by="ben", outcome="accepted"))
    return await ends(life, "credited")


async def promise_broken(house: House) -> Life:
    life = await house.issued("1000.00", **NET_14)
    promised = await due_of(life) + 5 * DAY
    await life.do("promise", by="globex", date=promised.isoformat())
    await life.forward_to(promised + 5 * DAY)
    assert (await life.status())["promises"][0]["outcome"] == "broken"
    await pay(life)
    return await ends(life, "paid")


async def held_and_extended(house: House) -> Life:
    life = await house.issued("1000.00", **NET_14)
    due = await due_of(life)
    await life.do("hold", by="sam", reason="clearing with sales", until=(due + 3 * DAY).isoformat())
    await life.forward(8)
    await life.do("release", by="sam")
    await life.do("extend", by="ben", due=(due + 7 * DAY).isoformat(), reason="agreed by phone")
    await life.forward_to(due + 9 * DAY)
    await pay(life)
    return await ends(life, "paid")


async def reassigned_and_extended(house: House) -> Life:
    """Nothing changes but whose it is, and then when it is due."""
    life = await house.issued("1000.00", **NET_14)
    await life.do("assign", by="sam", owner="ben")
    await life.do("extend", by="ben", due=(await due_of(life) + 7 * DAY).isoformat(), reason="agreed by phone")
    await pay(life)
    return await ends(life, "paid")


async def paid_by_plan(house: House) -> Life:
    """The first instalment in time, the second missed and everything due at once."""
    life = await house.issued("1000.00", **NET_14)
    first = await due_of(life)
    parts = [{"due": (first + 28 * at * DAY).isoformat(), "amount": amount}
             for at, amount in enumerate(("390.00", "400.00", "400.00"))]  # fmt: skip
    await approve(life, await life.do("plan", by="ben", instalments=parts))
    await life.forward_to(first)
    await pay(life, "390.00")
    await life.forward_to(first + 32 * DAY)
    await life.do("accelerate", by="ben", reason="an instalment was missed")
    await pay(life)
    return await ends(life, "paid")


async def invalid_then_amended(house: House) -> Life:
    seller = house.clock()
    good = request(seller, "FIX")
    life = await house.raw(f"invoice-{seller}-FIX", {**good, "currency": "euro", "lines": []})
    await life.state("invalid")
    await life.do("amend", by="crm", request=good)
    await life.do("approve", by="ana")
    await life.state("collecting")
    await pay(life)
    return await ends(life, "paid")


async def invalid_then_cancelled(house: House) -> Life:
    life = await house.raw(f"invoice-{house.clock()}-BAD", {"lines": 7})
    await life.state("invalid")
    await life.do("cancel", by="crm", reason="no such order")
    return await ends(life, "cancelled")


async def adopted(house: House) -> Life:
    """Issued elsewhere, overdue when it came."""
    seller, now = house.clock(), (await house.now()).date()
    taken = {"number": "ALT-4711", "issued_on": (now - 30 * DAY).isoformat(), "due_on": (now - 2 * DAY).isoformat()}
    customer = {"name": "Globex GmbH", "country": "DE", "email": "ap@globex.example", "timezone": "Europe/Berlin"}
    body = {"seller": seller, "reference": "OLD", "customer": customer, "currency": "EUR"}
    life = await house.raw(f"invoice-{seller}-OLD", body | {"adopt": taken | {"total": "1190.00"}})
    await life.at_rest()
    await life.forward(10)
    await pay(life)
    return await ends(life, "paid")


async def signalled(house: House) -> Life:
    """All by Signals, some of which cannot be read and one is refused."""
    life = await house.start("1000.00", policy="careful")
    await life.state("awaiting_approval")
    await life.handle.signal("approve", {"by": "ana"})
    await life.until(lambda said: "message_held" in said.get("exceptions", []))
    await life.handle.signal("send", {"by": "sam"})
    await life.state("collecting")
    await life.handle.signal("dispute", {"reason": 7})
    await life.handle.signal("note", "not an object")
    await life.handle.signal("mail_event", {"odd": 1})
    await life.handle.signal("resolve", {"by": "ana", "outcome": "withdrawn"})
    await life.until(lambda said: said["malformed"] == 2)
    await life.do("assign", by="sam", owner="ana")
    await life.do("resend", by="sam")
    await life.forward_to(await due_of(life), hour=7)
    await life.until(lambda said: "message_held" in said.get("exceptions", []))
    await life.do("skip", by="ana", reason="they rang us")
    try:
        await life.do("resolve", by="ana", outcome="withdrawn")
    except Refusal:
        await pay(life)
    return await ends(life, "paid")


ENDINGS: dict[str, Script] = {
    script.__name__: script
    for script in (
        paid, paid_after_dunning, paid_with_discount, credited, cancelled_before_issue, cancelled_after_issue,
        rejected_then_cancelled, written_off, collections_paid, collections_written_off, nothing_to_pay,
        disputed_then_paid, disputed_then_credited, promise_broken, held_and_extended, reassigned_and_extended,
        paid_by_plan,
        invalid_then_amended, invalid_then_cancelled, adopted, signalled,
    )
}  # fmt: skip
