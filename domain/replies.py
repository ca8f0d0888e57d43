"""What a mail that comes back is taken for, and what it seems to be about. Pure: the same mail gives the same answer.

    bounce         a mail of ours was not delivered: the rung is rolled back, as when a provider reports it
    out_of_office  noted
    auto_other     a ticket system, a read receipt, a delay: noted
    copy_request   asks for the invoice again and says nothing else: answered by itself, to the contact on record
    person         everything else: somebody reads it

It never settles anything: whatever a reply says about money, it is a hint that orders and fills the commands a person
is offered. In doubt it is `person`. tests/domain/replies.toml is the exam that a cleverer judge has to pass as well.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from domain import reply_words as words
from domain.reply_hints import Hints, about, read, while_away
from domain.reply_text import sentences, unmarked, written

BOUNCE, OUT_OF_OFFICE, AUTO_OTHER, COPY_REQUEST, PERSON = (
    "bounce", "out_of_office", "auto_other", "copy_request", "person",
)  # fmt: skip
PAUSES = frozenset({COPY_REQUEST, PERSON})
"""Kinds after which the ladder rests for the policy's `reply_pause`: somebody wrote, not a machine."""
GRAVE = frozenset({"insolvent", "legal", "wrong_recipient", "contact"})
"""About these even a machine's mail is put before a person: nobody else will say it again."""
TYPED = frozenset({"dispute", "paid", "instalments", "more_time", "stop"})
"""About these as well, unless a machine surely wrote it alone: a ticket system sends what its people type, under
subjects and headers of its own."""

WEIGHTIER = frozenset({"insolvent", "legal", "stop", "dispute"})
"""What a person looks at before a day on which it says to pay: that may be one for the rest."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|hallo|moin|guten tag|guten morgen|sehr geehrter?|liebe[rs]?)\b(?:,? [\w.-]+){0,4}"
)
_EXCERPT, _MOST_COPY_WORDS = 200, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A delivery status notification (RFC 3464), or what can be read of one. `key`: our own key of the message it is
    about; `message_id`: that message's; `recipient`: whom it did not reach."""

    action: str = ""  # failed | delayed | delivered | relayed | expanded; empty when it does not say
    status: str = ""  # RFC 3463, as 5.1.1
    key: str = ""
    message_id: str = ""
    recipient: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A mail as it was read. `headers`: those that tell a machine's mail, lower-case names; `to`: every address it
    names as a recipient; `references`: the Message-IDs it answers, the latest first; `attached`: (name, type, bytes) of
    what it carries, unopened; `proof`: what the receiving server says of its sender, kept as evidence only."""

    message_id: str = ""
    sender: str = ""
    name: str = ""
    to: tuple[str, ...] = ()
    subject: str = ""
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    references: tuple[str, ...] = ()
    attached: tuple[tuple[str, str, int], ...] = ()
    report: Report | None = None
    proof: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`said`: what its writer wrote themselves."""

    kind: str
    said: str
    hints: Hints


def judge(mail: Incoming, today: date, number: str = "") -> Judgement:
    """What the mail is taken for on this day, its recipient's. `number`: that of the invoice it answers, if any."""
    said = written(mail.text)
    subject = mail.subject if words.REPLY_PREFIX.match(mail.subject) is None else ""  # else it is ours, repeated
    hints = read(subject, said, today)
    if _is_bounce(mail):
        return Judgement(kind=BOUNCE, said=said, hints=Hints())
    passed_on, named = _is_passed_on(mail), _is_named_automatic(mail)
    answers = _answers_by_itself(mail) or (passed_on and named)
    if not (answers or passed_on or _sounds_automatic(mail, said, hints, named)):
        return Judgement(
            kind=COPY_REQUEST if _asks_for_a_copy(mail, said, hints, number) else PERSON, said=said, hints=hints
        )
    grave = GRAVE if answers else GRAVE | TYPED
    if _is_away(mail, said):
        grave -= {"contact"}  # to name a deputy is what such notes do
        kind = PERSON if grave & set(hints.about) else OUT_OF_OFFICE
        return Judgement(kind=kind, said=said, hints=while_away(mail.sender, said, hints, today))
    if grave & set(hints.about):
        return Judgement(kind=PERSON, said=said, hints=hints)
    return Judgement(kind=AUTO_OTHER, said=said, hints=Hints(about=hints.about))


def _is_bounce(mail: Incoming) -> bool:
    """Not delivered, for good. A server that goes on trying, or tells of a success, is no bounce."""
    if mail.report is not None and mail.report.action:
        return mail.report.action == "failed"
    subject = mail.subject.lower().strip()
    robot = words.ROBOTS.match(mail.sender.lower() or "<>") is not None or mail.report is not None
    return robot and words.BOUNCE_SUBJECT.match(subject) is not None and words.DELAY_SUBJECT.match(subject) is None


def _answers_by_itself(mail: Incoming) -> bool:
    """Whether a machine wrote it alone (RFC 3834, and what programs did before it and beside it)."""
    if mail.report is not None or words.ROBOTS.match(mail.sender.lower()) is not None:
        return True
    if mail.headers.keys() & {"x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from"}:
        return True
    return _told(mail, "auto-submitted") == "auto-replied" or _told(mail, "precedence") in {"auto_reply", "auto-reply"}


