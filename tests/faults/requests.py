"""Invoices that nobody has to approve: small amounts to customers who have been billed before, each its own order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from adapters.books.books import Books
from schemas.steps import CommandStep, DraftStep

CUSTOMERS = ("globex", "initech", "hooli", "umbrella", "wonka", "stark", "wayne", "soylent", "vandelay")


def request(seller: str, number: int, **more: Any) -> dict[str, Any]:
    """Between 50 and 150 net, so that no amount is unusual for its customer, and no order comes twice."""
    line = {"description": "Work", "quantity": "1", "unit_price": f"{50 + number % 100}.{number % 90 + 10}"}
    return {
        "seller": seller,
        "reference": f"N-{number}",
        "customer": {"key": CUSTOMERS[number % len(CUSTOMERS)]},
        "currency": "EUR",
        "purchase_order": f"PO-{number}",
        "lines": [line],
        **more,
    }


def workflow_id(seller: str, number: int) -> str:
    return f"invoice-{seller}-N-{number}"


def bill_once(engine: Engine, seller: str, now: datetime) -> int:
    """A first, approved invoice to every customer, numbered from 0 on; answers how many."""
    books = Books(engine, idempotent=True)
    for number in range(len(CUSTOMERS)):
        name = workflow_id(seller, number)
        books.draft(DraftStep(workflow_id=name, now=now, request=request(seller, number)))
        answer = books.command(
            CommandStep(workflow_id=name, now=now, id=f"approve-{name}", name="approve", payload={"by": "ana"})
        )
        assert answer.verdict.result == "done", answer.verdict
    return len(CUSTOMERS)
