"""The demo is what the contract says, a seed can be repeated, and every mistake in a file is named with its path."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books.engine import read, write
from adapters.books.seed import Seed, apply_seed, load_seed
from adapters.books.verify import verify
from domain.errors import Invalid, NotFound
from domain.policy import parse_policy
from schemas import tables as t
from tests.conftest import DEMO

LATER = datetime(2026, 2, 1, 9, tzinfo=UTC)

SMALL = """
[sellers.own]
name = "Own Ltd"
country = "IE"
timezone = "Europe/Dublin"
currency = "EUR"
owner = "pat"
address = { street = "Quay 1", postcode = "D01", city = "Dublin" }

[people.pat]
name = "Pat"
roles = ["owner"]

[customers.acme]
name = "Acme"
country = "IE"
timezone = "Europe/Dublin"
contacts = [{ role = "billing", email = "ap@acme.example" }]
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write_file(content: str) -> Path:
        file = tmp_path / "seed.toml"
        file.write_text(content, encoding="utf-8")
        return file

    return write_file


@pytest.fixture
def own(written: Callable[[str], Path]) -> Seed:
    return load_seed(written(SMALL))


def types(engine: Engine, seller: str) -> list[str]:
    query = select(t.AuditEntry.type).where(t.AuditEntry.seller == seller).order_by(col(t.AuditEntry.seq))
    with read(engine) as session:
        return list(session.exec(query))


def test_the_demo_is_the_contracts(seeded: Engine) -> None:
    with read(seeded) as session:
        sellers = session.exec(select(t.Seller).order_by(t.Seller.key)).all()
        assert [s.key for s in sellers] == [*(f"clock{n:02d}" for n in range(1, 41)), "demo"]
        for s in sellers:
            assert (s.country, s.timezone, s.currency, s.mode, s.policy, s.sources) == (
                "DE", "Europe/Berlin", "EUR", "auto", "standard", []
            )  # fmt: skip
            assert s.profile["bank"]["iban"] == "DE89370400440532013000"
            assert len(s.salt) >= 32
        assert len({s.salt for s in sellers}) == 41
        people = {p.key: p for p in session.exec(select(t.Person))}
        assert people.keys() == {"ana", "ben", "cho", "sam", "crm"}
        assert people["ana"].limits == {"EUR": 1_000_000}
        assert people["ana"].roles == ["approver"]
        assert set(people["ben"].roles) == {"approver", "controller"}
        assert set(people["cho"].roles) == {"approver", "controller", "cfo"}
        assert people["crm"].machine
        assert all(p.email and p.email.endswith(".example") for p in people.values())
        customers = session.exec(select(t.Customer).where(t.Customer.seller == "clock07")).all()
        assert len(customers) == 12
        assert sorted(c.kind for c in customers if c.kind != "business") == ["consumer", "public"]
        assert len({c.country for c in customers}) >= 8
        mails = session.exec(select(t.Contact.email)).all()
        assert all(mail.endswith(".example") for mail in mails)


def test_every_customer_has_a_billing_contact(seeded: Engine) -> None:
    with read(seeded) as session:
        billed = session.exec(select(t.Contact.seller, t.Contact.customer).where(t.Contact.role == "billing")).all()
        customers = session.exec(select(t.Customer.seller, t.Customer.key)).all()
    assert sorted(billed) == sorted(customers)


def test_stored_policies_read_back(seeded: Engine) -> None:
    with read(seeded) as session:
        stored = session.exec(select(t.Policy)).all()
    parsed = {p.name: parse_policy(p.name, p.version, p.content) for p in stored}
    assert {"standard", "gentle", "none", "dense", "consumer"} <= parsed.keys()
    assert parsed["consumer"].consumer
    assert [r.id for r in parsed["standard"].ladder] == ["D-3", "D+1", "D+7", "D+14", "D+30"]


def test_a_repeat_changes_nothing(seeded: Engine) -> None:
    before = types(seeded, "demo")
    report = apply_seed(seeded, load_seed(DEMO), LATER)
    assert (+report.created, +report.changed) == ({}, {})
    assert report.unchanged == {"sellers": 41, "customers": 492, "people": 5, "policies": len(load_seed(DEMO).policies)}
    assert types(seeded, "demo") == before
    assert verify(seeded) == []


