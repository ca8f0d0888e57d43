"""Chasing on a virtual clock: what leaves, on which day, and what stops it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adapters.books.books import Books
from schemas.steps import CommandStep
from tests.workflows.conftest import House
from tests.workflows.life import BERLIN, Life, Refusal, in_window, open_day

DAY = timedelta(days=1)


async def due_of(life: Life) -> date:
    return date.fromisoformat((await life.status())["dues"][0]["due_on"])


async def today(life: Life) -> date:
    return (await life.now()).astimezone(BERLIN).date()


def days_of(life: Life, *kinds: str) -> list[date]:
    return [mail.local.date() for mail in life.mails(*kinds)]


def on(said: dict[str, Any]) -> date:
    """The day of the next action, in Berlin."""
    return datetime.fromisoformat(said["next"]["at"]).astimezone(BERLIN).date()


async def test_the_whole_ladder_leaves_on_its_days_inside_the_window(house: House) -> None:
    life = await house.issued("1000.00")
    due = await due_of(life)
    said = await life.forward(75)
    assert said["state"] == "escalated"
    offsets = {"D-3": -3, "D+1": 1, "D+7": 7, "D+14": 14, "D+30": 30}
    wanted = {rung: open_day(due + offset * DAY) for rung, offset in offsets.items()}
    if wanted["D-3"] >= due:
        del wanted["D-3"]
    chased = life.mails("reminder", "internal")
    assert {mail.rung: mail.local.date() for mail in chased} == wanted
    assert len(chased) == len(wanted)
    assert all(in_window(mail) for mail in chased)
    assert [mail.rung for mail in chased if mail.kind == "internal"] == ["D+14"]
    assert [mail.to for mail in chased if "sam@demo.example" in mail.to] != []
    assert all("1.190,00" in mail.text for mail in life.mails("reminder"))
    assert {why.rung for why in life.whys("sent") if why.kind in {"reminder", "internal"}} == set(wanted)
    assert "last_rung" in said["exceptions"]
    assert await life.wedged() == []


@pytest.mark.parametrize(("customer", "zone"), [("stark", "America/New_York"), ("tyrell", "Asia/Tokyo")])
async def test_the_window_is_the_customers(sqlite_house: House, customer: str, zone: str) -> None:

    life = await sqlite_house.issued("1000.00", customer=customer, terms="net 14")
    await life.forward(30)
    sent = life.mails("reminder")
    assert len(sent) >= 2
    hours = {mail.at.astimezone(ZoneInfo(zone)).hour for mail in sent}
    assert hours <= set(range(8, 17))
    assert all(mail.at.astimezone(ZoneInfo(zone)).isoweekday() <= 5 for mail in sent)


async def test_a_dispute_stops_the_ladder_and_the_rest_keeps_its_distance(house: House) -> None:
    life = await house.issued("1000.00")
    due = await due_of(life)
    await life.forward_to(due - 10 * DAY)
    await life.do("dispute", by="globex", reason="damaged")
    before = await today(life)
    said = await life.forward(25)
    assert (said["state"], life.rungs()) == ("disputed", [])
    await life.do("resolve", by="ana", outcome="withdrawn")
    moved = (await today(life)) - before
    assert moved == 25 * DAY
    said = await life.forward(20)
    wanted = {open_day(due + 1 * DAY + moved)} | {open_day(due - 3 * DAY + moved)}
    assert set(days_of(life, "reminder")) <= wanted | {open_day(due + 7 * DAY + moved)}
    assert open_day(due + DAY + moved) in days_of(life, "reminder")
    assert (await due_of(life)) == due


async def test_after_a_rejected_dispute_there_is_grace(sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00", terms="net 14")
    due = await due_of(life)
    await life.forward_to(due)
    await life.do("dispute", by="globex", reason="price")
    await life.do("resolve", by="ana", outcome="rejected")
    at = await life.now()
    await life.forward(8)
    first = next(mail for mail in life.mails("reminder") if mail.rung == "D+1")
    assert first.at >= at + 3 * DAY


async def test_only_the_undisputed_rest_is_chased(house: House) -> None:
    life = await house.issued("1000.00", terms="net 14")
    due = await due_of(life)
    await life.do("dispute", by="globex", reason="two hours too many", amount="100.00")
    said = await life.forward_to(open_day(due + DAY))
    assert (said["state"], said["flags"]) == ("collecting", ["part_disputed"])
    (sent,) = [mail for mail in life.mails("reminder") if mail.rung == "D+1"]
    assert "1.090,00" in sent.text
    assert sent.local.date() == open_day(due + DAY)


async def test_a_broken_promise_resumes_with_the_next_rung_at_once(house: House) -> None:
    life = await house.issued("1000.00", terms="net 14")
    due = await due_of(life)
    promised = due + 5 * DAY
    await life.do("promise", by="globex", date=promised.isoformat())
    assert (await life.status())["state"] == "promised"
    said = await life.forward_to(promised, hour=20)
    assert (said["state"], life.rungs()) == ("promised", [])
    said = await life.forward_to(open_day(promised + 2 * DAY))
    assert said["flags"] == ["broken_promise"]
    assert [p["outcome"] for p in said["promises"]] == ["broken"]
    assert days_of(life, "reminder") == [open_day(promised + 2 * DAY)]


async def test_a_kept_promise_is_kept(sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00", terms="net 14")
    due = await due_of(life)
    await life.do("promise", by="globex", date=(due + 5 * DAY).isoformat())
    await life.forward_to(due + 3 * DAY)
    day = (await today(life)).isoformat()
    await life.do("pay", by="ben", amount="1190.00", received_on=day, method="transfer", external_id="K-1")
    said = await life.result()
    assert (said["state"], said["promises"][0]["outcome"], life.rungs()) == ("paid", "kept", [])


async def test_promises_run_out(sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00", terms="net 14")
    for _ in range(2):
        await life.do("promise", by="globex", date=(await today(life)).isoformat())
        await life.forward(3)
    with pytest.raises(Refusal, match="takes 2 promises"):
        await life.do("promise", by="globex", date=(await today(life)).isoformat())


async def test_a_hold_ends_by_itself(house: House) -> None:
    life = await house.issued("1000.00", terms="net 14")
    due = await due_of(life)
    await life.forward_to(due - DAY)
    sent = len(life.rungs())
    held_on = await today(life)
    until = due + 9 * DAY
    await life.do("hold", by="sam", reason="clearing with sales", until=until.isoformat())
    said = await life.forward_to(until - DAY, hour=23)
    assert (said["state"], len(life.rungs())) == ("on_hold", sent)
    said = await life.forward_to(open_day(due + DAY + (until - held_on)))
    assert said["state"] == "collecting"
    assert life.mails("reminder")[-1].rung == "D+1"
    assert days_of(life, "reminder")[-1] == open_day(due + DAY + (until - held_on))


async def test_an_extension_is_a_new_episode(house: House) -> None:
    life = await house.issued("1000.00", terms="net 14")
    due = await due_of(life)
    await life.forward_to(open_day(due + DAY))
    assert life.rungs()[-1] == "D+1"
    before = len(life.rungs())
    new = due + 14 * DAY
    await life.do("extend", by="ben", due=new.isoformat(), reason="agreed by phone")
    assert (await due_of(life)) == new
    await life.forward_to(open_day(new + DAY))
    again = life.mails("reminder")[before:]
    assert [mail.rung for mail in again][-1] == "D+1"
    assert again[-1].local.date() == open_day(new + DAY)


async def test_one_contact_hears_of_the_older_debt_first(house: House) -> None:
    seller = house.clock()
    older = await house.issued("1000.00", seller=seller, reference="OLD", terms="net 14")
    younger = await house.issued("1100.00", seller=seller, reference="YOUNG", terms="net 20")
    shared = open_day((await due_of(older)) + 7 * DAY)
    assert shared == open_day((await due_of(younger)) + DAY)
    await older.forward_to(shared - DAY, hour=20)
    said = await younger.forward_to(shared, hour=12)
    assert "D+1" not in younger.rungs()
    assert "older debt of the same contact" in said["next"]["why"]
    await older.forward_to(shared, hour=12)
    assert older.rungs()[-1] == "D+7"
    assert days_of(older, "reminder")[-1] == shared
    await younger.forward_to(shared, hour=16)
    assert "D+1" not in younger.rungs()
    await younger.forward_to(open_day(shared + DAY))
    assert younger.rungs()[-1] == "D+1"
    assert days_of(younger, "reminder")[-1] == open_day(shared + DAY)
    assert all(in_window(mail) for mail in younger.mails("reminder"))


async def test_one_contact_hears_once_a_day(house: House) -> None:
    seller = house.clock()
    first = await house.issued("1000.00", seller=seller, reference="A", terms="net 14")
    second = await house.issued("1100.00", seller=seller, reference="B", terms="net 14")
    shared = open_day((await due_of(first)) + DAY)
    await first.forward_to(shared, hour=12)
    said = await second.forward_to(shared, hour=12)
    assert (first.rungs()[-1], "D+1" in second.rungs()) == ("D+1", False)
    assert "messages of today" in said["next"]["why"]
    assert on(said) == open_day(shared + DAY)
    await second.forward_to(open_day(shared + DAY))
    assert (second.rungs()[-1], days_of(second, "reminder")[-1]) == ("D+1", open_day(shared + DAY))


def beside(house: House, life: Life, now: datetime, name: str, **payload: Any) -> None:
    """Another program changes the books; the workflow is not told."""
    step = CommandStep(workflow_id=life.id, now=now, id=f"beside/{name}", name=name, payload=payload)
    verdict = Books(house.engine, True).command(step).verdict
    assert verdict.result == "done", verdict.reason


@pytest.mark.parametrize("change", ["pay", "dispute", "hold"])
async def test_the_last_look_withholds_what_was_decided_before(house: House, change: str) -> None:
    life = await house.issued("1000.00", terms="net 14")
    due = await due_of(life)
    await life.forward_to(due)
    sent = life.rungs()
    day = (await today(life)).isoformat()
    told: dict[str, dict[str, Any]] = {
        "pay": {"by": "ben", "amount": "1190.00", "received_on": day, "method": "transfer", "external_id": life.id},
        "dispute": {"by": "globex", "reason": "damaged"},
        "hold": {"by": "sam", "reason": "clearing"},
    }
    beside(house, life, await life.now(), change, **told[change])
    if change == "pay":
        await life.forward(5)
        assert (await life.result())["state"] == "paid"
    else:
        said = await life.forward(5)
        assert said["state"] == {"dispute": "disputed", "hold": "on_hold"}[change]
    assert life.rungs() == sent
    withheld = life.whys("withheld")
    assert len(withheld) == 1
    assert withheld[0].rung == "D+1"
    assert withheld[0].at.astimezone(UTC).date() == open_day(due + DAY)


async def test_too_little_is_not_chased(sqlite_house: House) -> None:
    life = await sqlite_house.issued("4.00", terms="net 14")
    said = await life.forward_to(await due_of(life))
    assert (said["state"], "below the amount" in said["next"]["why"]) == ("collecting", True)
    said = await life.forward(50)
    assert (said["balance"], life.rungs()) == ("4.76", [])
    assert (said["state"], said["exceptions"]) == ("escalated", ["last_rung"])


async def test_a_discount_within_its_grace_closes_the_invoice(house: House) -> None:
    life = await house.issued("1000.00", terms="2/10 net 30")
    issued = date.fromisoformat((await life.status())["documents"][0]["date"])
    await life.forward_to(issued + 13 * DAY)
    paid = {"method": "transfer", "amount": "1166.20"}
    last = (issued + 12 * DAY).isoformat()
    await life.do("pay", by="ben", received_on=last, external_id="D-1", **paid)
    said = await life.result()
    assert (said["state"], said["paid"], said["discounted"]) == ("paid", "1166.20", "23.80")


async def test_a_discount_taken_too_late_stays_owed_and_is_chased(house: House) -> None:
    life = await house.issued("1000.00", terms="2/10 net 14")
    issued = date.fromisoformat((await life.status())["documents"][0]["date"])
    await life.forward_to(issued + 13 * DAY)
    late = (issued + 13 * DAY).isoformat()
    await life.do("pay", by="ben", received_on=late, external_id="D-2", method="transfer", amount="1166.20")
    said = await life.status()
    assert (said["state"], said["balance"], said["discounted"]) == ("collecting", "23.80", "0.00")
    await life.forward_to(open_day(issued + 15 * DAY))
    assert "23,80" in life.mails("reminder")[-1].text
