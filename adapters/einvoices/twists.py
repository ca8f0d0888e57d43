"""Where a syntax has no room for terms as they are, and how they are told apart again when read.

CII names one earlier invoice: its schema D16B, by which EN 16931 and XRechnung are checked, refuses a second; more
stand in notes. UBL has no subject of a note, so it goes into the text, and no sales order without a purchase order.
"""

from __future__ import annotations

import re

from adapters.einvoices.binding import Terms

_ADDITIONAL = "ACB"
"""BT-21 (UNTDID 4451): additional information."""
_EARLIER = re.compile(r"Preceding invoice: (.+?)(?:, (\d{4}-\d{2}-\d{2}))?")
_SUBJECT = re.compile("#([A-Z]{3})#(.*)", re.DOTALL)
_NO_ORDER = "NA"
"""BT-13 where only BT-14 is known (Peppol BIS Billing 3.0, 6.4)."""


def for_cii(terms: Terms) -> Terms:
    earlier = terms.get("BG-3", [])
    notes = [{"BT-21": _ADDITIONAL, "BT-22": _named(row)} for row in earlier[1:]]
    return _with(terms, {"BG-3": earlier[:1], "BG-1": [*terms.get("BG-1", ()), *notes]})


def from_cii(terms: Terms) -> Terms:
    notes, earlier = [], []
    for row in terms.get("BG-1", ()):
        found = _EARLIER.fullmatch(row.get("BT-22", "")) if row.get("BT-21") == _ADDITIONAL else None
        if found is None:
            notes.append(row)
        else:
            earlier.append({"BT-25": found[1], **({"BT-26": found[2]} if found[2] else {})})
    return _with(terms, {"BG-1": notes, "BG-3": [*terms.get("BG-3", ()), *earlier]})


def _named(row: Terms) -> str:
    return f"Preceding invoice: {row['BT-25']}" + (f", {row['BT-26']}" if "BT-26" in row else "")


def for_ubl(terms: Terms) -> Terms:
    notes = [{"BT-22": f"#{row['BT-21']}#{row['BT-22']}"} if "BT-21" in row else row for row in terms.get("BG-1", ())]
    order = {"BT-13": _NO_ORDER} if "BT-14" in terms and "BT-13" not in terms else {}
    return _with(terms, {"BG-1": notes, **order})


def from_ubl(terms: Terms) -> Terms:
    notes = [_with_subject(row) for row in terms.get("BG-1", ())]
    order = {"BT-13": None} if terms.get("BT-13") == _NO_ORDER else {}
    return _with(terms, {"BG-1": notes, **order})


def _with_subject(row: Terms) -> Terms:
    found = _SUBJECT.fullmatch(row["BT-22"])
    return {"BT-21": found[1], "BT-22": found[2]} if found else row


def _with(terms: Terms, other: Terms) -> Terms:
    return {term: said for term, said in {**terms, **other}.items() if said}
