"""The grammar of payment terms, its dates, and what it refuses."""

from __future__ import annotations

import doctest
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import terms
from domain.errors import Invalid

ISSUED = date(2026, 10, 8)
days = st.dates(date(2000, 1, 1), date(2190, 12, 31))


def dates(value: Any, issued: date = ISSUED) -> list[tuple[str, str]]:
    return [(str(percent), str(day)) for percent, day in terms.due_dates(terms.parse_terms(value), issued)]


def schedule(*rows: tuple[Any, Any]) -> dict[str, Any]:
    return {"schedule": [{"percent": percent, "due": due} for percent, due in rows]}


def problems(value: Any, path: str = "terms") -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        terms.parse_terms(value, path)
    return {problem.path: problem.message for problem in caught.value.problems}


def test_the_grammar_in_the_docstring():
    found = doctest.testmod(terms)
    assert found.attempted >= 7
    assert found.failed == 0


@pytest.mark.parametrize(
    ("value", "due"),
    [
        ("due on receipt", "2026-10-08"), ("net 0", "2026-10-08"), ("net 30", "2026-11-07"),
        ("14 eom", "2026-11-14"), ("0 eom", "2026-10-31"), ("2/10 net 30", "2026-11-07"),
        ("Net  30", "2026-11-07"), (None, "2026-11-07"),
    ],
)  # fmt: skip
def test_one_due(value, due):
    assert dates(value) == [("100", due)]


@given(days, st.integers(0, 90))
def test_days_after_the_end_of_the_month(issued, count):
    (_, due) = terms.due_dates(terms.parse_terms(f"{count} eom"), issued)[0]
    last = due - timedelta(days=count)
    assert (last.year, last.month) == (issued.year, issued.month)
    assert (last + timedelta(days=1)).day == 1


def test_leap_years():
    assert dates("0 eom", date(2028, 2, 3)) == [("100", "2028-02-29")]
    assert dates("net 1", date(2028, 2, 28)) == [("100", "2028-02-29")]


@given(days, st.data())
def test_discount_steps_come_before_the_due_date_and_fall(issued, data):
    steps = data.draw(st.lists(st.integers(0, 29), min_size=1, max_size=4, unique=True).map(sorted))
    percents = data.draw(st.lists(st.integers(1, 900), min_size=len(steps), max_size=len(steps), unique=True))
    shown = [f"{Decimal(p) / 10}" for p in sorted(percents, reverse=True)]
    text = " ".join(f"{p}/{d}" for p, d in zip(shown, steps, strict=True)) + " net 30"
    parsed = terms.parse_terms(text)
    found = terms.discount_steps(parsed, issued)
    assert found == tuple((Decimal(p), issued + timedelta(days=d)) for p, d in zip(shown, steps, strict=True))
    assert all(day < terms.due_dates(parsed, issued)[0][1] for _, day in found)


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "30", "net", "net thirty", "net -1", "net 30 days", "net 99999", "eom", "14 eom net 30",
        "2/10", "2/10 due on receipt", "2/10 14 eom", "2/10 net 0", "2/30 net 30", "2/40 net 30",
        "0/10 net 30", "101/10 net 30", "2/10 3/14 net 30", "2/10 2/14 net 30", "3/14 2/7 net 30",
        "3/7 2/7 net 30", "2/10net 30", "2,5/10 net 30",
        "net\t30\n;", "ｎｅｔ 30", "net ٣٠", "x" * 5000, 30, 1.5, True, [], b"net 30",
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_terms_is_refused_with_the_fix(value):
    found = problems(value)
    assert list(found) == ["terms"]
    assert len(found["terms"]) < 300


@given(days, st.lists(st.tuples(st.integers(1, 60), st.integers(0, 120)), min_size=1, max_size=8), st.data())
def test_a_schedule_is_in_order_of_date_and_its_amounts_sum_up(issued, rows, data):
    whole = sum(weight for weight, _ in rows)
    percents = [Decimal(weight * 100 // whole) for weight, _ in rows]
    percents[-1] += 100 - sum(percents)
    rows = [(str(percent), f"net {net}") for percent, (_, net) in zip(percents, rows, strict=True) if percent]
    dues = terms.due_dates(terms.parse_terms(schedule(*rows)), issued)
    assert sum(percent for percent, _ in dues) == 100
    assert [day for _, day in dues] == sorted(day for _, day in dues)
    total = data.draw(st.integers(-(10**12), 10**12))
    amounts = terms.split(total, dues)
    assert sum(amounts) == total
    assert all(abs(amount - total * p / 100) < 1 for amount, (p, _) in zip(amounts, dues, strict=True))


def test_a_schedule_with_every_kind_of_due():
    rows = schedule(("12.5", "2026-12-01"), (30, "due on receipt"), ("37.5", "14 eom"), ("20", "2026-01-01"))
    assert dates(rows) == [
        ("30", "2026-10-08"), ("20", "2026-10-08"), ("37.5", "2026-11-14"), ("12.5", "2026-12-01"),
    ]  # fmt: skip
    assert terms.discount_steps(terms.parse_terms(rows), ISSUED) == ()


def test_thirds_are_split_without_losing_a_cent():
    rows = schedule(("33.333", "net 10"), ("33.333", "net 20"), ("33.334", "net 30"))
    assert terms.split(100_00, terms.due_dates(terms.parse_terms(rows), ISSUED)) == [33_33, 33_33, 33_34]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({}, "terms"), ({"schedule": None}, "terms"), ({"schedule": []}, "terms"),
        ({"schedule": "net 30"}, "terms"),
        ({"schedule": [], "net": 1}, "terms"),
        (schedule(("30", "net 0"), ("60", "net 30")), "terms.schedule"),
        (schedule(*[("1", "net 0")] * 100), "terms.schedule"),
        ({"schedule": [30, 70]}, "terms.schedule[0]"),
        ({"schedule": [{"percent": "100"}]}, "terms.schedule[0]"),
        ({"schedule": [{"percent": "100", "due": "net 1", "amount": "5"}]}, "terms.schedule[0]"),
    ],
)  # fmt: skip
def test_a_malformed_schedule_is_refused_at_or_below_its_path(value, path):
    assert any(found.startswith(path) for found in problems(value))


@pytest.mark.parametrize(
    "percent",
    [True, None, 30.0, "0", "-1", "101", "1e1", "1E1", " 30", "3_0", "NaN", "٣٠", "1.123456", "+30", ""],
)
def test_a_percent_is_a_plain_decimal(percent):
    assert "terms.schedule[0].percent" in problems(schedule((percent, "net 0"), ("70", "net 30")))


@pytest.mark.parametrize(
    "due",
    [None, 30, "", "soon", "2/10 net 30", "2026-02-30", "20261201", "2026-W01-1", "01.12.2026", "2026-12-1"],
)
def test_a_due_is_a_net_term_or_a_date_as_iso_writes_it(due):
    assert "terms.schedule[0].due" in problems(schedule(("30", due), ("70", "net 30")))


def test_every_problem_of_a_schedule_is_named():
    found = problems(schedule(("x", "net 0"), ("70", "soon")))
    assert set(found) == {"terms.schedule[0].percent", "terms.schedule[1].due"}


def test_below_an_empty_path_names_begin_without_a_dot():
    assert set(problems(schedule(("x", "net 0"), ("70", "soon")), path="")) == {
        "schedule[0].percent",
        "schedule[1].due",
    }


@pytest.mark.parametrize("year", [1, 1989, 2200, 9999])
def test_what_is_agreed_lies_in_the_years_we_reckon_with(year):
    """Older agreements are still read."""
    rows = schedule(("40", "net 7"), ("60", f"{year:04d}-12-31"))
    with pytest.raises(Invalid, match=r"^terms\.schedule\[1\]\.due: must lie between 1990 and 2199"):
        terms.agreed(rows)
    assert terms.parse_terms(rows).dues[1].on == date(year, 12, 31)
    assert len(terms.agreed(schedule(("40", "1990-01-01"), ("60", "2199-12-31"))).dues) == 2
    assert terms.agreed("2/10 net 30") == terms.parse_terms("2/10 net 30")
