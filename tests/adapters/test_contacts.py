"""Another contact for a customer's invoices: asked for by whoever holds the link, confirmed by the contact on record,
told to the old one, each mail once."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from activities.sending import Sender
from adapters.books import contacts, customers, recipients
from adapters.books.engine import read, write
from adapters.books.verify import verify
from adapters.documents.archive import Archive
from adapters.documents.typst import TypstDocuments
from adapters.letters import Composer
from adapters.mail.outbox import Outbox
from domain.errors import Refused
from schemas import tables as t
from schemas.steps import Step
from tests.story import Story

NEW = "new@umbrella.example"


@pytest.fixture
def story(seeded: Engine, tmp_path: Path) -> Story:
    told = Story(seeded, "demo", "ORD-1", tmp_path / "archive")
    told.start("umbrella", "100.00")
    told.run(0)
    told.command("approve", "ana")
    told.run(1)
    return told


def ask(story: Story, name: str = "Ann", email: str = NEW) -> str:
    contacts.ask(story.books.engine, "demo", story.id, name, email, "Umbrella B.V.", story.now)
    return f"{story.id}/contact/{row(story).contact_changes}"


def row(story: Story) -> t.Invoice:
    with read(story.books.engine) as session:
        return session.get_one(t.Invoice, story.id)


def mails(story: Story, folder: Path) -> list[EmailMessage]:
    """What leaves at the workflow's next look, through the same outbox every time."""
    confirm = "https://pay.example/c/{}".format
    composer = Composer(TypstDocuments(), Archive(folder / "archive"), proof="https://pay.example/v/{}".format,
                        confirm=confirm)  # fmt: skip
    outbox = folder / "outbox"
    before = set(outbox.glob("*.eml"))
    step = Step(workflow_id=story.id, now=story.now)
    Sender(story.books, Outbox(outbox), composer).tell(step, story.books.look(step))
    fresh = sorted(set(outbox.glob("*.eml")) - before)
    return [message_from_bytes(each.read_bytes(), policy=policy.default) for each in fresh]


def test_the_contact_on_record_is_asked_once(story: Story, tmp_path: Path) -> None:
    change = ask(story)
    (mail,) = mails(story, tmp_path)
    assert mail["To"] == "Ursula Uil <ap@umbrella.example>"
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    for words in ("Ann", NEW, f"https://pay.example/c/{change}", f"https://pay.example/v/{story.id}/invoice"):
        assert words in text.replace("\n", ""), words
    assert mails(story, tmp_path) == []
    assert row(story).customer_data["contacts"][0]["email"] == "ap@umbrella.example", "nobody has confirmed it"


def test_confirmed_it_counts_and_the_old_contact_is_told_once(story: Story, tmp_path: Path) -> None:
    change = ask(story)
    mails(story, tmp_path)
    assert contacts.confirm(story.books.engine, change, story.now) == story.id
    assert contacts.confirm(story.books.engine, change, story.now) == story.id, "pressed twice"
    (mail,) = mails(story, tmp_path)
    assert mail["To"] == "ap@umbrella.example"
    assert NEW in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert mails(story, tmp_path) == []
    assert row(story).customer_data["contacts"][0] == {
        "role": "billing", "name": "Ann", "email": NEW, "phone": None, "language": None,
    }  # fmt: skip
    stored = customers.get(story.books.engine, "demo", "umbrella")
    assert (stored["email"], stored["contacts"][0]["email"]) == (NEW, NEW)
    story.run(40)
    reminders = [m for m in story.look().messages if m.kind == "reminder"]
    assert {m.to for m in reminders} == {"billing"}
    with read(story.books.engine) as session:
        seller = session.get_one(t.Seller, "demo")
        letter = session.get_one(t.Message, reminders[-1].key)
        assert recipients.address_of(session, row(story), seller, letter) == ("Ann", NEW)
        first = session.get_one(t.Message, f"{story.id}/invoice")
        assert recipients.address_of(session, row(story), seller, first)[1] == "ap@umbrella.example"
    assert verify(story.books.engine, tmp_path / "archive") == []


def test_an_expired_or_revoked_wish_changes_nothing(story: Story, tmp_path: Path) -> None:
    change, engine = ask(story), story.books.engine
    found = contacts.find(engine, change, story.now)
    assert found is not None
    assert found.state == "open"
    with write(engine, None) as session:
        session.add(t.LinkMark(purpose="contact", subject=change, mark="revoked", by="sam", at=story.now))
    with pytest.raises(Refused):
        contacts.confirm(engine, change, story.now)
    with write(engine, None) as session:
        session.delete(session.get_one(t.LinkMark, ("contact", change, "revoked")))
    with pytest.raises(Refused):
        contacts.confirm(engine, change, story.now + timedelta(days=14))
    assert row(story).customer_data["contacts"][0]["email"] == "ap@umbrella.example"
    story.now += timedelta(days=15)
    assert mails(story, tmp_path) == [], "a link that is over is not sent any more"


def test_one_wish_a_day_and_a_later_one_takes_its_place(story: Story, tmp_path: Path) -> None:
    first = ask(story)
    with pytest.raises(Refused):
        ask(story)
    story.now += timedelta(days=1)
    second = ask(story, email="third@umbrella.example")
    (mail,) = mails(story, tmp_path)
    assert "third@umbrella.example" in str(mail), "the first had not left and stays"
    with pytest.raises(Refused):
        contacts.confirm(story.books.engine, first, story.now)
    contacts.confirm(story.books.engine, second, story.now)
    assert row(story).customer_data["contacts"][0]["email"] == "third@umbrella.example"


def test_a_stored_customer_that_has_another_contact_by_now_keeps_it(story: Story) -> None:
    engine, change = story.books.engine, ask(story)
    with write(engine, None) as session:
        stored = session.get_one(t.Customer, ("demo", "umbrella"))
        stored.email = "central@umbrella.example"
        query = select(t.Contact).where(t.Contact.seller == "demo", t.Contact.customer == "umbrella")
        for contact in session.exec(query.where(t.Contact.role == "billing")):
            contact.email = "central@umbrella.example"
    contacts.confirm(engine, change, story.now)
    assert customers.get(engine, "demo", "umbrella")["email"] == "central@umbrella.example"
    assert row(story).customer_data["email"] == NEW


@pytest.mark.parametrize(
    ("data", "email", "first"),
    [
        ({"email": "a@x.example", "contacts": []}, "n@x.example", ["n@x.example"]),
        ({"email": None, "contacts": []}, "n@x.example", ["n@x.example"]),
        ({"email": "own@x.example", "contacts": [("billing", "a@x.example")]}, "own@x.example", ["n@x.example"]),
        ({"email": "a@x.example", "contacts": [("dispute", "d@x.example"), ("billing", "a@x.example")]},
         "n@x.example", ["n@x.example", "d@x.example"]),
        ({"email": "a@x.example", "contacts": [("billing", "a@x.example"), ("billing", "n@x.example")]},
         "n@x.example", ["n@x.example"]),
    ],
)  # fmt: skip
def test_the_first_contact_for_invoices_is_replaced(data: dict[str, Any], email: str, first: list[str]) -> None:
    rows = [{"role": role, "name": "", "email": mail, "language": None} for role, mail in data["contacts"]]
    found = contacts.replaced({**data, "contacts": rows}, "N", "n@x.example")
    if data["email"] is None:
        assert found["email"] in {None, "n@x.example"}
    else:
        assert found["email"] == email
    assert [each["email"] for each in found["contacts"]] == first
    assert found["contacts"][0]["role"] == "billing"
