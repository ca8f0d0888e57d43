"""What is written passes the official rules, for every kind of document, and says what it was told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import facturx
import pytest
from lxml import etree

from adapters.einvoices import write
from adapters.einvoices.binding import Node
from adapters.einvoices.cii import CII
from adapters.einvoices.levels import WITHOUT
from adapters.einvoices.lines_of import item_name
from adapters.einvoices.terms_of import terms_of
from adapters.judges.rules import xml_verdicts
from domain.demands import demands
from domain.document import compute
from domain.einvoice import CREDIT_NOTE, EInvoice, freeze
from domain.parts import Bank
from tests.domain.test_document import full
from tests.scenarios import FILES, LANGUAGES, XML_PROFILES, Scenario, scenarios

XS = "{http://www.w3.org/2001/XMLSchema}"
KNOWN_WARNINGS = (
    "judged by EN 16931 alone",
    "[CII-SR-476]",  # several attachments, which Factur-X allows
    "[PEPPOL-EN16931-R008]", "FX-SCH-A-000372",  # a prepayment names no supply, and CII wants its place to be there
)  # fmt: skip


@pytest.fixture(scope="module")
def made() -> list[Scenario]:
    return scenarios()


def document(profile: str = "facturx") -> EInvoice:
    return replace(freeze(full(), number="RE-1", issued_on=date(2026, 11, 3)), profile=profile)


def test_every_scenario_passes_the_official_rules(made: list[Scenario]) -> None:
    verdicts = xml_verdicts([write(each.document, FILES) for each in made])
    wrong = {each.name: verdict.problems for each, verdict in zip(made, verdicts, strict=True) if not verdict.ok}
    assert wrong == {}
    assert len(verdicts) >= 200
    unknown = {text for verdict in verdicts for text in verdict.warnings if not text.startswith(KNOWN_WARNINGS)}
    assert unknown == set()


def test_no_scenario_lacks_what_is_demanded(made: list[Scenario]) -> None:
    assert {each.name: found for each in made if (found := demands(each.draft))} == {}


def test_the_scenarios_are_of_every_kind(made: list[Scenario]) -> None:
    kinds = Counter(each.document.kind for each in made)
    assert set(kinds) == {"invoice", CREDIT_NOTE, "corrected", "prepayment"}
    assert {each.document.profile for each in made} == set(XML_PROFILES)
    assert {each.document.language for each in made} == set(LANGUAGES)
    assert {row.category for each in made for row in each.document.breakdown} == {"S", "Z", "E", "AE", "K", "G", "O"}
    assert {"EUR", "JPY", "CHF"} <= {each.document.currency for each in made}
    assert any(each.document.totals.rounding for each in made)
    assert any(len(each.document.banks) > 2 for each in made)


def test_equal_documents_give_equal_bytes(made: list[Scenario]) -> None:
    assert [write(each.document, FILES) for each in made[:20]] == [
        write(each.document, FILES) for each in scenarios(20)
    ]


@pytest.mark.parametrize("profile", [*XML_PROFILES])
def test_a_document_with_everything_passes(profile: str) -> None:
    credit = freeze(replace(full(), kind=CREDIT_NOTE), number="GS-1", issued_on=date(2026, 11, 3))
    (invoice, note) = xml_verdicts([write(document(profile)), write(replace(credit, profile=profile))])
    assert (invoice.problems, note.problems) == ((), ())


def test_every_account_is_named_and_a_foreign_one_is_no_sepa_transfer() -> None:
    banks = (Bank("DE89 3704 0044 0532 0130 00", "COBADEFFXXX", "Demo"), Bank("US64SVBKUS6S3300958879"))
    terms = terms_of(replace(document(), banks=banks), {})
    assert terms["BG-16"] == [
        {"BT-81": "58", "BT-84": "DE89370400440532013000", "BT-85": "Demo", "BT-86": "COBADEFFXXX"},
        {"BT-81": "30", "BT-84": "US64SVBKUS6S3300958879"},
    ]
    assert terms_of(replace(document(), banks=banks[:1], currency="USD"), {})["BG-16"][0]["BT-81"] == "30"


def test_the_rounding_is_in_the_currency_of_the_document() -> None:
    """The package factur-x writes EUR here, whatever the currency."""
    draft = compute(replace(full(), currency="CHF", rounding_step=5, adopted=None))
    rounded = replace(freeze(draft, number="1", issued_on=date(2026, 11, 3)), profile="en16931-ubl")
    assert rounded.totals.rounding
    (element,) = etree.fromstring(write(rounded)).findall(".//{*}PayableRoundingAmount")
    assert element.get("currencyID") == "CHF"


def test_a_discount_is_told_in_the_lines_of_xrechnung_and_elsewhere_in_words() -> None:
    draft = replace(full(), terms="3/7 2/14 net 30")
    frozen = replace(freeze(draft, number="1", issued_on=date(2026, 11, 3)), language="de", customer_kind="public")
    german = terms_of(replace(frozen, profile="xrechnung"), {})["BT-20"]
    assert german == "#SKONTO#TAGE=7#PROZENT=3.00#\n#SKONTO#TAGE=14#PROZENT=2.00#\n"
    words = terms_of(frozen, {})["BT-20"].splitlines()
    assert words[0].startswith("3 % Skonto bis 2026-11-10: ")


def test_a_billing_period_has_a_date_of_supply_beside_it() -> None:
    terms = terms_of(replace(document(), delivery_date=None), {})
    assert (terms["BT-74"], terms["BT-72"]) == ("2026-10-31", "2026-10-31")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Work", "Work"),
        ("Work\non the roof", "Work"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 99 + "…"),
        ("word " * 30, ("word " * 19).strip() + "…"),
    ],
)
def test_the_name_of_an_item_is_its_first_line_cut_between_words(text: str, name: str) -> None:
    assert item_name(text) == name
    assert len(name) <= 100


def test_what_xml_cannot_carry_is_left_out_and_all_else_arrives() -> None:
    odd = "a\x00b\x1b\ufffe\ud800c 🧾 العربية 日本 <&>\"'"
    root = etree.fromstring(write(replace(document(), notes=odd)))
    assert [each.text for each in root.findall(".//{*}IncludedNote/{*}Content")] == ["abc 🧾 العربية 日本 <&>\"'"]


def test_ten_thousand_lines() -> None:
    draft = compute(replace(full(), lines=full().lines[:1] * 10_000, adjustments=(), adopted=None))
    root = etree.fromstring(write(freeze(draft, number="1", issued_on=date(2026, 11, 3))))
    assert len(root.findall(".//{*}IncludedSupplyChainTradeLineItem")) == 10_000


def test_paper_alone_has_no_xml() -> None:
    with pytest.raises(ValueError, match="the profile pdf has no XML"):
        write(document("pdf"))


def test_danish_peppol_knows_no_plain_transfer() -> None:
    """DK-R-005, whose other codes need more than an account."""
    danish = replace(document("peppol"), currency="DKK", banks=(Bank("DK5000400440116243"),))
    seller, customer = (replace(party, country="DK") for party in (danish.seller, danish.customer))
    codes = {
        name: terms_of(each, {})["BG-16"][0]["BT-81"]
        for name, each in {
            "home": replace(danish, seller=seller, customer=customer),
            "abroad": replace(danish, seller=seller),
            "euro": replace(danish, seller=seller, customer=customer, currency="EUR"),
        }.items()
    }
    assert codes == {"home": "1", "abroad": "30", "euro": "58"}


def test_a_percentage_that_rounding_bent_stays_out_of_strict_profiles() -> None:
    """PEPPOL-EN16931-R040 recomputes to 0.02, which whole yen cannot keep."""
    draft = compute(
        replace(full(), currency="JPY", adopted=None, lines=(replace(full().lines[0], unit_price=Decimal(33)),))
    )
    frozen = freeze(draft, number="1", issued_on=date(2026, 11, 3))
    assert "BT-138" in terms_of(frozen, {})["BG-25"][0]["BG-27"][0]
    assert "BT-138" not in terms_of(replace(frozen, profile="peppol"), {})["BG-25"][0]["BG-27"][0]


def test_a_percentage_is_of_the_lines_that_take_nothing_off() -> None:
    """BT-93 is what the percentage was of, so that Peppol's rule finds the amount."""
    off = replace(full().lines[1], id="P1.1", quantity=Decimal(-1), adjustments=(), deducts=True)
    frozen = freeze(
        compute(replace(full(), lines=(*full().lines, off), adopted=None)), number="1", issued_on=date(2026, 11, 3)
    )
    (allowed,) = terms_of(replace(frozen, profile="peppol"), {})["BG-20"]
    assert (allowed["BT-92"], allowed["BT-93"], allowed["BT-94"]) == ("29.00", "290.00", "10")
    assert terms_of(frozen, {})["BT-106"] == "190.00"


