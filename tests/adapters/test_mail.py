"""Mail: one contract for every adapter, and where each of them may differ."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from adapters.mail.mime import message_id
from adapters.mail.outage import Outage
from adapters.mail.outbox import Outbox
from adapters.mail.port import Address, Attachment, Mail, Message
from adapters.mail.sendgrid import SendGrid
from adapters.mail.smtp import Server, Smtp
from adapters.standins.sendgrid import SendGridStandIn
from domain.errors import OutcomeUnknown, ProviderDown, Refused

Delivered = Callable[[], list[EmailMessage]]

AT = datetime(2026, 1, 5, 9, 15, tzinfo=UTC)
MESSAGE = Message(
    key="0f343b0931126a20f133d67c2b018a3b",
    kind="reminder",
    invoice="invoice-demo-ORD-1042",
    rung="D+1",
    sender=Address("Nordlicht Studio", "rechnung@nordlicht.example"),
    to=(Address("Jule Müller", "ap@globex.example"),),
    reply_to="reply+1042@nordlicht.example",
    subject="Erinnerung: Rechnung RE-2026-0042 über 1.785,00 €",
    text="Guten Tag,\n\n.ein Punkt am Anfang\nund " + "lang " * 300 + "\n",
    html="<p>Guten Tag Müller</p>",
    language="de",
    at=AT,
    attachments=(Attachment("RE-2026-0042.pdf", "application/pdf", bytes(range(256)) * 40),),
    references=("first-key", "second-key"),
)


@dataclass
class Inbox:
    """A server's side of SMTP: keeps what it takes, and misbehaves where a test tells it to."""

    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    rcpt: str = "250 OK"
    data: str = "250 OK"
    drop: bool = False

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.drop:
            server.transport.abort()
        if self.data.startswith("250"):
            self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return self.data


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def smtp(inbox: Inbox) -> Iterator[Smtp]:
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=False)
    controller.start()
    yield Smtp(Server("127.0.0.1", controller.port), command_timeout=5)
    controller.stop()


@pytest.fixture
def world() -> Iterator[SendGridStandIn]:
    with SendGridStandIn() as standin:
        yield standin


@pytest.fixture
def sendgrid(world: SendGridStandIn) -> SendGrid:
    return SendGrid(world.api_key, world.url)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    return Outbox(tmp_path / "outbox")


@pytest.fixture(params=["outbox", "smtp", "sendgrid"])
def mail(request: pytest.FixtureRequest) -> Mail:
    adapter: Mail = request.getfixturevalue(request.param)
    return adapter


@pytest.fixture
def delivered(mail: Mail, request: pytest.FixtureRequest, tmp_path: Path, inbox: Inbox) -> Delivered:
    """What has left so far, as its readers get it."""
    if isinstance(mail, SendGrid):
        world: SendGridStandIn = request.getfixturevalue("world")
        return lambda: [taken.mail() for taken in world.taken]
    if isinstance(mail, Smtp):
        return lambda: [parsed(content) for _, _, content in inbox.taken]
    return lambda: [parsed(path.read_bytes()) for path in sorted((tmp_path / "outbox").glob("*.eml"))]


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


