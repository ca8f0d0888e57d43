"""What nobody foresaw: a step that cannot be done waits for its repair; the receivable does not die of it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from adapters.books.engine import write
from schemas import tables as t
from tests.workflows.conftest import House
from tests.workflows.life import PATIENCE, Life


async def failing(life: Life) -> None:
    """Waits until an activity has been tried more than once."""
    deadline = time.monotonic() + PATIENCE
    while True:
        pending = (await life.handle.describe()).raw_description.pending_activities
        if any(one.attempt > 1 for one in pending):
            return
        assert time.monotonic() < deadline, pending
        await asyncio.sleep(0.02)


def terms(house: House, life: Life, said: Any) -> Any:
    """Overwrites the frozen terms of an invoice, as a bad migration might; answers what they were."""
    with write(house.engine, life.id.split("-")[1]) as session:
        row = session.get_one(t.Invoice, life.id)
        before = row.draft["terms"]
        row.draft = {**row.draft, "terms": said}
        session.add(row)
    return before


async def test_a_row_that_cannot_be_read_holds_the_invoice_until_it_is_mended(house: House) -> None:
    life = await house.issued("1000.00")
    good = terms(house, life, "some day")
    await life.handle.signal("books_changed")
    await failing(life)
    assert (await life.status())["state"] == "collecting"
    terms(house, life, good)
    await life.do("note", by="x", text="mended")
    assert (await life.state("collecting"))["balance"] == "1190.00"
    assert await life.wedged() == []
