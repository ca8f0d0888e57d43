"""The archive is read again on a real server: what rots is asked about, and the schedule is made once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

from temporalio.client import ScheduleOverlapPolicy

from adapters.books import views
from adapters.books.verify import verify
from adapters.documents.archive import Archive
from tests.workflows.conftest import House
from tests.workflows.life import PATIENCE
from workers.connect import TASK_QUEUE
from workers.schedules import READING, schedule_reading


async def ran(house: House, *payloads: Any) -> dict[str, Any]:
    """Whatever it was started with, it reads the part of the day."""
    id_ = f"reading-{uuid4()}"
    await house.client.start_workflow("ArchiveReading", args=list(payloads), id=id_, task_queue=TASK_QUEUE)
    said: dict[str, Any] = await asyncio.wait_for(house.client.get_workflow_handle(id_).result(), PATIENCE)
    return said


async def test_a_lost_file_is_asked_about_until_it_is_back(house: House) -> None:
    life = await house.issued()
    assert (await ran(house))["outcome"].endswith("all whole")
    archive = Archive(house.settings.archive)
    key = (await life.status())["documents"][0]["hash"]
    path, whole = archive.path(key), archive.get(key)
    path.unlink()
    assert (await ran(house, {"odd": "payload"}))["outcome"].endswith(" 1 missing")
    asked = [e for e in views.exceptions(house.engine) if e["kind"] == "archive_rot"]
    assert [(e["key"], e["owner"]) for e in asked] == [(key, "sam")]
    assert archive.put(whole, "pdf") == key
    assert (await ran(house))["outcome"].endswith("all whole")
    assert [e for e in views.exceptions(house.engine) if e["kind"] == "archive_rot"] == []
    assert verify(house.engine, house.settings.archive) == []


async def test_the_schedule_is_made_once_and_stays_paused(sqlite_house: House) -> None:
    await schedule_reading(sqlite_house.client)
    handle = sqlite_house.client.get_schedule_handle(READING)
    await handle.pause(note="for a test")
    await schedule_reading(sqlite_house.client)
    told = await handle.describe()
    assert (told.schedule.state.paused, told.schedule.policy.overlap) == (True, ScheduleOverlapPolicy.SKIP)
    await handle.delete()
