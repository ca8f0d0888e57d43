"""The evidence for letting a rung go by itself: never more than what people said, and told what is missing."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.trust import BOUND, LEAST, Evidence, lower_bound, missing

counts = st.integers(0, 400)


def evidence(agreed: int, vetoed: int) -> Evidence:
    return Evidence(policy="p", rung="D+7", template="t", decided=agreed + vetoed, agreed=agreed, vetoed=vetoed)


@pytest.mark.parametrize(
    ("agreed", "judged", "percent"),
    # Worked out with the closed form in floating point: 10 of 10 is Wilson's well-known 72.2 %.
    [(0, 0, "0.0"), (0, 10, "0.0"), (5, 10, "23.6"), (10, 10, "72.2"), (50, 50, "92.8"), (189, 189, "98.0")],
)
def test_known_values(agreed: int, judged: int, percent: str) -> None:
    assert lower_bound(agreed, judged) == Decimal(percent)


@given(agreed=counts, vetoed=counts)
def test_the_bound_is_below_the_share_and_grows_with_agreement(agreed: int, vetoed: int) -> None:
    judged = agreed + vetoed
    low = lower_bound(agreed, judged)
    if judged:
        assert low * judged <= 100 * agreed
    assert lower_bound(agreed + 1, judged + 1) >= low
    assert lower_bound(agreed, judged + 1) <= low or low == 0


@given(agreed=counts, vetoed=st.integers(0, 5), bound=st.sampled_from(["50", "90", "98", "99.5"]))
def test_what_is_missing_is_the_least_that_suffices(agreed: int, vetoed: int, bound: str) -> None:
    wanted = Decimal(bound)
    told = missing(evidence(agreed, vetoed), least=1, bound=wanted)
    found = re.search(r": (\d+) more agreements", told)
    if found is None:
        assert lower_bound(agreed, agreed + vetoed) >= wanted
        return
    more = int(found[1])
    assert lower_bound(agreed + more, agreed + vetoed + more) >= wanted
    assert lower_bound(agreed + more - 1, agreed + vetoed + more - 1) < wanted


def test_it_says_how_many_decisions_are_missing() -> None:
    assert missing(evidence(10, 0)).startswith(f"{LEAST - 10} more decisions")
    assert missing(evidence(189, 0)) == ""
    assert lower_bound(189, 189) >= BOUND
    assert evidence(0, 0).share is None
    assert evidence(2, 1).share == Decimal("66.7")
