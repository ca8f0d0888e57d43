"""What a schedule looks after at the payment provider. Hourly: events that never reached us. Daily: whether its
account of our balance and our ledger tell the same story, both ways."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from temporalio import workflow

from schemas.incoming import PAGE, EventStep, SweepStep
from workflows import steps

EVENTS, BALANCE = "events", "balance"


@workflow.defn(name="PaymentSweep")
class PaymentSweep:
    def __init__(self) -> None:
        self.outcome = "sweeping"

    @workflow.query(name="status", description="What the sweep found.")
    def status(self, *_: Any) -> dict[str, Any]:
        return {"contract": 1, "outcome": self.outcome}

    @workflow.run
    async def run(self, what: Any = None, *extra: Any) -> dict[str, Any]:
        match what, extra:
            case "events", ():
                self.outcome = await self._events()
            case "balance", ():
                self.outcome = await self._balance()
            case _:
                self.outcome = f"unreadable: expects {EVENTS} or {BALANCE}"
        workflow.set_current_details(self.outcome)
        return self.status()

    async def _events(self) -> str:
        """Books every event whose delivery failed, a lot at a time; only then is the source read through this
        instant."""
        started = workflow.now()
        lost = await steps.lost_events(SweepStep(now=started))
        for hint in lost:
            booked = await steps.payment_event(EventStep(hint=hint, now=workflow.now()))
            if booked.told:
                await steps.tell(booked.told)
        if lost:
            workflow.continue_as_new(EVENTS)
        await self._read_through(started)
        return "every event is booked"

    async def _read_through(self, started: datetime) -> None:
        """Page by page, each told before the next is read. A history of before has them all in one answer."""
        after, more = "", True
        while more:
            waiting = await steps.source_read(SweepStep(now=started, after=after))
            if waiting:
                await steps.tell(waiting)
            more = len(waiting) >= PAGE and workflow.patched("told-in-pages")
            after = waiting[-1] if waiting else ""

    async def _balance(self) -> str:
        compared = await steps.reconcile(SweepStep(now=workflow.now()))
        if compared.told:
            await steps.tell(compared.told)
        return compared.outcome