def _is_passed_on(mail: Incoming) -> bool:
    """Whether a program sent it, which may have had it from a person."""
    return _told(mail, "auto-submitted") not in {"no", ""} or _told(mail, "precedence") in {"bulk", "junk"}


def _told(mail: Incoming, header: str) -> str:
    """Its first word."""
    return re.split(r"[\s;(]", mail.headers.get(header, "").lower().strip(), maxsplit=1)[0]


def _is_named_automatic(mail: Incoming) -> bool:
    subject = mail.subject.lower().strip()
    return words.AWAY_SUBJECT.match(subject) is not None or words.ANSWERED_SUBJECT.match(subject) is not None


def _sounds_automatic(mail: Incoming, said: str, hints: Hints, named: bool) -> bool:
    """Without a header it takes more than a ticket's number: the subject says so itself, or the text does."""
    if hints.pays_on is not None or TYPED & set(hints.about):
        return False
    numbered = words.NUMBERED_SUBJECT.match(mail.subject.lower().strip()) is not None and "question" not in hints.about
    return named or (numbered and words.ANSWERED.search(said.lower()) is not None)


def _is_away(mail: Incoming, said: str) -> bool:
    text = said.lower()
    return words.AWAY_SUBJECT.match(mail.subject.lower().strip()) is not None or words.AWAY.search(text) is not None


def _asks_for_a_copy(mail: Incoming, said: str, hints: Hints, number: str) -> bool:
    """Only what consists of nothing else: every word is one that such requests are made of, no number but that of this
    invoice is named, no sentence denies anything but having it, nothing is attached, and what was taken for a signature
    or notice is about nothing grave."""
    told = words.REPLY_PREFIX.sub("", mail.subject).lower() if words.REPLY_PREFIX.match(mail.subject) is None else ""
    parts = [_nameless(part.lower().replace("’", "'"), number).strip(" ,.!;:-") for part in (told, *sentences(said))]
    parts = [part for part in parts if part]
    parts = parts[1:] if parts and _GREETING.fullmatch(parts[0]) and not _requests(parts[0]) else parts
    if mail.attached or set(hints.about) - {"copy", "question"} or "@" in said or "://" in said:
        return False
    if (TYPED | {"insolvent", "legal"}) & set(about("", unmarked(mail.text))):
        return False
    if sum(len(part.split()) for part in parts) > _MOST_COPY_WORDS or not all(map(_fits, parts)):
        return False
    named = any(words.PAPERS.search(part) for part in parts)
    return named and any(_requests(part) for part in parts)


def _nameless(sentence: str, number: str) -> str:
    """Without the number of the invoice: in full, from its first digit on, or its last digits alone."""
    found = re.fullmatch(r"\D*(.*?0*(\d+)\D*)", number.lower())
    if found is None:
        return sentence
    names = rf"{re.escape(number.lower())}|{re.escape(found[1])}|0*{found[2]}"
    return re.sub(rf"(?<![\w.,/-])#?(?:{names})(?![\w/-]|[.,]\d)", "", sentence)


def _fits(sentence: str) -> bool:
    """Whether a request for a copy may say this."""
    if any(word not in words.COPY_WORDS for word in _WORD.findall(sentence)) or re.search(r"[\d%€$£]", sentence):
        return False
    if words.REFUSES.search(sentence) or "haven't" in sentence or "couldn't" in sentence:
        return words.PAPERS.search(sentence) is not None and words.LACKS.search(sentence) is not None
    return words.OWN_DEED.search(sentence) is None


def _requests(sentence: str) -> bool:
    wants = words.SENDS.search(sentence) is not None or words.WANTS.search(sentence) is not None
    asked = words.ASKS.search(sentence) is not None and words.REFUSES.search(sentence) is None
    return wants and asked


def excerpt(said: str, most: int = _EXCERPT) -> str:
    """Its beginning on one line."""
    line = " ".join(said.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def ready(id_: str, sender: str, owner: str, hints: Hints, said: str) -> list[str]:
    """Commands to paste, the likeliest first and filled from the hints, always with one that only answers. `owner` is
    who gives them, and so decides; a dispute is the sender's, who is told that it was taken."""
    told = excerpt(said, 120) or "see the mail"
    lines = [line for each in hints.about if each in WEIGHTIER for line in _for(each, id_, sender, owner, told)]
    if hints.pays_on is not None:
        amount = ("--amount", hints.amount) if hints.amount and "instalments" in hints.about else ()
        lines.append(_line("promise", id_, owner, "--date", hints.pays_on.isoformat(), *amount))
    for meaning in hints.about:
        lines += _for(meaning, id_, sender, owner, told)
    lines.append(_line("note", id_, owner, "--text", "read the mail and answered it"))
    return list(dict.fromkeys(lines))


def _for(meaning: str, id_: str, sender: str, owner: str, told: str) -> Sequence[str]:
    match meaning:
        case "insolvent" | "legal" | "stop":
            return [_line("hold", id_, owner, "--reason", f"{meaning}: {told}")]
        case "dispute":
            return [_line("dispute", id_, sender, "--reason", told)]
        case "paid":
            return [_line("hold", id_, owner, "--reason", f"says it was paid; until the receipt is found: {told}")]
        case "copy":
            return [_line("resend", id_, owner)]
    return []


def _line(verb: str, id_: str, by: str, *more: str) -> str:
    return shlex.join(["duely", verb, id_, "--by", by, *more])
