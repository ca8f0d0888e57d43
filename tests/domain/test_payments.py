"""Which reasons of a bank or a card network stop the ladder for a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.payments import LACK_OF_FUNDS, contested


@pytest.mark.parametrize("reason", ["insufficient_funds", "AM04", "AC04", "bank_cannot_process"])
def test_a_debit_that_was_not_paid_is_chased_again(reason: str) -> None:
    assert not contested(reason)


@pytest.mark.parametrize("reason", ["MD01", "MD06", "fraudulent", "debit_not_authorized", "general", ""])
def test_a_payer_who_objects_is_asked_by_a_person_first(reason: str) -> None:
    assert contested(reason)


@given(st.text())
def test_what_nobody_knows_counts_as_contested(reason: str) -> None:
    assert contested(reason) == (reason not in LACK_OF_FUNDS)