class TestContract:
    def test_message_arrives_whole(self, mail: Mail, delivered: Delivered) -> None:
        answer = mail.send(MESSAGE)
        (got,) = delivered()
        assert got["Message-ID"] == answer
        assert got["From"] == "Nordlicht Studio <rechnung@nordlicht.example>"
        assert got["To"] == "Jule Müller <ap@globex.example>"
        assert got["Reply-To"] == MESSAGE.reply_to
        assert got["Subject"] == MESSAGE.subject
        assert got["Date"].datetime == AT
        assert got["Auto-Submitted"] == "auto-generated"
        assert [got[f"X-Duely-{name}"] for name in ("Kind", "Invoice", "Rung", "Key")] == [
            "reminder", "invoice-demo-ORD-1042", "D+1", MESSAGE.key,
        ]  # fmt: skip
        assert body(got, "plain") == MESSAGE.text
        assert body(got, "html").strip() == MESSAGE.html
        (attached,) = got.iter_attachments()
        assert attached.get_filename() == "RE-2026-0042.pdf"
        assert attached.get_content() == MESSAGE.attachments[0].data

    def test_threads_and_languages(self, mail: Mail, delivered: Delivered) -> None:
        mail.send(MESSAGE)
        mail.send(replace(MESSAGE, key="another", references=(), rung=None, language="en"))
        got = {message["X-Duely-Key"]: message for message in delivered()}
        follows, begins = got[MESSAGE.key], got["another"]
        first, second = (message_id(key, MESSAGE.sender) for key in MESSAGE.references)
        assert (follows["In-Reply-To"], follows["References"]) == (second, f"{first} {second}")
        assert (begins["In-Reply-To"], begins["References"]) == (None, None)
        assert (follows["Content-Language"], begins["Content-Language"]) == ("de", "en")
        assert begins["X-Duely-Rung"] in ("", "-")

    def test_every_mail_has_our_headers_in_the_words_of_the_contract(self, mail: Mail, delivered: Delivered) -> None:
        mail.send(replace(MESSAGE, key="sheet", kind="internal", invoice="", rung=None))
        mail.send(replace(MESSAGE, key="agreed", kind="notice", rung=None))
        got = {message["X-Duely-Key"]: message for message in delivered()}
        assert all(message[f"X-Duely-{name}"] is not None for message in got.values() for name in ("Invoice", "Rung"))
        assert [got[key]["X-Duely-Kind"] for key in ("sheet", "agreed")] == ["internal", "receipt"]

    def test_attachments_keep_their_order(self, mail: Mail, delivered: Delivered) -> None:
        papers = tuple(Attachment(name, "application/pdf", name.encode()) for name in ("b.pdf", "a.pdf", "c.pdf"))
        mail.send(replace(MESSAGE, attachments=papers))
        (got,) = delivered()
        assert [part.get_filename() for part in got.iter_attachments()] == ["b.pdf", "a.pdf", "c.pdf"]

    def test_second_send_of_a_key(self, mail: Mail, delivered: Delivered) -> None:
        first = mail.send(MESSAGE)
        later = AT + timedelta(hours=1)
        again = mail.send(replace(MESSAGE, at=later))
        assert again == first
        got = delivered()
        assert [message["Date"].datetime for message in got] == [AT, later][: 1 if mail.idempotent else 2]

    def test_find_tells_only_what_it_knows(self, mail: Mail) -> None:
        assert mail.find(MESSAGE.key) is None
        sent = mail.send(MESSAGE)
        assert mail.find(MESSAGE.key) == (sent if mail.idempotent else None)
        assert mail.find("another") is None

    def test_what_no_mail_may_carry_is_refused_before_anything_leaves(self, mail: Mail, delivered: Delivered) -> None:
        for bad in (
            replace(MESSAGE, to=()),
            replace(MESSAGE, to=(Address("x", "a@b.example\r\nBcc: all@c.example"),)),
            replace(MESSAGE, to=(Address("x", "<a@b.example>"),)),
            replace(MESSAGE, reply_to="nobody"),
            replace(MESSAGE, sender=Address("x", "rechnung@nordlicht example")),
            replace(MESSAGE, key="k\r\nBcc: all@c.example"),
            replace(MESSAGE, kind="remind er"),
        ):
            with pytest.raises(Refused):
                mail.send(bad)
        assert delivered() == []

    def test_injected_headers_stay_text(self, mail: Mail, delivered: Delivered) -> None:
        evil = "Hi\r\nBcc: all@c.example\r\n\r\n<b>body</b>"
        mail.send(
            replace(
                MESSAGE,
                subject=evil,
                to=(Address(evil, "ap@globex.example"),),
                sender=Address(evil, "rechnung@nordlicht.example"),
                attachments=(Attachment(evil, "application/pdf", b"x"),),
            )
        )
        (got,) = delivered()
        assert got["Bcc"] is None
        assert got["Subject"] == "Hi Bcc: all@c.example <b>body</b>"
        assert [address.addr_spec for address in got["To"].addresses] == ["ap@globex.example"]
        assert body(got, "plain") == MESSAGE.text