def test_changes_are_applied_and_told(engine: Engine, own: Seed) -> None:
    apply_seed(engine, own, LATER)
    acme = own.customers["acme"]
    moved = acme.model_copy(
        update={"name": "Acme plc", "contacts": (acme.contacts[0].model_copy(update={"email": "new@acme.example"}),)}
    )
    gone = own.people["pat"].model_copy(update={"active": False})
    policies = {**own.policies, "gentle": {**own.policies["gentle"], "max_promises": 9}}
    before = len(types(engine, "own"))
    report = apply_seed(engine, replace(own, customers={"acme": moved}, people={"pat": gone}, policies=policies), LATER)
    assert report.changed == {"customers": 1, "people": 1, "policies": 1}
    assert sorted(types(engine, "own")[before:]) == ["customer.changed", "person.deactivated", "policy.changed"]
    with read(engine) as session:
        assert [c.email for c in session.exec(select(t.Contact))] == ["new@acme.example"]
        assert session.get_one(t.Policy, ("gentle", 2)).content["max_promises"] == 9
        assert session.get_one(t.Policy, ("gentle", 1)).content["max_promises"] != 9
    assert verify(engine) == []


def test_a_policy_that_goes_back_is_a_new_version(engine: Engine, own: Seed) -> None:
    other = replace(own, policies={**own.policies, "none": {**own.policies["none"], "max_promises": 9}})
    for seed in (own, other, own):
        apply_seed(engine, seed, LATER)
    with read(engine) as session:
        versions = session.exec(select(t.Policy).where(t.Policy.name == "none").order_by(col(t.Policy.version))).all()
    assert [v.version for v in versions] == [1, 2, 3]
    assert versions[0].content == versions[2].content


def test_nothing_is_deleted_and_a_locked_period_stays_locked(engine: Engine, own: Seed) -> None:
    apply_seed(engine, own, LATER)
    with write(engine, "own") as session:
        session.get_one(t.Seller, "own").locked_until = LATER.date()
    report = apply_seed(engine, replace(own, customers={}), LATER)
    with read(engine) as session:
        assert session.get(t.Customer, ("own", "acme")) is not None
        assert session.get_one(t.Seller, "own").locked_until == LATER.date()
    assert +report.changed == {}


def test_a_seller_without_a_mode_starts_by_asking(own: Seed) -> None:
    assert own.sellers["own"].mode == "ask"
    assert own.sellers["own"].sources is None


def test_the_chain_names_nobody(seeded: Engine) -> None:
    with read(seeded) as session:
        told = {str(e.keys) for e in session.exec(select(t.AuditEntry).where(t.AuditEntry.seller == "demo"))}
    assert not [text for text in told if "Albers" in text or ".example" in text or "Globex GmbH" in text]


