"""A provider's event, from its hint to the books: read the object, book its state, tell the receivables. Nothing inside
the hint is believed but where to look."""

from __future__ import annotations

import re
from typing import Any

from temporalio import workflow

from schemas.adapters import adapter
from schemas.incoming import EventHint, EventStep
from workflows import steps

NAME = re.compile(r"[A-Za-z0-9._-]{1,200}")
"""What ids and event types are written with; anything else could not be kept, or not be shown."""


@workflow.defn(name="PaymentEvent")
class PaymentEvent:
    def __init__(self) -> None:
        self.outcome = "reading"

    @workflow.query(name="status", description="What became of the event.")
    def status(self, *_: Any) -> dict[str, Any]:
        return {"contract": 1, "outcome": self.outcome}

    @workflow.run
    async def run(self, body: Any = None, *extra: Any) -> dict[str, Any]:
        hint = read_hint(body, extra)
        if hint is None:
            self.outcome = "unreadable: expects {provider, id, type, object}"
        else:
            booked = await steps.payment_event(EventStep(hint=hint, now=workflow.now()))
            self.outcome = booked.outcome
            if booked.told:
                await steps.tell(booked.told)
        workflow.set_current_details(self.outcome)
        return self.status()


def read_hint(body: Any, extra: tuple[Any, ...]) -> EventHint | None:
    """The hint, or None for anything else a stranger may have started the workflow with."""
    if extra or not isinstance(body, dict):
        return None
    try:
        hint: EventHint = adapter(EventHint).validate_python(body)
    except ValueError:
        return None
    named = (hint.provider, hint.id, hint.type, hint.object)
    return hint if all(NAME.fullmatch(name) for name in named) else None
