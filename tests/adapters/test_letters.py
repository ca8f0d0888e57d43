"""The mail that delivers a document: which files it carries, that they are archived once, and that it says how to tell
that it is ours."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from activities.sending import Sender
from adapters.books import files, papers
from adapters.books.customer_page import customer_page
from adapters.books.engine import read, write
from adapters.documents.archive import Archive
from adapters.documents.own_key import own_key
from adapters.documents.port import Documents
from adapters.documents.seal import Seal, check
from adapters.documents.sealed import Sealed
from adapters.documents.typst import TypstDocuments
from adapters.einvoices import read as read_einvoice
from adapters.einvoices import write as write_xml
from adapters.letters import Composer
from adapters.mail.outbox import Outbox
from adapters.mail.port import Message
from domain.actions import Send
from domain.errors import Invalid
from schemas import tables as t
from schemas.steps import SendStep
from settings import Settings
from tests.conftest import SEEDED_AT
from tests.story import Story
from tests.workflows.stage import Blank
from workers.wiring import documents_of

LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 5"><path d="M0 0h10v5z"/></svg>'


class Post(Outbox):
    """An outbox that also keeps what it was given."""

    def send(self, message: Message) -> str:
        self.last = message
        return super().send(message)


def delivered(story: Story, folder: Path, documents: Documents | None = None) -> Message:
    """The mail that delivers the story's invoice, after everything that comes before."""
    composer = Composer(
        documents or TypstDocuments(write_xml),
        Archive(folder / "archive"),
        link="https://pay.example/i/{}/{}".format,
        pay="https://pay.example/pay/{}/{}".format,
        proof="https://pay.example/v/{}".format,
    )
    post = Post(folder / "outbox")
    sender = Sender(story.books, post, composer)
    outcome = story.books.look(story._step())
    while isinstance(outcome.action, Send) and outcome.action.kind != "invoice":
        outcome = sender.attempt(SendStep(workflow_id=story.id, now=story.now, key=outcome.action.key))
    story.command("approve", "ana")
    outcome = story.books.look(story._step())
    assert isinstance(outcome.action, Send)
    sender.attempt(SendStep(workflow_id=story.id, now=story.now, key=outcome.action.key))
    return post.last


def drafted(engine: Engine, reference: str, customer: str = "globex", **more: object) -> Story:
    story = Story(engine, "demo", reference)
    story.start(customer, "100.00", **more)
    return story


def stored(story: Story) -> t.Document:
    with read(story.books.engine) as session:
        return session.get_one(t.Document, f"{story.id}/invoice")


def test_factur_x_is_one_file_with_the_data_inside(seeded: Engine, tmp_path: Path) -> None:
    story = drafted(seeded, "FX")
    (paper,) = delivered(story, tmp_path).attachments
    assert paper.name == "RE-2026-00001.pdf"
    found = read_einvoice(paper.data, paper.name)
    assert (found.number, found.totals.payable) == ("RE-2026-00001", 14040)
    row, archive = stored(story), Archive(tmp_path / "archive")
    assert archive.get(row.object_key or "") == paper.data
    assert read_einvoice(archive.get(row.xml_key or ""), "x.xml") == found


def test_xrechnung_travels_beside_its_picture(seeded: Engine, tmp_path: Path) -> None:
    story = drafted(seeded, "XR", "bezirksamt")
    paper, data = delivered(story, tmp_path).attachments
    assert (paper.mime, data.mime) == ("application/pdf", "application/xml")
    assert read_einvoice(data.data, data.name).buyer_reference == "04011000-12345-03"
    with pytest.raises(Invalid):
        read_einvoice(paper.data, paper.name)


def test_what_is_attached_and_the_logo_are_in_the_paper(seeded: Engine, tmp_path: Path) -> None:
    archive = Archive(tmp_path / "archive")
    logo = archive.put(LOGO, "svg")
    with write(seeded, "demo") as session:
        seller = session.get_one(t.Seller, "demo")
        seller.profile = {**seller.profile, "brand": {"logo": logo, "colour": "#0a7f5a"}}
        session.add(seller)
    sheet = files.keep(seeded, archive, b"hours,12.5", "csv", SEEDED_AT)
    story = drafted(seeded, "ATT", attachments=[{"name": "hours.csv", "file": sheet}])
    (paper,) = delivered(story, tmp_path).attachments
    assert [each.name for each in read_einvoice(paper.data, paper.name).attachments] == ["hours.csv"]
    with read(seeded) as session:
        model = papers.model(session.get_one(t.Invoice, story.id), session.get_one(t.Document, f"{story.id}/invoice"))
    assert model.brand is not None
    assert model.brand.logo == logo


