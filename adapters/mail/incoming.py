"""Reads a mail that came in, as bytes, into what can be judged (domain/replies.py). Whatever is wrong with it, it is
read: a broken encoding or header costs that part, not the mail. Of a header or text it looks at a beginning only, so
that no mail takes long. It opens no attachment and fetches nothing.

The standard library's older policy is used on purpose: the newer one reads headers in depth, and there are some on
which it raises, or takes minutes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, HeaderParser
from typing import Any

from adapters.formats import clean
from adapters.mail.plain import plain
from domain.errors import Invalid
from domain.replies import Incoming, Report
from domain.reply_words import ROBOTS

MOST_BYTES = 30 << 20
MOST_PARTS, DEEPEST, MOST_READ, MOST_TEXT, MOST_NAMES = 200, 20, 100_000, 20_000, 100
MOST_CODED, MOST_HEADER = 12_000, 4_000
TELLING = tuple(
    "auto-submitted precedence x-autoreply x-autorespond x-autoresponder x-auto-reply-from return-path".split()
)
RECIPIENTS = ("to", "cc", "delivered-to", "x-original-to", "envelope-to", "x-forwarded-to")

_ADDRESS = re.compile(r"[\w.+=-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_ID = re.compile(r"<([^<>\s]{1,400})>")
_OWN_KEY = re.compile(r"^\W{0,4}x-duely-key:\s*(\S{1,400})", re.IGNORECASE | re.MULTILINE)
_OWN_ID = re.compile(r"^\W{0,4}message-id:\s*<([^<>\s]{1,400})>", re.IGNORECASE | re.MULTILINE)
_FAULTS = (MessageError, LookupError, ValueError, TypeError, AttributeError)
"""What the library raises over a header that says something else than it should."""
_BAD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def parse(raw: bytes, recipients: Sequence[str] = (), proof: str = "") -> Incoming:
    """`recipients`: whom the receiving server had it for, beside those that it names; `proof`: what that server says of
    its sender. Invalid when it is too large or holds nothing."""
    if not raw.strip():
        raise Invalid.at("", "is empty: send the mail as it came in")
    if len(raw) > MOST_BYTES:
        raise Invalid.at("", f"is larger than {MOST_BYTES >> 20} MiB")
    try:
        mail = message_from_bytes(raw)
    except (RecursionError, *_FAULTS):  # nested, or its parts told apart, as nobody writes
        mail = BytesHeaderParser().parsebytes(raw)
    parts = list(_parts(mail))
    name, sender = _from(_header(mail, "from"))
    named = (_header(mail, each) for each in RECIPIENTS)
    text = _text(parts)
    report = _report(mail, parts, text, sender)
    return Incoming(
        message_id=next(iter(_ID.findall(_header(mail, "message-id"))), ""),
        sender=sender,
        name=name,
        to=tuple(dict.fromkeys(each.lower() for found in (*recipients, *named) for each in _ADDRESS.findall(found)))[
            :MOST_NAMES
        ],
        subject=_header(mail, "subject")[:500],
        text=text,
        headers={each: value for each in TELLING if (value := _header(mail, each))},
        references=tuple(dict.fromkeys(_answered(mail)))[:MOST_NAMES],
        attached=tuple(_attached(parts, of_a_report=report is not None)),
        report=report,
        proof=clean(proof or _header(mail, "authentication-results"))[:300],
    )


def _parts(mail: Message) -> Iterator[Message]:
    """The parts that are one mail, in order; mails within it are parts, not opened."""
    waiting = [(mail, 0)]
    for _ in range(MOST_PARTS):
        if not waiting:
            return
        part, depth = waiting.pop()
        yield part
        inside = _held(part)
        if isinstance(inside, list) and depth < DEEPEST and part.get_content_maintype() != "message":
            waiting += [(each, depth + 1) for each in reversed(inside) if isinstance(each, Message)]


def _header(mail: Message, name: str) -> str:
    """On one line, in characters that a database takes."""
    value = mail.get(name)
    if value is None:
        return ""
    try:
        told = str(make_header(decode_header(value if len(str(value)) <= MOST_CODED else str(value)[:MOST_CODED])))
    except _FAULTS:
        told = str(value)
    return clean(_sound(told[:MOST_HEADER]))


def _from(header: str) -> tuple[str, str]:
    """(name, address). By a pattern: the library's reader recurses into brackets as deep as somebody writes them."""
    before, angle, rest = header.rpartition("<")
    found = _ADDRESS.search(rest if angle else header)
    return before.strip(' "')[:200], found[0].lower()[:254] if found else ""


def _answered(mail: Message) -> Iterator[str]:
    """The Message-IDs it answers, the latest first."""
    yield from _ID.findall(_header(mail, "in-reply-to"))
    yield from reversed(_ID.findall(_header(mail, "references")))


