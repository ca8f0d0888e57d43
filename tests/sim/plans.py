"""Small plans for tests: one life that would pay in time, in a town where nothing goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sim.plan import DAY, Event, Life, Manners, Plan

PAID = Event(
    at=20 * DAY,
    what="pay",
    body={"by": "ben", "amount": "$rest", "received_on": "$day", "method": "transfer", "external_id": "$ref-1"},
)
LATE = replace(PAID, at=40 * DAY)
REQUEST: dict[str, Any] = {
    "seller": "demo",
    "customer": "globex",
    "currency": "EUR",
    "created_by": "crm",
    "lines": [
        {"description": "Work", "quantity": "1", "unit_price": "100", "tax": {"category": "S", "rate": "19"}}
    ],
}  # fmt: skip


def life(number: int = 0, *events: Event, **changes: Any) -> Life:
    usual = Life(
        number=number,
        fate="on_time",
        starts=0,
        request={**REQUEST, "reference": f"L-{number}"},
        gross=11900,
        manners=Manners(),
        events=events or (PAID,),
    )
    return replace(usual, **changes)


def town(*lives: Life, **changes: Any) -> Plan:
    start = datetime(2026, 5, 4, 9, tzinfo=UTC)
    usual = Plan(seed=0, town=0, start=start, mail="outbox", lives=lives or (life(),), days=60)
    return replace(usual, **changes)
