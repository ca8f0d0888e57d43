"""The schedules that look after the payment provider: hourly for events that never reached us, daily for balances that
differ. Visible, pausable and triggered by hand in the Temporal Web UI."""

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
CATCH_UP = timedelta(days=2)


async def schedule_sweeps(client: Client) -> None:
    """Makes the schedules, or brings those that are there up to date. Safe to repeat."""
    for name, (what, every) in SWEEPS.items():
        wanted = _schedule(name, what, every)
        id_ = f"duely-payments-{name}"
        try:
            await client.create_schedule(id_, wanted)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(id_).update(partial(_updated, wanted))


def _updated(wanted: Schedule, found: ScheduleUpdateInput) -> ScheduleUpdate:
    """Somebody may have paused it: that stays."""
    wanted.state = found.description.schedule.state
    return ScheduleUpdate(schedule=wanted)


def _schedule(name: str, what: str, every: timedelta) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            "PaymentSweep",
            what,
            id=f"duely-payments-{name}",
            task_queue=TASK_QUEUE,
            static_summary=f"payments: {what}",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )
