"""Categories, rates by date, the breakdown's rounding, and loss-free parts of a gross amount."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import rates, tax
from domain.errors import Invalid
from domain.tax import Breakdown, Category, TaxLine

TODAY = date(2026, 11, 20)
D = Decimal

standard = st.sampled_from([D("5.5"), D(7), D("8.1"), D(19), D("25.5")]).map(lambda r: (Category.S, r))
zero = st.sampled_from([c for c in Category if c is not Category.S]).map(lambda c: (c, D(0)))
lines = st.lists(
    st.builds(lambda key, net: TaxLine(key[0], key[1], net), standard | zero, st.integers(-(10**9), 10**9)),
    max_size=12,
)
owed = st.lists(
    st.builds(lambda key, net: TaxLine(key[0], key[1], net), standard | zero, st.integers(1, 10**9)),
    min_size=1,
    max_size=8,
)


def test_the_categories_of_en_16931():
    assert [str(c) for c in Category] == ["S", "Z", "E", "AE", "K", "G", "O"]
    assert {c for c in Category if not c.needs_rate_zero} == {Category.S}
    assert {c for c in Category if c.needs_reason} == set(Category) - {Category.S, Category.Z}
    assert all(bool(c.reason) is c.needs_reason for c in Category)
    assert {str(c): c.vatex for c in Category if c.vatex} == {
        "AE": "VATEX-EU-AE", "K": "VATEX-EU-IC", "G": "VATEX-EU-G", "O": "VATEX-EU-O",
    }  # fmt: skip


@pytest.mark.parametrize("category", list(Category))
def test_only_s_has_a_rate_and_needs_one(category):
    at_zero, at_19 = (tax.check(category, D(rate), "lines[0].tax") for rate in ("0", "19"))
    assert (bool(at_zero), bool(at_19)) == ((True, False) if category is Category.S else (False, True))
    assert all(problem.path == "lines[0].tax.rate" for problem in at_zero + at_19)


@pytest.mark.parametrize("rate", ["-1", "100.01", "NaN", "Infinity"])
def test_a_rate_is_a_percentage(rate):
    (problem,) = tax.check(Category.S, D(rate), "")
    assert (problem.path, "0 to 100" in problem.message) == ("rate", True)


@given(lines)
def test_the_breakdown_taxes_each_category_and_rate_once_half_up(given_lines):
    rows = tax.breakdown(given_lines, "EUR")
    keys = [(row.category, row.rate) for row in rows]
    assert keys == sorted(set(keys), key=lambda key: (list(Category).index(key[0]), -key[1]))
    assert sum(row.taxable for row in rows) == sum(line.net for line in given_lines)
    for row in rows:
        mine = [line.net for line in given_lines if (line.category, line.rate) == (row.category, row.rate)]
        exact = Fraction(sum(mine)) * Fraction(row.rate) / 100
        assert row.taxable == sum(mine)
        assert abs(row.tax - exact) <= Fraction(1, 2)
        assert abs(row.tax - exact) < Fraction(1, 2) or abs(row.tax) > abs(exact)
        assert row.reason == row.category.reason


@given(lines)
def test_a_credit_of_everything_has_the_negated_breakdown(given_lines):
    negated = [TaxLine(line.category, line.rate, -line.net) for line in given_lines]
    mirror = [(r.category, r.rate, -r.taxable, -r.tax) for r in tax.breakdown(negated, "EUR")]
    assert mirror == [(r.category, r.rate, r.taxable, r.tax) for r in tax.breakdown(given_lines, "EUR")]


def test_tax_is_rounded_once_a_row_not_once_a_line():
    (row,) = tax.breakdown([TaxLine(Category.S, D(rate), 3) for rate in ("19", "19.0", "1.9E+1")], "EUR")
    assert (row.rate, str(row.rate), row.taxable, row.tax) == (D(19), "19", 9, 2)
    assert tax.breakdown([TaxLine(Category.S, D("25"), 2)], "EUR")[0].tax == 1
    assert tax.breakdown([], "EUR") == ()
    assert str(tax.breakdown([TaxLine(Category.S, D("2E+1"), 100)], "EUR")[0].rate) == "20"
    with pytest.raises(Invalid):
        tax.breakdown([], "XXX")


@given(owed, st.data())
def test_a_part_is_spread_without_losing_a_cent(given_lines, data):
    rows = tax.breakdown(given_lines, "EUR")
    whole = sum(row.gross for row in rows)
    part = data.draw(st.integers(-whole, whole))
    scaled = tax.scale(rows, part)
    assert sum(row.gross for row in scaled) == part
    assert [(r.category, r.rate, r.reason) for r in scaled] == [(r.category, r.rate, r.reason) for r in rows]
    for row, share in zip(rows, scaled, strict=True):
        assert abs(share.gross - Fraction(part * row.gross, whole)) < 1
        assert abs(share.tax - Fraction(share.gross * row.tax, row.gross)) <= Fraction(1, 2)
        assert abs(share.tax) <= abs(share.gross)
    mirror = tax.scale(rows, -part)
    if abs(part) != whole:
        assert [(-r.taxable, -r.tax) for r in mirror] == [(r.taxable, r.tax) for r in scaled]


@given(lines, st.integers(-(10**9), 10**9))
def test_rows_below_zero_are_spread_too(given_lines, part):
    rows = tax.breakdown(given_lines, "EUR")
    whole = sum(row.gross for row in rows)
    if whole == 0 and part != 0:
        with pytest.raises(ValueError, match="zero"):
            tax.scale(rows, part)
        return
    scaled = tax.scale(rows, part)
    assert sum(row.gross for row in scaled) == part
    if whole:
        exact = [Fraction(part * row.gross, whole) for row in rows]
        assert all(abs(s.gross - e) < 1 for s, e in zip(scaled, exact, strict=True))


@given(lines)
def test_the_whole_gives_the_rows_themselves(given_lines):
    rows = tax.breakdown(given_lines, "EUR")
    assert tax.scale(rows, sum(row.gross for row in rows)) == rows


@given(owed, st.data())
def test_what_is_scaled_step_by_step_adds_up_to_the_whole(given_lines, data):
    rows = left = tax.breakdown(given_lines, "EUR")
    seen = [(0, 0)] * len(rows)
    for _ in range(2):
        step = tax.scale(left, data.draw(st.integers(0, sum(row.gross for row in left))))
        left = tuple(
            Breakdown(r.category, r.rate, r.taxable - s.taxable, r.tax - s.tax, r.reason)
            for r, s in zip(left, step, strict=True)
        )
        seen = [(n + s.taxable, t + s.tax) for (n, t), s in zip(seen, step, strict=True)]
    rest = tax.scale(left, sum(row.gross for row in left))
    total = [(n + r.taxable, t + r.tax) for (n, t), r in zip(seen, rest, strict=True)]
    assert total == [(row.taxable, row.tax) for row in rows]


CHANGES = """
DE 2020-06-30 19
DE 2020-07-01 16
DE 2020-12-31 16
DE 2021-01-01 19
EE 2023-12-31 20
EE 2024-01-01 22
EE 2025-06-30 22
EE 2025-07-01 24
RO 2025-07-31 19
RO 2025-08-01 21
SK 2024-12-31 20
SK 2025-01-01 23
FI 2024-08-31 24
FI 2024-09-01 25.5
IE 2020-09-01 21
IE 2021-03-01 23
LU 2022-12-31 17
LU 2023-06-30 16
LU 2024-01-01 17
CH 2023-12-31 7.7
CH 2024-01-01 8.1
"""


@pytest.mark.parametrize(("country", "day", "rate"), [row.split() for row in CHANGES.strip().splitlines()])
def test_a_rate_changes_on_its_day(country, day, rate):
    assert tax.standard_rate(country, date.fromisoformat(day)) == D(rate)


STANDARD_2026 = """
AT=20 BE=21 BG=20 CH=8.1 CY=19 CZ=21 DE=19 DK=25 EE=24 ES=21 FI=25.5 FR=20 GB=20 GR=24
HR=25 HU=27 IE=23 IT=22 LT=21 LU=17 LV=21 MT=18 NL=21 NO=25 PL=23 PT=23 RO=21 SE=25 SI=22
SK=23
"""


def test_standard_rates_today():
    today = [f"{country}={tax.standard_rate(country, TODAY)}" for country in rates.RATES]
    assert sorted(today) == STANDARD_2026.split()
    assert set(rates.RATES) == rates.EU | {"GB", "CH", "NO"}
    assert len(rates.EU) == 27


@pytest.mark.parametrize("country", sorted(rates.RATES))
def test_periods_are_in_order_and_reduced_rates_are_lower(country):
    periods = rates.RATES[country]
    assert periods[0].start == date(2020, 1, 1)
    assert all(a.start < b.start and (a.standard, a.reduced) != (b.standard, b.reduced) for a, b in pairwise(periods))
    assert all(0 < rate < period.standard for period in periods for rate in period.reduced)


def test_known_rates_hold_the_reduced_ones():
    assert tax.known_rates("DE", TODAY) == {D(19), D(7)}
    assert tax.known_rates("DE", date(2020, 8, 1)) == {D(16), D(5)}
    assert tax.known_rates("DK", TODAY) == {D(25)}
    assert tax.known_rates("MC", TODAY) == tax.known_rates("FR", TODAY)


@pytest.mark.parametrize(("country", "day"), [("US", TODAY), ("DE", date(2019, 12, 31)), ("", TODAY), ("de", TODAY)])
def test_no_rate_is_guessed(country, day):
    for ask in (tax.standard_rate, tax.known_rates):
        with pytest.raises(Invalid, match="no VAT rate is known"):
            ask(country, day)


DEFAULTS = [
    # seller, registered, customer, VAT id, kind, category, rate
    ("DE", True, "DE", "DE136695976", "business", "S", "19"),
    ("DE", True, "FR", "FR40303265045", "business", "AE", "0"),
    ("DE", True, "FR", "FR40303265045", "public", "AE", "0"),
    ("DE", True, "GR", "EL123456789", "business", "AE", "0"),
    ("DE", True, "FR", "fr 40303265045", "business", "AE", "0"),
    ("DE", True, "FR", None, "business", "S", "19"),
    ("DE", True, "FR", "", "business", "S", "19"),
    ("DE", True, "FR", "US123", "business", "S", "19"),
    ("DE", True, "FR", "DE136695976", "business", "S", "19"),
    ("DE", True, "FR", "FR40303265045", "consumer", "S", "19"),
    ("DE", True, "US", None, "business", "G", "0"),
    ("DE", True, "US", None, "public", "G", "0"),
    ("DE", True, "US", None, "consumer", "S", "19"),  # Art. 45, wherever the consumer lives
    ("AT", True, "CH", None, "consumer", "S", "20"),
    ("CH", True, "US", None, "consumer", "G", "0"),
    ("DE", True, "CH", "CHE123456789", "business", "G", "0"),
    ("DE", True, "GB", "GB999999973", "business", "G", "0"),
    ("FR", True, "MC", None, "consumer", "S", "20"),
    ("CH", True, "LI", None, "business", "S", "8.1"),
    ("CH", True, "DE", "DE136695976", "business", "G", "0"),
    ("GB", True, "GB", None, "business", "S", "20"),
    ("DE", False, "DE", None, "consumer", "E", "0"),
    ("DE", False, "US", None, "business", "E", "0"),
    ("US", False, "DE", None, "business", "O", "0"),
]


@pytest.mark.parametrize(("seller", "registered", "customer", "vat_id", "kind", "category", "rate"), DEFAULTS)
def test_the_default_tax_and_its_reason(seller, registered, customer, vat_id, kind, category, rate):
    got, percent, why = tax.default_tax(seller, registered, customer, vat_id, kind, TODAY)
    assert (str(got), percent) == (category, D(rate))
    assert tax.check(got, percent, "tax") == []
    assert len(why) > 20
    assert not vat_id or vat_id not in why


def test_great_britain_was_a_member_state_until_2021():
    asked = ("DE", True, "GB", "GB999999973", "business")
    assert tax.default_tax(*asked, date(2020, 12, 31))[0] is Category.AE
    assert tax.default_tax(*asked, date(2021, 1, 1))[0] is Category.G


def test_the_default_follows_the_day_of_supply():
    days = [date(2020, 6, 30) + timedelta(days=ahead) for ahead in (0, 1)]
    assert [tax.default_tax("DE", True, "DE", None, "consumer", day)[1] for day in days] == [D(19), D(16)]


@pytest.mark.parametrize("customer", ["US", "DE"])
def test_a_registered_seller_without_a_table_must_give_the_tax(customer):
    with pytest.raises(Invalid, match="no VAT rates are known") as caught:
        tax.default_tax("US", True, customer, None, "business", TODAY)
    assert caught.value.problems[0].path == ""