def test_policies_may_come_from_a_file_beside(written: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[standard]\nmode = 'ask'\nwindow = { start = 09:30:00, end = '17:00', "
                                        "days = [1], holidays = false }\n")  # fmt: skip
    seed = load_seed(written('policies = "mine.toml"\n' + SMALL))
    assert seed.policies.keys() == {"standard"}
    assert seed.policies["standard"]["window"]["start"] == "09:30"


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        load_seed(tmp_path / "nowhere.toml")


SELLER, PERSON, CUSTOMER = 'owner = "pat"', 'roles = ["owner"]', "[customers.acme]"
MISTAKES = [
    ("[sellers.own]", "[sellers.own", "seed.toml", "cannot be read as TOML"),
    ("[people.pat]", "[persons.pat]", "persons", "not a part of a seed"),
    ('name = "Own Ltd"', "", "sellers.own.name", "required"),
    ('country = "IE"', 'country = "IR1"', "sellers.own.country", "ISO 3166"),
    (SELLER, f'{SELLER}\ncolour = "red"', "sellers.own.colour", "not a known field"),
    (SELLER, 'owner = "eve"', "sellers.own.owner", "one of the people"),
    (SELLER, f'{SELLER}\npolicy = "harsh"', "sellers.own.policy", "no policy harsh"),
    (SELLER, f'{SELLER}\nsources = ["bnak"]', "sellers.own.sources[0]", "known are bank, stripe"),
    (CUSTOMER, f'[policies.hard]\nsources = ["till"]\n{CUSTOMER}', "policies.hard.sources[0]", "no source till"),
    (SELLER, f'{SELLER}\nbank = {{ iban = "DE89370400440532013001" }}', "sellers.own.bank.iban", "check digits"),
    (
        SELLER,
        f'{SELLER}\nseries = {{ invoice = {{ format = "{{n}}" }} }}',
        "sellers.own.series.invoice.format",
        "{year}",
    ),
    (SELLER, f'{SELLER}\ncopies = {{ prefix = "own", count = 100 }}', "sellers.own.copies.count", "99"),
    ("[sellers.own]", "[sellers.own-x]", "sellers.own-x", "a–z and 0–9"),
    (PERSON, 'roles = ["boss"]', "people.pat.roles[0]", "must be one of"),
    (PERSON, f'{PERSON}\nlimits = {{ EUR = "1.001" }}', "people.pat.limits.EUR", "EUR"),
    (PERSON, f"{PERSON}\nmachine = true", "people.pat.roles", "machine"),
    (PERSON, f'{PERSON}\nabsent = {{ from = "2026-03-02", until = "2026-03-01" }}', "people.pat.absent", "before it"),
    (
        PERSON,
        f'{PERSON}\nabsent = {{ from = "2026-03-02", until = "2026-03-03", delegate = "pat" }}',
        "people.pat.absent.delegate",
        "another of the people",
    ),
    ('email = "ap@acme.example"', 'phone = "1"', "customers.acme.contacts[0].phone", "is not a known field"),
    (CUSTOMER, f'{CUSTOMER}\nkey = "x"', "customers.acme.key", "stands in the table's name"),
    (CUSTOMER, f'{CUSTOMER}\nsellers = ["no"]', "customers.acme.sellers[0]", "no seller no"),
    (CUSTOMER, f'{CUSTOMER}\nterms = "someday"', "customers.acme.terms", "someday"),
    (
        CUSTOMER,
        f'[policies.hard]\nconsumer = false\n{CUSTOMER}\nkind = "consumer"\npolicy = "hard"',
        "customers.acme.policy",
        "not for consumers",
    ),
    (CUSTOMER, f'[policies.hard]\nmode = "loud"\n{CUSTOMER}', "policies.hard.mode", "must be one of"),
]


@pytest.mark.parametrize(("find", "put", "path", "told"), MISTAKES, ids=[path for _, _, path, _ in MISTAKES])
def test_each_mistake_is_named(written: Callable[[str], Path], find: str, put: str, path: str, told: str) -> None:
    assert find in SMALL
    with pytest.raises(Invalid) as caught:
        load_seed(written(SMALL.replace(find, put, 1)))
    found = {problem.path: problem.message for problem in caught.value.problems}
    assert path in found, found
    assert told in found[path]


def test_all_mistakes_at_once(written: Callable[[str], Path]) -> None:
    broken = SMALL.replace('currency = "EUR"', 'currency = "EURO"').replace('roles = ["owner"]', 'roles = ["boss"]')
    with pytest.raises(Invalid) as caught:
        load_seed(written(broken.replace("ap@acme.example", "nobody")))
    assert {p.path for p in caught.value.problems} == {
        "sellers.own.currency", "people.pat.roles[0]", "customers.acme.contacts[0].email"
    }  # fmt: skip


def test_copies_may_not_meet_a_seller(written: Callable[[str], Path]) -> None:
    copies = SMALL.replace('owner = "pat"', 'owner = "pat"\ncopies = { prefix = "ab", count = 2 }', 1)
    other = SMALL[: SMALL.index("[people")].replace("[sellers.own]", "[sellers.ab02]")
    with pytest.raises(Invalid, match="ab02 is there already"):
        load_seed(written(copies + other))


class TestLogo:
    SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 5"><path d="M0 0h10v5z"/></svg>'

    def seed(self, tmp_path: Path, data: bytes | None) -> Path:
        if data is not None:
            (tmp_path / "logo.svg").write_bytes(data)
        path = tmp_path / "seed.toml"
        path.write_text(SMALL + '\n[sellers.own.brand]\nlogo = "logo.svg"\n', "utf-8")
        return path

    def test_it_is_known_by_its_content(self, tmp_path: Path) -> None:
        found = load_seed(self.seed(tmp_path, self.SVG.encode()))
        ((key, data),) = found.files.items()
        assert data == self.SVG.encode()
        assert found.sellers["own"].brand is not None
        assert found.sellers["own"].brand.logo == key

    @pytest.mark.parametrize(
        ("data", "told"),
        [
            (None, "cannot be read: No such file"),
            (b"\x89PNG\r\n\x1a\nbroken", "logo"),
            (b"0" * 30_000_000, "is 30,000,000 bytes; at most 500,000"),
            (SVG.replace("<path", "<script/><path").encode(), "logo"),
        ],
    )
    def test_what_cannot_be_printed_is_refused_when_it_is_loaded(
        self, tmp_path: Path, data: bytes | None, told: str
    ) -> None:
        with pytest.raises(Invalid, match=told) as refused:
            load_seed(self.seed(tmp_path, data))
        assert [problem.path for problem in refused.value.problems] == ["sellers.own.brand.logo"]


@pytest.mark.parametrize("country", ["IT", "PL", "RO", "PT"])
def test_a_seller_that_needs_clearance_is_refused_whole(
    seeded: Engine, written: Callable[[str], Path], country: str
) -> None:
    seed = load_seed(written(SMALL.replace('country = "IE"', f'country = "{country}"', 1)))
    with pytest.raises(Invalid, match="there is no channel for it yet"):
        apply_seed(seeded, seed, LATER)
    with read(seeded) as session:
        assert session.get(t.Seller, "own") is None
