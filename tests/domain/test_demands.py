from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain import codec
from domain.demands import demands
from domain.document import Draft, compute
from domain.parts import (
    Address,
    AllowanceCharge,
    Attachment,
    Bank,
    CustomerFacts,
    Endpoint,
    Line,
    Party,
    Period,
    SellerFacts,
    TaxCurrency,
)
from domain.profiles import PROFILES
from schemas.drafting import draft_of
from schemas.request import parse_request

DEMO = Path(__file__).parents[2] / "templates" / "seed" / "demo.toml"
BERLIN, PARIS = (
    Address("Ring 1", None, "10115", "Berlin", None, "DE"),
    Address("1 quai", None, "75002", "Paris", None, "FR"),
)
SELLER = Party("demo", "Demo", "DE", BERLIN, "DE811569869", "HRB 1", "a@b.example", "+49 30 1234")
BUYER = Party("hooli", "Hooli", "FR", PARIS, "FR40303265045", None, "ap@hooli.example")
GLN = Endpoint("0088", "4012345000009")


def draft(category: str = "S", rate: str = "19", profile: str = "facturx", **more: Any) -> Draft:
    line = {"id": "1", "description": "Work", "quantity": Decimal(1), "unit": "C62", "unit_price": Decimal(100)}
    lines = (Line(**{**line, "category": category, "rate": Decimal(rate), **more.pop("line", {})}),)
    given: dict[str, Any] = {
        "seller_key": "demo", "reference": "R", "kind": "invoice", "currency": "EUR", "language": "en",
        "seller": SELLER, "customer": BUYER, "terms": "net 30", "lines": lines, "profile": profile,
    }  # fmt: skip
    return compute(Draft(**{**given, **more}))


def paths(of: Draft) -> list[str]:
    return [problem.path for problem in demands(of)]


def said(of: Draft) -> str:
    return "; ".join(map(str, demands(of)))


def test_an_ordinary_invoice_lacks_nothing_in_any_profile_but_the_strict() -> None:
    lenient = [key for key in PROFILES if not key.startswith(("xrechnung", "peppol"))]
    assert {key: demands(draft(profile=key)) for key in lenient} == {key: [] for key in lenient}


def test_the_demo_s_customers_lack_nothing() -> None:
    seeded = tomllib.loads(DEMO.read_text(encoding="utf-8"))
    own = seeded["sellers"]["demo"]
    same = ("name", "country", "timezone", "language", "vat_id", "registration", "email", "phone")
    address, bank = codec.decode(Address, own["address"]), codec.decode(Bank, own["bank"])
    seller = SellerFacts(key="demo", address=address, bank=bank, **{name: own[name] for name in same})
    lines = [{"description": "x", "quantity": "1", "unit_price": "10"}]
    found = {}
    for key, customer in seeded["customers"].items():
        known = ("name", "country", "kind", "vat_id", "email", "buyer_reference", "terms")
        facts = {name: customer[name] for name in known if name in customer}
        stored = CustomerFacts(key=key, address=codec.decode(Address, customer["address"]), **facts)
        body = {"seller": "demo", "reference": "R", "customer": key, "currency": "EUR", "lines": lines}
        made = draft_of(parse_request(body), seller=seller, customer=stored, today=date(2026, 11, 29))
        found[key] = [str(problem) for problem in demands(made)]
    assert {key: texts for key, texts in found.items() if texts} == {}
    assert len(found) == 12


@pytest.mark.parametrize("profile", ["pdf", "facturx", "peppol"])
@pytest.mark.parametrize(("category", "rule"), [("AE", "BR-AE-02"), ("K", "BR-IC-02")])
def test_both_vat_ids_where_the_customer_owes_the_tax_also_on_paper(profile: str, category: str, rule: str) -> None:
    bare = draft(category, "0", profile, customer=replace(BUYER, vat_id=None), seller=replace(SELLER, vat_id=None))
    found = {problem.path: problem.message for problem in demands(bare) if rule in problem.message}
    assert set(found) == {"customer.vat_id", "seller"}
    assert "Art. 226" in found["customer.vat_id"]


