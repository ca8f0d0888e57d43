"""The strict types every input is built of. They refuse and name the fix; they never guess or round.

pydantic's own `Decimal` takes the JSON float 1.5, and its `str` takes NUL, which Postgres cannot store: an
activity would fail for ever. So numbers are plain strings or whole numbers; control characters are refused.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from domain import money
from domain.calendar import YEARS
from domain.errors import Invalid

MAX_INTEGER_DIGITS = 15
MAX_FRACTION_DIGITS = 10
MAX_TEXT = 2_000
MAX_NAME = 200

COUNTRIES = frozenset(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS "
    "BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE "
    "EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM "
    "HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC "
    "LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
    "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW "
    "SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO "
    "TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW".split()
)  # ISO 3166-1 alpha-2, and XK as the EU writes Kosovo
_COMMON_COUNTRY_SLIPS = {"UK": "GB", "EL": "GR"}

_DECIMAL = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,50})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_TIMEZONE = re.compile(r"[A-Za-z0-9_+-]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_NOT_PUBLIC_ZONES = ("posix", "right", "localtime", "Factory")
_NO_CHARACTERS = frozenset("\ufffe\uffff")
"""XML can carry neither of them."""
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True)
class Undecodable:
    """Stands for a payload whose encoding nobody can read: refused instead of wedging a task."""

    encoding: str


def kind_of(value: Any) -> str:
    """What a person would call the JSON type of `value`, for messages."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (type(None), "null"), (bool, "true or false"), (str, "a text"), ((int, float), "a number"),
        (dict, "an object"), ((list, tuple), "a list"),
    )  # fmt: skip
    return next((word for kind, word in kinds if isinstance(value, kind)), "something else")


def brief(value: str) -> str:
    """At most 40 characters of what was given, safe to print."""
    short = value if len(value) <= 40 else value[:39] + "…"
    return f"'{short}'" if short.isprintable() else ascii(short)


def decimal_of(value: Any) -> Decimal:
    """A Decimal from a plain decimal text or a whole number. ValueError names the fix."""
    if isinstance(value, Decimal):
        value = format(value, "f") if value.is_finite() else "NaN"
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"must be a decimal written as a text such as '12.50', not {kind_of(value)}")
    if isinstance(value, int):
        if abs(value) >= 10**MAX_INTEGER_DIGITS:
            raise ValueError(f"is too large; at most {MAX_INTEGER_DIGITS} digits before the point")
        return Decimal(value)
    found = _DECIMAL.fullmatch(value) if len(value) <= 64 else None
    if not found:
        raise ValueError(
            f"must be a plain decimal such as '12.50' (no exponent, plus, comma or blank), not {brief(value)}"
        )
    if len(found[2].lstrip("0")) > MAX_INTEGER_DIGITS:
        raise ValueError(f"is too large; at most {MAX_INTEGER_DIGITS} digits before the point")
    if len(found[3] or "") > MAX_FRACTION_DIGITS:
        raise ValueError(f"is too precise; at most {MAX_FRACTION_DIGITS} digits after the point")
    return Decimal(value) or Decimal(0)


def _not_negative(value: Any) -> Decimal:
    number = decimal_of(value)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _positive(value: Any) -> Decimal:
    number = decimal_of(value)
    if number <= 0:
        raise ValueError("must be more than zero")
    return number


def _amount(value: Any, info: ValidationInfo) -> Decimal:
    return _in_currency(_not_negative(value), info)


def _positive_amount(value: Any, info: ValidationInfo) -> Decimal:
    return _in_currency(_positive(value), info)


def _percent(value: Any) -> Decimal:
    number = _not_negative(value)
    if number > 100:
        raise ValueError("must be at most 100 percent")
    return number


def _in_currency(number: Decimal, info: ValidationInfo) -> Decimal:
    """Refuses more decimals than the currency of the context has, zeros too: "1.000" may mean a thousand."""
    code = (info.context or {}).get("currency")
    try:
        digits = money.exponent(code) if isinstance(code, str) else None
    except Invalid:
        digits = None
    if digits is not None and -int(number.as_tuple().exponent) > digits:
        raise ValueError(f"has more decimals than {code}, which has {digits}; round it")
    return number


