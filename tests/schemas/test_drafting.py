from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.document import (
    Address,
    Bank,
    Contact,
    CustomerFacts,
    Deduction,
    Draft,
    SellerFacts,
    TaxSubtotal,
    content_hash,
)
from domain.errors import Invalid
from domain.tax import Category, default_tax
from schemas.drafting import draft_of
from schemas.merging import customer_key_of, customer_of
from schemas.request import parse_request
from schemas.taxes import outdated

TODAY = date(2026, 11, 20)
SELLER = SellerFacts(
    "demo",
    "Demo GmbH",
    "DE",
    "Europe/Berlin",
    "de",
    Address("Ring 2", None, "10115", "Berlin"),
    vat_id="DE811569869",
    bank=Bank("DE89370400440532013000"),
)
STORED = CustomerFacts(
    "globex",
    "Globex GmbH",
    "DE",
    address=Address(city="Berlin"),
    language="en",
    email="old@globex.example",
    contacts=(Contact("escalation", email="cfo@globex.example"),),
    terms="14 eom",
    policy="gentle",
)


LINE = {"description": "x", "quantity": "1", "unit_price": "1"}
JULY = {"from": "2026-07-01", "to": "2026-07-31"}


def drafted(body: dict[str, Any], customer: CustomerFacts | None = None, seller: SellerFacts = SELLER) -> Draft:
    return draft_of(parse_request(body), seller=seller, customer=customer, today=TODAY)


def problems(
    body: dict[str, Any], customer: CustomerFacts | None = None, seller: SellerFacts = SELLER
) -> dict[str, str]:
    with pytest.raises(Invalid) as invalid:
        drafted(body, customer, seller)
    return {problem.path: problem.message for problem in invalid.value.problems}


def test_the_contract_example(body: dict[str, Any]) -> None:
    draft = drafted(body)
    assert draft.totals.total == 178_500
    assert (draft.seller.name, draft.customer.name, draft.language) == ("Demo GmbH", "Globex GmbH", "de")
    assert draft.customer.address == Address(street="Ring 1", postcode="10115", city="Berlin")
    assert draft.customer.key == customer_key_of(parse_request(body))
    assert (draft.purchase_order, draft.terms, draft.bank) == ("4500017", "2/10 net 30", SELLER.bank)
    assert draft.lines[0].id == "1"
    assert draft.remarks == ()


def test_a_charge_without_tax_takes_that_of_what_is_billed(body: dict[str, Any]) -> None:
    """Whatever the prepayment that is taken off was taxed with."""
    body["charges"] = [{"amount": "20.00", "reason": "Freight"}]
    paid = Deduction("PRE-1", TODAY, (TaxSubtotal("S", Decimal(7), 100_00, 7_00),))
    draft = draft_of(parse_request(body), seller=SELLER, customer=None, today=TODAY, deductions=[paid])
    assert (draft.adjustments[0].category, draft.adjustments[0].rate) == ("S", Decimal(19))
    assert draft.totals.taxable == 1_500_00 + 20_00 - 100_00


def test_a_line_without_tax_gets_the_default_with_its_reason(body: dict[str, Any]) -> None:
    del body["lines"][0]["tax"]
    one = drafted(body).lines[0]
    assert (one.category, one.rate) == ("S", Decimal(19))
    assert "standard rate of DE" in (one.tax_basis or "")
    abroad = drafted({**body, "customer": {**body["customer"], "country": "AT", "vat_id": "ATU12345678"}})
    assert (abroad.lines[0].category, abroad.totals.tax, abroad.breakdown[0].reason) == (
        "AE",
        0,
        "Steuerschuldnerschaft des Leistungsempfängers",
    )


def test_a_default_that_nobody_knows_is_a_problem_at_each_line_without_tax(body: dict[str, Any]) -> None:
    nowhere = replace(SELLER, country="AQ")
    line = {"description": "x", "quantity": "1", "unit_price": "1"}
    found = problems({**body, "lines": [line, body["lines"][0], line]}, seller=nowhere)
    assert list(found) == ["lines[0].tax", "lines[2].tax"]
    assert drafted(body, seller=nowhere).remarks == ()


def test_another_tax_than_the_default_stays_and_is_one_warning(body: dict[str, Any]) -> None:
    line = {**body["lines"][0], "tax": {"category": "S", "rate": "7"}}
    draft = drafted({**body, "lines": [line, line]})
    assert [item.rate for item in draft.lines] == [7, 7]
    assert [remark.code for remark in draft.remarks] == ["tax_mismatch"]
    assert draft.remarks[0].text.startswith("lines[0].tax: given S 7 %, expected S 19 % (domestic")


def test_goods_to_a_business_in_the_union_are_no_mismatch(body: dict[str, Any]) -> None:
    body["customer"].update(country="AT", vat_id="ATU12345678")
    body["lines"][0]["tax"] = {"category": "K", "rate": "0"}
    assert drafted(body).remarks == ()
    body["lines"][0]["tax"] = {"category": "G", "rate": "0"}
    assert [remark.code for remark in drafted(body).remarks] == ["tax_mismatch"]


def test_the_stored_customer_fills_what_the_request_leaves_out(body: dict[str, Any]) -> None:
    del body["terms"]
    draft = drafted({**body, "customer": "globex"}, STORED)
    assert (draft.customer.email, draft.language, draft.terms) == ("old@globex.example", "en", "14 eom")
    assert drafted({**body, "customer": {**body["customer"], "terms": "net 30"}}, STORED).terms == "net 30"
    assert drafted(body).terms == SELLER.terms


