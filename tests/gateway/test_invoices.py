"""Intake, lists, status and commands over HTTP, before a real worker."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest

from domain.roles import ANYONE
from schemas.commands import COMMANDS, EXAMPLES
from schemas.values import instant_of
from tests.gateway.conftest import Gateway
from tests.story import Story
from tests.workflows.conftest import House
from tests.workflows.life import request


async def start(gateway: Gateway, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await gateway.http.post("/v1/invoices", json=body, headers=headers or gateway.as_("invoices:write"))


async def command(gateway: Gateway, id_: str, name: str, by: str = "ana", **body: Any) -> httpx.Response:
    return await gateway.http.post(f"/v1/invoices/{id_}/commands/{name}", json=body, headers=gateway.as_(by=by))


async def test_an_invoice_starts_once_and_says_where_it_is(gateway: Gateway, sqlite_house: House) -> None:
    seller = sqlite_house.clock()
    body = request(seller, "ORD-1", metadata={"crm_id": "4711"})
    said = await start(gateway, body)
    assert (said.status_code, said.json()) == (202, {"contract": 1, "id": f"invoice-{seller}-ORD-1", "created": True})
    assert said.headers["Location"] == f"/v1/invoices/invoice-{seller}-ORD-1"
    await sqlite_house.life(said.json()["id"]).state("awaiting_approval", "collecting")
    again = await start(gateway, body)
    assert (again.status_code, again.json()["created"]) == (202, False)
    other = await start(gateway, {**body, "notes": "other content"})
    assert (other.status_code, other.headers["Content-Type"]) == (409, "application/problem+json")
    shown = await gateway.http.get(said.headers["Location"], headers=gateway.as_("invoices:read"))
    assert (shown.status_code, shown.json()["seller"]) == (200, seller)
    assert shown.json()["metadata"] == {"crm_id": "4711"}


async def test_everything_wrong_is_told_with_its_path(gateway: Gateway) -> None:
    line = {"description": "Work", "quantity": 1.5, "unit_price": "ten"}
    said = await start(gateway, {"seller": "demo", "reference": "a b", "customer": "globex", "lines": [line], "x": 1})
    assert said.status_code == 422
    found = said.json()
    assert (found["type"], found["title"], found["status"]) == ("about:blank", "Unprocessable Entity", 422)
    assert {problem["path"] for problem in found["problems"]} == {
        "reference", "currency", "lines[0].quantity", "lines[0].unit_price", "x",
    }  # fmt: skip


async def test_what_is_no_json_is_refused(gateway: Gateway) -> None:
    key = gateway.as_()
    for body in (b"", b"{", b'{"a":1,"a":2}', b"\xff", b"[" * 100_000, b'{"a":' + b"9" * 5000 + b"}"):
        said = await gateway.http.post("/v1/invoices", content=body, headers=key)
        assert said.status_code == 400, body[:20]
    for body in (b"[]", b"null", b"1.5", b'"x"', b'{"a":1e999}'):
        assert (await gateway.http.post("/v1/invoices", content=body, headers=key)).status_code == 422, body


async def test_an_unknown_seller_is_not_found(gateway: Gateway) -> None:
    assert (await start(gateway, request("nobody", "ORD-1"))).status_code == 404


@pytest.mark.parametrize("unsaid", [{}, {"created_by": None}])
async def test_whoever_asks_for_an_invoice_does_not_approve_it(
    gateway: Gateway, sqlite_house: House, unsaid: dict[str, Any]
) -> None:
    seller = sqlite_house.clock()
    body = {name: value for name, value in request(seller, "ORD-1", "300.00").items() if name != "created_by"} | unsaid
    said = await start(gateway, body, **gateway.as_(by="ana"))
    await sqlite_house.life(said.json()["id"]).state("awaiting_approval")
    refused = await command(gateway, said.json()["id"], "approve", by="ana")
    assert (refused.status_code, "ana" in refused.json()["detail"]) == (409, True)
    named = await start(gateway, {**body, "reference": "ORD-2", "created_by": "ben"}, **gateway.as_(by="ana"))
    assert named.status_code == 403


async def test_a_command_is_done_pending_refused_or_malformed(gateway: Gateway, sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00")
    done = await command(gateway, life.id, "dispute", reason="damaged", amount="19.00")
    assert done.status_code == 200
    assert done.json() == {"contract": 1, "result": "done", "state": "collecting", "dispute": "d1"}
    pending = await command(gateway, life.id, "write_off", by="ben", reason="insolvent", amount="500.00")
    assert (pending.status_code, pending.json()["subject"]) == (202, "write_off-1")
    refused = await command(gateway, life.id, "release", by="sam")
    assert (refused.status_code, refused.json()["detail"]) == (409, "the invoice is not on hold")
    malformed = await command(gateway, life.id, "promise", date="tomorrow", amount=1.5)
    assert malformed.status_code == 422
    assert {problem["path"] for problem in malformed.json()["problems"]} == {"date", "amount"}
    assert (await command(gateway, life.id, "forgive")).status_code == 404
    assert (await command(gateway, "invoice-demo-nothing", "note", text="x")).status_code == 404
    assert (await command(gateway, "%00", "note", text="x")).status_code == 404


async def test_a_command_repeated_under_its_key_is_carried_out_once(gateway: Gateway, sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00")
    body = {"reason": "damaged", "amount": "19.00"}

    async def dispute(key: str) -> httpx.Response:
        headers = {**gateway.as_(by="ana"), "Idempotency-Key": key}
        return await gateway.http.post(f"/v1/invoices/{life.id}/commands/dispute", json=body, headers=headers)

    said = [await dispute("A-1"), await dispute("A-1"), await dispute("A-2")]
    assert [each.json()["dispute"] for each in said] == ["d1", "d1", "d2"]
    assert len((await life.status())["disputes"]) == 2
    assert (await dispute("A" * 256)).status_code == 422


async def test_a_receivable_has_three_names_and_a_seller_tells_equal_ones_apart(
    gateway: Gateway, sqlite_house: House
) -> None:
    lives = [await sqlite_house.issued(), await sqlite_house.issued()]
    said = await lives[0].status()
    key, seller = gateway.as_(), said["seller"]
    for name in (lives[0].id, f"{said['number']}?seller={seller}", f"ORD-1?seller={seller}"):
        shown = await gateway.http.get(f"/v1/invoices/{name}", headers=key)
        assert shown.json()["id"] == lives[0].id
    several = await gateway.http.get("/v1/invoices/ORD-1", headers=key)
    assert (several.status_code, lives[1].id in several.json()["detail"]) == (409, True)
    bound = await gateway.http.get("/v1/invoices/ORD-1", headers=gateway.as_(seller=seller))
    assert bound.json()["id"] == lives[0].id


@pytest.mark.parametrize("number", ["2026/0001", "Rechnung Nr. 7/ä", "A" * 200])
async def test_every_number_that_can_exist_is_found(bare: Gateway, number: str) -> None:
    story = Story(bare.engine, "demo", "OLD-1")
    adopt = {"number": number, "issued_on": "2025-12-01", "due_on": "2026-02-01", "total": "214.00"}
    lines = [{"description": "Work", "quantity": "1", "unit_price": "200.00", "tax": {"category": "S", "rate": "7"}}]
    story.start("globex", "0", lines=lines, adopt=adopt)
    path = f"/v1/invoices/{quote(number, safe='')}"
    shown = await bare.http.get(path, headers=bare.as_())
    assert (shown.status_code, shown.json()["id"]) == (200, story.id)
    said = await bare.http.post(f"{path}/commands/note", json={"text": "x"}, headers=bare.as_())
    assert said.status_code == 503, "known, but no server answers"
    assert (await bare.http.get(f"{path}x", headers=bare.as_())).status_code == 404


@pytest.mark.parametrize("name", sorted(COMMANDS))
async def test_a_key_speaks_for_its_own_person_only(bare: Gateway, name: str) -> None:
    """What is a claim may be anybody's; every other command is the key's own. No server answers: 503 is "it may"."""
    body = {field: value for field, value in EXAMPLES[name].items() if field != "by"}
    path = f"/v1/invoices/invoice-demo-ORD-1/commands/{name}"
    key = bare.as_(by="cho")
    said = [await bare.http.post(path, json={**body, **by}, headers=key) for by in ({}, {"by": "cho"}, {"by": "ana"})]
    assert [each.status_code for each in said] == [503, 503, 503 if name in ANYONE else 403]


async def test_money_received_by_hand_is_booked(gateway: Gateway, sqlite_house: House) -> None:
    lives = [await sqlite_house.issued(), await sqlite_house.issued()]
    body = {"amount": "119.00", "received_on": "2026-03-01", "method": "cheque", "external_id": "C-1"}
    for life, by, status in zip(lives, ("sam", "ben"), (202, 200), strict=True):
        paid = {**body, "invoice": life.id}
        said = await gateway.http.post("/v1/payments", json=paid, headers=gateway.as_("payments", by=by))
        assert said.status_code == status, said.text
    assert (await lives[1].result())["state"] == "paid"
    body["invoice"] = lives[1].id
    lacking = await gateway.http.post("/v1/payments", json={"amount": "1.00"}, headers=gateway.as_("payments"))
    assert lacking.json()["problems"] == [
        {"path": "invoice", "message": "is required: a workflow id, a number or a reference"}
    ]
    again = await gateway.http.post("/v1/payments", json=body, headers=gateway.as_("payments", by="ben"))
    assert (again.status_code, again.json()["result"]) == (200, "done")
    another = {**body, "external_id": "C-2"}
    late = await gateway.http.post("/v1/payments", json=another, headers=gateway.as_("payments", by="ben"))
    assert (late.status_code, "is closed" in late.json()["detail"]) == (409, True)


async def test_pages_hold_each_receivable_once(gateway: Gateway, sqlite_house: House) -> None:
    seller = sqlite_house.clock()
    ids = [(await sqlite_house.start(seller=seller, reference=f"ORD-{n}")).id for n in range(5)]
    for id_ in ids:
        await sqlite_house.life(id_).at_rest()
    key = gateway.as_("invoices:read", seller=seller)
    seen: list[dict[str, Any]] = []
    cursor, following = "", None
    for size in (2, 2, 1):
        page = (await gateway.http.get(f"/v1/invoices?limit=2{cursor}", headers=key)).json()
        assert len(page["invoices"]) == size
        seen += page["invoices"]
        following = page["next"]
        cursor = f"&cursor={following}"
    assert following is None
    assert {each["id"] for each in seen} == set(ids)
    assert [each["updated_at"] for each in seen] == sorted(each["updated_at"] for each in seen)
    after = await gateway.http.get("/v1/invoices", params={"updated_after": seen[2]["updated_at"]}, headers=key)
    assert [each["id"] for each in after.json()["invoices"]] == [each["id"] for each in seen[3:]]
    assert seen[0]["balance"] == "119.00"
    for query in ("state=paid", "customer=initech", "state=awaiting_approval&customer=initech"):
        assert (await gateway.http.get(f"/v1/invoices?{query}", headers=key)).json()["invoices"] == []


FIRST = base64.urlsafe_b64encode(b'["0001-01-01T00:00:00+01:00","invoice-demo-ORD-1"]').decode().rstrip("=")
"""A cursor of nobody's, before time began."""


