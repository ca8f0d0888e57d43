"""Ten stories of people: who approves, disputes, promises, forgets. To add one: write an async function with a `Scene`
and mark it `@story`; it gets a seller and a clock of its own, and `duely demo` plays it with the others.

Days count from the due date, which is always a Monday in a week without holidays where the customer is (D-3 is the
Friday before, D+1 the Tuesday). Later checks leave three days of room, since a rung that falls on a holiday waits.
"""

from __future__ import annotations

from datetime import time

from cli.stories.scene import Scene
from cli.stories.story import CLOCK, Story, into

STORIES: list[Story] = []
story = into(STORIES, CLOCK)


@story("paid on time", "ONTIME")
async def paid_on_time(s: Scene) -> None:
    await s.bill("initech", {"Consulting, two days": "1800.00"}, net=65)
    await s.expect(state="awaiting_approval", number=None, received=[])
    await s.tell("approve", by="ana")
    await s.expect(state="collecting", total="2142.00", balance="2142.00", received=["invoice"])
    await s.to("D-5")
    await s.pays("2142.00")
    await s.expect(
        state="paid", balance="0.00", paid="2142.00", received=["invoice", "receipt"], why=["invoice sent sent"]
    )


@story("forgotten, reminded, paid", "FORGOT")
async def forgotten(s: Scene) -> None:
    await s.bill("globex", {"Maintenance, yearly": "1500.00"}, net=50)
    await s.tell("approve", by="ana")
    await s.to("D-1")
    await s.expect(state="collecting", received=["invoice", "D-3"])
    await s.to("D+2")
    await s.expect(state="collecting", received=["invoice", "D-3", "D+1"])
    await s.to("D+10")
    await s.expect(received=["invoice", "D-3", "D+1", "D+7"])
    await s.expect_mail("D+7", "1.785,00")
    await s.to("D+12")
    await s.pays("1785.00")
    await s.expect(
        state="paid",
        balance="0.00",
        received=["invoice", "D-3", "D+1", "D+7", "receipt"],
        why=["D-3 sent sent", "D+1 sent sent", "D+7 sent sent"],
    )


@story("disputed and paused, resolved, paid", "DISPUTE")
async def disputed(s: Scene) -> None:
    await s.bill("hooli", {"Laptops, five": "4000.00"}, net=40)
    await s.tell("approve", by="ana")
    await s.to("D+2")
    await s.expect(state="collecting", received=["invoice", "D-3", "D+1"])
    await s.tell("dispute", by="purchasing@hooli.example", reason="one is damaged", code="quality")
    await s.expect(state="disputed", disputed="4000.00", exceptions=["dispute"])
    await s.to("D+22")
    # The customer is told that the dispute was taken, and how it ended.
    await s.expect(state="disputed", received=["invoice", "D-3", "D+1", "dispute"])
    await s.tell("resolve", by="ana", outcome="withdrawn", comment="replaced within the warranty")
    await s.expect(state="collecting", disputed="0.00", exceptions=[])
    # Five days were left until D+7 when the dispute began, and five are left when it ends.
    await s.to("D+26")
    await s.expect(received=["invoice", "D-3", "D+1", "dispute", "dispute"])
    await s.to("D+31")
    await s.expect(received=["invoice", "D-3", "D+1", "dispute", "dispute", "D+7"])
    await s.pays("4000.00")
    await s.expect(state="paid", balance="0.00")


@story("partly disputed: the rest is chased alone", "PARTLY")
async def partly_disputed(s: Scene) -> None:
    await s.bill("umbrella", {"Workshop": "1000.00", "Travel": "400.00"}, net=40)
    await s.tell("approve", by="ana")
    await s.to("D-10")
    await s.tell("dispute", by="purchasing@umbrella.example", reason="travel was included", lines=["2"], code="price")
    await s.expect(state="collecting", disputed="400.00", balance="1400.00", flags=["part_disputed"])
    await s.to("D+2")
    await s.expect(state="collecting", received=["invoice", "dispute", "D-3", "D+1"])
    await s.expect_mail("D+1", "1,000.00")
    await s.pays("1000.00")
    await s.expect(state="disputed", balance="400.00", disputed="400.00")
    await s.to("D+25")
    await s.expect(state="disputed", received=["invoice", "dispute", "D-3", "D+1", "receipt"])
    await s.tell("resolve", by="ana", outcome="accepted", comment="travel was included")
    await s.expect(state="disputed", credited="0.00")
    await s.refused("approve", by="ana", because="four eyes")
    await s.tell("approve", by="ben")
    await s.expect(
        state="paid",
        balance="0.00",
        paid="1000.00",
        credited="400.00",
        received=["invoice", "dispute", "D-3", "D+1", "receipt", "credit_note", "dispute"],
    )


@story("promise broken, then kept", "PROMISE")
async def promised(s: Scene) -> None:
    await s.bill("stark", {"Licences": "3000.00"}, net=45)
    await s.tell("approve", by="ana")
    await s.to("D+2")
    await s.expect(received=["invoice", "D-3", "D+1"])
    await s.tell("promise", by="ap@stark.example", date=s.day("D+9"))
    await s.expect(state="promised", flags=["promised"])
    # D+7 stays away while the promise holds, and comes at once when its grace has run out.
    await s.to("D+9")
    await s.expect(state="promised", received=["invoice", "D-3", "D+1"])
    await s.to("D+15")
    await s.expect(state="collecting", flags=["broken_promise"], received=["invoice", "D-3", "D+1", "D+7"])
    await s.tell("promise", by="ap@stark.example", date=s.day("D+20"))
    await s.expect(state="promised")
    await s.to("D+19")
    await s.pays("3000.00")
    await s.expect(state="paid", balance="0.00", received=["invoice", "D-3", "D+1", "D+7", "receipt"])
    s.check([p["outcome"] for p in s.status["promises"]] == ["broken", "kept"], "one promise broken, the other kept")


