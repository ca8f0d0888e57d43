"""Search attributes and current details: what the lists of the Web UI show, and what they cost."""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from temporalio.common import SearchAttributeKey, TypedSearchAttributes

from tests.workflows.commands import PATCHES
from tests.workflows.conftest import House
from tests.workflows.life import PATIENCE, Life, request
from workflows import attributes

HOSTILE = "<script>alert(1)</script> [pay here](http://evil.example) **bold** `code` | # h\u00fc " + "*" * 300


async def listed(life: Life, query: str) -> bool:
    """Whether the invoice is found by a query, as soon as visibility has caught up."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = [run.id async for run in life.client.list_workflows(f'WorkflowId="{life.id}" and {query}')]
        if found:
            return found == [life.id]
        assert time.monotonic() < deadline, query
        await asyncio.sleep(0.02)


async def test_an_owner_and_a_due_date_are_found_when_nothing_else_changes(house: House) -> None:
    life = await house.issued("1000.00", terms="net 14")
    await listed(life, 'InvoiceOwner="sam"')
    await life.do("assign", by="sam", owner="ben")
    await listed(life, 'InvoiceOwner="ben" and InvoiceState="collecting"')
    due = datetime.fromisoformat((await life.status())["dues"][0]["due_on"]).replace(tzinfo=UTC)
    later = due + timedelta(days=7)
    await life.do("extend", by="ben", due=later.date().isoformat(), reason="agreed by phone")
    await listed(life, f'InvoiceDueAt>"{due + timedelta(days=6):%Y-%m-%dT%H:%M:%SZ}"')
    assert (await attributes_of(life))[attributes.DUE_AT] == later


async def attributes_of(life: Life) -> TypedSearchAttributes:
    return (await life.handle.describe()).typed_search_attributes


async def test_every_state_is_found_by_its_name(house: House) -> None:
    life = await house.start("1000.00")
    await listed(life, 'InvoiceState="awaiting_approval" and InvoiceNeedsPerson=true')
    await life.do("reject", by="ana", reason="price")
    await listed(life, 'InvoiceState="rejected"')
    seller = life.id.split("-")[1]
    await life.do("amend", by="sam", request=request(seller, "ORD-1", "1000.00"))
    await life.do("approve", by="ana")
    await listed(life, 'InvoiceState="collecting" and InvoiceNeedsPerson=false')
    await life.do("dispute", by="x", reason="damaged")
    await listed(life, 'InvoiceState="disputed"')
    await life.do("resolve", by="ana", outcome="withdrawn")
    await life.do("promise", by="x", date=(datetime.now(UTC).date() + timedelta(days=20)).isoformat())
    await listed(life, 'InvoiceState="promised" and InvoiceFlags="promised"')
    await life.do("hold", by="sam", reason="r")
    await listed(life, 'InvoiceState="on_hold"')
    await life.do("release", by="sam")
    await life.do("escalate", by="sam", reason="r")
    await listed(life, 'InvoiceState in ("promised", "escalated")')
    await life.do("hand_over", by="ben", to="Collect Ltd", reason="r")
    await listed(life, 'InvoiceState="in_collections"')
    await life.do("write_off", by="ben", reason="gone")
    await listed(life, "InvoiceNeedsPerson=true")
    await life.do("approve", by="cho")
    await listed(life, 'InvoiceState="written_off" and ExecutionStatus="Completed"')


async def test_types_and_values_are_those_of_the_contract(sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00")
    said = await life.status()
    await listed(life, f'InvoiceNumber="{said["number"]}" and InvoiceBalanceMinor=119000 and InvoiceCurrency="EUR"')
    shown = await attributes_of(life)
    values: dict[SearchAttributeKey[Any], Any] = {pair.key: pair.value for pair in shown if pair.key in attributes.KEYS}
    assert values[attributes.STATE] in {"collecting", "delivering"}
    assert values[attributes.SELLER] == life.id.split("-")[1]
    assert values[attributes.CUSTOMER] == "globex"
    assert values[attributes.OWNER] == "sam"
    assert values[attributes.NEEDS_PERSON] is False
    assert values[attributes.BALANCE_MINOR] == 119000
    assert isinstance(values[attributes.NEXT_ACTION_AT], datetime)
    due = values[attributes.DUE_AT]
    assert isinstance(due, datetime)
    assert due.date() == date.fromisoformat(said["dues"][0]["due_on"])


async def test_the_balance_and_the_next_date_follow_what_happens(sqlite_house: House) -> None:
    """One upsert a transition: yet after a part payment a list must not show the old balance for ever."""
    life = await sqlite_house.issued("1000.00")
    day = (await life.status())["documents"][0]["date"]
    await life.do("pay", by="ben", amount="190.00", received_on=day, method="transfer", external_id="V-1")
    await listed(life, 'InvoiceBalanceMinor=100000 and InvoiceFlags="part_paid"')


async def upserts(life: Life) -> list[set[str]]:
    """The names in each of ours: the SDK writes one of its own beside the marker of a patch."""
    found = []
    async for event in life.handle.fetch_history_events():
        if event.HasField("upsert_workflow_search_attributes_event_attributes"):
            fields = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
            if PATCHES not in fields:
                found.append(set(fields))
    return found


async def test_one_upsert_a_transition(sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00")
    before = len(await upserts(life))
    assert before <= 4
    await life.do("dispute", by="x", reason="damaged")
    assert len(await upserts(life)) == before + 1
    for text in ("one", "two", "three"):
        await life.do("note", by="x", text=text)
    assert len(await upserts(life)) == before + 1
    await life.do("resolve", by="ana", outcome="withdrawn")
    assert len(await upserts(life)) == before + 2


async def test_an_upsert_writes_what_changed(sqlite_house: House) -> None:
    """A history holds each for as long as the receivable lives."""
    life = await sqlite_house.issued("1000.00")
    first, *_ = await upserts(life)
    assert first == {key.name for key in attributes.KEYS}
    day = (await life.status())["documents"][0]["date"]
    await life.do("pay", by="ben", amount="190.00", received_on=day, method="transfer", external_id="V-1")
    _, *others, paid = await upserts(life)
    assert {"InvoiceBalanceMinor", "InvoiceFlags"} <= paid
    for written in (*others, paid):
        assert not written & {"InvoiceSeller", "InvoiceCustomer", "InvoiceCurrency"}


async def test_details_escape_what_customers_write_and_stay_small(sqlite_house: House) -> None:
    seller = sqlite_house.clock()
    customer = {
        "name": "<b>Evil</b> [link](http://evil.example)", "country": "DE", "email": "ap@evil.example",
        "address": {"street": "Ring 1", "postcode": "10115", "city": "Berlin"},
    }  # fmt: skip
    life = await sqlite_house.start("1000.00", seller=seller, customer=customer)
    await life.state("awaiting_approval")
    await life.do("approve", by="ana")
    await life.state("collecting")
    shown = ""
    for number in range(12):
        await life.do("dispute", by="x", reason=f"{number} {HOSTILE}", amount="1.00")
        shown = await life.details()
        assert len(shown.encode()) <= 4096
        live = re.sub(r"\\.", "", shown)
        assert "<" not in live
        assert "](" not in live
        assert "bold**" not in live
    assert "alert" in shown
    assert "collecting" in shown


async def test_details_give_the_json_to_paste(sqlite_house: House) -> None:
    life = await sqlite_house.start("1000.00")
    said = await life.state("awaiting_approval")
    shown = await life.details()
    assert f'"hash": "{said["hash"]}"' in shown
    assert "`approve`" in shown
    assert "first invoice" in await life.told()


async def test_every_timer_and_activity_says_what_it_is_for(sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00", terms="net 14")
    await life.forward(20)
    summaries = []
    async for event in life.handle.fetch_history_events():
        waits = event.HasField("timer_started_event_attributes")
        if waits or event.HasField("activity_task_scheduled_event_attributes"):
            assert event.user_metadata.summary.data, event
            summaries.append(event.user_metadata.summary.data.decode())
    assert any("D+1" in summary for summary in summaries)
    assert not any("globex gmbh" in summary.lower() for summary in summaries)
