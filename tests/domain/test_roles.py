"""Who may do what is the contract's section 11, word for word."""

from __future__ import annotations

import pytest

from domain import roles
from domain.account import Person
from domain.errors import NotAllowed, Refused

CONTRACT = {
    "approver": {"approve", "reject", "resolve", "send", "skip", "amend"},
    "controller": {
        *("approve", "reject", "resolve", "send", "skip", "amend"),
        *("pay", "credit", "write_off", "refund", "hand_over", "extend", "plan", "accelerate"),
        *("hold", "release", "cancel"),
    },
    "owner": {"pay", "send", "skip", "hold", "release", "resend", "assign", "escalate", "amend"},
    "machine": {"amend", "cancel"},
}


def person(*held: str, active: bool = True, machine: bool = False) -> Person:
    return Person(key="pat", roles=held, limits={}, active=active, machine=machine)


def allowed(command: str, who: Person | None, before_issue: bool = True) -> bool:
    try:
        roles.check(command, "pat", who, before_issue)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize("role", CONTRACT)
def test_each_role_may_do_what_the_contract_says(role):
    assert {command for command in roles.ROLES if allowed(command, person(role))} == CONTRACT[role]


def test_a_machine_has_no_other_role_and_cancels_before_issue_only():
    crm = person("controller", "approver", machine=True)
    assert {command for command in roles.ROLES if allowed(command, crm)} == CONTRACT["machine"]
    assert not allowed("cancel", crm, before_issue=False)
    assert allowed("cancel", person("controller"), before_issue=False)


@pytest.mark.parametrize("command", sorted(roles.ANYONE))
def test_claims_are_taken_from_anybody(command):
    roles.check(command, "a stranger", None, before_issue=False)


def test_a_policy_may_take_more_as_a_claim_and_nothing_else():
    roles.check("plan", "a stranger", None, before_issue=False, claims=frozenset({"plan"}))
    for command in ("accelerate", "write_off"):
        with pytest.raises(NotAllowed):
            roles.check(command, "a stranger", None, before_issue=False, claims=frozenset({"plan"}))
    with pytest.raises(NotAllowed):
        roles.check("plan", "a stranger", None, before_issue=False)


def test_refusals_say_what_would_help():
    with pytest.raises(NotAllowed, match="zoe is not a person this seller knows; credit needs a controller"):
        roles.check("credit", "zoe", None, before_issue=False)
    with pytest.raises(NotAllowed, match="no longer active"):
        roles.check("credit", "pat", person("controller", active=False), before_issue=False)
    with pytest.raises(NotAllowed, match="pat has approver; pay needs a controller or owner"):
        roles.check("pay", "pat", person("approver"), before_issue=False)
    with pytest.raises(NotAllowed, match="pat has no role; approve needs an approver or controller"):
        roles.check("approve", "pat", person(), before_issue=True)
    with pytest.raises(Refused, match="there is no command aprove"):
        roles.check("aprove", "pat", person("approver"), before_issue=True)


@pytest.mark.parametrize(
    ("command", "how", "expected"),
    [
        ("credit", {}, True),
        ("write_off", {}, True),
        ("refund", {}, True),
        ("resolve", {"outcome": "accepted"}, True),
        ("resolve", {"outcome": "partly"}, True),
        ("resolve", {"outcome": "rejected"}, False),
        ("resolve", {"outcome": "withdrawn"}, False),
        ("extend", {"extended_days": 30}, False),
        ("extend", {"extended_days": 31}, True),
        ("hold", {}, False),
    ],
)
def test_money_out(command, how, expected):
    assert roles.money_out(command, person("controller"), before_issue=False, **how) is expected


def test_cancelling_and_paying_by_hand_are_money_out_for_some():
    assert roles.money_out("cancel", person("controller"), before_issue=False)
    assert not roles.money_out("cancel", person("controller"), before_issue=True)
    assert roles.money_out("pay", person("owner"), before_issue=False)
    assert not roles.money_out("pay", person("owner", "controller"), before_issue=False)
    assert set(roles.ROLES) >= roles.MONEY_OUT
