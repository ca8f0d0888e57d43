"""Why a message that was about to leave stays: said by the last look, and by a command that came between two attempts.
Decides nothing that `lifecycle.next_action` has not decided."""

from __future__ import annotations

from datetime import datetime

from domain import dunning, lifecycle
from domain.account import Account
from domain.actions import Action, Send, Wait, Why
from domain.messages import MessageState
from domain.policy import Policy


def why(account: Account, policy: Policy, action: Action, now: datetime) -> Why:
    """Where nothing is to wait for, a stop of the whole customer or seller may not be noted here yet."""
    chase = _chase(account, policy, action, now)
    if isinstance(chase, Wait):
        return chase.why
    again = Why("decided_again", f"something else comes first: {chase.why.text}")
    return dunning.stopped(account, now) or again


def stays(account: Account, policy: Policy, action: Action, key: str, now: datetime) -> bool:
    """Whether the reminder `key`, between two attempts when a command came, leaves no more: it has no attempt any more
    that could tell why."""
    known = next((m for m in account.messages if m.key == key), None)
    ended = known is not None and known.state is not MessageState.RELEASED
    chase = _chase(account, policy, action, now)
    return not ended and not (isinstance(chase, Send) and chase.key == key)


def _chase(account: Account, policy: Policy, action: Action, now: datetime) -> Action:
    """What leaves at once goes first; what is told is whether and why the customer is chased."""
    return dunning.decide(account, policy, now) if lifecycle.at_once(action) else action