@pytest.mark.parametrize("profile", ["pdf", "facturx"])
@pytest.mark.parametrize(("category", "rate"), [("S", "19"), ("Z", "0"), ("E", "0")])
def test_the_seller_has_a_number_and_an_address_also_on_paper(profile: str, category: str, rate: str) -> None:
    """Art. 226 (3), (5) of Directive 2006/112/EC; § 14 (4) no. 1 and 2 UStG."""
    for lacking, rule in (
        ({"vat_id": None}, "Art. 226 (3)"),
        ({"address": replace(BERLIN, street=None)}, "Art. 226 (5)"),
        ({"address": replace(BERLIN, city=None)}, "Art. 226 (5)"),
    ):
        found = demands(draft(category, rate, profile, seller=replace(SELLER, **lacking)))
        assert [each.path for each in found if rule in each.message] == ["seller"]
    numbered = replace(SELLER, vat_id=None, tax_number="30/123/45678")
    assert demands(draft(category, rate, profile, seller=numbered)) == []


@pytest.mark.parametrize("profile", ["pdf", "facturx"])
def test_reverse_charge_at_home_takes_other_numbers(profile: str) -> None:
    """§ 13b UStG; BR-AE-02 accepts the tax number (BT-32) and the customer's registration (BT-47)."""
    seller = replace(SELLER, vat_id=None, tax_number="30/123/45678")
    customer = replace(BUYER, country="DE", vat_id=None, registration="HRB 77")
    home = draft("AE", "0", profile, seller=seller, customer=customer)
    assert demands(home) == []
    bare = replace(home, seller=replace(seller, tax_number=None), customer=replace(customer, registration=None))
    assert paths(bare)[:2] == ["seller", "customer.vat_id"][: 1 if profile == "pdf" else 2]
    abroad = replace(home, customer=replace(customer, country="FR"))
    assert paths(abroad) == ["customer.vat_id", "seller"]


@pytest.mark.parametrize("profile", ["pdf", "facturx"])
def test_a_vat_id_of_the_wrong_shape(profile: str) -> None:
    wrong = draft(profile=profile, customer=replace(BUYER, vat_id="FR123"))
    assert said(wrong).startswith("customer.vat_id: is no VAT id of FR, such as FR40303265045")
    mine = draft(profile=profile, seller=replace(SELLER, vat_id="DE12"))
    assert said(mine).startswith("seller: VAT id DE12 is no VAT id of DE")


def test_a_tax_number_that_is_no_vat_id_belongs_elsewhere() -> None:
    american = draft("G", "0", customer=replace(BUYER, country="US", vat_id="12-3456789"))
    assert "customer.vat_id: must begin with the code of its country, such as US (BR-CO-09)" in said(american)
    assert "`registration`" in said(american)


def test_goods_for_another_member_state_have_a_place_of_delivery() -> None:
    assert "delivery.address" in paths(draft("K", "0"))
    assert demands(draft("K", "0", delivery_address=PARIS)) == []
    assert demands(draft("K", "0", profile="pdf")) == []
    early = draft("K", "0", delivery_address=PARIS, kind="prepayment")
    assert [problem.path for problem in demands(early) if "BR-IC-11" in problem.message] == ["delivery.date"]
    assert demands(replace(early, delivery_date=date(2026, 12, 1))) == []


def test_category_o_stands_alone_and_needs_a_registration() -> None:
    (line,) = draft("O", "0").lines
    mixed = compute(replace(draft("O", "0"), lines=(line, replace(line, id="2", category="S", rate=Decimal(19)))))
    assert paths(mixed) == ["lines[1].tax"]
    fee = AllowanceCharge("Fee", True, 100, None, "S", Decimal(19))
    free = AllowanceCharge("Free", True, 100, None, "O", Decimal(0))
    assert paths(compute(replace(draft("O", "0"), adjustments=(free, fee)))) == ["charges[1].tax"]
    assert said(draft("O", "0", seller=replace(SELLER, registration=None))).startswith("seller: needs a `registration`")
    assert demands(replace(mixed, profile="pdf")) == []