def date_of(value: Any) -> dt.date:
    """A date from `YYYY-MM-DD`. ValueError names the fix."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        got = brief(value) if isinstance(value, str) else kind_of(value)
        raise ValueError(f"must be a date as YYYY-MM-DD, not {got}")
    try:
        day = dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"is not a day of the calendar: {value}") from None
    if day.year not in YEARS:
        raise ValueError(f"must lie between {YEARS[0]} and {YEARS[-1]}, not in {day.year}")
    return day


def instant_of(text: str) -> dt.datetime:
    """An instant of RFC 3339 in UTC; what is finer than a microsecond is cut off. ValueError names the fix."""
    found = _INSTANT.fullmatch(text)
    try:
        if found:
            day, clock, fraction, zone = found.groups(default="")
            return dt.datetime.fromisoformat(f"{day}T{clock}{fraction[:7]}{zone.upper()}").astimezone(dt.UTC)
    except (ValueError, OverflowError):  # no day or hour, or none that UTC can say
        pass
    raise ValueError("must be an instant of RFC 3339 such as 2026-11-21T09:00:00Z")


def _printable(value: Any, longest: int, allowed: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {kind_of(value)}")
    text = value.replace("\r\n", "\n") if "\n" in allowed else value
    bad = next(
        (c for c in text if (unicodedata.category(c) in _CONTROLS and c not in allowed) or c in _NO_CHARACTERS), None
    )
    if bad is not None:
        raise ValueError(f"contains the control character U+{ord(bad):04X}; remove it")
    text = text.strip()
    if not text:
        raise ValueError("must not be empty; leave it out or fill it in")
    if len(text) > longest:
        raise ValueError(f"is too long: {len(text)} characters, at most {longest}")
    return text


def _text(value: Any) -> str:
    return _printable(value, MAX_TEXT, "\n\t")


def _name(value: Any) -> str:
    return _printable(value, MAX_NAME, "")


def is_name(text: str) -> bool:
    """Whether a receivable may be called so: its id, its reference, or its number, also one given elsewhere."""
    try:
        return _name(text) == text
    except ValueError:
        return False


def _email(value: Any) -> str:
    text = _name(value)
    if len(text) > 254 or not _EMAIL.fullmatch(text) or ".." in text:
        raise ValueError(f"must be a mail address such as ap@globex.example, not {brief(text)}")
    return text


def _country(value: Any) -> str:
    text = _name(value)
    if text not in COUNTRIES:
        slip = _COMMON_COUNTRY_SLIPS.get(text) or (text.upper() if text.upper() in COUNTRIES else None)
        hint = f"; did you mean {slip}?" if slip else ""
        raise ValueError(f"must be a country code of ISO 3166 such as DE, not {brief(text)}{hint}")
    return text


def _timezone(value: Any) -> str:
    text = _name(value)
    fault = f"must be an IANA timezone such as Europe/Berlin, not {brief(text)}"
    if not _TIMEZONE.fullmatch(text) or text.split("/")[0] in _NOT_PUBLIC_ZONES:
        raise ValueError(fault)
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # OSError: a folder such as "Europe"
        raise ValueError(fault) from None
    return text


def _currency(value: Any) -> str:
    text = _name(value)
    try:
        money.exponent(text)
    except Invalid as unknown:
        raise ValueError(unknown.problems[0].message) from None
    return text


def pattern(expression: str, fix: str) -> Callable[[Any], str]:
    """A validator for a text that matches as a whole: no trailing newline slips through, as with `$`."""
    compiled = re.compile(expression)

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError(f"must be a text, not {kind_of(value)}")
        if not compiled.fullmatch(value):
            raise ValueError(f"{fix}, not {brief(value)}")
        return value

    return check


def _as_text(number: Decimal) -> str:
    return format(number, "f")  # str() would write 0.0000001 as 1E-7


_AS_TEXT = PlainSerializer(_as_text, return_type=str, when_used="json")

_PLAIN_DECIMAL = r"0*[0-9]{1,15}(\.[0-9]{1,10})?"


def _written(sign: str = "") -> WithJsonSchema:
    """A decimal in a JSON Schema: a text, or a whole number."""
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{sign}{_PLAIN_DECIMAL}$"}, {"type": "integer"}]})


def _worded(expression: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{expression}$"})


_LANGUAGE, _SELLER, _REFERENCE = r"[a-z]{2}(-[A-Z]{2})?", r"[a-z0-9]{2,20}", r"[A-Za-z0-9._-]{1,64}"
_SHA256, _UNIT = r"sha256:[0-9a-f]{64}", r"[A-Z0-9]{2,3}"

DecimalString = Annotated[Decimal, PlainValidator(decimal_of), _AS_TEXT, _written("-?")]
NotNegative = Annotated[Decimal, PlainValidator(_not_negative), _AS_TEXT, _written()]
Positive = Annotated[Decimal, PlainValidator(_positive), _AS_TEXT, _written()]
Amount = Annotated[Decimal, PlainValidator(_amount), _AS_TEXT, _written()]
PositiveAmount = Annotated[Decimal, PlainValidator(_positive_amount), _AS_TEXT, _written()]
Percent = Annotated[Decimal, PlainValidator(_percent), _AS_TEXT, _written()]
Text = Annotated[str, PlainValidator(_text), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_TEXT})]
Name = Annotated[str, PlainValidator(_name), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": MAX_NAME})]
Email = Annotated[str, PlainValidator(_email), WithJsonSchema({"type": "string", "format": "email", "maxLength": 254})]
Country = Annotated[str, PlainValidator(_country), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{2}$"})]
Timezone = Annotated[str, PlainValidator(_timezone), WithJsonSchema({"type": "string", "examples": ["Europe/Berlin"]})]
CurrencyCode = Annotated[str, PlainValidator(_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})]
DateString = Annotated[dt.date, BeforeValidator(date_of)]
Language = Annotated[
    str, PlainValidator(pattern(_LANGUAGE, "must be a language such as en or de-AT")), _worded(_LANGUAGE)
]
SellerKey = Annotated[str, PlainValidator(pattern(_SELLER, "must be 2–20 of a–z and 0–9")), _worded(_SELLER)]
Reference = Annotated[str, PlainValidator(pattern(_REFERENCE, "must be 1–64 of A–Z a–z 0–9 ._-")), _worded(_REFERENCE)]
Sha256 = Annotated[str, PlainValidator(pattern(_SHA256, "must be sha256: and 64 hex digits")), _worded(_SHA256)]
UnitCode = Annotated[
    str, PlainValidator(pattern(_UNIT, "must be a unit of UN/ECE Rec 20 such as C62 or HUR")), _worded(_UNIT)
]
