"""Bills of ours from another system as requests and credits: recomputed, compared, and never half understood."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.einvoices import read, write
from adapters.einvoices.asking import Credit, asked, reference_of
from domain.document import Draft, compute
from domain.einvoice import CREDIT_NOTE, EInvoice, freeze
from domain.errors import Invalid
from domain.parts import AllowanceCharge, Bank, Payee, Preceding, SellerFacts
from schemas.drafting import draft_of
from schemas.request import parse_request
from tests.domain.test_document import full
from tests.scenarios import Scenario, scenarios

ISSUED = date(2026, 11, 3)


def seller_of(draft: Draft) -> SellerFacts:
    party = draft.seller
    return SellerFacts(
        key="demo", name=party.name, country=party.country, timezone="Europe/Berlin", language="de",
        address=party.address, vat_id=party.vat_id, registration=party.registration, email=party.email,
        phone=party.phone, contact=party.contact, tax_number=party.tax_number, endpoint=party.endpoint,
        bank=draft.bank, banks=draft.banks, payee=draft.payee, rounding=((draft.currency, draft.rounding_step),),
    )  # fmt: skip


def plain(**more: Any) -> Draft:
    return compute(replace(full(), attachments=(), tax_currency=None, preceding=(), adopted=None, **more))


def bill(draft: Draft, number: str = "RE/2026 7") -> EInvoice:
    return read(write(freeze(draft, number=number, issued_on=ISSUED)), "bill.xml")


def refused(document: EInvoice, seller: SellerFacts) -> list[str]:
    with pytest.raises(Invalid) as caught:
        asked(document, seller)
    return [str(problem) for problem in caught.value.problems]


def test_a_bill_becomes_a_request_that_drafts_to_the_same_sums() -> None:
    draft = plain()
    body = asked(bill(draft), seller_of(draft))
    assert isinstance(body, dict)
    again = draft_of(parse_request(body), seller=seller_of(draft), customer=None, today=ISSUED)
    assert (again.totals, again.breakdown) == (draft.totals, draft.breakdown)
    assert body["reference"] == "RE-2026-7"
    assert body["terms"] == "net 30"
    assert body["customer"]["name"] == "Globex"
    assert body["notes"] == "n"
    same = ("period", "delivery_address", "buyer_reference", "purchase_order", "contract", "project", "sales_order")
    assert [getattr(again, name) for name in same] == [getattr(draft, name) for name in same]
    assert [line.description for line in again.lines] == [line.description for line in draft.lines]


def test_scenarios_become_requests_and_credits_without_a_cent_of_difference() -> None:
    """Those that a request can express; what it cannot is told at its term, and never as a difference."""
    found: Counter[str] = Counter()
    for each in scenarios(400, seed=9):
        found[_outcome(each)] += 1
    assert found["dict"] > 80
    assert found["Credit"] > 5
    assert set(found) <= {"dict", "Credit", "BG-24", "BG-25", "BT-6", "BG-3"}


def _outcome(each: Scenario) -> str:
    try:
        return type(asked(read(write(each.document), each.name), seller_of(each.draft))).__name__
    except Invalid as error:
        if any("file says" in problem.message for problem in error.problems):
            return f"{each.name}: {error}"
        return error.problems[0].path.partition("[")[0]


def test_a_reference_is_what_fits_of_the_number_or_what_is_given() -> None:
    draft = plain()
    given = asked(bill(draft), seller_of(draft), "ORD-9")
    assert isinstance(given, dict)
    assert given["reference"] == "ORD-9"
    assert [reference_of(number) for number in ("RE 7/2026", "äöü", "x" * 70, "2026_7.a-b")] == [
        "RE-7-2026", "-", "x" * 64, "2026_7.a-b",
    ]  # fmt: skip


def test_each_sum_that_differs_by_a_cent_is_told_at_once() -> None:
    draft = plain()
    document = bill(draft)
    totals = replace(document.totals, tax=document.totals.tax + 1, total=document.totals.total + 1)
    rows = (replace(document.breakdown[0], tax=document.breakdown[0].tax + 1),)
    wrong = replace(document, totals=totals, breakdown=rows)
    assert refused(wrong, seller_of(draft)) == [
        "BG-23 S 19/BT-117: file says 50.55, lines and tax come to 50.54",
        "BT-110: file says 50.55, lines and tax come to 50.54",
        "BT-112: file says 316.55, lines and tax come to 316.54",
        "BT-115: file says 316.55, lines and tax come to 316.54",
    ]


def test_a_line_that_differs_is_named() -> None:
    draft = plain()
    document = bill(draft)
    lines = (replace(document.lines[0], net=document.lines[0].net - 1), *document.lines[1:])
    (first, *_) = refused(replace(document, lines=lines), seller_of(draft))
    assert first == "BG-25 1/BT-131: file says 189.99, quantity × price and its allowances come to 190.00"


def test_somebody_else_s_bill_is_refused() -> None:
    draft = plain()
    other = replace(seller_of(draft), vat_id="DE2", bank=Bank("AT611904300234573201"), payee=Payee("Factor"))
    assert refused(bill(draft), other) == [
        "BT-31: is DE129273398; the seller demo has DE2",
        "BG-16[1]/BT-84: DE89370400440532013000 is no account of the seller demo",
    ]
    nameless = replace(seller_of(draft), vat_id=None, name="Somebody")
    assert refused(bill(draft), nameless)[0] == "BT-27: is Demo GmbH; the seller demo is Somebody"
    assert refused(bill(plain(payee=Payee("Thief"))), seller_of(draft)) == [
        "BT-59: Thief is not the payee of the seller demo; seed it"
    ]


def test_what_a_request_cannot_express_is_told() -> None:
    draft = replace(full(), adopted=None, kind="corrected")
    assert {text.partition(":")[0] for text in refused(bill(draft), seller_of(draft))} == {"BT-6", "BG-24[1]"}
    no_lines = replace(bill(plain()), lines=())
    assert refused(no_lines, seller_of(draft))[0].startswith("BG-25: is missing")


def credit(*preceding: Preceding) -> EInvoice:
    draft = plain(kind=CREDIT_NOTE, notes="Returned\ngoods")
    return read(write(freeze(draft, number="GS-1", issued_on=ISSUED, preceding=preceding)), "credit.xml")


def test_a_credit_note_becomes_the_command_on_its_invoice() -> None:
    found = asked(credit(Preceding("RE/2026 7", date(2026, 10, 1))), seller_of(plain()))
    assert found == Credit("RE-2026-7", "316.54", "Returned goods")
    assert found.command == "duely credit RE-2026-7 --amount 316.54 --reason 'Returned goods' --by …"


def test_a_credit_note_is_for_one_invoice_and_adds_up() -> None:
    seller = seller_of(plain())
    assert refused(credit(), seller) == ["BG-3: names 0 earlier invoices; a credit is for one"]
    assert refused(credit(Preceding("A"), Preceding("B")), seller) == [
        "BG-3: names 2 earlier invoices; a credit is for one"
    ]
    wrong = credit(Preceding("A"))
    wrong = replace(wrong, totals=replace(wrong.totals, total=1))
    assert "BT-112: file says 0.01, lines and tax come to 316.54" in refused(wrong, seller)


def test_discounts_of_xrechnung_come_before_the_days() -> None:
    draft = plain(terms="3/7 2.5/14 net 30", profile="xrechnung")
    body = asked(bill(draft), seller_of(draft))
    assert isinstance(body, dict)
    assert body["terms"] == "3/7 2.5/14 net 30"


def test_also_those_of_our_own_factur_x() -> None:
    draft = plain(terms="2.125/10 net 30", language="de")
    body = asked(bill(draft), seller_of(draft))
    assert isinstance(body, dict)
    assert (body["terms"], body["notes"]) == ("2.125/10 net 30", "n")


def test_a_discount_without_the_day_when_the_whole_is_due_is_told() -> None:
    draft = plain(terms="2/10 net 30", profile="xrechnung")
    document = replace(bill(draft), dues=())
    assert refused(document, seller_of(draft)) == [
        "BT-20: grants a discount, and BT-9 is missing: give the day when the whole is due"
    ]


def test_why_a_charge_bears_no_tax_is_taken_over() -> None:
    fee = AllowanceCharge("Fee", True, 100, None, "E", Decimal(0), "§ 4 Nr. 11 UStG")
    draft = plain(adjustments=(fee,))
    body = asked(bill(draft), seller_of(draft))
    assert isinstance(body, dict)
    assert body["charges"][0]["tax"] == {"category": "E", "rate": "0", "reason": "§ 4 Nr. 11 UStG"}
    again = draft_of(parse_request(body), seller=seller_of(draft), customer=None, today=ISSUED)
    assert again.breakdown == draft.breakdown