def _text(parts: Sequence[Message]) -> str:
    """Its plain text; where there is none, the text of its HTML."""
    inline = [part for part in parts if _holds_text(part) and not _is_attachment(part)]
    found = _seen(part for part in inline if part.get_content_subtype() != "html")
    if not found.strip():
        found = _seen((part for part in inline if part.get_content_subtype() == "html"), plain)
    lines = _BAD.sub("", found.replace("\r\n", "\n").replace("\r", "\n").replace("\u00a0", " ")).split("\n")
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(line.rstrip() for line in lines)).strip()[:MOST_TEXT]


def _seen(parts: Iterable[Message], as_text: Callable[[str], str] = str) -> str:
    """Of all parts together no more than of one."""
    found: list[str] = []
    left = MOST_READ
    for part in parts:
        beginning = _decoded(part)[:left]
        found.append(as_text(beginning))
        left -= len(beginning)
        if not left:
            break
    return "\n".join(found)


def _holds_text(part: Message) -> bool:
    """Also one that says it has parts and has none."""
    main = part.get_content_maintype()
    return main == "text" or (main == "multipart" and not part.is_multipart())


def _decoded(part: Message) -> str:
    data = _held(part, decode=True)
    data = data[:MOST_READ] if isinstance(data, bytes) else b""
    for charset in (_charset(part), "utf-8"):
        try:
            return _sound(data.decode(charset, "strict" if charset != "utf-8" else "replace"))
        except (LookupError, ValueError):
            continue
    return ""


def _held(part: Message, decode: bool = False) -> Any:
    """Parts, or a text; None where it names a charset that not even the library survives."""
    try:
        return part.get_payload(decode=True) if decode else part.get_payload()
    except _FAULTS:
        return None


def _charset(part: Message) -> str:
    try:
        return part.get_content_charset("utf-8")
    except _FAULTS:
        return "utf-8"


def _sound(text: str) -> str:
    """Without half characters, which no database takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _is_attachment(part: Message) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_name(part))


def _attached(parts: Sequence[Message], of_a_report: bool) -> Iterator[tuple[str, str, int]]:
    """A mail within the mail is something attached, unless a machine reports about it."""
    for part in parts:
        main = part.get_content_maintype()
        picture = main == "image" and part.get_content_disposition() != "attachment"  # a logo of a signature
        reported = of_a_report and (main == "message" or part.get_content_type() == "text/rfc822-headers")
        if picture or reported or (main == "multipart" and not _name(part)):
            continue
        if main != "text" or _is_attachment(part):
            held = _held(part)
            size = len(held) if isinstance(held, str) else 0
            coded = str(part.get("content-transfer-encoding", "")).lower().strip() == "base64"
            yield _name(part) or main, part.get_content_type()[:100], size * 3 // 4 if coded else size


def _name(part: Message) -> str:
    try:
        return clean(_sound(part.get_filename("")))[:200]
    except _FAULTS:
        return "unnamed"


def _report(mail: Message, parts: Sequence[Message], text: str, sender: str) -> Report | None:
    """What a machine reports about a mail of ours, in the standard's form or another; None for everything else."""
    status = [part for part in parts if part.get_content_type() == "message/delivery-status"]
    formal = mail.get_content_type() == "multipart/report" or bool(status)
    if not formal and ROBOTS.match(sender.lower()) is None and _header(mail, "return-path") != "<>":
        return None
    groups = [group for part in status for group in _groups(part)]
    chosen = next(
        (g for g in groups if _field(g, "action") == "failed"), next((g for g in groups if g.get("action")), None)
    )
    about = [original for part in parts if (original := _original(part)) is not None]
    failed = _ADDRESS.findall(_header(mail, "x-failed-recipients"))
    final = _ADDRESS.findall(_field(chosen, "final-recipient") or _field(chosen, "original-recipient"))
    return Report(
        action=_field(chosen, "action").partition(" ")[0],
        status=re.sub(r"[^0-9.].*", "", _field(chosen, "status"))[:12],
        key=next((k for m in about if (k := _header(m, "x-duely-key"))), _first(_OWN_KEY, text)),
        message_id=next((i for m in about for i in _ID.findall(_header(m, "message-id"))), _first(_OWN_ID, text)),
        recipient=next(iter((*final, *failed)), "").lower(),
    )


def _groups(status: Message) -> list[Message]:
    inside = _held(status)
    return [each for each in inside if isinstance(each, Message)] if isinstance(inside, list) else []


def _field(group: Message | None, name: str) -> str:
    return "" if group is None else _header(group, name).lower()


def _original(part: Message) -> Message | None:
    """The headers of the mail that a report is about."""
    inside = _held(part)
    if part.get_content_type() == "message/rfc822" and isinstance(inside, list) and inside:
        return inside[0] if isinstance(inside[0], Message) else None
    if part.get_content_type() in {"text/rfc822-headers", "message/rfc822-headers"}:
        return HeaderParser().parsestr(_decoded(part) if isinstance(inside, str) else "")
    return None


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