@story("a big one: two approvers, four eyes", "BIG")
async def big(s: Scene) -> None:
    await s.bill("vandelay", {"Machine, first instalment": "24000.00"}, net=63, created_by="ana")
    await s.expect(state="awaiting_approval", number=None)
    await s.refused("approve", by="ana", because="four eyes")
    await s.refused("approve", by="sam", because="needs an approver")
    await s.tell("approve", by="ben")
    await s.expect(state="awaiting_approval", received=[])
    await s.refused("approve", by="ben", because="someone else's")
    await s.tell("approve", by="cho")
    await s.expect(state="collecting", balance="24000.00", received=["invoice"])
    await s.to("D-1")
    await s.expect(received=["invoice", "D-3"])
    await s.pays("24000.00")
    await s.expect(state="paid", balance="0.00")


@story("rejected, amended, approved", "AMEND")
async def amended(s: Scene) -> None:
    await s.bill("wayne", {"Training, three days": "2700.00"}, net=66)
    await s.expect(state="awaiting_approval")
    seen = s.status["pending"][0]["hash"]
    await s.tell("reject", by="ana", reason="two days were agreed, not three")
    await s.expect(state="rejected", received=[])
    await s.days(2)
    await s.amend("crm", {"Training, two days": "1800.00"})
    await s.expect(state="awaiting_approval", total="1800.00")
    await s.refused("approve", by="ben", because="has changed", hash=seen)
    await s.tell("approve", by="ana", hash=s.status["pending"][0]["hash"])
    await s.expect(state="collecting", balance="1800.00", received=["invoice"])
    await s.to("D-4")
    await s.pays("1800.00")
    await s.expect(state="paid", balance="0.00", received=["invoice", "receipt"])


@story("silent: escalated to a person, written off", "SILENT")
async def silent(s: Scene) -> None:
    await s.bill("soylent", {"Groceries": "900.00"}, net=35)
    await s.tell("approve", by="ana")
    await s.to("D+10")
    await s.expect(state="collecting", received=["invoice", "D-3", "D+1", "D+7"])
    await s.to("D+18")
    await s.expect(exceptions=["rung"], received=["invoice", "D-3", "D+1", "D+7"], why=["D+14 sent sent"])
    await s.to("D+37")
    await s.expect(state="escalated", received=["invoice", "D-3", "D+1", "D+7", "D+30"])
    await s.to("D+50")
    await s.tell("write_off", by="ben", reason="out of business")
    await s.refused("approve", by="ben", because="four eyes")
    await s.expect(state="escalated", balance="900.00", written_off="0.00")
    await s.tell("approve", by="cho")
    await s.expect(state="written_off", balance="0.00", written_off="900.00", exceptions=[])
    await s.expect(received=["invoice", "D-3", "D+1", "D+7", "D+30"])


@story("an outage across three rungs ends in one message", "OUTAGE")
async def outage(s: Scene) -> None:
    await s.bill("globex", {"Hosting, yearly": "700.00"}, net=55, policy="dense")
    await s.tell("approve", by="ana")
    await s.expect(received=["invoice"])
    s.mail_server_down("D+1", time(6), "D+3", time(20))
    await s.to("D+2")
    await s.expect(state="collecting", received=["invoice"], exceptions=["delivery_failing"])
    await s.to("D+3")
    await s.expect(state="collecting", received=["invoice"])
    await s.to("D+10")
    await s.expect(
        state="escalated",
        received=["invoice", "D+3"],
        why=["D+1 moved provider_down", "D+1 skipped collapsed", "D+2 skipped collapsed", "D+3 sent sent"],
    )
    await s.pays("833.00")
    await s.expect(state="paid", received=["invoice", "D+3", "receipt"], exceptions=[])


@story("mode ask: a person releases each message", "ASK")
async def asked(s: Scene) -> None:
    await s.bill("bezirksamt", {"Website, care": "600.00"}, net=60, policy="careful")
    await s.tell("approve", by="ana")
    await s.expect(mode="ask", received=[], exceptions=["message_held"], waits_for="delivery")
    await s.refused("send", by="crm", because="machine")
    await s.tell("send", by="sam")
    await s.expect(state="collecting", received=["invoice"], why=["invoice held ask", "invoice sent sent"])
    await s.expect(exceptions=[])
    await s.to("D-3")
    await s.expect(received=["invoice"], exceptions=["message_held"])
    await s.tell("send", by="ana")
    await s.expect(received=["invoice", "D-3"])
    await s.to("D+1")
    await s.expect(received=["invoice", "D-3"], exceptions=["message_held"])
    await s.tell("skip", by="sam", reason="they called: paid tomorrow")
    await s.to("D+3")
    await s.pays("714.00")
    await s.expect(state="paid", received=["invoice", "D-3", "receipt"], why=["D+1 held ask", "D+1 skipped skipped"])
