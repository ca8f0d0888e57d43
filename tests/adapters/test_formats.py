"""Amounts as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import formats
from domain.errors import Invalid


@given(st.integers(0, 10**12), st.sampled_from(["EUR", "JPY", "KWD", "CHF"]), st.sampled_from(["en", "de"]))
def test_what_is_shown_is_read_again(minor: int, currency: str, language: str) -> None:
    for shown in (formats.amount(minor, currency, language), formats.money(minor, currency, language)):
        assert formats.read_amount(shown, currency, language) == minor, shown


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("120", 120_00),
        ("120.5", 120_50),
        ("120,50", 120_50),
        ("1.234", 1234_00),
        ("1,234", 1234_00),
        ("1234,56", 1234_56),
        ("12 000,00 EUR", 12000_00),
        ("€ 7", 7_00),
        ("1'000.00", 1000_00),
    ],
)
def test_points_and_commas_as_in_either_language(typed: str, minor: int) -> None:
    assert [formats.read_amount(typed, "EUR", language) for language in ("en", "de")] == [minor, minor]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "x",
        "-5",
        "+5",
        "1e3",
        "1.2.3",
        "1.234,567",
        "1.23,45",
        "1,234,50",
        "100.",
        ".5",
        "９９",
        "12,34,567",
        "0x10",
    ],
)
def test_what_may_mean_two_things_is_refused(typed: str) -> None:
    for language in ("en", "de"):
        with pytest.raises((ValueError, Invalid)):
            formats.read_amount(typed, "EUR", language)


def test_three_decimals_are_told_by_the_language() -> None:
    assert formats.read_amount("1.234", "KWD", "en") == 1234
    assert formats.read_amount("1.234", "KWD", "de") == 1234_000
