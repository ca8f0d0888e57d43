"""`status` is JSON whatever the books hold, its sums hold the identity of the contract, and it tells what is next."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings

from domain import lifecycle
from domain.account import Account, Phase
from domain.actions import Wait
from domain.details import details
from domain.errors import Problem
from domain.policy import Policy
from domain.status import status
from schemas.commands import EXAMPLES
from tests.domain.accounts import account, delivery, dispute, due, hold, policy, promise, subject, utc
from tests.domain.strategies import Case, cases

NOW = utc("2026-02-01T09:00")
FIELDS = (
    "contract request_hash reference seller number documents state flags pauses hash currency total charges paid "
    "credited discounted written_off withheld balance disputed pending customer_credit dues disputes promises warnings "
    "problems mode policy next waits_for commands"
).split()


def shown(was: Account, rules: Policy, now: datetime) -> dict[str, Any]:
    action = lifecycle.next_action(was, rules, now)
    said = status(was, rules, action, now, was.workflow_id, (), EXAMPLES)
    assert json.loads(json.dumps(said, allow_nan=False)) == said
    return said


@settings(max_examples=150)
@given(cases())
def test_it_is_json_and_the_identity_holds(case: Case) -> None:
    was, rules, now = case
    said = shown(was, rules, now)
    assert set(FIELDS) <= said.keys()
    down = ("paid", "credited", "discounted", "written_off", "withheld")
    rest = Decimal(said["total"]) + Decimal(said["charges"]) - sum(Decimal(said[name]) for name in down)
    assert Decimal(said["balance"]) == rest
    assert sum(Decimal(d["open"]) for d in said["dues"]) == max(rest, Decimal(0))
    assert 0 <= Decimal(said["disputed"]) <= max(rest, Decimal(0))
    assert said["state"] == lifecycle.state(was, now)
    action = lifecycle.next_action(was, rules, now)
    assert said["waits_for"] == (action.what if isinstance(action, Wait) else None)
    assert said["next"]["at"] is None or said["next"]["at"].endswith("Z")
    assert bool(said["commands"]) is (not was.closed or was.number is not None)


def test_every_pause_with_its_amount_and_end() -> None:
    was = account(
        holds=(hold("2026-02-10T23:00"), hold("2026-01-10T23:00")),
        disputes=(dispute(50_00), dispute(1_00, "rejected", "d2")),
        promises=(promise("2026-02-20", 60_00),),
        pending_payment=9_00,
        phase=Phase.ESCALATED,
    )
    assert [(p["kind"], p["amount"], p["until"]) for p in shown(was, policy(), NOW)["pauses"]] == [
        ("on_hold", "119.00", "2026-02-10T23:00:00Z"),
        ("disputed", "50.00", None),
        ("promised", "60.00", "2026-02-20"),
        ("payment_pending", "9.00", None),
        ("escalated", "119.00", None),
    ]


def test_what_is_next_when_and_why() -> None:
    said = shown(account(), policy(), NOW)
    assert said["next"] == {"what": "reminder D-3", "at": "2026-02-03T07:00:00Z", "why": "the next rung of the ladder"}
    assert said["waits_for"] == "reminder D-3"
    assert (said["id"], said["state"], said["flags"]) == ("invoice-demo-R1", "collecting", [])


def test_dues_show_what_is_open_of_each() -> None:
    said = shown(account(dues=(due("2026-02-06", 60_00), due("2026-03-06", 59_00, "2")), paid=70_00), policy(), NOW)
    assert [(d["id"], d["amount"], d["open"]) for d in said["dues"]] == [
        ("1", "60.00", "0.00"),
        ("2", "59.00", "49.00"),
    ]
    assert said["flags"] == ["part_paid"]


def test_the_commands_that_make_sense_come_first() -> None:
    def first(was: Account, count: int) -> list[str]:
        return [c["name"] for c in shown(was, policy(), NOW)["commands"]][:count]

    assert first(account(subjects=(subject(),)), 2) == ["approve", "reject"]
    assert first(account(messages=(delivery("2026-01-07T09:00", "held"),), delivered_at=None), 2) == ["send", "skip"]
    assert first(account(disputes=(dispute(50_00),)), 1) == ["resolve"]
    assert first(account(holds=(hold(),)), 1) == ["release"]
    assert first(account(phase=Phase.PAID, number="RE-2026-1", paid=119_00), 3) == ["credit", "refund", "note"]
    lost = account(phase=Phase.WRITTEN_OFF, number="RE-2026-1", written_off=119_00, bad_debt=119_00)
    assert first(lost, 4) == ["pay", "credit", "refund", "note"]
    assert first(account(phase=Phase.CANCELLED, number=None), 1) == []


def test_an_unreadable_request_says_what_is_wrong_where() -> None:
    said = status(None, None, None, NOW, "invoice-demo-R1", (Problem("lines[0].tax", "is missing"),), EXAMPLES)
    assert (said["contract"], said["state"]) == (1, "invalid")
    assert said["problems"] == [{"path": "lines[0].tax", "message": "is missing"}]
    assert [c["name"] for c in said["commands"]] == ["amend", "cancel"]
    json.dumps(said)


def test_before_anything_is_drafted_every_field_is_there() -> None:
    """With what the id says, and null or nothing for the rest."""
    drafted = shown(account(), policy(), NOW)
    for problems in ((), (Problem("", "is none"),)):
        said = status(None, None, None, NOW, "invoice-demo-R1", problems, EXAMPLES, "sha256:1")
        assert said.keys() == drafted.keys()
        assert (said["seller"], said["reference"], said["request_hash"]) == ("demo", "R1", "sha256:1")
        assert (said["balance"], said["dues"], said["policy"]) == (None, [], {"name": None, "version": None})
    elsewhere = status(None, None, None, NOW, "no-invoice", (), EXAMPLES)
    assert (elsewhere["seller"], elsewhere["reference"], elsewhere["request_hash"]) == (None, None, None)


def test_a_request_that_was_cancelled_before_it_could_be_read_asks_for_nothing() -> None:
    problems = (Problem("lines[0].tax", "is missing"),)
    said = status(None, None, None, utc("2026-02-01T09:00"), "invoice-demo-R1", problems, EXAMPLES, ended=True)
    assert (said["state"], said["commands"], said["waits_for"]) == ("cancelled", [], "closed")
    assert said["next"] == {"what": "closed", "at": None, "why": "cancelled before issue"}
    assert said["problems"] == [{"path": "lines[0].tax", "message": "is missing"}]
    page = details(None, None, None, utc("2026-02-01T09:00"), "invoice-demo-R1", problems, EXAMPLES, (), True)
    assert "It was cancelled." in page
    assert "amend" not in page
