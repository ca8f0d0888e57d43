from __future__ import annotations

import copy
import json
import time
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import keys
from domain.errors import Invalid
from schemas.commands import parse_command
from schemas.request import Request, canonical_hash, is_content, parse_request, request_hash_of
from schemas.values import Undecodable

FULL: dict[str, Any] = {
    "seller": "demo",
    "reference": "ORD-7",
    "kind": "prepayment",
    "currency": "EUR",
    "customer": {
        "key": "globex",
        "kind": "business",
        "name": "Globex",
        "email": "ap@globex.example",
        "country": "DE",
        "language": "de",
        "timezone": "Europe/Berlin",
        "vat_id": "DE136695976",
        "registration": "HRB 1",
        "address": {
            "street": "Ring 1",
            "street2": "Hof",
            "postcode": "1",
            "city": "B",
            "region": "BE",
            "country": "DE",
        },
        "contacts": [{"role": "billing", "name": "A", "email": "a@g.example", "phone": "+49", "language": "en"}],
        "channel": "portal",
        "endpoint": {"scheme": "0204", "id": "991"},
        "group": "g",
        "payer": "p",
        "requires": ["purchase_order"],
        "policy": "gentle",
        "terms": "net 30",
    },
    "lines": [
        {
            "id": "a",
            "description": "Work",
            "item": "SKU",
            "quantity": "2",
            "unit": "HUR",
            "unit_price": "0.0000001",
            "price_base": "1000",
            "period": {"from": "2026-10-01", "to": "2026-10-31"},
            "allowances": [{"percent": "5", "reason": "loyal"}],
            "charges": [{"amount": "1.50", "reason": "post"}],
            "cost_center": "c",
            "order_line": "1",
            "revenue": "services",
            "tax": {"category": "S", "rate": "19", "reason": "r", "name": "VAT"},
        }
    ],
    "preceding": [{"number": "1", "date": "2026-01-01"}],
    "created_by": "crm",
    "issue_on": "2026-11-01",
    "policy": "standard",
    "owner": "sam",
    "terms": "2/10 net 30",
    "delivery": {"date": "2026-10-31", "address": {"city": "B"}},
    "period": {"from": "2026-10-01", "to": "2026-10-31"},
    "buyer_reference": "b",
    "purchase_order": "p",
    "contract": "c",
    "project": "j",
    "sales_order": "s",
    "cost_center": "k",
    "notes": "a\nb",
    "allowances": [{"amount": "1", "reason": "x", "tax": {"category": "S", "rate": "19"}}],
    "charges": [{"percent": "1", "reason": "y"}],
    "tax_currency": {"currency": "USD", "rate": "1.1", "date": "2026-01-01", "source": "ECB"},
    "attachments": [{"name": "a", "file": "f"}],
    "metadata": {"k": "v"},
    "adopt": {
        "number": "X",
        "issued_on": "2026-10-01",
        "due_on": "2026-10-31",
        "total": "10.00",
        "paid": "1.00",
        "document": "d",
        "last_message_on": "2026-10-02",
    },
}


