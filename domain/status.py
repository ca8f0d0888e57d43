"""The `status` of a receivable (contract, section 5): one JSON object, amounts as decimal strings, instants absolute
in UTC, hashes `sha256:…`. The query, the command line and the gateway show the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from domain import lifecycle, plans, settlement
from domain.account import BEFORE_ISSUE, Account, Dispute, Phase
from domain.actions import Action, Wait
from domain.errors import Problem
from domain.exceptions import SETTLED_BY
from domain.instalments import Plan
from domain.keys import parse_workflow_id
from domain.messages import Message
from domain.money import show
from domain.policy import Policy
from domain.profiles import PEPPOL, PROFILES

CONTRACT = 1
SUMS = (
    "total",
    "charges",
    "paid",
    "credited",
    "discounted",
    "written_off",
    "withheld",
    "balance",
    "disputed",
)
ONE = ("customer", "owner", "number", "einvoice", "hash", "currency", *SUMS, "customer_credit", "mode")
SEVERAL = (
    "documents", "flags", "pauses", "pending", "dues", "disputes", "promises", "plans", "warnings", "exceptions",
    "messages",
)  # fmt: skip
"""What a receivable has one or several of once it is drafted; until then null, or none."""


def status(
    account: Account | None,
    policy: Policy | None,
    action: Action | None,
    now: datetime,
    workflow_id: str,
    problems: Sequence[Problem],
    examples: Mapping[str, Mapping[str, Any]],
    request_hash: str | None = None,
    metadata: Mapping[str, str] | None = None,
    ended: bool = False,
) -> dict[str, Any]:
    """The whole status; of an unreadable request every problem with its path. `action`: what the books last decided;
    `request_hash`: as long as they hold nothing; `metadata`: as it came; `ended`: cancelled before it could be read."""
    if account is None or policy is None or action is None:
        return _without_account(workflow_id, problems, examples, request_hash, ended)
    return {
        "contract": CONTRACT,
        "id": account.workflow_id,
        "request_hash": account.request_hash,
        "reference": account.reference,
        "seller": account.seller,
        "customer": account.customer,
        "owner": account.owner,
        "number": account.number,
        "documents": _documents(account),
        "einvoice": _einvoice(account),
        "state": lifecycle.state(account, now),
        "flags": list(lifecycle.flags(account)),
        "pauses": pauses(account, now),
        "hash": account.hash,
        "currency": account.currency,
        **{name: show(getattr(account, name), account.currency) for name in SUMS},
        "pending": _pending(account),
        "customer_credit": show(account.customer_credit, account.currency),
        "dues": _dues(account),
        "disputes": [_dispute(account, d) for d in account.disputes],
        "promises": _promises(account),
        "plans": [_plan(account, plan) for plan in account.plans],
        "warnings": [{"code": w.code, "text": w.text} for w in account.warnings],
        "problems": [{"path": p.path, "message": p.message} for p in problems],
        "exceptions": list(account.exceptions),
        "messages": [_message(m) for m in account.messages],
        "mode": account.mode,
        "policy": {"name": policy.name, "version": policy.version},
        "metadata": dict(metadata or {}),
        "next": following(action, now),
        "waits_for": action.what if isinstance(action, Wait) else None,
        "commands": [{"name": name, "example": examples[name]} for name in commands(account)],
    }


def _without_account(
    workflow_id: str,
    problems: Sequence[Problem],
    examples: Mapping[str, Mapping[str, Any]],
    request_hash: str | None,
    ended: bool,
) -> dict[str, Any]:
    """Not drafted: for what is wrong with the request, or, without a problem, because that is being done."""
    what, why = ("amend or cancel", "the request cannot be read") if problems else ("draft", "it is being drafted")
    what, why = ("closed", "cancelled before issue") if ended else (what, why)
    seller, reference = parse_workflow_id(workflow_id) or (None, None)
    return {
        **dict.fromkeys(ONE),
        **{name: [] for name in SEVERAL},
        "contract": CONTRACT,
        "id": workflow_id,
        "request_hash": request_hash,
        "reference": reference,
        "seller": seller,
        "state": "cancelled" if ended else "invalid" if problems else "draft",
        "policy": {"name": None, "version": None},
        "metadata": {},
        "problems": [{"path": p.path, "message": p.message} for p in problems],
        "next": {"what": what, "at": None, "why": why},
        "waits_for": what if problems or ended else None,
        "commands": [{"name": name, "example": examples[name]} for name in (() if ended else ("amend", "cancel"))],
    }


def instant(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def following(action: Action, now: datetime) -> dict[str, Any]:
    """What comes next, when, and why."""
    if isinstance(action, Wait):
        return {"what": action.what, "at": instant(action.until), "why": action.why.text}
    return {"what": type(action).__name__.lower(), "at": instant(now), "why": action.why.text}


def pauses(account: Account, now: datetime) -> list[dict[str, Any]]:
    """Every pause in force with its amount and end (contract, section 3)."""
    currency, balance = account.currency, show(account.balance, account.currency)
    found: list[dict[str, Any]] = [
        {"kind": "on_hold", "scope": hold.scope, "stop": hold.kind, "amount": balance, "until": instant(hold.until)}
        for hold in account.holds
        if hold.until is None or now < hold.until
    ]
    found += [
        {"kind": "disputed", "id": d.id, "amount": show(d.amount, currency), "until": None}
        for d in account.disputes
        if d.outcome is None
    ]
    found += [
        {"kind": "promised", "id": p.id, "amount": show(p.amount, currency), "until": p.promised_on.isoformat()}
        for p in account.promises
        if p.outcome is None
    ]
    if account.pending_payment:
        until = instant(account.pending_until)
        found.append({"kind": "payment_pending", "amount": show(account.pending_payment, currency), "until": until})
    if account.quiet_until is not None and now < account.quiet_until and account.phase is Phase.OPEN:
        found.append({"kind": "reply", "amount": balance, "until": instant(account.quiet_until)})
    if account.phase is Phase.ESCALATED:
        found.append({"kind": "escalated", "amount": balance, "until": None})
    return found


def commands(account: Account) -> tuple[str, ...]:
    """The commands that make sense now, the likeliest first."""
    if account.closed:
        names = [*(["pay"] if settlement.lost(account) else []), "credit", "refund", "note"]
        return tuple(names) if account.number is not None else ()
    if account.phase in BEFORE_ISSUE:
        first = ("approve", "reject") if account.subjects else ()
        return (*first, "amend", "cancel", "note", "assign")
    names = ["send", "skip"] if any(m.stuck for m in account.messages) else []
    if any(d.outcome is None for d in account.disputes):
        names.append("resolve")
    if account.customer_credit:
        names.append("refund")
    names.append("release" if any(h.scope == "invoice" for h in account.holds) else "hold")
    if plans.broken(account):
        names.append("accelerate")
    names += "pay dispute promise".split()
    names += ["plan"] if plans.possible(account) else []
    names += "extend credit write_off resend hand_over note".split()
    asked = [name for question in account.questions for name in SETTLED_BY.get(question.kind, ())]
    first = ("approve", "reject") if account.subjects else ()
    return tuple(dict.fromkeys([*first, *(name for name in asked if name in names), *names]))


def _documents(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "kind": d.kind,
            "number": d.number,
            "hash": d.object_key,
            "xml": d.xml_key,
            "date": d.issued_on.isoformat(),
            "total": show(d.total, account.currency),
        }
        for d in account.documents
    ]


def _einvoice(account: Account) -> dict[str, str] | None:
    """What the customer gets and the rule that says so; None where nothing was drafted under a profile."""
    if not account.profile:
        return None
    found = {"profile": account.profile, "name": PROFILES[account.profile].name, "rule": account.profile_rule}
    if account.profile == PEPPOL:
        found["note"] = "a file: it is not delivered through the Peppol network"
    return found


def _message(message: Message) -> dict[str, Any]:
    """Who got what: `to` is a person of ours, a role of the customer's contacts, or the salted reference of an address;
    `delivery` the provider's last word."""
    return {
        "key": message.key,
        "kind": message.kind,
        "rung": message.rung,
        "state": message.state.value,
        "delivery": message.delivery,
        "at": instant(message.at),
        "to": message.to,
    }


