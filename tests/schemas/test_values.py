from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from schemas import values


def accepted(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refused(kind: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(kind).validate_python(value)
    return str(error.value.errors()[0]["msg"])


@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("1.50", "1.5"),
        (7, "7"),
        ("-0", "0"),
        ("-2.5", "-2.5"),
        ("007", "7"),
        ("9" * 15, "9" * 15),
        ("0." + "1" * 10,) * 2,
    ],
)
def test_decimals(given: Any, number: str) -> None:
    assert accepted(values.DecimalString, given) == Decimal(number)


@pytest.mark.parametrize(
    "wrong",
    [
        1.5,
        True,
        None,
        "",
        " 1",
        "1 ",
        "1\n",
        "+1",
        "1e3",
        "1E3",
        "NaN",
        "Infinity",
        "1,5",
        ".5",
        "5.",
        "0x1",
        "١",
        "1_0",
        "9" * 16,
        10**15,
        -(10**15),
        10**5000,
        "0." + "1" * 11,
        "1" * 1000,
        [],
        {},
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_numbers_are_refused(wrong: Any) -> None:
    assert refused(values.DecimalString, wrong)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**14), max_value=10**14, places=10))
def test_decimals_survive_json(number: Decimal) -> None:
    kind = TypeAdapter[Decimal](values.DecimalString)
    text = kind.dump_python(accepted(values.DecimalString, format(number, "f")), mode="json")
    assert isinstance(text, str)
    assert "E" not in text
    assert kind.validate_python(text) == number


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (values.NotNegative, "-0.01"),
        (values.Positive, "0"),
        (values.Percent, "100.01"),
        (values.Percent, "-1"),
        (values.DateString, "2026-02-29"),
        (values.DateString, "20260201"),
        (values.DateString, "2026-2-1"),
        (values.DateString, "2026-02-01T00:00:00"),
        (values.DateString, "2026-02-01\n"),
        (values.DateString, "0001-01-01"),
        (values.DateString, 20260201),
        (values.DateString, "२०२६-०२-०१"),
        (values.Text, ""),
        (values.Text, " \n "),
        (values.Text, "a\x00b"),
        (values.Text, "a\x1bb"),
        (values.Text, "a\rb"),
        (values.Text, "a\x85b"),
        (values.Text, "a\ud800"),
        (values.Text, "a\ufffe"),
        (values.Name, "a\uffff"),
        (values.Text, "x" * 2_001),
        (values.Text, 1),
        (values.Name, "a\nb"),
        (values.Name, "ana\n"),
        (values.Name, "ana\x1f"),
        (values.Name, "a\tb"),
        (values.Name, "a\u2028b"),
        (values.Name, "x" * 201),
        (values.Email, "ap@globex"),
        (values.Email, "ap@@globex.example"),
        (values.Email, "ap@globex.example\nBcc: all@globex.example"),
        (values.Email, "ap@globex..example"),
        (values.Email, "A <ap@globex.example>"),
        (values.Email, "ap@globex.example,b@globex.example"),
        (values.Email, "x" * 65 + "@globex.example"),
        (values.Country, "XX"),
        (values.Country, "DEU"),
        (values.Language, "german"),
        (values.Language, "de_DE"),
        (values.Timezone, "Europe"),
        (values.Timezone, "Europe/Berlim"),
        (values.Timezone, "../../etc/passwd"),
        (values.Timezone, "/etc/localtime"),
        (values.Timezone, "localtime"),
        (values.Timezone, "posix/Europe/Berlin"),
        (values.CurrencyCode, "EURO"),
        (values.CurrencyCode, "eur"),
        (values.CurrencyCode, "XXQ"),
        (values.SellerKey, "Demo"),
        (values.SellerKey, "d"),
        (values.SellerKey, "demo\n"),
        (values.SellerKey, "d" * 21),
        (values.Reference, ""),
        (values.Reference, "a b"),
        (values.Reference, "ORD-1\n"),
        (values.Reference, "a/b"),
        (values.Reference, "ä"),
        (values.Reference, "x" * 65),
        (values.Sha256, "sha256:" + "g" * 64),
        (values.UnitCode, "hour"),
    ],
)
def test_refused(kind: Any, wrong: Any) -> None:
    assert len(refused(kind, wrong)) < 250


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        (values.DateString, "2028-02-29", date(2028, 2, 29)),
        (values.Text, "a\r\nb\tc ", "a\nb\tc"),
        (values.Name, " Señor 株式会社 O’Neil ", "Señor 株式会社 O’Neil"),
        (values.Email, "a.b+c@mail.globex.example", "a.b+c@mail.globex.example"),
        (values.Country, "XK", "XK"),
        (values.Language, "de-AT", "de-AT"),
        (values.Timezone, "America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        (values.Timezone, "UTC", "UTC"),
        (values.CurrencyCode, "JPY", "JPY"),
        (values.Reference, "a.B_c-1", "a.B_c-1"),
        (values.Percent, "100", Decimal(100)),
    ],
)
def test_accepted(kind: Any, given: Any, kept: Any) -> None:
    assert accepted(kind, given) == kept


@pytest.mark.parametrize(
    ("kind", "wrong", "fix"),
    [
        (values.Country, "UK", "did you mean GB"),
        (values.Country, "de", "did you mean DE"),
        (values.DecimalString, 1.5, "'12.50'"),
        (values.DateString, "1.2.2026", "YYYY-MM-DD"),
        (values.Text, "a\x00", "U+0000; remove it"),
        (values.Timezone, "Berlin", "Europe/Berlin"),
    ],
)
def test_the_message_says_the_fix(kind: Any, wrong: Any, fix: str) -> None:
    assert fix in refused(kind, wrong)
