"""A key of one seller against everything of another: every route under /v1, with and without naming the other."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, col, select

from schemas import tables as t
from schemas.commands import EXAMPLES
from tests.security.conftest import Front

NOBODYS = {"/v1/files"}
"""Routes about no seller: content goes in under its hash, and none comes out."""


def bodies(front: Front, path: str) -> Any:
    name = path.rpartition("/")[2]
    if path.startswith("/v1/exceptions/"):
        return {"decision": "taken over"} if name == "decide" else {"owner": "sam"}
    if "/commands/" in path:
        return {field: value for field, value in EXAMPLES.get(name, {}).items() if field != "by"}
    if path == "/v1/payments":
        return {**{f: v for f, v in EXAMPLES["pay"].items() if f != "by"}, "invoice": front.theirs.id}
    if path == "/v1/invoices":
        return {**EXAMPLES["amend"]["request"], "seller": "clock01", "reference": "NEW-1"}
    return {"name": "Taken Over GmbH", "country": "DE", "timezone": "Europe/Berlin"}


def paths(front: Front, path: str) -> list[str]:
    """The same route at each name that another's thing has."""
    ids = (front.theirs.id, f"clock01/{front.theirs.reference}")
    if "{id}" in path:
        return [path.replace("{id}", each).replace("{name}", "note") for each in ids]
    return [path.replace("{key}", "globex").replace("{exception}", str(exception_of(front, "clock01")))]


def exception_of(front: Front, seller: str) -> int:
    with Session(front.engine) as session:
        found = session.exec(select(t.OpenException).where(t.OpenException.seller == seller)).first()
    assert found is not None
    assert found.id is not None
    return found.id


def chain(front: Front, seller: str) -> list[t.AuditEntry]:
    with Session(front.engine) as session:
        query = select(t.AuditEntry).where(t.AuditEntry.seller == seller).order_by(col(t.AuditEntry.seq))
        return list(session.exec(query))


async def test_nothing_of_another_seller_is_read_or_changed(front: Front) -> None:
    front.theirs.command("dispute", "globex", reason="late")
    ours, before = front.key(seller="demo"), len(chain(front, "clock01"))
    tried = 0
    for method, route in front.routes:
        if not route.path_format.startswith("/v1"):
            continue
        for path in paths(front, route.path_format):
            for query in ("seller=clock01&format=csv", "format=csv"):
                body = {} if method == "GET" else {"json": bodies(front, path)}
                answer = await front.ask(method, f"{path}?{query}", headers=ours, **body)
                where = (method, path, query, answer.status_code, answer.text[:200])
                tried += 1
                if route.path_format in NOBODYS:
                    assert answer.status_code == 201, where
                elif (
                    "clock01" in query
                    or "{id}" in route.path_format
                    or route.path_format in ("/v1/payments", "/v1/invoices")
                ):
                    refused = (
                        (200,) if method == "GET" and "clock01" not in query and "{id}" not in route.path_format else ()
                    )
                    assert answer.status_code in (403, 404, *refused), where
                assert front.theirs.id not in answer.text or "is called" in answer.text, where
                assert "Taken Over" not in answer.text or "seller" not in query, where
    assert tried > 60
    assert len(chain(front, "clock01")) == before, "a refused call of another seller's key changed its books"


async def test_a_number_or_reference_of_both_means_our_own(front: Front) -> None:
    """Both sellers have ORD-1: a bound key means its own, and is never told of the other."""
    answer = await front.ask("GET", "/v1/invoices/ORD-1", headers=front.key(seller="demo"))
    assert answer.json()["seller"] == "demo"
    free = await front.ask("GET", "/v1/invoices/ORD-1", headers=front.key())
    assert free.status_code == 409
    listed = await front.ask("GET", "/v1/invoices", headers=front.key(seller="demo"))
    assert {each["seller"] for each in listed.json()["invoices"]} == {"demo"}


async def test_what_a_known_key_may_not_do_stands_in_the_audit(front: Front) -> None:
    """Once an hour for each key and route; the reason beside the chain; looks are not told."""
    bound, poor = front.key(seller="demo"), front.key("invoices:read", seller="demo", by="ana")
    note = {"text": "mine"}
    for _ in range(3):
        await front.ask("POST", f"/v1/invoices/{front.theirs.id}/commands/note", headers=bound, json=note)
    await front.ask("POST", "/v1/invoices/ORD-1/commands/hold", headers=poor, json={"reason": "x"})
    await front.ask("POST", "/v1/invoices/ORD-1/commands/hold", headers=bound, json={"by": "ben", "reason": "x"})
    await front.ask("GET", f"/v1/invoices/{front.theirs.id}", headers=bound)
    await front.ask("POST", "/v1/invoices/ORD-1/commands/hold", json={"reason": "x"})
    told = [(each.actor, each.keys["command"]) for each in chain(front, "demo") if each.type == "command.refused"]
    assert told == [
        ("crm", "POST /v1/invoices/{id}/commands/note"),
        ("ana", "POST /v1/invoices/{id}/commands/hold"),
        ("crm", "POST /v1/invoices/{id}/commands/hold"),
    ]
