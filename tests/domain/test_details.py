"""The details a person reads in the Web UI: at most 4 KB, strangers' text inert, and always what can be done."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import lifecycle
from domain.account import Account, Person, Repayment
from domain.details import details
from domain.errors import Problem
from domain.exceptions import Question
from domain.policy import Policy
from domain.status import commands
from schemas.commands import EXAMPLES, parse_command
from tests.domain.accounts import account, dispute, more, policy, sent, subject, utc
from tests.domain.strategies import Case, cases, hostile

NOW = utc("2026-02-01T09:00")
PARTS = ("### ", "#### ", "**", "- ", "Paste as input", ": ", "More: ")
HEADINGS = {
    "A person must decide",
    "Where it stands",
    "What happened, the latest first",
    "What you can do",
    "Signals refused lately (the audit has each)",
}
MARKUP = re.compile(r"(?<!\\)(?:<|\[|\]\()|(?<!\\):(?=//)")


def shown(was: Account, rules: Policy | None = None, refusals: tuple[str, ...] = ()) -> str:
    rules = rules or policy()
    action = lifecycle.next_action(was, rules, NOW)
    return details(was, rules, action, NOW, was.workflow_id, (), EXAMPLES, refusals)


def prose(text: str) -> list[str]:
    """Every line outside the code blocks with JSON, and without code spans."""
    return re.sub(r"`[^`\n]*`", "", re.sub(r"```json\n.*?\n```", "", text, flags=re.DOTALL)).splitlines()


def offered(text: str) -> dict[str, Any]:
    """What can be pasted, by command."""
    return {name: json.loads(body) for name, body in re.findall(r"`(\w+)`: .*\n\n```json\n((?:.|\n)*?)\n```", text)}


def inert(text: str) -> None:
    assert len(text.encode()) <= 4096
    for line in prose(text):
        assert not MARKUP.search(line), line
        assert line == "" or line.startswith(PARTS), line
    headings = [line.split(" ", 1)[1] for line in text.splitlines() if line.startswith("#")]
    assert set(headings[1:]) <= HEADINGS


@settings(max_examples=100)
@given(cases(), st.lists(hostile, max_size=3))
def test_whatever_strangers_wrote_it_is_short_and_inert(case: Case, refusals: list[str]) -> None:
    was, rules, now = case
    action = lifecycle.next_action(was, rules, now)
    inert(details(was, rules, action, now, was.workflow_id, (), EXAMPLES, tuple(refusals)))


@settings(max_examples=100)
@given(cases())
def test_what_is_offered_can_be_pasted(case: Case) -> None:
    """Each is read as its command; where nothing is open any more, the amount is left to the person."""
    was, rules, now = case
    text = details(was, rules, lifecycle.next_action(was, rules, now), now, was.workflow_id, (), EXAMPLES, ())
    found = offered(text)
    assert list(found) == list(commands(was)[:5])
    for name, body in found.items():
        amount = {"amount": "1"} if body.get("amount") == "…" else {}
        parse_command(name, ({**body, **amount},))


def test_what_settles_the_nearest_question_comes_first() -> None:
    ended = account(
        exceptions=("last_rung", "rung"),
        questions=(Question(kind="last_rung", owner="ben", deadline=utc("2026-02-05T16:00")),),
    )
    text = shown(ended)
    assert list(offered(text))[:4] == ["plan", "extend", "hand_over", "write_off"]
    assert "- last rung: ben decides by 2026-02-05 17:00 (Europe/Berlin)" in text.replace("\\", "")


def test_whoever_only_clarifies_a_dispute_does_not_decide_it() -> None:
    ana, sam = Person(key="ana", roles=("approver",), limits={}), Person(key="sam", roles=("owner",), limits={})
    asked = (Question(kind="dispute", owner="sam", deadline=utc("2026-02-05T16:00")),)
    opened = (replace(dispute(1, None, "d1", "late"), owner="sam"),)
    told = shown(account(questions=asked, disputes=opened, people=(ana, sam)))
    assert "- dispute: sam clarifies, ana decides by 2026" in told.replace("\\", "")
    assert "sam decides" not in told
    told = shown(account(questions=asked, disputes=opened, people=(replace(sam, roles=("approver",)),)))
    assert "- dispute: sam decides by 2026" in told.replace("\\", "")


def test_a_stuck_message_is_named_by_its_key() -> None:
    held = sent("D+1", "2026-02-09T09:00", "held")
    assert offered(shown(more(account(), held)))["skip"] == {"by": "…", "message": held.key, "reason": "…"}


def test_the_latest_comes_first_and_the_oldest_goes_where_room_is_short() -> None:
    many = (sent(f"D+{day}", f"2026-02-{day:02d}T09:00") for day in range(1, 29))
    told = re.findall(r"^- (2026-\S+)", shown(more(account(), *many)), re.MULTILINE)
    assert told == [f"2026-02-{day}" for day in range(28, 18, -1)]


@settings(max_examples=100)
@given(st.text(max_size=80) | hostile, st.lists(st.builds(Problem, hostile, hostile), min_size=1, max_size=30))
def test_an_unreadable_request_is_as_inert(where: str, problems: list[Problem]) -> None:
    text = details(None, None, None, NOW, where, problems, EXAMPLES, ())
    inert(text)
    assert '"request":' in text


def test_what_a_person_can_do_is_never_pushed_out() -> None:
    loud = account(disputes=tuple(dispute(1, None, f"d{n}", "*<" * 400) for n in range(30)))
    text = shown(loud, refusals=("x" * 300,) * 20)
    inert(text)
    assert offered(text)["resolve"] == {"by": "…", "dispute": "d0", "outcome": "rejected"}
    assert text.count("```") % 2 == 0
    assert "**Next:** " in text
    assert "and more, see `status`" in text


def test_what_waits_for_approval_is_ready_to_paste() -> None:
    text = shown(account(subjects=(subject(),)))
    assert offered(text)["approve"] == {"by": "…", "subject": "credit-1", "hash": subject().hash}
    assert "- waits for approval: credit\\-1, 50.00 EUR" in text


@pytest.mark.parametrize(("paid", "said"), [(0, "**119.00 EUR open** of 119.00 EUR"), (19_00, "- paid: 19.00 EUR")])
def test_the_numbers_are_there(paid: int, said: str) -> None:
    text = shown(replace(account(), paid=paid))
    assert said in text
    assert "**Next:** reminder D\\-3, on 2026-02-03 08:00 (Europe/Berlin)." in text


def test_money_to_be_paid_back_is_shown_with_its_amount():
    waiting = account(repayments=(Repayment(key="invoice-demo-1/refund-1", amount=50_00),))
    told = shown(waiting).replace("\\", "")
    assert "- to be paid back: 50.00 EUR" in told
    assert "**Next:** refund" in told
    assert "a refund of 50.00 EUR was granted" in told