def test_a_seller_is_known_by_some_number() -> None:
    unknown = replace(SELLER, vat_id=None, registration=None)
    assert [text for text in said(draft("E", "0", seller=unknown)).split("; ") if "BR-CO-26" in text]
    small = replace(SELLER, vat_id=None)
    assert "BR-E-02" in said(draft("E", "0", seller=small))
    assert demands(draft("E", "0", seller=replace(small, tax_number="30/123"))) == []
    assert "BR-G-02" in said(draft("G", "0", seller=small))


def test_codes_that_no_e_invoice_knows() -> None:
    assert paths(draft(line={"unit": "QQQ"})) == ["lines[0].unit"]
    assert demands(draft(line={"unit": "QQQ"}, profile="pdf")) == []
    assert paths(draft(currency="STN")) == ["currency"]
    assert paths(draft(customer=replace(BUYER, country="XK", vat_id=None))) == ["customer.country"]
    assert paths(draft(delivery_address=Address(country="XK"))) == ["delivery.address.country"]
    for code in ("EUR", "KWD", "STN"):
        other = TaxCurrency(code, Decimal(1), date(2026, 1, 1), "ECB")
        assert paths(draft(tax_currency=other)) == ["tax_currency.currency"]


def test_xrechnung_wants_what_german_authorities_want() -> None:
    assert paths(draft(profile="xrechnung")) == ["buyer_reference"]
    good = draft(profile="xrechnung", buyer_reference="04011000-12345-34")
    assert demands(good) == []
    assert paths(replace(good, terms="2.125/10 net 30")) == ["terms"]
    assert demands(replace(good, terms="3/7 2.13/10 net 30")) == []
    assert demands(draft(terms="2.125/10 net 30")) == []
    nowhere = replace(SELLER, address=Address(), phone=None, email=None)
    bare = replace(good, seller=nowhere, customer=replace(BUYER, address=Address(), email=None))
    rules = [f"BR-DE-{number}" for number in (3, 4, 6, 7, 8, 9)]
    assert [rule for rule in rules if f"({rule})" in said(bare)] == rules
    assert "customer.endpoint" in paths(bare)
    assert paths(replace(good, delivery_address=Address(country="DE"))) == [
        "delivery.address.city", "delivery.address.postcode",
    ]  # fmt: skip


def test_peppol_wants_participants_and_a_reference() -> None:
    assert paths(draft(profile="peppol")) == ["buyer_reference", "customer.endpoint", "seller"]
    connected: dict[str, Any] = {"seller": replace(SELLER, endpoint=GLN), "customer": replace(BUYER, endpoint=GLN)}
    assert demands(draft(profile="peppol", purchase_order="PO", **connected)) == []
    yen = draft(profile="peppol", purchase_order="PO", currency="JPY", line={"quantity": Decimal("0.333")}, **connected)
    assert paths(yen) == ["lines[0].unit_price"]
    assert "R120" in said(yen)
    corrected = draft(profile="peppol", purchase_order="PO", kind="corrected", **connected)
    assert paths(corrected) == ["customer.format"]


def test_an_endpoint_of_an_unknown_scheme_or_with_a_wrong_check_digit() -> None:
    assert "BR-CL-25" in said(draft(customer=replace(BUYER, endpoint=Endpoint("1234", "x"))))
    wrong = Endpoint("0088", "4012345000008")
    assert demands(draft(customer=replace(BUYER, endpoint=wrong))) == []
    peppol = draft(profile="peppol", purchase_order="PO", seller=replace(SELLER, endpoint=GLN))
    peppol = replace(peppol, customer=replace(BUYER, endpoint=wrong))
    assert paths(peppol) == ["customer.endpoint"]
    assert "check digit" in said(peppol)


def test_a_rounded_amount_needs_a_profile_that_knows_it() -> None:
    rounded = draft(currency="CHF", line={"unit_price": Decimal("100.01")}, rounding_step=5, profile="facturx-basic")
    assert paths(rounded) == ["customer.format"]
    assert demands(replace(rounded, profile="facturx")) == []