def test_it_says_how_to_tell_that_it_is_ours(seeded: Engine, tmp_path: Path) -> None:
    story = drafted(seeded, "GEN")
    mail = delivered(story, tmp_path)
    for text in (mail.text, mail.html):
        assert f"https://pay.example/v/{story.id}/invoice" in text
        assert "Konto nie per" in text


def test_it_leads_to_the_customers_page_and_to_where_it_is_paid(seeded: Engine, tmp_path: Path) -> None:
    story = drafted(seeded, "GEN")
    mail = delivered(story, tmp_path)
    for text in (mail.text, mail.html):
        assert f"https://pay.example/i/{story.id}/0" in text
        assert f"https://pay.example/pay/{story.id}/0" in text


def test_a_seal_is_the_same_after_a_crash(seeded: Engine, tmp_path: Path) -> None:
    key = own_key(tmp_path, "Demo").read_bytes()
    story = drafted(seeded, "SEAL")
    (paper,) = delivered(story, tmp_path, Sealed(TypstDocuments(write_xml), Seal(key))).attachments
    with read(seeded) as session:
        model = papers.model(session.get_one(t.Invoice, story.id), session.get_one(t.Document, f"{story.id}/invoice"))
    again = Sealed(TypstDocuments(write_xml), Seal(key)).render(model)
    assert again.pdf == paper.data
    report = check(paper.data)
    assert report is not None
    assert (report.intact, report.covers_all, report.signer) == (True, True, "Demo")


class TestWiring:
    def settings(self, folder: Path, seal: str) -> Settings:
        return Settings(var=folder, seal=seal)

    def test_a_seal_only_where_it_is_wanted(self, tmp_path: Path) -> None:
        assert isinstance(documents_of(self.settings(tmp_path, "off")), TypstDocuments)
        assert isinstance(documents_of(self.settings(tmp_path, "own")), Sealed)
        assert (tmp_path / "seal.p12").stat().st_mode & 0o777 == 0o600

    def test_a_key_that_cannot_seal_is_told(self, tmp_path: Path) -> None:
        broken = tmp_path / "key.p12"
        broken.write_bytes(b"no key")
        with pytest.raises(Invalid, match=r"no PKCS#12 file"):
            documents_of(self.settings(tmp_path, str(broken)))

    async def test_a_key_loads_inside_a_running_loop(self, tmp_path: Path) -> None:
        assert isinstance(documents_of(self.settings(tmp_path, "own")), Sealed)


def test_a_reminder_tells_the_discount_that_the_page_tells(seeded: Engine, tmp_path: Path) -> None:
    story = Story(seeded, "demo", "S-1")
    story.start("globex", "180.00", terms="2/10 net 12")  # 235.60
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    story.command("credit", "ben", amount="117.80", reason="returned")
    composer = Composer(Blank(), Archive(tmp_path))
    account = story.run(8)
    key = next(m.key for m in account.messages if m.kind == "reminder")
    with read(seeded) as session:
        text = composer.compose(session, key, story.now.replace(hour=9)).message.text
    page = customer_page(seeded, story.id, 0, story.now)
    assert page is not None
    assert page.discount is not None
    assert (page.balance, page.discount.amount) == (117_80, 115_44)
    assert "115,44" in text
    assert "230,89" not in text


def test_a_policy_says_whether_a_customer_is_watched(seeded: Engine, tmp_path: Path) -> None:
    with write(seeded, None) as session:
        content = session.get_one(t.Policy, ("standard", 1)).content
        session.add(t.Policy(name="watched", version=1, content={**content, "tracking": True}, digest="watched"))
    composer, found = Composer(Blank(), Archive(tmp_path)), {}
    for policy in ("standard", "watched"):
        story = Story(seeded, "demo", policy)
        story.start("globex", "1000.00", policy=policy)
        story.run(0)
        story.command("approve", "ana")
        account = story.run(1)
        with read(seeded) as session:
            mails = [composer.compose(session, message.key, story.now).message for message in account.messages]
        found[policy] = {mail.kind: mail.tracking for mail in mails}
    assert found["standard"] == {"approval": False, "invoice": False}
    assert found["watched"] == {"approval": False, "invoice": True}


def test_a_refund_that_a_person_has_yet_to_transfer_is_not_told_as_made(seeded: Engine, tmp_path: Path) -> None:
    story = drafted(seeded, "OVER")
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    day = story.now.date().isoformat()
    story.command("pay", "ben", amount="200.00", received_on=day, method="transfer", external_id="T-1")
    story.command("refund", "ben", amount="59.60", reason="paid too much")
    messages = story.run(0.1).messages
    key = next(message.key for message in messages if (message.subject or "").startswith("refund/"))
    with read(seeded) as session:
        text = Composer(Blank(), Archive(tmp_path)).compose(session, key, story.now).message.text
    assert "zahlen Ihnen 59,60" in text
    assert "Wir überweisen in den nächsten Tagen" in text
    assert "Erstattet" not in text