class TestOutbox:
    def test_name_begins_with_the_claims_time(self, tmp_path: Path) -> None:
        Outbox(tmp_path).send(replace(MESSAGE, at=datetime.fromisoformat("2026-01-05T10:15:00+01:00")))
        (name,) = [path.name for path in tmp_path.glob("*.eml")]
        assert re.fullmatch(r"20260105T091500Z-reminder-[0-9a-f]{12}\.eml", name)
        assert not list(tmp_path.glob(".part-*"))

    def test_one_mail_when_many_send_the_same_key_at_once(self, tmp_path: Path) -> None:
        start = threading.Barrier(8)

        def attempt(minutes: int) -> None:
            start.wait()
            Outbox(tmp_path).send(replace(MESSAGE, at=AT + timedelta(minutes=minutes)))

        threads = [threading.Thread(target=attempt, args=(minutes,)) for minutes in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(list(tmp_path.glob("*.eml"))) == 1

    def test_a_crash_between_claim_and_mail_is_made_good_under_the_same_name(self, tmp_path: Path) -> None:
        outbox = Outbox(tmp_path)
        outbox.send(MESSAGE)
        (path,) = tmp_path.glob("*.eml")
        path.unlink()
        assert outbox.find(MESSAGE.key) is None
        outbox.send(replace(MESSAGE, at=AT + timedelta(days=1)))
        assert [found.name for found in tmp_path.glob("*.eml")] == [path.name]

    def test_a_folder_that_cannot_be_is_a_provider_that_is_down(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(ProviderDown):
            Outbox(tmp_path / "file").send(MESSAGE)


class TestSmtp:
    def test_envelope(self, smtp: Smtp, inbox: Inbox) -> None:
        smtp.send(replace(MESSAGE, to=(Address("", "ap@globex.example"), Address("", "x@münchen.example"))))
        assert inbox.taken[0][:2] == (
            "rechnung@nordlicht.example",
            ["ap@globex.example", "x@xn--mnchen-3ya.example"],
        )

    @pytest.mark.parametrize(
        ("rcpt", "data", "error"),
        [
            ("550 5.1.1 <ap@globex.example> unknown", "250 OK", Refused),
            ("450 4.2.1 <ap@globex.example> busy", "250 OK", ProviderDown),
            ("530 5.7.0 authenticate first", "250 OK", ProviderDown),
            ("250 OK", "451 4.3.0 try later", ProviderDown),
            ("250 OK", "421 going down", ProviderDown),
            ("250 OK", "554 5.7.1 spam from ap@globex.example", Refused),
        ],
    )
    def test_replies(self, smtp: Smtp, inbox: Inbox, rcpt: str, data: str, error: type[Exception]) -> None:
        inbox.rcpt, inbox.data = rcpt, data
        with pytest.raises(error) as raised:
            smtp.send(MESSAGE)
        assert raised.type is error
        assert "globex" not in str(raised.value)
        assert inbox.taken == []

    def test_dropped_after_the_content(self, smtp: Smtp, inbox: Inbox) -> None:
        inbox.drop = True
        with pytest.raises(OutcomeUnknown):
            smtp.send(MESSAGE)

    def test_nobody_listens(self) -> None:
        with pytest.raises(ProviderDown):
            Smtp(Server("127.0.0.1", free_port())).send(MESSAGE)

    def test_starttls_asked_for_and_not_offered_sends_nothing(self, smtp: Smtp, inbox: Inbox) -> None:
        with pytest.raises(ProviderDown):
            Smtp(replace(smtp._server, starttls=True)).send(MESSAGE)
        assert inbox.taken == []

    def test_letters_beyond_ascii_need_a_server_that_takes_them(self, smtp: Smtp) -> None:
        with pytest.raises(Refused, match="ASCII"):
            smtp.send(replace(MESSAGE, to=(Address("", "jürgen@globex.example"),)))

    def test_letters_beyond_ascii_reach_a_server_that_takes_them(self, inbox: Inbox) -> None:
        controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=True)
        controller.start()
        try:
            Smtp(Server("127.0.0.1", controller.port), command_timeout=5).send(
                replace(MESSAGE, to=(Address("Jürgen", "jürgen@globex.example"),))
            )
        finally:
            controller.stop()
        assert inbox.taken[0][1] == ["jürgen@globex.example"]
        assert parsed(inbox.taken[0][2])["To"] == "Jürgen <jürgen@globex.example>"


def test_outage_is_half_open_and_else_the_adapter_itself(tmp_path: Path) -> None:
    outage = Outage(Outbox(tmp_path), AT, AT + timedelta(days=4))
    for at in (AT, AT + timedelta(days=4, microseconds=-1)):
        with pytest.raises(ProviderDown):
            outage.send(replace(MESSAGE, at=at))
    assert outage.find(MESSAGE.key) is None
    sent = outage.send(replace(MESSAGE, at=AT + timedelta(days=4)))
    assert outage.find(MESSAGE.key) == sent
    assert outage.send(replace(MESSAGE, key="b", at=AT - timedelta(microseconds=1))) != sent
    assert outage.idempotent