def test_an_attachment_has_a_name_of_its_own() -> None:
    assert paths(draft(attachments=(Attachment("a.pdf", "1"), Attachment("A.pdf", "2")))) == ["attachments[1].name"]


@pytest.mark.parametrize(
    ("country", "registration", "wanted"),
    [
        ("NL", "12345678", []),
        ("NL", "KVK 12", ["seller", "customer.registration"]),
        ("IS", "4512345678", []),
        ("IS", "1", ["seller", "customer.registration"]),
        ("DK", "13585628", []),
        ("DK", "CVR", ["seller", "customer.registration"]),
        ("SE", "5567321707", ["lines[0].tax.rate", "seller"]),
        ("SE", "5567321708", ["lines[0].tax.rate", "seller", "seller", "customer.registration"]),
        ("SE", "556732-1707", ["lines[0].tax.rate", "seller", "seller"]),
        ("GR", "1", ["customer.format"]),
        ("DE", "HRB 1", []),
    ],
)
def test_peppol_s_rules_of_single_countries(country: str, registration: str | None, wanted: list[str]) -> None:
    here: dict[str, Any] = {"country": country, "vat_id": None, "registration": registration, "endpoint": GLN}
    parties: dict[str, Any] = {"seller": replace(SELLER, tax_number="1", **here), "customer": replace(BUYER, **here)}
    found = draft(profile="peppol", purchase_order="PO", buyer_reference="B", **parties)
    assert paths(found) == wanted
    assert demands(replace(found, profile="en16931-ubl")) == []


def test_a_danish_seller_has_a_cvr_number_also_abroad() -> None:
    parties: dict[str, Any] = {
        "seller": replace(SELLER, country="DK", vat_id="DK13585628", registration=None, endpoint=GLN),
        "customer": replace(BUYER, endpoint=GLN),
    }
    assert "DK-R-002" in said(draft(profile="peppol", purchase_order="PO", **parties))


def test_peppol_within_germany_wants_what_xrechnung_wants() -> None:
    here: dict[str, Any] = {
        "seller": replace(SELLER, endpoint=GLN),
        "customer": replace(BUYER, country="DE", endpoint=GLN),
    }
    here["customer"] = replace(here["customer"], address=BERLIN, vat_id=None)
    good = draft(profile="peppol", buyer_reference="B", **here)
    assert demands(good) == []
    assert said(replace(good, buyer_reference=None, purchase_order="PO")).endswith("(DE-R-015)")
    bare = replace(
        good,
        seller=replace(SELLER, address=Address(), phone="n/a", endpoint=GLN),
        customer=replace(BUYER, country="DE", vat_id=None, address=Address(), endpoint=GLN),
        delivery_address=Address(country="DE"),
    )
    rules = [f"DE-R-{number:03d}" for number in (3, 4, 6, 8, 9, 10, 11)]
    assert [rule for rule in rules if f"({rule})" in said(bare)] == rules
    abroad = replace(bare, customer=replace(BUYER, endpoint=GLN))
    assert "DE-R" not in said(abroad)


@pytest.mark.parametrize(
    ("profile", "wanted"), [("xrechnung", ["lines[0].period"]), ("peppol", ["lines[0].period"]), ("facturx", [])]
)
def test_the_period_of_a_line_lies_within_the_document_s(profile: str, wanted: list[str]) -> None:
    parties: dict[str, Any] = {"seller": replace(SELLER, endpoint=GLN), "customer": replace(BUYER, endpoint=GLN)}
    january, late = (Period(date(2026, 1, 1), date(2026, 1, day)) for day in (31, 30))
    inside = draft(profile=profile, buyer_reference="B", period=january, line={"period": late}, **parties)
    assert demands(inside) == []
    assert paths(replace(inside, period=late, lines=(replace(inside.lines[0], period=january),))) == wanted


def test_ten_thousand_lines_with_the_same_fault_are_not_ten_thousand_problems() -> None:
    (line,) = draft(line={"unit": "QQQ"}).lines
    found = demands(compute(replace(draft(), lines=(line,) * 10_000)))
    assert len(found) == 101
    assert str(found[-1]) == "and 9900 more problems"