@pytest.mark.parametrize(("level", "folder"), [("BASIC", "basic"), ("BASIC WL", "basicwl"), ("MINIMUM", "minimum")])
def test_a_level_leaves_out_what_its_schema_has_no_place_for(level: str, folder: str) -> None:
    root, types = _schema(f"facturx-{folder}")
    refused = set(_refused(CII.root, root, types))
    rounded = replace(document(), totals=replace(document().totals, rounding=1))
    terms = terms_of(rounded, FILES)
    told = {*terms} if "BG-25" in refused else {*terms, *(term for row in terms["BG-25"] for term in row)}
    assert told & refused <= WITHOUT[level]
    whole = {
        "BT-137",
        "BT-138",
        "BT-142",
        "BT-143",
        "BT-48",
        "BT-55",
    }  # refused by the level's Schematron, not by its schema
    unwritten = {f"{term}-1" for term in ("BT-34", "BT-49")}  # attributes go with their elements
    assert WITHOUT[level] - whole - unwritten <= refused | {"BT-111"}


def _schema(folder: str) -> tuple[str, dict[str, dict[str, str]]]:
    """The type of the root element, and by type the type of each element in it."""
    types: dict[str, dict[str, str]] = {}
    root = ""
    for file in (Path(facturx.__file__).parent / "xsd_and_schematron" / folder).glob("*.xsd"):
        schema = etree.parse(str(file)).getroot()
        for kind in schema.findall(f"{XS}complexType"):
            inner = {str(e.get("name")): _local(e.get("type")) for e in kind.iter(f"{XS}element")}
            types.setdefault(str(kind.get("name")), {}).update(inner)
        for element in schema.findall(f"{XS}element"):
            root = _local(element.get("type")) if element.get("name") == "CrossIndustryInvoice" else root
    return root, types


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]


def _refused(node: Node, kind: str, types: dict[str, dict[str, str]]) -> Iterator[str]:
    for child in node.children:
        inner = types.get(kind, {}).get(etree.QName(child.tag).localname)
        if inner is not None:
            yield from _refused(child, inner, types)
        else:
            yield from _terms(child)


def _terms(node: Node) -> Iterator[str]:
    yield from filter(None, (node.group, node.term))
    for child in node.children:
        yield from _terms(child)
