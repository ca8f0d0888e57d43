"""Amounts are read, shown, rounded and shared out without losing or inventing a unit."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from babel.core import get_global
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import money
from domain.currencies import EXPONENTS
from domain.errors import Invalid
from domain.money import Money

CODES = sorted(EXPONENTS)
codes = st.sampled_from(CODES)
amounts = st.integers(-(10**15) + 1, 10**15 - 1)

CLDR_SHOWS_NO_MINOR_UNIT = frozenset(
    "AFN ALL IQD IRR KPW LAK LBP MGA MMK RSD SOS SYP YER".split()
)  # nobody pays in them any more; ISO 4217 still has 2 digits, 3 for IQD


def test_exponents_agree_with_cldr_but_for_the_units_out_of_use():
    fractions = get_global("currency_fractions")
    cldr = {code: fractions.get(code, fractions["DEFAULT"])[0] for code in CODES}
    assert {code for code in CODES if cldr[code] != EXPONENTS[code]} == CLDR_SHOWS_NO_MINOR_UNIT
    assert {cldr[code] for code in CLDR_SHOWS_NO_MINOR_UNIT} == {0}


@pytest.mark.parametrize(
    ("code", "digits"), [("EUR", 2), ("JPY", 0), ("UYI", 0), ("KWD", 3), ("IQD", 3), ("CLF", 4), ("UYW", 4)]
)
def test_every_kind_of_exponent(code, digits):
    assert money.exponent(code) == digits


@pytest.mark.parametrize("code", ["", "EU", "eur", "EURO", "XAU", "XXX", "XTS", "BGN", "HRK", "ANG", "E€R"])
def test_what_is_no_active_currency_is_refused(code):
    with pytest.raises(Invalid) as caught:
        money.exponent(code)
    assert caught.value.problems[0].path == "currency"


@given(amounts, codes)
def test_parse_reads_what_show_writes(minor, code):
    assert money.parse(money.show(minor, code), code) == minor


@given(amounts, codes)
def test_show_is_canonical_and_worth_the_same(minor, code):
    text, digits = money.show(minor, code), EXPONENTS[code]
    assert Decimal(text) == Decimal(minor).scaleb(-digits)
    assert len(text.partition(".")[2]) == digits


@given(st.integers(-(10**15) + 1, 10**15 - 1), codes)
def test_a_whole_number_counts_major_units(major, code):
    assert money.parse(major, code) == money.parse(str(major), code) == major * 10 ** EXPONENTS[code]


@pytest.mark.parametrize(
    ("text", "code", "minor"),
    [
        ("-1234.50", "EUR", -123450), ("-0.05", "EUR", -5), ("-0.00", "EUR", 0), ("7", "EUR", 700),
        ("7.5", "EUR", 750), ("007.50", "EUR", 750), ("5", "JPY", 5), ("0.0001", "CLF", 1),
        ("999999999999999.99", "EUR", 99999999999999999),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(text, code, minor):
    assert money.parse(text, code) == minor


REFUSED_TEXTS = [
    "", " ", " 1", "1 ", "1\n", "+1", "1.", ".5", "1,50", "1.000,00", "1_000", "1e3", "1E-2", "NaN", "-inf",
    "Infinity", "0x10", "--1", "1.234", "1.000", "1.5.0", "½", "١٢", "１２", "1" * 16, "1" * 5000, "1\x00",
]  # fmt: skip
REFUSED: list[object] = [
    *REFUSED_TEXTS,
    10**15,
    -(10**15),
    10**5000,
    True,
    False,
    None,
    1.5,
    Decimal(1),
    [],
    {},
    b"1",
]


@pytest.mark.parametrize("value", REFUSED, ids=range(len(REFUSED)))
def test_anything_else_is_refused_at_its_path_with_the_fix(value):
    with pytest.raises(Invalid) as caught:
        money.parse(value, "EUR", "lines[0].amount")
    (problem,) = caught.value.problems
    assert problem.path == "lines[0].amount"
    assert any(word in problem.message for word in ("12.50", "120.00", "digits", "decimals"))
    assert len(problem.message) < 300


def test_more_digits_than_the_currency_has_are_refused_even_as_zeros():
    for text, code in (("1.0", "JPY"), ("1.000", "EUR"), ("1.0000", "KWD"), ("1.00000", "CLF")):
        with pytest.raises(Invalid, match=code):
            money.parse(text, code)


@given(st.decimals(-(10**12), 10**12, allow_nan=False, places=8), codes)
def test_rounding_is_half_up_and_at_most_half_a_unit_off(value, code):
    got = money.rounded(value, code)
    exact = Fraction(value) * 10 ** EXPONENTS[code]
    assert abs(got - exact) <= Fraction(1, 2)
    if abs(got - exact) == Fraction(1, 2):
        assert abs(got) > abs(exact)
    assert money.rounded(-value, code) == -got


@pytest.mark.parametrize(("text", "minor"), [("0.005", 1), ("-0.005", -1), ("0.015", 2), ("0.025", 3), ("2.5", 250)])
def test_a_half_goes_away_from_zero(text, minor):
    assert money.rounded(Decimal(text), "EUR") == minor


def test_rounding_ignores_the_callers_decimal_context():
    value = Decimal("12345678901234567.0149999999999999")
    with localcontext(prec=6):
        assert money.rounded(value, "EUR") == 1234567890123456701


weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=12)


@given(amounts, weights)
def test_allocation_loses_nothing_and_is_less_than_one_unit_off(total, shares):
    parts = money.allocate(total, shares)
    assert sum(parts) == total
    assert len(parts) == len(shares)
    whole = sum(shares)
    if whole:
        assert all(abs(p - Fraction(total * w, whole)) < 1 for p, w in zip(parts, shares, strict=True))
        assert all(p == 0 for p, w in zip(parts, shares, strict=True) if w == 0)
    assert all(min(0, total) <= part <= max(0, total) for part in parts)
    assert parts == money.allocate(total, list(shares))


@given(amounts, weights)
def test_a_credit_mirrors_its_invoice(total, shares):
    assert money.allocate(-total, shares) == [-part for part in money.allocate(total, shares)]


def test_allocation_at_its_edges():
    assert money.allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert money.allocate(-100, [1, 1, 1]) == [-34, -33, -33]
    assert money.allocate(1, [1, 5, 4]) == [0, 1, 0]
    assert money.allocate(7, [0, 0]) == [7, 0]
    assert money.allocate(0, []) == []
    with pytest.raises(ValueError, match="nothing"):
        money.allocate(1, [])


@given(amounts, amounts, codes)
def test_money_adds_and_compares_like_its_minor_units(a, b, code):
    one, other = Money(a, code), Money(b, code)
    assert (one + other).minor == a + b
    assert one - other == -(other - one) == Money(a - b, code)
    assert (one < other, one <= other, one > other, one >= other) == (a < b, a <= b, a > b, a >= b)
    assert str(one) == f"{money.show(a, code)} {code}"


@settings(max_examples=30)
@given(codes, codes)
def test_currencies_do_not_mix(one, other):
    if one == other:
        return
    assert Money(1, one) != Money(1, other)
    for mixed in (Money.__add__, Money.__sub__, Money.__lt__, Money.__le__):
        with pytest.raises(ValueError, match="do not mix"):
            mixed(Money(1, one), Money(1, other))


@pytest.mark.parametrize("minor", [True, 1.0, "1", None, Decimal(1)])
def test_minor_units_are_whole_numbers(minor):
    with pytest.raises(TypeError):
        Money(minor, "EUR")


def test_money_needs_a_real_currency():
    with pytest.raises(Invalid):
        Money(1, "XXX")
