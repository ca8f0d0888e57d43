"""How far statements reach: up to what is missing, in whatever order they are read."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.balances import Span, reach

FIRST = date(2026, 1, 1)


def span(day: int, opening: int, closing: int) -> Span:
    on = FIRST + timedelta(days=day)
    at = datetime(on.year, on.month, on.day, 20, tzinfo=UTC)
    return Span(
        file=f"f{day}", currency="EUR", opened_on=on, closed_on=on, created_at=at, opening=opening, closing=closing
    )


@given(moved=st.lists(st.integers(1, 999), min_size=3, max_size=12), data=st.data())
def test_it_reaches_as_far_as_nothing_is_missing(moved: list[int], data: st.DataObject) -> None:
    """Every day moves the balance up, so no balance returns by chance."""
    spans = [span(day, sum(moved[:day]), sum(moved[: day + 1])) for day in range(len(moved))]
    lost = data.draw(st.integers(1, len(moved)))
    left = data.draw(st.permutations([each for each in spans if each.file != f"f{lost}"]))
    found = reach(left, FIRST)
    assert (found.last.closed_on if found.last else FIRST) == FIRST + timedelta(days=min(lost, len(moved)) - 1)
    if lost < len(moved) - 1:
        assert found.gap is not None
        assert (found.gap.file, found.gap.amount) == (f"f{lost + 1}", moved[lost])
    else:
        assert found.gap is None
    trusted = reach(left, FIRST, trusted=f"f{lost + 1}")
    assert trusted.gap is None
