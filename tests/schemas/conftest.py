"""The contract's own example, fresh for each test."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def body() -> dict[str, Any]:
    return {
        "seller": "demo",
        "reference": "ORD-1042",
        "created_by": "crm",
        "customer": {
            "name": "Globex GmbH",
            "email": "ap@globex.example",
            "country": "DE",
            "language": "de",
            "timezone": "Europe/Berlin",
            "vat_id": "DE136695976",
            "address": {"street": "Ring 1", "postcode": "10115", "city": "Berlin"},
        },
        "currency": "EUR",
        "terms": "2/10 net 30",
        "purchase_order": "4500017",
        "period": {"from": "2026-10-01", "to": "2026-10-31"},
        "lines": [
            {
                "description": "Consulting, October",
                "quantity": "12.5",
                "unit": "HUR",
                "unit_price": "120.00",
                "tax": {"category": "S", "rate": "19"},
            }
        ],
    }