def problems(body: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as invalid:
        parse_request(body)
    return {problem.path: problem.message for problem in invalid.value.problems}


def put(body: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    where: Any = changed
    for part in path[:-1]:
        where = where[part]
    where[path[-1]] = value
    return changed


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [leaf for key, item in items for leaf in leaves(item, (*path, key))]


def test_the_contract_example(body: dict[str, Any]) -> None:
    request = parse_request(body)
    assert request.lines[0].quantity == Decimal("12.5")
    assert request.period is not None
    assert request.period.end == date(2026, 10, 31)
    assert request.as_json() == body


def test_every_field_of_the_contract_survives_json() -> None:
    request = parse_request(FULL)
    dumped = json.loads(json.dumps(request.as_json()))
    again = parse_request(dumped)
    assert again == request
    assert canonical_hash(again) == canonical_hash(request)
    unused = [name for name in Request.model_fields if name not in request.model_fields_set]
    assert unused == []


def test_a_stored_customer_is_a_key_or_an_object(body: dict[str, Any]) -> None:
    assert parse_request({**body, "customer": "globex"}) == parse_request({**body, "customer": {"key": "globex"}})


def test_all_problems_are_listed_with_their_paths(body: dict[str, Any]) -> None:
    bad = {
        **body,
        "Sellr": 1,
        "kind": "credit_note",
        "terms": "net whenever",
        "metadata": {"a": 1},
        "customer": {**body["customer"], "email": "nobody", "chanel": "email"},
        "allowances": [{"amount": "1.234", "reason": "x"}],
        "lines": [
            {**body["lines"][0], "tax": {"category": "S", "rate": 19.0}},
            {"descripton": "x", "quantity": 1.5, "unit_price": "1e3"},
        ],
    }
    del bad["seller"]
    found = problems(bad)
    assert found.keys() >= {
        "seller", "Sellr", "kind", "terms", "metadata.a", "customer.email", "customer.chanel",
        "allowances[0].amount", "lines[0].tax.rate", "lines[1].description", "lines[1].descripton",
        "lines[1].quantity", "lines[1].unit_price",
    }  # fmt: skip
    assert found["seller"] == "is required"
    assert found["lines[1].descripton"] == "is not a known field; did you mean description?"
    assert "not available yet" in found["kind"]
    assert "lines" not in found


@pytest.mark.parametrize(
    ("path", "value", "at", "words"),
    [
        (("customer", "channel"), "peppol", "customer.channel", "not available yet"),
        (("customer", "channel"), "fax", "customer.channel", "must be one of email, portal, post, not 'fax'"),
        (("customer",), {"email": "a@b.example"}, "customer", "`key`"),
        (("customer",), [], "customer", "must be an object, not a list"),
        (("lines",), [], "lines", "at least one"),
        (("lines",), {}, "lines", "must be a list, not an object"),
        (("lines",), None, "lines", "must be a list, not null"),
        (("lines", 0, "unit_price"), "-1", "lines[0].unit_price", "negative"),
        (("lines", 0, "price_base"), "0", "lines[0].price_base", "more than zero"),
        (("lines", 0, "tax"), {"category": "S"}, "lines[0].tax", "needs `rate`"),
        (
            ("lines", 0, "tax"),
            {"category": "Q"},
            "lines[0].tax.category",
            "must be one of S, Z, E, AE, K, G, O",
        ),
        (("lines", 0, "allowances"), [{"reason": "x"}], "lines[0].allowances[0]", "either"),
        (("allowances",), [{"amount": "1", "percent": "1", "reason": "x"}], "allowances[0]", "either"),
        (("period",), {"from": "2026-10-02", "to": "2026-10-01"}, "period", "before it begins"),
        (("period",), {"start": "2026-10-02", "to": "2026-10-03"}, "period.start", "not a known field"),
        (("currency",), "EUX", "currency", ""),
        (("currency",), 7, "currency", "text"),
        (("notes",), "a\x00b", "notes", "U+0000"),
        (("metadata",), {str(i): "x" for i in range(21)}, "metadata", "too many entries, at most 20"),
        (("metadata",), {"a\x00": "x"}, "metadata.'a\\x00'", "U+0000"),
        (("terms",), {"schedule": [{"percent": 0, "due": "net 30"}]}, "terms.schedule[0].percent", "above 0"),
        (("terms",), "net 30" + " " * 300 + "x", "terms", "too long"),
        (("terms",), {"schedule": [{"percent": 100, "due": "2200-01-01"}]}, "terms.schedule[0].due", "1990 and 2199"),
        (("reference",), "ORD 1", "reference", "not 'ORD 1'"),
    ],
)
def test_one_problem(body: dict[str, Any], path: tuple[str | int, ...], value: Any, at: str, words: str) -> None:
    found = problems(put(body, path, value))
    assert words in found[at]


def test_amounts_may_not_be_finer_than_the_currency_but_prices_may(body: dict[str, Any]) -> None:
    yen = {**body, "currency": "JPY", "charges": [{"amount": "1.0", "reason": "x"}]}
    assert list(problems(yen)) == ["charges[0].amount"]
    whole = parse_request({**body, "currency": "JPY", "charges": [{"amount": "1", "reason": "x"}]})
    assert whole.charges[0].amount == 1
    fine = parse_request(put(body, ("lines", 0, "unit_price"), "0.0000000001"))
    assert fine.lines[0].unit_price == Decimal("1e-10")


def test_line_ids_are_unique_also_against_positions(body: dict[str, Any]) -> None:
    one = body["lines"][0]
    assert "the id 2" in problems({**body, "lines": [{**one, "id": "2"}, one]})["lines"]


def test_adopted_dates_and_amounts_fit(body: dict[str, Any]) -> None:
    adopt = FULL["adopt"]
    assert "before it was issued" in problems({**body, "adopt": {**adopt, "due_on": "2026-09-30"}})["adopt"]
    assert "more `paid`" in problems({**body, "adopt": {**adopt, "paid": "10.01"}})["adopt"]
    assert "adopt.total" in problems({**body, "adopt": {**adopt, "total": "10.001"}})


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        "",
        "x",
        1,
        1.5,
        True,
        [],
        [1],
        b"{}",
        object(),
        {1: 2},
        {"a": b"x"},
        {"a": {1, 2}},
        {"a": float("nan")},
        {"a": 10**5000},
        {"lines": "\ud800"},
        {"\ud800": 1},
        {},
        {"x" * 900_000: 1},
        {"notes": "x" * 1_000_001},
        {"lines": [{}] * 10_001},
        {str(i): 1 for i in range(90_000)},
        Undecodable("text/plain"),
        {"a": Undecodable("x")},
    ],
    ids=lambda value: type(value).__name__,
)
def test_nonsense_is_invalid_quickly_and_has_a_hash(nonsense: Any) -> None:
    began = time.perf_counter()
    found = problems(nonsense)
    assert time.perf_counter() - began < 2
    assert 1 <= len(found) <= 101
    assert sum(map(len, [*found, *found.values()])) < 50_000
    assert request_hash_of(nonsense).startswith("sha256:")


