"""The approver's page: what it shows, that looking changes nothing, and every link that does not count."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books.approver_page import use
from adapters.books.engine import read, write
from domain import links
from domain.changes import Change, every
from gateway import changed
from gateway.templates import Words
from schemas import tables as t
from tests.gateway.conftest import Gateway
from tests.gateway.test_pages import Outline
from tests.story import Story
from tests.workflows.conftest import House
from tests.workflows.life import Life, Refusal

Edit = Callable[[Session], Any]


@dataclass
class Desk:
    """A story on the books of a gateway, now, and the links in its mails."""

    gateway: Gateway
    story: Story

    def token(self, person: str, number: int = 1, subject: str = "draft") -> str:
        with read(self.gateway.engine) as session:
            query = select(t.Message.key).where(t.Message.invoice == self.story.id, t.Message.person == person)
            keys = [key for key in session.exec(query) if f"/{subject}@" in key and key.endswith(f"/{number}")]
        (key,) = keys[-1:]
        return links.token(self.gateway.settings.signing_secret().get_secret_value(), links.APPROVER, key)

    def key(self, person: str) -> str:
        read_ = links.read(
            self.gateway.settings.signing_secret().get_secret_value(), links.APPROVER, self.token(person)
        )
        assert read_ is not None
        return read_

    async def get(self, token: str) -> httpx.Response:
        return await self.gateway.http.get(f"/a/{token}")

    async def send(self, token: str, **data: str) -> httpx.Response:
        return await sent(self.gateway, token, **data)

    def change(self, edit: Edit) -> None:
        with write(self.gateway.engine, None) as session:
            edit(session)

    def audited(self) -> list[str]:
        return audited(self.gateway.engine, self.story.id)


def audited(engine: Engine, id_: str) -> list[str]:
    with read(engine) as session:
        query = select(t.AuditEntry.type).where(t.AuditEntry.invoice == id_).order_by(col(t.AuditEntry.seq))
        return list(session.exec(query))


async def sent(gateway: Gateway, token: str, **data: str) -> httpx.Response:
    """What a browser sends that opened the page."""
    page = await gateway.http.get(f"/a/{token}")
    seal = re.search(r'name="form" value="(\w+)"', page.text)
    return await gateway.http.post(f"/a/{token}", data={"form": seal[1] if seal else "", **data})


@pytest.fixture
def desk(bare: Gateway, demo: Engine, tmp_path: Any) -> Desk:
    story = Story(demo, "demo", "ORD-1", tmp_path / "archive")
    story.now = datetime.now(UTC)
    story.start("globex", "1000.00", purchase_order="4500017", notes="<b>bold</b>")
    story.run(0)
    return Desk(bare, story)


async def test_the_page_shows_what_will_be_issued_and_who_decides(desk: Desk) -> None:
    said = await desk.get(desk.token("ana"))
    page = Outline(said.text)
    assert said.status_code == 200
    for words in (
        *("Freigabe: Rechnung, für Globex GmbH", "1.211,40\u00a0€", "Erste Rechnung an diesen Kunden", "Work", "Book"),
        *("4500017", "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "ap@globex.example", "USt. 19\u00a0%"),
        *("Customer system", "Ana Albers", "Ihre Freigabe genügt.", "Factur-X EN 16931", "<b>bold</b>"),
    ):
        assert words in page.text, words
    assert not page.open
    assert "<b>" not in said.text
    assert "script" not in page.tags
    assert "form-action 'self'" in said.headers["content-security-policy"]
    assert (said.headers["referrer-policy"], said.headers["cache-control"]) == ("no-referrer", "no-store")


async def test_the_preview_is_marked_and_takes_no_number(desk: Desk) -> None:
    before = desk.audited()
    said = await desk.gateway.http.get(f"/a/{desk.token('ana')}/preview.pdf")
    assert (said.status_code, said.headers["content-type"]) == (200, "application/pdf")
    assert said.content.startswith(b"%PDF")
    assert "ENTWURF" in said.headers["content-disposition"]
    with read(desk.gateway.engine) as session:
        assert session.exec(select(t.NumberTaken)).first() is None
        assert session.exec(select(t.Document)).first() is None
    assert desk.audited() == before
    assert not (desk.gateway.settings.archive).exists() or not list(desk.gateway.settings.archive.iterdir())


async def test_looking_never_votes_and_writes_nothing(desk: Desk) -> None:
    token, before = desk.token("ana"), desk.audited()
    for method in ("GET", "HEAD"):
        for query in ("", "?vote=approve"):
            assert (await desk.gateway.http.request(method, f"/a/{token}{query}")).status_code == 200
    assert desk.audited() == before
    with read(desk.gateway.engine) as session:
        assert session.exec(select(t.LinkMark)).first() is None


async def test_another_sites_form_is_refused(desk: Desk) -> None:
    token = desk.token("ana")
    assert (await desk.gateway.http.post(f"/a/{token}", data={"vote": "approve"})).status_code == 403
    page = await desk.get(token)
    seal = re.search(r'name="form" value="(\w+)"', page.text)
    assert seal
    data = {"form": seal[1], "vote": "approve"}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await desk.gateway.http.post(f"/a/{token}", data=data, headers=headers)).status_code == 403
    desk.gateway.http.cookies.clear()
    assert (await desk.gateway.http.post(f"/a/{token}", data=data)).status_code == 403
    with read(desk.gateway.engine) as session:
        assert session.exec(select(t.LinkMark)).first() is None


async def test_a_rejection_needs_a_reason_and_no_link_is_used_up_meanwhile(desk: Desk) -> None:
    token = desk.token("ana")
    said = await desk.send(token, vote="reject", reason="  ")
    assert said.status_code == 422
    assert "Bitte geben Sie einen Grund an" in said.text
    assert (await desk.send(token, vote="maybe")).status_code == 422
    assert (await desk.send(token, vote="approve", comment="\x07")).status_code == 422
    said = await desk.send(token, vote="approve")
    assert (said.status_code, "Gerade nicht möglich" in said.text) == (503, True), "no server answers here"
    with read(desk.gateway.engine) as session:
        assert session.exec(select(t.LinkMark)).first() is None


async def test_tampered_unknown_and_other_links_are_nothing(desk: Desk) -> None:
    good, secret = desk.token("ana"), desk.gateway.settings.signing_secret().get_secret_value()
    key = links.read(secret, links.APPROVER, good)
    assert key is not None
    tokens = (
        good[:-1] + ("A" if good[-1] != "A" else "B"), "x", "a.b", "%00", links.token("another", links.APPROVER, key),
        links.token(secret, links.CUSTOMER, key), links.token(secret, links.APPROVER, desk.story.id),
        links.token(secret, links.APPROVER, key.replace("/ana/", "/ben/")),
        links.token(secret, links.APPROVER, key.replace("-demo-", "-clock01-")),
    )  # fmt: skip
    for path in ("/a/%s", "/a/%s/preview.pdf"):
        said = [await desk.gateway.http.get(path % token) for token in tokens]
        assert {each.status_code for each in said} == {404}
        assert len({each.text for each in said}) == 1
    posted = [await desk.gateway.http.post(f"/a/{token}", data={"vote": "approve"}) for token in tokens]
    assert {each.status_code for each in posted} == {404}


def expire(story: Story) -> Edit:
    def edit(session: Session) -> None:
        for letter in session.exec(select(t.Message).where(t.Message.kind == "approval")):
            letter.at -= timedelta(days=14)
            session.add(letter)

    return edit


def revoke(key: str) -> Edit:
    mark = t.LinkMark(purpose=links.APPROVER, subject=key, mark="revoked", by="ben", at=datetime.now(UTC))
    return lambda session: session.add(mark)


def deactivate(session: Session) -> None:
    ana = session.get_one(t.Person, "ana")
    ana.active = False
    session.add(ana)


def lower(session: Session) -> None:
    ana = session.get_one(t.Person, "ana")
    ana.limits = {"EUR": 100}
    session.add(ana)


@pytest.mark.parametrize(
    ("name", "status", "title"),
    [
        ("expired", 410, "Dieser Link ist abgelaufen"),
        ("revoked", 410, "Dieser Link wurde zurückgezogen"),
        ("gone", 403, "Das können Sie nicht freigeben"),
        ("lowered", 403, "Das können Sie nicht freigeben"),
    ],
)
async def test_what_does_not_count_tells_nothing_of_the_invoice(desk: Desk, name: str, status: int, title: str) -> None:
    token, edits = desk.token("ana"), {"gone": deactivate, "lowered": lower}
    page = await desk.get(token)
    seal = re.search(r'name="form" value="(\w+)"', page.text)
    assert seal
    desk.change({"expired": expire(desk.story), "revoked": revoke(desk.key("ana")), **edits}[name])
    answers = [
        await desk.get(token),
        await desk.gateway.http.get(f"/a/{token}/preview.pdf"),
        await desk.gateway.http.post(f"/a/{token}", data={"form": seal[1], "vote": "approve"}),
    ]
    for said in answers:
        assert (said.status_code, title in said.text) == (status, True)
        for ours in ("Globex", "1.211,40", "ORD-1", "4500017", "Ana"):
            assert ours not in said.text, ours
    assert desk.audited().count("link.refused") == 1, "the post alone is told"
    with read(desk.gateway.engine) as session:
        assert session.get(t.LinkMark, (links.APPROVER, desk.key("ana"), "used")) is None


async def test_who_answered_any_way_has_used_every_link(desk: Desk) -> None:
    desk.story.run(3)  # ana is reminded
    first, second = desk.token("ana"), desk.token("ana", 2)
    for token in (first, second):
        assert (await desk.get(token)).status_code == 200
    desk.story.command("approve", "ana")
    for token in (first, second):
        said = await desk.get(token)
        assert (said.status_code, "Sie haben schon geantwortet" in said.text) == (410, True)
        assert "Der Vorgang wurde freigegeben." in said.text


async def test_what_others_decided_is_decided(desk: Desk) -> None:
    desk.story.run(5)  # ana was asked and reminded, then ben
    ana, ben = desk.token("ana"), desk.token("ben")
    desk.story.command("reject", "ben", reason="SECRET REASON")
    assert (await desk.get(ana)).status_code == 410
    said = await desk.get(ben)
    assert (said.status_code, "Der Vorgang wurde abgelehnt." in said.text) == (410, True)
    assert "SECRET" not in said.text


async def test_a_stale_link_says_what_changed(desk: Desk) -> None:
    token = desk.token("ana")
    lines = [
        {"description": "Work", "quantity": "2", "unit_price": "900.00", "tax": {"category": "S", "rate": "19"}},
        {
            "description": "<i>Travel</i>",
            "quantity": "1",
            "unit_price": "50.00",
            "tax": {"category": "S", "rate": "19"},
        },
    ]
    body = {
        "seller": "demo", "reference": "ORD-1", "created_by": "crm", "customer": "globex", "currency": "EUR",
        "purchase_order": "4500017", "notes": "<b>bold</b>", "terms": "net 14", "lines": lines,
    }  # fmt: skip
    desk.story.command("amend", "crm", request=body)
    desk.story.run(0)
    said = await desk.get(token)
    page = Outline(said.text)
    assert (said.status_code, "Der Inhalt hat sich geändert" in page.text) == (409, True)
    for words in (
        *("Zahlungsbedingungen", "net 30", "net 14", "Position „Work“: Einzelpreis", "Position „Work“: Menge"),
        *(
            "Position „Book“",
            "2 Stk. × 10,00 = 20,00\u00a0€",
            "<i>Travel</i>",
            "Summen: Gesamtbetrag",
            "1.211,40\u00a0€",
        ),
    ):
        assert words in page.text, words
    assert "<i>" not in said.text
    assert not page.open
    assert (await desk.gateway.http.get(f"/a/{token}/preview.pdf")).status_code == 409
    fresh = await desk.get(desk.token("ana"))
    assert fresh.status_code == 200, "the new mail has a new link"


async def test_money_that_goes_out_says_what_how_much_by_whom_and_why(desk: Desk) -> None:
    desk.story.command("approve", "ana")
    desk.story.run(1)
    desk.story.command("credit", "ben", amount="500.00", reason="late <i>delivery</i>")
    desk.story.run(0)
    token = desk.token("ana", subject="credit-1")
    said = await desk.get(token)
    page = Outline(said.text)
    for words in (
        *("Freigabe: Rechnungskorrektur, für Globex GmbH", "500,00\u00a0€", "Ben Brandt", "late <i>delivery</i>"),
        *("RE-", "Der Kunde schuldet", "1.211,40\u00a0€"),
    ):
        assert words in page.text, words
    assert "Was ungewöhnlich ist" not in page.text
    assert (await desk.gateway.http.get(f"/a/{token}/preview.pdf")).status_code == 404


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_change_has_a_name_in_words(language: str) -> None:
    words = Words(language, staff=True)
    for what in every():
        assert changed.name_of(Change(what, None, None, "about"), words)


async def test_a_signed_link_alone_approves_where_the_policy_says_so(gateway: Gateway, sqlite_house: House) -> None:
    """On a real server: a claim is refused, a link that a crash left between its mark and its vote votes once."""
    signed(sqlite_house.engine)
    life = await sqlite_house.start("1000.00", policy="signed")
    await life.state("awaiting_approval")
    with pytest.raises(Refusal, match="by signed link alone"):
        await life.do("approve", by="ana")
    with pytest.raises(Refusal, match="was not opened"):
        await life.do("approve", by="ana", link=await key(life))
    token = await mailed(life)
    with pytest.raises(Refusal, match="is none that asks ben"):
        await life.do("approve", by="ben", link=await key(life))
    use(sqlite_house.engine, await key(life), datetime.now(UTC))  # and then the gateway died
    said = await sent(gateway, token, vote="approve", comment="fine\r\nby me")
    assert (said.status_code, "Freigegeben" in said.text) == (200, True)
    await life.state("collecting")
    for _ in range(2):
        again = await gateway.http.get(f"/a/{token}")
        assert (again.status_code, "Sie haben schon geantwortet" in again.text) == (410, True)
    found = audited(sqlite_house.engine, life.id)
    assert (found.count("link.used"), found.count("approval.given")) == (1, 1)


async def test_a_link_rejects_once_with_its_reason(gateway: Gateway, sqlite_house: House) -> None:
    life = await sqlite_house.start("1000.00")
    await life.state("awaiting_approval")
    token = await mailed(life)
    page = await gateway.http.get(f"/a/{token}")
    seal = re.search(r'name="form" value="(\w+)"', page.text)
    assert seal
    data = {"form": seal[1], "vote": "reject", "reason": "wrong price"}
    said = await gateway.http.post(f"/a/{token}", data=data)
    assert (said.status_code, "Abgelehnt" in said.text) == (200, True)
    await life.state("rejected")
    again = await gateway.http.post(f"/a/{token}", data={**data, "vote": "approve"})
    assert (again.status_code, "Sie haben schon geantwortet" in again.text) == (410, True)
    assert audited(sqlite_house.engine, life.id).count("invoice.rejected") == 1


def signed(engine: Engine) -> None:
    with write(engine, None) as session:
        content = {"approve_by": "link", "mode": "auto"}
        session.add(t.Policy(name="signed", version=1, content=content, digest="sha256:signed"))


async def mailed(life: Life) -> str:
    """The token in the mail that asks."""
    await life.at_rest()
    (mail,) = life.mails("approval")
    found = re.search(r"/a/([\w.-]+)", mail.text)
    assert found, mail.text
    return found[1]


async def key(life: Life) -> str:
    await life.at_rest()
    with read(life.engine) as session:
        query = select(t.Message.key).where(t.Message.invoice == life.id, t.Message.kind == "approval")
        return session.exec(query).one()
