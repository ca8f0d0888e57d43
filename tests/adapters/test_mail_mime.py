"""The message as bytes: equal for equal input, readable by simple tools, closed to injection."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from adapters.mail.mime import as_bytes, ascii_address, build
from adapters.mail.port import Address, Attachment, Message
from domain.errors import Refused

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


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


class TestMime:
    def test_equal_input_gives_equal_bytes(self) -> None:
        assert as_bytes(build(MESSAGE)) == as_bytes(build(replace(MESSAGE)))

    @pytest.mark.parametrize("room", range(1, 40, 3))
    def test_a_folded_subject_reads_as_it_was_written(self, room: int) -> None:
        subject = f"Zahlungserinnerung: Rechnung {'R' * room} war am 11. Januar 2027 fällig"
        assert str(parsed(as_bytes(build(replace(MESSAGE, subject=subject))))["Subject"]) == subject

    def test_thread_headers_name_the_earlier_mails(self) -> None:
        earlier = [build(replace(MESSAGE, key=key, references=()))["Message-ID"] for key in MESSAGE.references]
        got = build(MESSAGE)
        assert got["References"] == " ".join(earlier)
        assert got["In-Reply-To"] == earlier[-1]

    def test_long_tokens_are_readable_without_decoding(self) -> None:
        message = replace(
            MESSAGE,
            sender=Address("", "a@" + "long-label." * 6 + "example"),
            key="k" * 300,
            references=("a", "b", "c"),
        )
        raw = as_bytes(build(message))
        assert b"X-Duely-Key: " + b"k" * 300 + b"\r\n" in raw
        head = raw.split(b"\r\n\r\n")[0]
        assert re.search(rb"\r\nMessage-ID: <[0-9a-f]{64}@[a-z.-]+>\r\n", head)
        assert re.search(rb"\r\nReferences: <\S+>\r\n <\S+>\r\n <\S+>\r\n", head)
        assert max(map(len, raw.split(b"\r\n"))) <= 998

    def test_rung_header_is_there_without_a_rung(self) -> None:
        assert parsed(as_bytes(build(replace(MESSAGE, rung=None))))["X-Duely-Rung"] == ""

    @pytest.mark.parametrize(
        ("email", "ascii_form"),
        [
            ("ap@Straße.example", "ap@xn--strae-oqa.example"),
            ("ap@BÜCHER.example", "ap@xn--bcher-kva.example"),
            ("o'neil+ap@globex.example", "o'neil+ap@globex.example"),
        ],
    )
    def test_domains(self, email: str, ascii_form: str) -> None:
        assert ascii_address(email, "to") == ascii_form

    @pytest.mark.parametrize(
        "email",
        ["", "a", "@b.example", "a@", "a@b", ".a@b.example", "a..b@c.example", "a.@c.example",
         "a b@c.example",
         "a@b.example, c@d.example", "a@-b.example", "a@b..example", "x" * 65 + "@b.example",
         "a\0@b.example"],
    )  # fmt: skip
    def test_no_addresses(self, email: str) -> None:
        with pytest.raises(Refused, match=r"to\[0\]"):
            ascii_address(email, "to[0]")


@pytest.mark.parametrize(
    "name",
    [
        "Globex, Accounts", 'A "quoted" \\ name', "x" * 60 + ", other@evil.example, " + "y" * 60,
        "Kanzlei " * 10 + "<other@evil.example>,", "Müller, other@evil.example; " + "z" * 90,
        "日本 <other@evil.example>, " * 5,
    ],
)  # fmt: skip
def test_a_name_never_becomes_another_recipient(name: str) -> None:
    for field in ("sender", "to"):
        address = Address(name, "ap@globex.example")
        message = replace(MESSAGE, sender=address) if field == "sender" else replace(MESSAGE, to=(address,))
        mail = parsed(as_bytes(build(message)))
        (box,) = mail["From" if field == "sender" else "To"].addresses
        # The library's own reader keeps a blank between encoded words, against RFC 2047, 6.2.
        assert "".join(box.display_name.split()) == "".join(name.split())
        assert box.addr_spec == "ap@globex.example"
