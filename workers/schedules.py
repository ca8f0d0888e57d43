"""The schedules. For the payment provider: hourly for events that never reached us, daily for balances that differ. For
the archive: daily, a part of it is read again. For people: hourly, the morning sheets that are due. Visible, pausable
and triggered by hand in the Temporal Web UI."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from workers.connect import TASK_QUEUE

SWEEPS = {"hourly": ("events", timedelta(hours=1)), "daily": ("balance", timedelta(days=1))}
READING = "duely-archive-daily"
SHEETS = "duely-sheets-hourly"
CATCH_UP = timedelta(days=2)


async def schedule_sweeps(client: Client) -> None:
    """Makes the provider's schedules, or brings those that are there up to date. Safe to repeat."""
    for name, (what, every) in SWEEPS.items():
        await _make(client, f"duely-payments-{name}", "PaymentSweep", [what], f"payments: {what}", every)


async def schedule_reading(client: Client) -> None:
    """The archive's. Safe to repeat."""
    await _make(client, READING, "ArchiveReading", [], "archive: read again", timedelta(days=1))


async def schedule_sheets(client: Client) -> None:
    """The morning sheets': every hour, for it is always somebody's morning. Safe to repeat."""
    await _make(client, SHEETS, "Sheets", [], "morning sheets", timedelta(hours=1))


async def _make(client: Client, id_: str, workflow: str, given: list[str], summary: str, every: timedelta) -> None:
    action = ScheduleActionStartWorkflow(workflow, args=given, id=id_, task_queue=TASK_QUEUE, static_summary=summary)
    wanted = Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
    try:
        await client.create_schedule(id_, wanted)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(id_).update(partial(_updated, wanted))


def _updated(wanted: Schedule, found: ScheduleUpdateInput) -> ScheduleUpdate:
    """Somebody may have paused it: that stays."""
    wanted.state = found.description.schedule.state
    return ScheduleUpdate(schedule=wanted)
