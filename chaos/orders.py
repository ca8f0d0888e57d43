"""What is ordered: whom each invoice bills, over how much, and which fate it gets. Draws only from the dice it is
given."""

from __future__ import annotations

import random
from typing import Any

from chaos.plan import FATES
from domain.keys import workflow_id

SELLER = "demo"
CUSTOMERS = ("globex", "initech", "hooli", "umbrella", "wonka", "stark", "wayne", "soylent", "vandelay")


def id_of(number: int) -> str:
    return workflow_id(SELLER, f"N-{number}")


def drawn(number: int, chance: random.Random) -> str:
    """The first invoice of each customer is new to them, so that somebody must approve it."""
    return "approved" if number < len(CUSTOMERS) else chance.choices(list(FATES), list(FATES.values()))[0]


def request(number: int, fate: str) -> dict[str, Any]:
    """Between 50 and 150 net, so that no amount is unusual for its customer and no order comes twice; over 250 for who
    is to be approved, which is no warning either."""
    price = 50 + number % 100
    times = 4 if fate in ("rejected", "cancelled") else 1
    line = {"description": "Work", "quantity": "1", "unit_price": f"{price}.{number % 90 + 10}"}
    return {
        "seller": SELLER,
        "reference": f"N-{number}",
        "customer": {"key": CUSTOMERS[number % len(CUSTOMERS)]},
        "currency": "EUR",
        "policy": "swift",
        "terms": "net 7",
        "purchase_order": f"PO-{number}",
        "lines": [{**line, "id": str(n + 1)} for n in range(times)],
    }