def _pending(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "subject": s.id,
            "kind": s.kind,
            "amount": show(s.amount, account.currency),
            "hash": s.hash,
            "approvers": s.approvers,
            "roles": list(s.roles),
            "approved_by": [v.by for v in s.votes],
        }
        for s in account.subjects
    ]


def _dues(account: Account) -> list[dict[str, Any]]:
    open_amounts = {due.id: amount for due, amount in settlement.open_dues(account)}
    return [
        {
            "id": due.id,
            "due_on": due.due_on.isoformat(),
            "amount": show(due.amount, account.currency),
            "open": show(open_amounts.get(due.id, 0), account.currency),
        }
        for due in account.dues
    ]


def _dispute(account: Account, dispute: Dispute) -> dict[str, Any]:
    return {
        "id": dispute.id,
        "by": dispute.by,
        "code": dispute.code,
        "reason": dispute.reason,
        "amount": show(dispute.amount, account.currency),
        "lines": list(dispute.lines),
        "opened_at": instant(dispute.opened_at),
        "outcome": dispute.outcome or "open",
    }


def _plan(account: Account, plan: Plan) -> dict[str, Any]:
    """The instalments as they were agreed, with what is open of each now."""
    open_amounts = {due.id: amount for due, amount in settlement.open_dues(account)}
    return {
        "id": plan.id,
        "by": plan.by,
        "made_at": instant(plan.made_at),
        "outcome": plan.outcome or "open",
        "instalments": [
            {
                "due": part.due_on.isoformat(),
                "amount": show(part.amount, account.currency),
                "open": show(open_amounts.get(part.due, 0), account.currency),
            }
            for part in plan.instalments
        ],
    }


def _promises(account: Account) -> list[dict[str, Any]]:
    return [
        {
            "id": p.id,
            "by": p.by,
            "amount": show(p.amount, account.currency),
            "date": p.promised_on.isoformat(),
            "outcome": p.outcome or "open",
        }
        for p in account.promises
    ]
