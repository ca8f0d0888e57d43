"""Stories of people in the loop: who is asked, who answers, and what happens when nobody does. They play like those of
`told.py`, with what `dealing.py` knows of the world outside."""

from __future__ import annotations

from datetime import timedelta

from cli.stories import mornings
from cli.stories.dealing import Dealing
from cli.stories.scene import Scene
from cli.stories.story import CLOCK, SHADOW, Story, into

STORIES: list[Story] = []
story = into(STORIES, CLOCK)


@story("instalments: one missed, accelerated by a person", "PARTS")
async def instalments(s: Scene) -> None:
    await s.bill("globex", {"Fair stand": "3000.00"}, net=40)
    await s.tell("approve", by="ana")
    await s.to("D+2")
    await s.expect(received=["invoice", "D-3", "D+1"])
    parts = [{"due": s.day(day), "amount": "1190.00"} for day in ("D+14", "D+42", "D+70")]
    await s.refused("plan", by="sam", because="needs a controller", instalments=parts)
    await s.tell("plan", by="ben", instalments=parts)
    await s.expect(state="collecting", flags=["plan"], received=["invoice", "D-3", "D+1", "notice"])
    await s.expect_mail("notice", "3.570,00", "1.190,00")
    await s.to("D+13")
    await s.pays("1190.00")
    told = ["invoice", "D-3", "D+1", "notice", "D-3", "receipt"]
    await s.expect(balance="2380.00", flags=["part_paid", "plan"], received=told)
    # The second is reminded like any due; the plan is broken once its three days of grace are over, and not before.
    await s.to("D+44")
    await s.refused("accelerate", by="ben", because="accelerate from", reason="no trust left")
    await s.expect(exceptions=[])
    await s.to("D+47")
    await s.expect(state="collecting", exceptions=["plan_broken"], received=[*told, "D-3", "D+1"])
    await s.tell("accelerate", by="ben", reason="second instalment missed")
    await s.expect(balance="2380.00", exceptions=[], flags=["part_paid"], received=[*told, "D-3", "D+1", "notice"])
    await s.expect_mail("notice", "2.380,00", "Die Vereinbarung ist damit beendet")
    await s.to("D+52")
    await s.pays("2380.00")
    await s.expect(state="paid", balance="0.00", received=[*told, "D-3", "D+1", "notice", "D+1", "receipt"])
    s.check([plan["outcome"] for plan in s.status["plans"]] == ["accelerated"], "the plan was accelerated")


@story("a reply that promises a date", "REPLY")
async def reply_that_promises(s: Dealing) -> None:
    await s.bill("umbrella", {"Shredders, two": "600.00"}, net=52)
    await s.tell("approve", by="ana")
    await s.to("D+1")
    await s.expect(state="collecting", received=["invoice", "D-3", "D+1"])
    await s.answers("D+1", f"Sorry, we are late. We will pay on {s.day('D+9')}.")
    await s.expect(state="collecting", exceptions=["reply"])
    s.check([p["kind"] for p in s.status["pauses"]] == ["reply"], "the ladder rests until a person has read it")
    # The machine has understood, and only prepares: a person gives the command.
    promise = (await s.ready("reply"))[0]
    s.check(f"--date {s.day('D+9')}" in promise, f"the day is filled in ({promise})")
    await s.paste(promise)
    await s.expect(state="promised", exceptions=[], flags=["promised"])
    await s.to("D+8")
    await s.expect(state="promised", received=["invoice", "D-3", "D+1"])
    await s.pays("600.00")
    await s.expect(state="paid", balance="0.00", received=["invoice", "D-3", "D+1", "receipt"])
    s.check([p["outcome"] for p in s.status["promises"]] == ["kept"], "the promise is kept")


@story("a dispute runs out its deadline and escalates", "DEADLINE")
async def out_of_time(s: Dealing) -> None:
    await s.bill("globex", {"Sensors, forty": "3200.00"}, net=40)
    await s.tell("approve", by="ana")
    await s.to("D-20")
    await s.tell("dispute", by="purchasing@globex.example", reason="six sensors are missing", code="quantity")
    await s.expect(state="disputed", exceptions=["dispute"], received=["invoice", "dispute"])
    s.check(_asked(s) == ["sam"], "the owner is asked at once")
    await s.to("D-14")
    await s.settled()
    s.check(_asked(s) == ["sam", "sam"], "the owner is reminded at half of the time")
    # Ten days after it was opened the next place of the escalation has it: the first controller.
    await s.to("D-8")
    await s.settled()
    s.check(_asked(s) == ["sam", "sam", "ben"], "whoever is next is asked")
    await s.expect(state="disputed", exceptions=["dispute"], received=["invoice", "dispute"])
    s.check(s.status["owner"] == "sam", "the receivable stays its owner's")
    await s.tell("resolve", by="ben", outcome="partly", credit="571.20", comment="six of forty were not delivered")
    await s.tell("approve", by="cho")
    await s.expect(
        state="collecting",
        credited="571.20",
        disputed="0.00",
        exceptions=[],
        received=["invoice", "dispute", "credit_note", "dispute"],
    )
    await s.expect_mail("dispute", "571")
    await s.pays("3236.80")
    await s.expect(state="paid", balance="0.00")


def _asked(s: Dealing) -> list[str]:
    """Whom of ours a mail about a dispute went to, in order."""
    return [m["to"] for m in s.status["messages"] if m["kind"] == "internal" and m["rung"] is None]


@story("an adopted ledger, two weeks in shadow, with its morning sheets", "SHADOW", sellers=SHADOW)
async def in_shadow(s: Dealing) -> None:
    every = paid, part_paid, silent = [s, s.another(), s.another()]
    await paid.adopt("nakatomi", "ALT-1001", "1190.00", net=6)
    await part_paid.adopt("acme", "ALT-1002", "595.00", net=6, paid="95.00")
    await silent.adopt("dunder", "ALT-1003", "357.00", net=6)
    for each, balance in zip(every, ("1190.00", "500.00", "357.00"), strict=True):
        await each.expect(state="collecting", balance=balance, received=[])
        s.check({"adopted", "shadow"} <= set(each.status["flags"]), "it is adopted and in shadow")
    due = s.clock.due_on or s.clock.today
    made = 0
    for day in (due + timedelta(days=after) for after in range(-3, 11)):
        sheet = await mornings.sheet_of_day(s, day)
        if sheet is not None:
            made += 1
            await mornings.judge(s, sheet, vetoes="ALT-1003", reason="they move house, give them time")
        await mornings.noon(every, day)
        if day == due + timedelta(days=3):
            await paid.pays("1190.00")
    await part_paid.pays("500.00")
    await silent.tell("write_off", by="ben", reason="the house is empty")
    await silent.tell("approve", by="cho")
    for each, state in zip(every, ("paid", "paid", "written_off"), strict=True):
        await each.expect(state=state, balance="0.00", received=[])
    found = await mornings.agreement(s)
    s.check(made >= 4, f"there were sheets on several mornings ({made})")
    s.check(found["D+1"] == (3, 2, 1), f"of D+1 two were agreed with and one vetoed: {found}")
    s.check(found["D+7"][1:] == (1, 1), f"of D+7 one was agreed with and one vetoed: {found}")
    await s.note(f"agreement by rung (decided, agreed, vetoed): {found}")
