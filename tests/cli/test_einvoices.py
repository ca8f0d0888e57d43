"""`duely start` with bills of ours that another system wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.books.facts import seller_known
from adapters.einvoices import write
from cli.einvoices import reader
from cli.output import REFUSED
from domain.document import compute
from domain.einvoice import CREDIT_NOTE, freeze
from domain.parts import Bank, Party, Preceding
from schemas.request import parse_request
from tests.cli.conftest import Duely
from tests.domain.test_document import full

DEMO = Party("demo", "Duely Demo GmbH", "DE", full().seller.address, "DE811569869")


def bill(path: Path, kind: str = "invoice", seller: Party = DEMO) -> Path:
    simple = replace(full(), attachments=(), tax_currency=None, preceding=(), adopted=None)
    buyer = replace(simple.customer, vat_id="DE136695976")
    draft = compute(replace(simple, kind=kind, seller=seller, customer=buyer, bank=Bank("DE89370400440532013000")))
    before = (Preceding("RE-7"),) if kind == CREDIT_NOTE else ()
    path.write_bytes(write(freeze(draft, number="RE/8", issued_on=date(2026, 11, 3), preceding=before)))
    return path


def test_a_bill_of_ours_is_a_request(seeded: Engine, tmp_path: Path) -> None:
    found = reader(seeded, "demo", None)(bill(tmp_path / "bill.xml"))
    assert found.problems == ()
    request = parse_request(found.body)
    assert (request.seller, request.reference, request.customer.name) == ("demo", "RE-8", "Globex")
    other = reader(seeded, "demo", "ORD-5")(bill(tmp_path / "bill.xml"))
    assert other.body == {**found.body, "reference": "ORD-5"}


def test_the_seller_s_facts_are_those_that_drafting_uses(seeded: Engine) -> None:
    facts = seller_known(seeded, "demo")
    assert (facts.key, facts.vat_id, facts.bank and facts.bank.iban) == (
        "demo", "DE811569869", "DE89370400440532013000",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("bill.xml", (), "bill.xml seller: is not in an e-invoice; say whose bill it is with --seller KEY"),
        ("bill.xml", ("--seller", "nobody"), "bill.xml seller: there is no seller nobody; `duely seed FILE` loads one"),
        ("foreign.xml", ("--seller", "demo"), "foreign.xml BT-31: is DE129273398; the seller demo has DE811569869"),
        ("missing.xml", ("--seller", "demo"), "missing.xml cannot be read: No such file or directory"),
        ("broken.pdf", ("--seller", "demo"), "broken.pdf broken.pdf: is a PDF that cannot be read"),
        (
            "credit.xml",
            ("--seller", "demo"),
            "a person decides on: duely credit RE-7 --amount 316.54 --reason 'n' --by …",
        ),
    ],
)
def test_what_cannot_be_started_says_what_to_do(
    seeded_duely: Duely, tmp_path: Path, name: str, arguments: tuple[str, ...], says: str
) -> None:
    bill(tmp_path / "bill.xml")
    bill(tmp_path / "foreign.xml", seller=full().seller)
    bill(tmp_path / "credit.xml", CREDIT_NOTE)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7")
    ended = seeded_duely("start", tmp_path / name, *arguments)
    assert ended.code == REFUSED
    assert says in " ".join(ended.err.split()).replace(f"{tmp_path}/", "")
    assert "nothing was started: 1 of 1 are bad" in " ".join(ended.err.split())


def test_one_reference_is_for_one_file(seeded_duely: Duely, tmp_path: Path) -> None:
    one = bill(tmp_path / "bill.xml")
    ended = seeded_duely("start", one, one, "--seller", "demo", "--reference", "A")
    assert ended.code != 0
    assert "--reference: is for one file" in ended.err