def test_inline_data_holds_for_this_invoice_and_warns(body: dict[str, Any]) -> None:
    request = parse_request({**body, "customer": {"key": "globex", "email": "new@globex.example", "country": "DE"}})
    merged = customer_of(request, STORED)
    assert (merged.email, merged.policy, merged.contacts) == ("new@globex.example", "gentle", STORED.contacts)
    assert STORED.email == "old@globex.example"
    draft = draft_of(request, seller=SELLER, customer=STORED, today=TODAY)
    assert [remark.code for remark in draft.remarks] == ["customer_differs"]
    assert draft.remarks[0].text.startswith("email differ")


def test_an_unknown_customer_is_a_problem(body: dict[str, Any]) -> None:
    assert "no stored customer: initech" in problems({**body, "customer": "initech"})["customer.key"]


def test_somebody_must_be_reachable_by_email(body: dict[str, Any]) -> None:
    del body["customer"]["email"]
    assert "`channel`" in problems(body)["customer.email"]
    body["customer"]["contacts"] = [{"role": "billing", "email": "ap@globex.example"}]
    assert drafted(body).customer.email is None
    body["customer"].update(contacts=[], channel="portal")
    assert drafted(body).customer.email is None


def test_what_the_customer_requires_must_be_given(body: dict[str, Any]) -> None:
    needs = CustomerFacts("globex", "Globex", "DE", email="a@b.example", requires=("purchase_order", "project"))
    assert problems({**body, "customer": "globex"}, needs) == {"project": "is required by the customer Globex"}


def test_document_adjustments_take_the_only_tax_of_the_lines(body: dict[str, Any]) -> None:
    body["allowances"] = [{"percent": "10", "reason": "loyal"}]
    body["charges"] = [{"amount": "5.00", "reason": "post", "tax": {"category": "S", "rate": "7"}}]
    draft = drafted(body)
    loyal, post = draft.adjustments
    assert (loyal.amount, loyal.rate, loyal.is_charge) == (15_000, Decimal(19), False)
    assert (post.amount, post.rate, post.is_charge) == (500, Decimal(7), True)
    assert draft.totals.taxable == 150_000 - 15_000 + 500
    body["lines"].append({**body["lines"][0], "tax": {"category": "S", "rate": "7"}})
    assert "several taxes" in problems(body)["allowances[0].tax"]


def test_line_adjustments(body: dict[str, Any]) -> None:
    body["lines"][0]["allowances"] = [{"percent": "10", "reason": "a"}, {"amount": "1.00", "reason": "b"}]
    body["lines"][0]["charges"] = [{"amount": "0.01", "reason": "c"}]
    assert drafted(body).lines[0].net == 150_000 - 15_000 - 100 + 1


def test_an_adopted_invoice(body: dict[str, Any]) -> None:
    adopt = {
        "number": "X1",
        "issued_on": "2026-10-01",
        "due_on": "2026-10-31",
        "total": "1785.00",
        "paid": "85",
    }
    adopted = drafted({**body, "adopt": adopt}).adopted
    assert adopted is not None
    assert (adopted.total, adopted.paid, adopted.due_on) == (178_500, 8_500, date(2026, 10, 31))
    later = {**adopt, "issued_on": "2026-11-21", "due_on": "2026-12-31"}
    assert "2026-11-20" in problems({**body, "adopt": later})["adopt.issued_on"]


@pytest.mark.parametrize(
    ("more", "day"),
    [
        ({}, date(2026, 10, 31)),
        ({"delivery": {"date": "2026-10-05"}}, date(2026, 10, 5)),
        ({"period": None}, TODAY),
        ({"period": None, "issue_on": "2026-12-01"}, date(2026, 12, 1)),
        ({"lines": [{**LINE, "period": JULY}]}, date(2026, 7, 31)),
        ({"lines": [{**LINE, "period": JULY}], "delivery": {"date": "2026-10-05"}}, date(2026, 7, 31)),
    ],
)
def test_the_default_tax_is_that_of_the_day_of_supply(body: dict[str, Any], more: dict[str, Any], day: date) -> None:
    seen = []

    def watching(
        seller: str, vat: bool, customer: str, vat_id: str | None, kind: str, on: date
    ) -> tuple[Category, Decimal, str]:
        seen.append(on)
        return default_tax(seller, vat, customer, vat_id, kind, on)

    request = parse_request({**body, **more})
    draft_of(request, seller=SELLER, customer=None, today=TODAY, default_tax=watching)
    assert seen == [day]


@pytest.mark.parametrize(
    ("more", "stale"),
    [
        ({}, True),
        ({"delivery": {"date": "2025-06-30"}}, False),
        ({"period": {"from": "2025-06-01", "to": "2025-06-30"}}, False),
        ({"lines": [{**LINE, "period": {"from": "2025-06-01", "to": "2025-06-30"}}]}, False),
        ({"lines": [{**LINE, "tax": {"category": "S", "rate": "22"}}]}, False),
    ],
)
def test_only_a_default_of_the_day_of_issue_changes_with_that_day(
    body: dict[str, Any], more: dict[str, Any], stale: bool
) -> None:
    body["customer"].update(country="EE", vat_id=None)
    request = parse_request({**body, "period": None, "lines": [LINE], **more})
    seller = replace(SELLER, country="EE", vat_id="EE100931558")
    draft = draft_of(request, seller=seller, customer=None, today=date(2025, 6, 30))
    assert draft.lines[0].rate == 22
    assert outdated(draft, date(2025, 6, 30)) == ""
    assert bool(outdated(draft, date(2025, 7, 1))) is stale


def test_routing_does_not_change_the_hash_but_content_does(body: dict[str, Any]) -> None:
    one = content_hash(drafted(body))
    assert one == content_hash(drafted({**body, "owner": "sam", "policy": "gentle", "metadata": {"k": "v"}}))
    assert one != content_hash(drafted({**body, "notes": "hello"}))