@pytest.mark.parametrize(
    "query",
    ["state=happy", "limit=0", "limit=201", "limit=x", "cursor=x", "cursor=WyJhIl0", "updated_after=yesterday",
     "updated_after=2026-01-01", "updated_after=2026-13-01T00:00:00Z", "customer=%00", "seller=Demo",
     "state=paid&state=open", "updated_after=0001-01-01T00:00:00%2B01:00", "updated_after=9999-12-31T23:59:59-00:01",
     "updated_after=2026-01-01T00:00:00%2B24:00", "updated_after=2026-01-01T00:00:60Z", f"cursor={FIRST}"],
)  # fmt: skip
async def test_a_list_is_asked_for_in_its_own_words(bare: Gateway, query: str) -> None:
    said = await bare.http.get(f"/v1/invoices?{query}", headers=bare.as_())
    assert said.status_code == 422
    assert said.json()["problems"][0]["path"] == query.partition("=")[0]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
        ("2026-01-01t00:00:00.5z", "2026-01-01T00:00:00.500000+00:00"),
        ("2026-01-01T00:00:00.123456789+01:00", "2025-12-31T23:00:00.123456+00:00"),
        ("0001-01-01T00:00:00-23:59", "0001-01-01T23:59:00+00:00"),
        ("9999-12-31T23:59:59.999999999+00:00", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
async def test_an_instant_may_be_written_in_every_way_of_rfc_3339(bare: Gateway, text: str, read: str) -> None:
    assert instant_of(text).isoformat() == read
    said = await bare.http.get("/v1/invoices", params={"updated_after": text}, headers=bare.as_())
    assert said.status_code == 200


async def test_a_status_is_read_from_the_books_while_nobody_answers(bare: Gateway, story: Any) -> None:
    shown = await bare.http.get("/v1/invoices/ORD-1", headers=bare.as_())
    assert (shown.status_code, shown.json()["state"]) == (200, "awaiting_approval")
    unknown = await bare.http.get("/v1/invoices/invoice-demo-never", headers=bare.as_())
    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "5")
    started = await start(bare, request("demo", "ORD-2"))
    assert started.status_code == 503


async def test_without_a_worker_a_start_is_taken_and_taken_again(taking: Gateway) -> None:
    body, key = request("demo", f"ORD-{uuid4().hex[:8]}"), taking.as_()
    said = [await taking.http.post("/v1/invoices", json=body, headers=key) for _ in range(2)]
    assert [(each.status_code, each.json()["created"]) for each in said] == [(202, True), (202, False)]
    shown = await taking.http.get(f"/v1/invoices/{said[0].json()['id']}", headers=key)
    assert (shown.status_code, "is a worker running?" in shown.json()["detail"]) == (503, True)
