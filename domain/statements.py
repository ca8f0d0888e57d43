"""What a bank says about one account: movements, balances, and how a movement is recognised again for ever.

Pure values and rules; `adapters/statements` reads the files. Nothing here knows an invoice, decides what a movement
pays, or remembers what was booked.

A movement's key is made of what the bank says about it:

- with a reference of the bank (AcctSvcrRef, MT940 `//…`): account, booking day, amount, currency, that reference.
  The day and the amount are in it because many banks count their references afresh every day or page.
- a part of a batch entry: the same of the entry, and what the part itself says (amount, end-to-end id, counterparty's
  IBAN, reference, text; its own bank reference where it has one).
- without a reference: account, booking and value day, amount, currency, end-to-end id, counterparty's IBAN, text,
  reference. Case, blanks and punctuation of texts do not count.

Movements whose content is equal are numbered in the order of the file, so that two true twins of a day stay two.

Guaranteed: the same movement has the same key in any file of the same bank in any camt.053 version; and in MT940 or
CSV as well where they carry the bank's reference uncut and the same booking day (a batch is one line in MT940: see
`repeated`). Without a bank's reference formats cut texts differently, and the keys of two formats differ: read one
format per account.
Guaranteed: one statement told twice, in one file or in many, adds nothing. Of twins without a bank's reference as
many count as the most complete file showed; twins split over two files, of the same day and equal in everything,
count as one, since nothing tells them from one movement told twice.
A bank that counts its references afresh on every page gives one key to two movements in two files. What else it says of
them tells them apart (`other_payer`, `other_text`), and they are numbered as twins are.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import accumulate, count
from typing import Any

from domain import keys
from domain.errors import Invalid
from domain.money import exponent, show

LONGEST_NAME, LONGEST_TEXT = 140, 2000
BETWEEN_NAMES = "; "
NO_CURRENCY = "XXX"
"""ISO 4217's code for no currency: the currency of a part whose amount the file does not tell."""
_TAG = "duely/bank-line/1"
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}")
_NO_REFERENCE = frozenset({"NONREF", "NOREF", "NOTPROVIDED", "NOTAVAILABLE", "UNKNOWN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One movement on the account. A batch entry is split into its transactions when they sum to it."""

    key: str  # see above; "" until `keyed`
    booked_on: date
    value_on: date | None
    amount: int  # minor units; credit positive, debit negative; what really moved
    currency: str
    name: str = ""  # counterparty; personal data, as are iban and text
    iban: str = ""  # counterparty's, normalised; "" unknown or not an IBAN
    text: str = ""  # unstructured remittance, and document numbers of structured one, joined
    reference: str = ""  # structured creditor reference (RF… or another), the first when there are several
    end_to_end: str = ""  # "" for NOTPROVIDED
    bank_reference: str = ""  # AcctSvcrRef; of a part without one of its own, the batch's
    return_code: str = ""  # ISO reason (AM04, MD06 …) of a returned or rejected item
    reversal: bool = False
    charges: int = 0  # ≥ 0, minor units: withheld from this movement by a bank; amount + charges is what was paid
    batch: str = ""
    """Of a part: the key its batch entry has where a file tells it as one line, see `repeated`. Of a batch that cannot
    be told apart its own key: several payments in one amount, `name` those of its payers that the file tells."""
    provider_payout: str = ""  # set by whoever recognises a provider's payout


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a file before it has keys: `whole` without details, and its transactions when it tells several.
    `count`: how many it says it has; 0 when it does not say."""

    whole: Line
    parts: tuple[Line, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of one account. Balances are None when the format has none (CSV); then nothing is checked.
    `format` names format and version, as `camt.053.001.08`; `pending` counts entries left out as not booked yet."""

    account: str  # IBAN, normalised; the bank's own number where there is none
    currency: str
    id: str
    number: str
    opening: int | None
    closing: int | None
    opened_on: date
    closed_on: date
    created_at: datetime  # aware; the statement's own, not when it was read
    lines: tuple[Line, ...] = ()
    format: str = ""
    pending: int = 0


def check(statement: Statement) -> None:
    """Raises `Invalid` unless the currency is known, every line is in it, and opening + lines = closing. A statement
    that does not add up is refused whole: nobody knows which of its lines is the wrong one."""
    exponent(statement.currency)
    for at, line in enumerate(statement.lines):
        if line.currency != statement.currency:
            fault = f"is in {line.currency}, the account in {statement.currency}; ask the bank for a correct file"
            raise Invalid.at(f"lines[{at}].currency", fault)
    if statement.opening is None or statement.closing is None:
        return
    total = sum(line.amount for line in statement.lines)
    if statement.opening + total != statement.closing:
        opening, lines, reached, closing = (
            show(minor, statement.currency)
            for minor in (statement.opening, total, statement.opening + total, statement.closing)
        )
        raise Invalid.at(
            "closing",
            f"statement {statement.id or statement.number or statement.closed_on.isoformat()} does not add up: "
            f"opening {opening} + lines {lines} = {reached}, but it closes with {closing} {statement.currency}; "
            "nothing of it is booked, ask the bank for a complete file",
        )


def balances(statement: Statement) -> list[tuple[date, int]]:
    """With what each day ended on which something was booked; nothing when the format has no balances."""
    if statement.opening is None:
        return []
    moved: Counter[date] = Counter()
    for line in statement.lines:
        moved[line.booked_on] += line.amount
    days = sorted(moved)
    return [
        (day, statement.opening + total)
        for day, total in zip(days, accumulate(map(moved.__getitem__, days)), strict=True)
    ]


def keyed(told: Iterable[tuple[Statement, Sequence[Entry]]]) -> list[Statement]:
    """The statements of one file, in its order, with the lines of their entries. The numbers of twins go on where one
    statement continues the other (pages, or two statements of a day), and start anew everywhere else."""
    last: dict[str, tuple[Statement, Counter[str]]] = {}
    done = []
    for statement, entries in told:
        before, counts = last.get(statement.account, (None, Counter()))
        if before is None or not _continues(statement, before):
            counts = Counter()
        last[statement.account] = statement, counts
        lines = tuple(line for entry in entries for line in _split(statement.account, entry, counts))
        done.append(replace(statement, lines=lines))
    return done


def repeated(line: Line, known: Container[str], known_batches: Container[str]) -> bool:
    """Whether this movement is booked already: under its own key, as part of a batch told as one line, or as a batch
    told in parts. `known` are the keys of all booked lines, `known_batches` their `batch`."""
    return line.key in known or line.key in known_batches or (line.batch != "" and line.batch in known)


def twins(account: str, line: Line) -> Iterator[str]:
    """The keys of the first, the second … movement of which the bank says the same."""
    first = keys.digest(_TAG, _content(account, line))
    return (_nth(first, at) for at in count(1))


def other_payer(line: Line, iban: str) -> bool:
    """Whether a movement whose key is known comes from another account, and so is another one."""
    return line.iban != iban and "" not in {line.iban, iban}


def other_text(line: Line, text: str) -> bool:
    """Whether neither says what the other does, as no two files do of one movement but for what one has cut or put
    around it. Alone it proves nothing: formats word what the bank itself writes in their own ways."""
    told, known = _folded(line.text), _folded(text)
    return told not in known and known not in told


def iban(text: str) -> str:
    """Without blanks and in capitals, or "" when its form or its check digits are not an IBAN's (ISO 13616)."""
    plain = "".join(text.split()).upper()
    if not _IBAN.fullmatch(plain):
        return ""
    return plain if int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1 else ""


def is_account(told: str, own: str) -> bool:
    """Whether a statement is of that account. A German MT940 may say bank code and number instead of the IBAN they are
    part of."""
    if told == own:
        return True
    code, slash, number = told.partition("/")
    plain = number[:10].strip()
    return bool(slash) and own.startswith("DE") and plain.isdigit() and own[4:] == f"{code}{plain.rjust(10, '0')}"


def own_of(told: str, own: Iterable[str]) -> str:
    """Which of these accounts a statement is of; "" for none."""
    return next((account for account in own if is_account(told, account)), "")


def plain_reference(text: str) -> str:
    """A bank's reference as it is compared: no blanks, capitals; "" for the words and zeros that say there is none."""
    plain = "".join(text.split()).upper()
    return "" if plain in _NO_REFERENCE or not plain.strip("0") else plain


def _continues(statement: Statement, before: Statement) -> bool:
    return (
        before.closing is not None
        and statement.opening == before.closing
        and (statement.id, statement.number) != (before.id, before.number)
        and statement.opened_on >= before.closed_on
    )


def _split(account: str, entry: Entry, counts: Counter[str]) -> tuple[Line, ...]:
    whole, parts = entry.whole, entry.parts
    content = _content(account, whole)
    key = _numbered(content, counts)
    adds_up = sum(part.amount for part in parts) == whole.amount
    if len(parts) > 1 and adds_up and all(part.currency == whole.currency for part in parts):
        # by the batch's content, not by its key: of two batches that differ in their parts only, either may come first
        return tuple(replace(part, key=_numbered([content, *_said(part)], counts), batch=key) for part in parts)
    if max(len(parts), entry.count) < 2:
        return (replace(whole, key=key),)
    told = (whole, *parts)
    names = BETWEEN_NAMES.join(dict.fromkeys(line.name for line in told if line.name))
    text = " ".join(dict.fromkeys(text for line in told for text in (line.text, line.reference) if text))
    # keyed by what the file says of it, and only then freed of what may be one payer's alone
    return (replace(whole, key=key, batch=key, name=names[:LONGEST_TEXT], iban="", text=text[:LONGEST_TEXT]),)


def _content(account: str, line: Line) -> list[Any]:
    moved = [account, line.booked_on, line.amount, line.currency]
    reference = plain_reference(line.bank_reference)
    return [*moved, reference] if reference else [*moved, line.value_on, *_said(line)]


def _said(line: Line) -> list[Any]:
    texts = (plain_reference(line.bank_reference), line.end_to_end, line.iban, line.reference, line.text)
    return [line.amount, *map(_folded, texts)]


def _numbered(content: list[Any], counts: Counter[str]) -> str:
    first = keys.digest(_TAG, content)
    counts[first] += 1
    return _nth(first, counts[first])


def _nth(first: str, at: int) -> str:
    return first if at == 1 else keys.digest(_TAG, [first, at])


def _folded(text: str) -> str:
    # in capitals first: some letters (ı, ſ) only then fold to the one that a bank without small letters writes
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).upper().casefold()))