def test_deep_nesting_is_invalid() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert "levels deep" in problems({"lines": deep})[""]


def test_unreadable_encoding_says_what_to_send() -> None:
    assert problems(Undecodable("text/plain")) == {"": "payload encoding 'text/plain' cannot be read, send JSON"}


def test_ten_thousand_lines_are_read_in_time(body: dict[str, Any]) -> None:
    line = {"description": "x", "quantity": "1", "unit_price": "1.00"}
    began = time.perf_counter()
    assert len(parse_request({**body, "lines": [line] * 10_000}).lines) == 10_000
    assert time.perf_counter() - began < 2


def test_hash_is_of_the_content_not_of_its_spelling(body: dict[str, Any]) -> None:
    same = put(put(body, ("lines", 0, "unit_price"), 120), ("lines", 0, "quantity"), "12.500")
    same = dict(reversed({**same, "kind": "invoice", "allowances": [], "owner": None}.items()))
    assert request_hash_of(same) == request_hash_of(body)
    assert request_hash_of({**body, "notes": None, "purchase_order": "1.50"}) != request_hash_of(
        {**body, "purchase_order": "1.5"}
    )


@pytest.mark.parametrize("path", leaves(FULL), ids=str)
def test_hash_changes_with_every_field(path: tuple[str | int, ...]) -> None:
    less = copy.deepcopy(FULL)
    where: Any = less
    for part in path[:-1]:
        where = where[part]
    del where[path[-1]]
    assert (request_hash_of(less) == request_hash_of(FULL)) == (path == ("created_by",))


def test_who_asks_is_no_part_of_the_content(body: dict[str, Any]) -> None:
    """Also where an earlier hash was of it."""
    signed, unsigned = parse_request({**body, "created_by": "crm"}), parse_request({**body, "created_by": None})
    earlier = keys.digest("duely/request/1", signed.model_dump(mode="python", by_alias=True, exclude_defaults=True))
    assert canonical_hash(signed) == canonical_hash(unsigned) != earlier
    assert is_content(signed, earlier)
    assert is_content(unsigned, canonical_hash(signed))
    assert not is_content(parse_request({**body, "created_by": "sam"}), earlier)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=15,
)
spicy = json_values | st.sampled_from(
    ["", "\x00", "2026-02-30", "1e5", -1, 10**20, "x" * 3_000, "S", {"key": ""}, [[]]]
)


@settings(max_examples=150)
@given(json_values | st.fixed_dictionaries({}, optional=dict.fromkeys(Request.model_fields, json_values)))
def test_any_json_is_a_request_or_invalid(anything: Any) -> None:
    _never_raises_anything_else(anything)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from(leaves(FULL)), spicy), min_size=1, max_size=3))
def test_a_request_with_wrong_places_is_a_request_or_invalid(
    changes: list[tuple[tuple[str | int, ...], Any]],
) -> None:
    body = FULL
    for path, value in changes:
        try:
            body = put(body, path, value)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    _never_raises_anything_else(body)


def _never_raises_anything_else(body: Any) -> None:
    hashed = request_hash_of(body)
    try:
        request = parse_request(body)
    except Invalid as invalid:
        found = invalid.problems
    else:
        _survives_json(request, hashed)
        return
    assert found
    assert all(problem.message for problem in found)


def _survives_json(request: Request, hashed: str) -> None:
    again = parse_request(json.loads(json.dumps(request.as_json())))
    assert again == request
    assert canonical_hash(again) == hashed


def test_a_history_is_read_as_when_it_began(body: dict[str, Any]) -> None:
    """A rule that came later would send its replay another way; drafting keeps the rule."""
    far = {**body, "terms": {"schedule": [{"percent": 100, "due": "2200-01-01"}]}}
    assert parse_request(far, known=True).terms == far["terms"]
    assert parse_command("amend", ({"by": "crm", "request": far},)).name == "amend"
    with pytest.raises(Invalid, match="1990 and 2199"):
        parse_request(far)
