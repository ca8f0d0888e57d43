"""One message as RFC 5322 bytes, the same for every adapter and equal for equal input. It never sends.

Text and HTML are alternatives, attachments sit beside them. Message-ID, threading and MIME boundaries derive
from keys, so a repeat is the same message, not a similar one.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC
from email import headerregistry, policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime
from hashlib import sha256

from adapters.formats import clean
from adapters.mail.port import Address, Message
from domain.errors import Refused

MAX_LINE = 998  # RFC 5322 §2.1.1, without CRLF
TOLD_AS = {"notice": "receipt"}
"""Kinds of ours that the contract's closed list of `X-Duely-Kind` lacks (section 9). A notice says what was agreed or
changed, as a receipt says what came, and asks for nothing."""
SHORT = 30
"""A longer name has its address on a line of its own."""

_ATEXT = r"[^\s\x00-\x1f\x7f()<>\[\]:;@\\,\"]+"
_LOCAL = re.compile(rf"{_ATEXT}(?<!\.)")
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


class _OneLine(headerregistry.UnstructuredHeader, headerregistry.BaseHeader):
    """A header of tokens that readers compare as text: folded at spaces only, never as an encoded word,
    which the standard library does to any token longer than a line."""

    def fold(self, *, policy: policy.Policy) -> str:
        return f"{self.name}: " + "\r\n ".join(str(self).split(" ")) + "\r\n"


class _Subject(headerregistry.UnstructuredHeader, headerregistry.BaseHeader):
    """Outside ASCII encoded words from its beginning to its end (RFC 2047): where plain text meets an encoded word, the
    standard library folds and keeps the space as well, and readers see two."""

    def fold(self, *, policy: policy.Policy) -> str:
        if str(self).isascii() or getattr(policy, "utf8", False):
            return str(super().fold(policy=policy))
        words = Header(str(self), "utf-8", header_name=self.name).encode(linesep=policy.linesep)
        return f"{self.name}: {words}{policy.linesep}"


class _Mailboxes(headerregistry.UniqueAddressHeader, headerregistry.BaseHeader):  # type: ignore[misc]  # as the registry makes them
    """Names as one quoted string, or as encoded words outside ASCII. The standard library drops the quotes of a name
    that it folds, and a name such as `x, other@example.com` would become another recipient."""

    def fold(self, *, policy: policy.Policy) -> str:
        utf8, line = getattr(policy, "utf8", False), policy.linesep
        boxes = [_box(each.display_name, each.addr_spec, utf8, line) for each in self.addresses]
        return f"{self.name}: {f',{line} '.join(boxes)}{line}"


def _box(name: str, address: str, utf8: bool, line: str) -> str:
    if not name:
        return address
    if name.isascii() or utf8:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"{f"{line} " if len(name) > SHORT else " "}<{address}>'
    return f"{Header(name, 'utf-8').encode(linesep=line)}{line} <{address}>"


def _policy(utf8: bool) -> policy.EmailPolicy[EmailMessage]:
    registry = headerregistry.HeaderRegistry()
    for name in ("message-id", "in-reply-to", "references"):
        registry.map_to_type(name, _OneLine)
    for name in ("kind", "invoice", "rung", "key"):
        registry.map_to_type(f"x-duely-{name}", _OneLine)
    registry.map_to_type("subject", _Subject)
    for name in ("from", "to", "reply-to"):
        registry.map_to_type(name, _Mailboxes)
    return policy.SMTP.clone(header_factory=registry, utf8=utf8)


def message_id(key: str, sender: Address) -> str:
    """`<sha256 of the key @ domain of the sender>`: the same wherever and whenever it is asked."""
    return f"<{sha256(key.encode()).hexdigest()}@{ascii_address(sender.email, 'sender').rpartition('@')[2]}>"


def ascii_address(email: str, field: str) -> str:
    """The address with its domain in ASCII (RFC 5891 labels). Refused, by field, when it is none."""
    local, at, domain = unicodedata.normalize("NFC", email).rpartition("@")
    labels = [_label(part) for part in domain.lower().split(".")]
    host = ".".join(labels)
    if not at or not _LOCAL.fullmatch(local) or ".." in local or local[0] == "." or not _DOMAIN.fullmatch(host):
        raise Refused(f"{field}: not a mail address; give one like ap@example.com")
    if len(local.encode()) > 64:
        raise Refused(f"{field}: the part before @ is longer than 64 characters; give another address")
    return f"{local}@{host}"


def _label(label: str) -> str:
    # The standard library's codec is IDNA 2003, which turns ß into ss: another domain, another recipient.
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def build(message: Message) -> EmailMessage:
    """The message as a tree; raises Refused naming the field that no mail may carry."""
    if not message.to:
        raise Refused("to: no recipient; give the customer a contact with a mail address")
    sender = _mailbox(message.sender, "sender")
    to = [_mailbox(address, f"to[{index}]") for index, address in enumerate(message.to)]
    reply_to = _mailbox(Address("", message.reply_to), "reply_to")
    mail = EmailMessage(policy=_policy(utf8=not all(box.username.isascii() for box in (sender, reply_to, *to))))
    mail["From"] = sender
    mail["To"] = to
    mail["Reply-To"] = reply_to
    mail["Subject"] = clean(message.subject)
    mail["Date"] = format_datetime(message.at.astimezone(UTC))
    _identify(mail, message)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office replies stay away
    _fill(mail, message)
    # Last: what makes parts of a mail moves every Content- header that is there into the first of them.
    mail["Content-Language"] = _token(message.language, "language")
    return mail


def as_bytes(mail: EmailMessage) -> bytes:
    return mail.as_bytes()


def _identify(mail: EmailMessage, message: Message) -> None:
    mail["Message-ID"] = message_id(message.key, message.sender)
    if message.references:
        earlier = [message_id(key, message.sender) for key in message.references]
        mail["In-Reply-To"] = earlier[-1]
        mail["References"] = " ".join(earlier)
    mail["X-Duely-Kind"] = _token(TOLD_AS.get(message.kind, message.kind), "kind")
    mail["X-Duely-Invoice"] = _token(message.invoice, "invoice")
    mail["X-Duely-Rung"] = _token(message.rung or "", "rung")
    mail["X-Duely-Key"] = _token(message.key, "key")


def _fill(mail: EmailMessage, message: Message) -> None:
    mail.set_content(message.text, cte="quoted-printable")
    mail.add_alternative(message.html, subtype="html", cte="quoted-printable")
    for attachment in message.attachments:
        main, _, sub = _token(attachment.mime, "attachments.mime").partition("/")
        mail.add_attachment(attachment.data, maintype=main, subtype=sub, filename=clean(attachment.name))
    digest = sha256(message.key.encode()).hexdigest()[:32]
    for index, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"duely-{index}-{digest}")


def _mailbox(address: Address, field: str) -> headerregistry.Address:
    local, _, domain = ascii_address(address.email, field).rpartition("@")
    return headerregistry.Address(display_name=clean(address.name), username=local, domain=domain)


def _token(value: str, field: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value or len(value) > MAX_LINE - 20:
        raise Refused(f"{field}: must be printable ASCII without spaces to stand in a mail header")
    return value
