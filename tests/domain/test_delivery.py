"""The state of a delivery: the same from every order and any number of repeats."""

from __future__ import annotations

from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery import ARRIVED, EVENTS, FAILED, STATES, advance

REPORTS = st.lists(st.sampled_from(sorted(EVENTS)), max_size=8)


@given(REPORTS, st.randoms(use_true_random=False))
def test_no_order_and_no_repeat_changes_the_end(reports: list[str], random) -> None:
    shuffled = reports + random.choices(reports, k=5) if reports else []
    random.shuffle(shuffled)
    assert reduce(advance, shuffled, "accepted") == reduce(advance, reports, "accepted")


@given(st.sampled_from(STATES), st.sampled_from(sorted(EVENTS)))
def test_a_report_told_twice_says_nothing_new_and_none_takes_a_state_back(state: str, event: str) -> None:
    after = advance(state, event)
    assert advance(after, event) == after
    assert STATES.index(after) >= STATES.index(state)


@pytest.mark.parametrize(
    ("reports", "end"),
    [
        ((), "accepted"),
        (("processed",), "processed"),
        (("processed", "deferred", "delivered"), "delivered"),
        (("processed", "deferred", "blocked"), "blocked"),
        (("dropped",), "dropped"),
        (("processed", "bounced"), "bounced"),
        (("processed", "delivered", "bounced"), "bounced"),
        (("processed", "delivered", "spam_report"), "spam_report"),
    ],
)
def test_the_lives_of_a_mail_in_every_order(reports: tuple[str, ...], end: str) -> None:
    assert {reduce(advance, order, "accepted") for order in permutations(reports)} == {end}


def test_what_has_arrived_has_not_failed_and_a_spam_report_is_an_arrival() -> None:
    assert not ARRIVED & FAILED
    assert "spam_report" in ARRIVED
    assert set(STATES) - ARRIVED - FAILED == {"accepted", "processed", "deferred"}


def test_a_word_that_is_no_state_is_an_error() -> None:
    with pytest.raises(ValueError, match="opened"):
        advance("accepted", "opened")
