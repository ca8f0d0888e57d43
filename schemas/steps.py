"""What travels between the workflow and its activities: keys, instants and the account as the books know it.
Never document bytes, never raw bad payloads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.account import Account
from domain.actions import Rest, Send
from domain.errors import Problem
from domain.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something the workflow saw that must reach the audit: a malformed command with what is wrong about it.
    `count` > 1 stands for a flood, of which this is the last one."""

    command: str
    problem: str
    at: datetime
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Input of every step: which receivable, the workflow's now, and what is to be audited with it."""

    workflow_id: str
    now: datetime
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftStep(Step):
    """`by` is empty for the upstream system's own request; else who sent the amended one. No request: load what the
    books hold under this id."""

    request: dict[str, Any] | None
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandStep(Step):
    """`id` names this command for ever: a repeat of the step answers what the first one did. `interrupts`: the key of
    the reminder that was about to leave when it came."""

    id: str
    name: str
    payload: dict[str, Any]
    interrupts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendStep(Step):
    """`key` is what the loop decided to send; the claim decides again and sends only the same. `failure`: why the last
    attempt came to nothing, when it is given up; `waited`: there was none, because no worker took it."""

    key: str
    failure: str = ""
    waited: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The books after a step. No account: the problems say why there is none.

    `action` is what was decided on them, and `then` the message foreseen at the end of a wait. Both are part of the
    history, so that new rules, holidays or time zones never make an old history replay differently. `private`: no
    amount may stand in what the server keeps in clear. `split`: messages wait in task queues of their own. `metadata`:
    what the request carries to be echoed, from steps that read it; it may be long, so others say None.
    """

    account: Account | None
    policy: Policy | None
    problems: tuple[Problem, ...] = ()
    action: Rest | None = None
    then: Send | None = None
    private: bool = False
    split: bool = False
    metadata: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The loop's answer to a command: done, pending (with its subject), or refused with the reason."""

    result: str
    reason: str = ""
    subject: str | None = None
    dispute: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    verdict: Verdict
    outcome: Outcome
