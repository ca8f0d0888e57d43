"""Receivables for the tests of the decision: short builders with exact dates. Lives are in `lives`, strategies in
`strategies`."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from domain.account import Account, Dispute, Document, Due, Hold, Person, Phase, Place, Promise, Subject, Watermark
from domain.messages import Message, MessageState
from domain.policy import Policy, parse_policy

SEED = Path(__file__).parents[2] / "templates" / "seed" / "policies.toml"
TABLES: dict[str, dict[str, Any]] = tomllib.loads(SEED.read_text())
BERLIN = Place(timezone="Europe/Berlin", country="DE")
NEW_YORK = Place(timezone="America/New_York", country="US")
TOKYO = Place(timezone="Asia/Tokyo", country="JP")
HASH = "sha256:" + "ab" * 32
TO_CUSTOMERS = frozenset({"invoice", "credit_note", "reminder"})
ANA = Person(key="ana", roles=("approver",), limits={"EUR": 10_000_00})
BEN = Person(key="ben", roles=("approver", "controller"), limits={})
SAM = Person(key="sam", roles=("owner",), limits={})


def policy(name: str = "standard", **changed: Any) -> Policy:
    return parse_policy(name, 1, {**TABLES[name], **changed})


def rung(at: str, after: str = "collapse", to: str = "billing") -> dict[str, str]:
    return {"at": at, "template": "reminder", "tone": "firm", "to": to, "after_outage": after}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(on: str, amount: int = 119_00, id_: str = "1", **fields: Any) -> Due:
    day = date.fromisoformat(on)
    return Due(**{"id": id_, "due_on": day, "ladder_on": day, "episode": 1, "amount": amount, **fields})


def message(key: str, at: str, state: str = "sent", kind: str = "reminder", **fields: Any) -> Message:
    return Message(key=key, kind=kind, state=MessageState(state), at=utc(at), **fields)


def sent(rung_id: str, at: str, state: str = "sent", due_id: str = "1", **fields: Any) -> Message:
    key = f"invoice-demo-R1/{due_id}/1/{rung_id}"
    return message(key, at, state, due=due_id, episode=1, rung=rung_id, **fields)


def paper(kind: str = "invoice", number: str = "2026-00001", total: int = 119_00) -> Document:
    id_ = f"invoice-demo-R1/{kind}"
    return Document(id=id_, kind=kind, number=number, issued_on=date(2026, 1, 7), total=total, object_key=None)


def delivery(at: str, state: str = "sent", kind: str = "invoice", copy: str = "", **fields: Any) -> Message:
    ref = f"invoice-demo-R1/{kind}{copy}"
    return message(ref, at, state, kind=kind, subject=ref, **fields)


def dispute(amount: int, outcome: str | None = None, id_: str = "d1", reason: str = "damaged") -> Dispute:
    at = utc("2026-01-20T09:00")
    return Dispute(id=id_, by="x", code="other", reason=reason, amount=amount, lines=(), opened_at=at, outcome=outcome)


def promise(on: str, amount: int, outcome: str | None = None) -> Promise:
    day = date.fromisoformat(on)
    return Promise(id="p1", by="x", amount=amount, promised_on=day, made_at=utc("2026-01-20T09:00"), outcome=outcome)


def hold(until: str | None = None, scope: str = "invoice") -> Hold:
    return Hold(scope=scope, by="sam", reason="clearing", until=utc(until) if until else None)


def subject(id_: str = "credit-1", kind: str = "credit", amount: int = 50_00, **fields: Any) -> Subject:
    base: dict[str, Any] = {"hash": HASH, "approvers": 1, "roles": (), "creators": ("sam",)}
    base["opened_at"] = utc("2026-01-20T09:00")
    return Subject(id=id_, kind=kind, amount=amount, **{**base, **fields})


def mark(through: str, read_at: str, source: str = "bank") -> Watermark:
    return Watermark(source=source, through=date.fromisoformat(through), read_at=utc(read_at))


def account(**fields: Any) -> Account:
    """119.00 owed by a Berlin customer, delivered on Wednesday 7 January 2026, due on Friday 6 February."""
    base: dict[str, Any] = {
        "seller": "demo",
        "reference": "R1",
        "request_hash": HASH,
        "phase": Phase.OPEN,
        "currency": "EUR",
        "customer": "globex",
        "owner": "sam",
        "hash": HASH,
        "mode": "auto",
        "seller_place": BERLIN,
        "customer_place": BERLIN,
        "number": "2026-00001",
        "issued_on": date(2026, 1, 7),
        "delivered_at": utc("2026-01-07T09:00"),
        "total": 119_00,
        "dues": (due("2026-02-06"),),
        "documents": (paper(),),
        "messages": (delivery("2026-01-07T09:00"),),
    }
    given = {**base, **fields}
    if "dues" in fields and "total" not in fields:
        given["total"] = sum(each.amount for each in fields["dues"])
    return Account(**given)


def more(base: Account, *messages: Message, **fields: Any) -> Account:
    return replace(base, messages=(*base.messages, *messages), **fields)
