"""Stored customers over HTTP: kept whole, stopped, let go, in the audit; on both databases."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books.verify import verify
from schemas import tables as t
from tests.gateway.conftest import Gateway
from tests.story import Story
from tests.workflows.conftest import House

ACME: dict[str, Any] = {
    "name": "Acme GmbH",
    "country": "DE",
    "timezone": "Europe/Berlin",
    "email": "ap@acme.example",
    "terms": "2/10 net 30",
    "address": {"street": "Ring 2", "postcode": "10115", "city": "Berlin"},
    "contacts": [{"role": "billing", "name": "Ada", "email": "ada@acme.example"}],
}
PATH = "/v1/customers/acme"


def audited(engine: Engine) -> list[tuple[str, str, str]]:
    query = select(t.AuditEntry).where(col(t.AuditEntry.type).startswith("customer."), t.AuditEntry.seller == "demo")
    with Session(engine) as session:
        found = session.exec(query.order_by(col(t.AuditEntry.seq))).all()
        return [(e.type, e.actor, e.actor_kind) for e in found if e.keys["customer"] == "acme"]


async def test_a_customer_is_stored_whole_and_read_back(offline: Gateway) -> None:
    key = offline.as_("customers", seller="demo")
    said = [await offline.http.put(PATH, json=ACME, headers=key) for _ in range(2)]
    smaller = {name: value for name, value in ACME.items() if name not in {"terms", "contacts"}}
    shown = await offline.http.get(PATH, headers=key)
    assert shown.json() == {
        **ACME,
        "contract": 1,
        "seller": "demo",
        "key": "acme",
        "kind": "business",
        "language": "en",
    }
    again = {name: value for name, value in shown.json().items() if name not in {"contract", "seller", "key"}}
    said += [await offline.http.put(PATH, json=body, headers=key) for body in (again, smaller)]
    assert [each.json()["result"] for each in said] == ["created", "unchanged", "unchanged", "changed"]
    left = (await offline.http.get(PATH, headers=key)).json()
    assert "contacts" not in left
    assert "terms" not in left
    assert audited(offline.engine) == [("customer.created", "crm", "machine"), ("customer.changed", "crm", "machine")]
    assert verify(offline.engine, None) == []


async def test_what_the_contract_leaves_open_may_be_left_out(offline: Gateway) -> None:
    key = offline.as_("customers", seller="demo")
    body = {
        "name": "Acme Ltd",
        "country": "GB",
        "email": "a@acme.example",
        "contacts": [{"role": "dispute", "name": "Ada"}],
    }
    assert (await offline.http.put(PATH, json=body, headers=key)).json()["result"] == "created"
    shown = (await offline.http.get(PATH, headers=key)).json()
    assert (shown["timezone"], shown["contacts"]) == ("Europe/Berlin", body["contacts"])
    assert (await offline.http.put(PATH, json=body, headers=key)).json()["result"] == "unchanged"
    story = Story(offline.engine, "demo", "P-1")
    inline = {
        "name": "B",
        "country": "DE",
        "contacts": [{"role": "billing", "phone": "+49 30 1", "email": "b@b.example"}],
    }
    story.start("acme", "100.00")
    Story(offline.engine, "demo", "P-2").start(inline, "100.00")
    with Session(offline.engine) as session:
        first, second = (session.get_one(t.Invoice, f"invoice-demo-P-{n}").customer_data for n in (1, 2))
    assert (first["contacts"][0]["email"], second["contacts"][0]["phone"]) == (None, "+49 30 1")
    twice = {**body, "contacts": body["contacts"] * 2}  # type: ignore[operator]
    said = await offline.http.put(PATH, json=twice, headers=key)
    assert [each["path"] for each in said.json()["problems"]] == ["contacts[1]"]


async def test_what_does_not_fit_is_refused(bare: Gateway) -> None:
    key = bare.as_("customers", seller="demo")
    for more, path in (
        ({"key": "acme"}, "key"), ({"sellers": ["demo"]}, "sellers"), ({"name": None}, "name"), ({"iban": "x"}, "iban"),
        ({"policy": "nothing"}, "policy"), ({"kind": "consumer"}, "policy"), ({"terms": "someday"}, "terms"),
        ({"terms": {"schedule": [{"percent": "100", "due": "9999-12-31"}]}}, "terms.schedule[0].due"),
    ):  # fmt: skip
        said = await bare.http.put(PATH, json={**ACME, **more}, headers=key)
        assert (said.status_code, said.json()["problems"][0]["path"]) == (422, path), more
    assert (await bare.http.get(PATH, headers=key)).status_code == 404
    assert (await bare.http.post(f"{PATH}/commands/note", json={"text": "x"}, headers=key)).status_code == 404
    assert (await bare.http.put(f"{PATH}?seller=nobody", json=ACME, headers=bare.as_())).status_code == 404
    assert (await bare.http.get("/v1/customers/a%20b?seller=demo", headers=bare.as_())).status_code == 422


async def test_a_customer_is_held_noted_and_released(offline: Gateway) -> None:
    await offline.http.put(f"{PATH}?seller=demo", json=ACME, headers=offline.as_("customers"))

    async def give(name: str, by: str = "sam", **body: Any) -> tuple[int, Any]:
        path = f"{PATH}/commands/{name}?seller=demo"
        said = await offline.http.post(path, json=body, headers=offline.as_("customers", by=by))
        return said.status_code, said.json().get("state", said.json().get("detail"))

    assert await give("release") == (409, "the customer is not on hold")
    assert await give("hold", by="crm", reason="insolvent?") == (
        403,
        "crm has machine; hold needs a controller or owner",
    )
    assert (await give("hold", reason="x", until="2020-01-01"))[0] == 409
    assert (await give("hold", reason="x", kind="bankrupt"))[0] == 422
    assert await give("hold", reason="insolvent?", until="2199-01-01", kind="insolvent") == (200, "held")
    assert await give("note", by="crm", text="their lawyer called") == (200, "held")
    assert await give("release") == (200, "free")
    assert [each[0] for each in audited(offline.engine)] == [
        "customer.created", "customer.held", "customer.noted", "customer.released",
    ]  # fmt: skip
    assert verify(offline.engine, None) == []


async def test_a_hold_shows_on_every_invoice_of_the_customer(gateway: Gateway, sqlite_house: House) -> None:
    life = await sqlite_house.issued()
    seller = (await life.status())["seller"]
    key = gateway.as_("customers", by="ben", seller=seller)
    for name, body, state in (("hold", {"reason": "talks"}, "on_hold"), ("release", {}, "collecting")):
        said = await gateway.http.post(f"/v1/customers/globex/commands/{name}", json=body, headers=key)
        assert said.status_code == 200
        await life.state(state)
