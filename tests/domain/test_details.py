"""The details a person reads in the Web UI: at most 4 KB, strangers' text inert, and always what can be done."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import lifecycle
from domain.account import Account, Repayment
from domain.details import details
from domain.errors import Problem
from domain.policy import Policy
from schemas.commands import EXAMPLES
from tests.domain.accounts import account, dispute, policy, subject, utc
from tests.domain.strategies import Case, cases, hostile

NOW = utc("2026-02-01T09:00")
MARKUP = re.compile(r"(?<!\\)(?:<|\[|\]\()|(?<!\\):(?=//)")


def shown(was: Account, rules: Policy | None = None, refusals: tuple[str, ...] = ()) -> str:
    rules = rules or policy()
    action = lifecycle.next_action(was, rules, NOW)
    return details(was, rules, action, NOW, was.workflow_id, (), EXAMPLES, refusals)


def prose(text: str) -> list[str]:
    """Every line outside the code blocks with JSON, and without code spans."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"```json\n.*\n```", "", text)).splitlines()


def inert(text: str) -> None:
    assert len(text.encode()) <= 4096
    for line in prose(text):
        assert not MARKUP.search(line), line
        assert line == "" or line.startswith(("### ", "#### ", "**", "- ", "Paste as input")), line
    headings = [line.split(" ", 1)[1] for line in text.splitlines() if line.startswith("#")]
    assert set(headings[1:]) <= {"So far", "What you can do", "Signals refused lately (the audit has each)"}


@settings(max_examples=100, deadline=None)
@given(cases(), st.lists(hostile, max_size=3))
def test_whatever_strangers_wrote_it_is_short_and_inert(case: Case, refusals: list[str]) -> None:
    was, rules, now = case
    action = lifecycle.next_action(was, rules, now)
    inert(details(was, rules, action, now, was.workflow_id, (), EXAMPLES, tuple(refusals)))


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80) | hostile, st.lists(st.builds(Problem, hostile, hostile), min_size=1, max_size=30))
def test_an_unreadable_request_is_as_inert(where: str, problems: list[Problem]) -> None:
    text = details(None, None, None, NOW, where, problems, EXAMPLES, ())
    inert(text)
    assert '"request":' in text


def test_what_a_person_can_do_is_never_pushed_out() -> None:
    loud = account(disputes=tuple(dispute(1, None, f"d{n}", "*<" * 400) for n in range(30)))
    text = shown(loud, refusals=("x" * 300,) * 20)
    inert(text)
    assert '{"by": "…", "dispute": "d0", "outcome": "rejected"}' in text
    assert text.count("```") % 2 == 0
    assert "**Next:** " in text
    assert "and more, see `status`" in text


def test_what_waits_for_approval_is_ready_to_paste() -> None:
    text = shown(account(subjects=(subject(),)))
    assert f'"subject": "credit-1", "hash": "{subject().hash}"' in text
    assert "- waits for approval: credit-1, 50.00 EUR" in text


@pytest.mark.parametrize(("paid", "said"), [(0, "**119.00 EUR** open of 119.00 EUR"), (19_00, "- paid: 19.00")])
def test_the_numbers_are_there(paid: int, said: str) -> None:
    text = shown(replace(account(), paid=paid))
    assert said in text
    assert "**Next:** reminder D-3 (2026-02-03 07:00 UTC)." in text


def test_money_to_be_paid_back_is_shown_with_its_amount():
    waiting = account(repayments=(Repayment(key="invoice-demo-1/refund-1", amount=50_00),))
    told = shown(waiting).replace("\\", "")
    assert "- to be paid back: 50.00 EUR" in told
    assert "**Next:** refund" in told
    assert "a refund of 50.00 EUR was granted" in told
