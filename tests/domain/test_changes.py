"""Whoever approved the first content learns of every difference in the second."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.changes import Change, changes, every
from domain.document import Bank, Draft, DraftWarning, Period, compute, content_hash
from tests.domain.test_document import ADDRESS, BUYER, draft, drafts, full, line


def priced(*lines: Any, **more: Any) -> Draft:
    return compute(draft(*lines, **more))


def told(old: Draft, new: Draft) -> dict[str, tuple[Any, Any]]:
    return {each.what: (each.before, each.after) for each in changes(old, new)}


def test_nothing_changed_and_remarks_are_no_content() -> None:
    assert changes(full(), replace(full(), remarks=(DraftWarning("vat_id", "x"),))) == ()


def test_another_price_shows_with_what_follows_from_it() -> None:
    found = changes(priced(line("100")), priced(line("120.5")))
    assert found[0] == Change("line.unit_price", Decimal(100), Decimal("120.5"), "Work")
    assert [each.what for each in found[1:]] == [
        *("line.net", "breakdown", "totals.line_net", "totals.taxable", "totals.tax", "totals.total"),
    ]
    assert told(priced(line("100")), priced(line("120.5")))["totals.total"] == (11_900, 14_340)


def test_a_line_before_the_others_is_one_that_came_not_three_that_changed() -> None:
    old = [line("1", id="1", description="a"), line("2", id="2", description="b")]
    new = [line("9", id="1", description="new"), replace(old[0], id="2"), replace(old[1], id="3")]
    found = [each for each in changes(priced(*old), priced(*new)) if each.what.startswith("line")]
    assert [(each.what, each.before, each.about) for each in found] == [("line", None, "new")]


def test_another_thing_under_the_same_number_is_one_that_went_and_one_that_came() -> None:
    old, new = line("5", description="Licence"), line("7", description="Travel")
    found = [each for each in changes(priced(old), priced(new)) if each.what.startswith("line")]
    assert [(each.what, each.before is None, each.about) for each in found] == [
        ("line", False, "Licence"),
        ("line", True, "Travel"),
    ]
    for akin in (replace(new, unit_price=old.unit_price), replace(new, description="Licence")):
        assert "line" not in told(priced(old), priced(akin))


def test_of_two_lines_alike_one_may_go() -> None:
    twins = [line("5", id="1"), line("5", id="2")]
    found = [each for each in changes(priced(*twins), priced(twins[0])) if each.what.startswith("line")]
    assert [(each.what, each.after, each.about) for each in found] == [("line", None, "Work")]


def test_the_order_of_lines_is_a_change() -> None:
    old = [line("1", id="1", description="a"), line("2", id="2", description="b")]
    assert told(priced(*old), priced(*reversed(old))) == {"lines": (("1", "2"), ("2", "1"))}


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"customer": replace(BUYER, name="Globex AG")}, "customer.name"),
        ({"customer": replace(BUYER, email="new@b.example")}, "customer.email"),
        ({"customer": replace(BUYER, address=replace(ADDRESS, city="Bonn"))}, "customer.address"),
        ({"terms": "net 14"}, "terms"),
        ({"bank": Bank("DE02120300000000202051")}, "bank"),
        ({"period": Period(date(2026, 1, 1), date(2026, 1, 31))}, "period"),
        ({"purchase_order": "4500"}, "purchase_order"),
    ],
)
def test_what_else_can_change_is_named(more: dict[str, Any], what: str) -> None:
    assert list(told(priced(), priced(**more))) == [what]


@settings(max_examples=60)
@given(drafts(), drafts(), st.randoms(use_true_random=False))
def test_no_difference_goes_untold_and_each_names_both_sides(one: Draft, two: Draft, dice: random.Random) -> None:
    old = compute(one)
    mixed = list(one.lines)
    mixed[: len(mixed) // 2] = dice.sample(two.lines, min(len(two.lines), len(mixed) // 2))
    # Each line has a number of its own, as in every request.
    numbered = tuple(replace(each, id=str(i)) for i, each in enumerate(mixed))
    new = replace(old, lines=numbered, adjustments=two.adjustments)
    there, back = changes(old, new), changes(new, old)
    assert bool(there) is (content_hash(old) != content_hash(new))
    assert {each.what for each in there} <= set(every())
    assert all(each.before != each.after for each in there)

    def mirrored(found: tuple[Change, ...]) -> list[tuple[str, str, str]]:
        return sorted((each.what, repr(each.before), repr(each.after)) for each in found)

    assert mirrored(there) == mirrored(tuple(replace(each, before=each.after, after=each.before) for each in back))
