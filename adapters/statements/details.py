"""Field 86 of an MT940: what a movement was for. Knows the structure of German and Austrian banks (`166?00…?20…?32…`,
any separator), the SEPA words inside it (EREF+, SVWZ+ …), the payer's name of Dutch banks (`/NAME/…`, `/CNTP/…`), and
plain text. Reads text only; never fails."""

from __future__ import annotations

import re
from dataclasses import dataclass

from adapters.statements import limits
from domain.errors import Invalid
from domain.statements import iban

_LINE, _SEGMENT = 65, 27
_KEY = r"(?:00|10|2[0-9]|3[0-8]|6[0-3])"
_STRUCTURED = re.compile(
    r"(?P<code>[0-9]{3})(?P<mark>[^\w\s])(?:(?<=\?)(?=[0-9]{2})|"
    rf"(?={_KEY}[\s\S]*(?P=mark){_KEY}))"
)
"""Another mark than the usual one must stand before two keys: payers write `500-12` and `808/2026` as well."""
_WORDS = "EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|PURP|SVWZ|ABWA|ABWE|IBAN|BIC|MDAT|DDAT|SQTP|ORCR|ORMR"
_CUT = re.compile(r"[ \n]")
_STARTS_WORD = re.compile(rf"(?:{_WORDS})\+")
_WORD = re.compile(rf"(?:\A|(?<=[\n ]))({_WORDS})\+")
_DUTCH_NAME = re.compile(r"/NAME/([^/]+)|/CNTP/[^/]*/[^/]*/([^/]+)")
_PURPOSE = frozenset([*(f"{n}" for n in range(20, 30)), *(f"{n}" for n in range(60, 64))])
_RETURNS = frozenset({"108", "109", "159", "181", "184"})
"""Business codes of the Deutsche Kreditwirtschaft: returned direct debits (B2B, core) and transfers, either way."""
_REASONS = {"912": "MD06"}
"""German key of ?34: disputed by the debtor. The others are named in the text, or not told (`limits.UNSPECIFIED`)."""
_REASON = re.compile(
    r"(?<![A-Z0-9])(AC0[1346]|AC1[346]|AG0[1-9]|AM0[1-9]|AM10|BE0[1-8]|CNOR|DNOR|DT01|ED0[135]|FF0[15]|MD0[1-7]|MS0[23]"
    r"|PY01|RC0[1-9]|RF01|RR0[1-4]|SL0[12]|SL1[1-4]|TM01)(?![A-Z0-9])"
)
_RETURNED = re.compile(r"/RTRN/([A-Z0-9]{4})(?![A-Z0-9])")
"""Dutch banks: a return, with its reason of ISO 20022."""
_AMOUNT = re.compile(r"(?:[A-Z]{3})?\s?([0-9]{1,12}),([0-9]{0,3})(?![0-9,])")
_SWIFT_CHARGES = re.compile(r"/CHGS/(?P<currency>[A-Z]{3})(?P<amount>[0-9]{1,12},[0-9]{0,3})(?![0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    name: str = ""
    iban: str = ""
    text: str = ""
    end_to_end: str = ""
    returned: bool = False
    reason: str = ""
    original: str = ""  # OAMT+: what was paid before a bank's charges
    withheld: str = ""  # COAM+ of a return, or /CHGS/ with its currency

    def charges(self, moved: int, currency: str) -> int:
        """Minor units withheld from a movement of `moved` ≥ 0, 0 when the field does not say."""
        swift = _SWIFT_CHARGES.search(self.withheld)
        if swift:
            return _minor(swift["amount"], currency) if swift["currency"] == currency else 0
        original = _minor(self.original, currency)
        if self.returned and 0 < original < moved:
            return moved - original
        return _minor(self.withheld, currency)


def unfolded(value: str) -> str:
    """A field as it was before it was cut into lines: a structured one is cut anywhere, a plain one where its lines are
    full. Shorter lines of a plain one stay lines."""
    lines = value.split("\n")
    if _STRUCTURED.match(value):
        return "".join(lines)
    return "".join(line if len(line) >= _LINE else f"{line}\n" for line in lines).rstrip()


def details(field: str, supplement: str) -> Details:
    """Of an unfolded field 86 and the supplementary details of its field 61."""
    structured = _STRUCTURED.match(field)
    if not structured:
        words, free = _words(field)
        return _told(words, free, {"32": _dutch_name(field)}, "", supplement)
    segments = _segments(field[structured.end("code") :], structured["mark"])
    words, free = _words(_joined([text for key, text in segments if key in _PURPOSE]))
    named = dict(reversed(segments))
    named["32"] = _joined([text for key, text in segments if key in {"32", "33"}])
    return _told(words, free, named, structured["code"], supplement)


def _told(words: dict[str, str], free: str, named: dict[str, str], code: str, supplement: str) -> Details:
    said = limits.text(free, words.get("SVWZ", ""))
    key = named.get("34", "").strip()
    returned = _RETURNED.search(said)
    reason = returned or _REASON.search(f"{key} {said}".upper())
    swift = _SWIFT_CHARGES.search(supplement)
    return Details(
        name=limits.name(named.get("32", "")) or limits.name(words.get("ABWA", "")),
        iban=iban(named.get("31", "")) or iban(words.get("IBAN", "")),
        text=said or limits.text(named.get("00", ""), "" if swift else supplement),
        end_to_end=limits.reference(words.get("EREF", "")),
        returned=code in _RETURNS or returned is not None,
        reason=reason[1] if reason else _REASONS.get(key, ""),
        original=words.get("OAMT", ""),
        withheld=swift[0] if swift else words.get("COAM", ""),
    )


def _dutch_name(field: str) -> str:
    """As the bank says it, before what the payer wrote. Only the name is taken out: account and text are in the keys of
    movements without a bank's reference, and those of files of before must stay."""
    found = _DUTCH_NAME.search(field.partition("/REMI/")[0]) if field.startswith("/") else None
    return (found[1] or found[2]) if found else ""


def _segments(text: str, mark: str) -> list[tuple[str, str]]:
    parts = re.split(rf"{re.escape(mark)}([0-9]{{2}})", text)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _joined(segments: list[str]) -> str:
    """A segment of full length goes on in the next; of a shorter one a blank was cut off. A SEPA word starts a line."""
    text = ""
    for at, segment in enumerate(segments):
        if at and _STARTS_WORD.match(segment):
            text = f"{text.rstrip()}\n"
        text += segment if len(segment) >= _SEGMENT else f"{segment} "
    return text


def _words(text: str) -> tuple[dict[str, str], str]:
    """(text by SEPA word, text before the first). The first of a kind counts: later ones were written by a payer.
    References have no blanks, so those from a cut are taken out."""
    parts = _WORD.split(text)
    words: dict[str, str] = {}
    for word, value in zip(parts[1::2], parts[2::2], strict=True):
        if word in words:
            words["SVWZ"] = f"{words.get('SVWZ', '')} {word}+{value}"
        else:
            words[word] = value if word in {"SVWZ", "ABWA", "ABWE"} else _CUT.sub("", value)
    return words, parts[0]


def _minor(text: str, currency: str) -> int:
    found = _AMOUNT.match(text.strip())
    try:
        return limits.amount(f"{found[1]}.{found[2]}", currency, "") if found else 0
    except Invalid:
        return 0
