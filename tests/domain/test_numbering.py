"""Numbers never collide and dates never run backwards."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import numbering
from domain.errors import Invalid, Refused

PATTERNS = ["{year}-{n:05d}", "RE{yy}{n:03d}", "{n}/{year}", "GS-{year}.{n:01d}", "{n:04d}{yy}"]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("{year}-{n:05d}", "2026-00007"),
        ("RE{yy}{n:03d}", "RE26007"),
        ("{n}/{year}", "7/2026"),
        ("A-{year}-{n}", "A-2026-7"),
    ],
)
def test_a_number_is_written_by_its_pattern(pattern, text):
    assert numbering.format_number(pattern, 2026, 7) == text


def test_a_number_wider_than_its_field_keeps_its_digits():
    assert numbering.format_number("{year}-{n:02d}", 2026, 12345) == "2026-12345"


@given(
    st.sampled_from(PATTERNS),
    st.tuples(st.integers(2000, 2099), st.integers(1, 10**6)),
    st.tuples(st.integers(2000, 2099), st.integers(1, 10**6)),
)
def test_different_numbers_have_different_texts(pattern, one, other):
    same = numbering.format_number(pattern, *one) == numbering.format_number(pattern, *other)
    assert same == (one == other)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "{year}",
        "{n}",
        "{year}-{n}-{n}",
        "{year}-{n.__class__}",
        "{year}-{n!r}",
        "{year}-{n:05}",
        "{year}-{n:>9}",
        "{{n}}-{year}",
        "{year}-{n",
        "{year} {n}",
        "{year}-{n}\n",
        "{seller}-{year}-{n}",
        "x" * 40 + "{year}{n}",
    ],
)
def test_other_patterns_are_refused(pattern):
    with pytest.raises(Invalid) as error:
        numbering.check_pattern(pattern)
    assert error.value.problems[0].path == "pattern"


@given(st.text(alphabet="{}ny:05da-", max_size=20))
def test_any_pattern_formats_or_is_refused(pattern):
    try:
        text = numbering.format_number(pattern, 2026, 3)
    except Invalid:
        return
    assert "3" in text
    assert "{" not in text


@pytest.mark.parametrize(("year", "n"), [(2026, 0), (2026, -1), (26, 1), (12026, 1)])
def test_impossible_numbers_are_refused(year, n):
    with pytest.raises(Invalid):
        numbering.format_number("{year}-{n}", year, n)


@given(st.lists(st.dates(date(2026, 1, 1), date(2026, 3, 1)), max_size=30))
def test_dates_in_a_series_never_run_backwards(days):
    last = None
    for today in days:
        try:
            issued = numbering.issue_date(today, last)
        except Refused:
            assert last is not None
            assert last - today > timedelta(days=1)
            continue
        assert last is None or issued >= last
        assert timedelta(0) <= issued - today <= timedelta(days=1)
        last = issued


def test_a_series_is_equal_to_itself():
    assert numbering.Series("demo", "invoice", 2026) == numbering.Series("demo", "invoice", 2026)
    assert len({numbering.Series("demo", kind, 2026) for kind in numbering.KINDS}) == 2


@given(
    pattern=st.sampled_from(["{year}-{n:05d}", "RE-{yy}.{n}", "{n}/{year}", "C{year}{n:03d}"]),
    year=st.integers(2000, 2099),
    n=st.integers(1, 10**6),
)
def test_a_number_of_ours_is_recognised(pattern, year, n):
    text = numbering.format_number(pattern, year, n)
    found = numbering.own_number(pattern, text)
    assert found == ((year if "{year}" in pattern else None), n)
    for other in ("ALT-1", f"x{text}", f"{text}x"):
        assert numbering.own_number(pattern, other) is None
