"""How long the law keeps a record: counted from the end of its year, by the country of the seller."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import retention
from domain.retention import BOOKS, DOCUMENT, KINDS, RULES, VOUCHER, keep_until


@pytest.mark.parametrize(
    ("country", "kind", "dated", "until"),
    [
        ("DE", DOCUMENT, date(2026, 1, 1), date(2034, 12, 31)),
        ("DE", DOCUMENT, date(2026, 12, 31), date(2034, 12, 31)),
        ("DE", VOUCHER, date(2026, 5, 1), date(2034, 12, 31)),
        ("DE", BOOKS, date(2026, 5, 1), date(2036, 12, 31)),
        ("AT", DOCUMENT, date(2026, 5, 1), date(2033, 12, 31)),
        ("BE", DOCUMENT, date(2022, 12, 31), date(2029, 12, 31)),
        ("BE", DOCUMENT, date(2023, 1, 1), date(2033, 12, 31)),
        ("FR", DOCUMENT, date(2024, 2, 29), date(2034, 12, 31)),
        ("NL", BOOKS, date(2026, 5, 1), date(2033, 12, 31)),
        ("ES", DOCUMENT, date(2026, 5, 1), date(2032, 12, 31)),
        ("GB", DOCUMENT, date(2026, 5, 1), date(2032, 12, 31)),
        ("US", DOCUMENT, date(2026, 5, 1), date(2033, 12, 31)),
        ("JP", DOCUMENT, date(2026, 5, 1), date(2036, 12, 31)),
    ],
)
def test_the_law_of_the_sellers_country_decides(country: str, kind: str, dated: date, until: date) -> None:
    assert keep_until(country, dated, kind).until == until


def test_the_law_is_named() -> None:
    assert "§ 14b" in keep_until("DE", date(2026, 1, 1)).law
    assert "BAO" in keep_until("AT", date(2026, 1, 1)).law
    assert keep_until("JP", date(2026, 1, 1)).law == retention.DEFAULT.law


def test_a_december_in_poland_is_kept_until_its_tax_is_out_of_time() -> None:
    """VAT of December falls due in January: five years from the end of that year."""
    assert keep_until("PL", date(2026, 12, 31)).until == date(2032, 12, 31)


def test_an_unknown_kind_is_a_defect() -> None:
    with pytest.raises(ValueError, match="document, voucher, books"):
        keep_until("DE", date(2026, 1, 1), "mail")


@given(st.sampled_from([*RULES, "XX"]), st.sampled_from(KINDS), st.dates(date(1990, 1, 1), date(2900, 1, 1)))
def test_always_the_end_of_a_year_and_never_below_five(country: str, kind: str, dated: date) -> None:
    kept = keep_until(country, dated, kind)
    assert (kept.until.month, kept.until.day) == (12, 31)
    assert 5 <= kept.until.year - dated.year <= 10
    assert kept.law
