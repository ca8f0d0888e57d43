"""Current details of a receivable for the Temporal Web UI: Markdown that a person can act on, at most 4 KB.
Text of strangers is escaped; no tables (the UI gives them no cell spacing)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain import lifecycle, plans
from domain.account import Account
from domain.actions import Action
from domain.errors import Problem
from domain.messages import Message
from domain.money import show
from domain.policy import Policy
from domain.status import commands, following, pauses

LIMIT = 4000
SHOWN_COMMANDS = 5
TOLD = 8
MORE = "- and more, see `status`"


def details(
    account: Account | None,
    policy: Policy | None,
    action: Action | None,
    now: datetime,
    workflow_id: str,
    problems: Sequence[Problem],
    examples: Mapping[str, Mapping[str, Any]],
    refusals: Sequence[str],
) -> str:
    """What this is, where it stands, what is next and why, and the JSON to paste for what a person can do."""
    if account is None or policy is None or action is None:
        lines = [f"### {escape(workflow_id)}: the request cannot be read", ""]
        lines += [f"- `{code(p.path or '(body)')}` {escape(p.message)}" for p in problems[:20]]
        if len(problems) > 20:
            lines.append(f"- and {len(problems) - 20} more, see `status`")
        paste = _paste(("amend", "cancel"), examples)
    else:
        lines = _story(account, policy, action, now)
        paste = _paste(commands(account)[:SHOWN_COMMANDS], _filled(account, examples))
    tail = ["", "", "#### Signals refused lately (the audit has each)", "", *(f"- {escape(said)}" for said in refusals)]
    told = "\n".join(tail).encode()[: LIMIT // 2] if refusals else b""
    room = LIMIT - len(told) - len("\n".join(paste).encode())
    shown = "\n".join([*_within(lines, room), *paste]).encode()
    return (shown[: LIMIT - len(told)] + told).decode(errors="ignore")


def _within(lines: Sequence[str], room: int) -> list[str]:
    """As many whole lines as fit, so that a talkative stranger never pushes out what a person can do."""
    kept: list[str] = []
    room -= len(MORE) + 2
    for line in lines:
        room -= len(line.encode()) + 1
        if room < 0:
            return [*kept, MORE]
        kept.append(line)
    return kept


def _story(account: Account, policy: Policy, action: Action, now: datetime) -> list[str]:
    currency = account.currency
    name = f"Invoice {account.number}" if account.number else f"Draft {account.reference}"
    state = lifecycle.state(account, now).replace("_", " ")
    total = show(account.total, currency)
    coming = following(action, now)
    when = f"{coming['at'][:16].replace('T', ' ')} UTC" if coming["at"] else "no date set"
    lines = [
        f"### {escape(name)}: {state}",
        "",
        f"**{show(account.balance, currency)} {currency}** open of {total} {currency}",
        "",
        f"**Next:** {coming['what']} ({when}). Why: {escape(coming['why'])}.",
        "",
        *_numbers(account),
        *_plan(account),
        *(_pause(p) for p in pauses(account, now)),
        *(f"- dispute {d.id} ({d.code}): {escape(d.reason)}" for d in account.disputes if d.outcome is None),
        *(f"- warning: {escape(w.text)}" for w in account.warnings),
        *(f"- waits for approval: {s.id}, {show(s.amount, currency)} {currency}" for s in account.subjects),
        *(f"- to be paid back: {show(r.amount, currency)} {currency}" for r in account.repayments),
        *(f"- exception: {kind.replace('_', ' ')}" for kind in account.exceptions),
        f"- customer {escape(account.customer)}, owner {escape(account.owner)}, mode {account.mode}",
        f"- policy {escape(policy.name)} v{policy.version}",
    ]
    told = [f"- {m.at:%Y-%m-%d}: {m.kind.replace('_', ' ')} {m.rung or ''} {_outcome(m)}" for m in account.messages]
    return [*lines, "", "#### So far", "", *told[-TOLD:]] if told else lines


def _outcome(message: Message) -> str:
    """How far a message got, in the provider's word where it has one."""
    told = message.delivery if message.delivery not in (None, "accepted") else message.state.value
    to = "" if message.to.startswith("sha256:") else message.to
    return f"{escape(str(told))} {escape(to)}".strip()


def _numbers(account: Account) -> list[str]:
    sums = ("paid", "credited", "discounted", "written_off", "disputed")
    shown = [(f.replace("_", " "), getattr(account, f)) for f in sums if getattr(account, f)]
    shown += [(f"due {d.due_on.isoformat()}", d.amount) for d in account.dues if d.amount or not account.plans]
    return [f"- {label}: {show(amount, account.currency)}" for label, amount in shown]


def _pause(pause: Mapping[str, Any]) -> str:
    kind = pause["kind"] if pause.get("stop", "hold") == "hold" else f"{pause['kind']} ({pause['stop']})"
    return f"- pause: {kind} {pause['amount']}, until {pause['until'] or 'settled'}"


def _plan(account: Account) -> list[str]:
    plan = plans.running(account)
    if plan is None:
        return []
    missed = f", {len(plan.missed)} missed" if plan.missed else ""
    return [f"- plan {plan.id} by {escape(plan.by)}: {len(plan.instalments)} instalments{missed}"]


def _filled(account: Account, examples: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The examples with this receivable's own hash, subject and open dispute."""
    filled = dict(examples)
    waiting = account.subjects[0] if account.subjects else None
    if waiting is not None:
        filled["approve"] = {"by": "…", "subject": waiting.id, "hash": waiting.hash}
        filled["reject"] = {"by": "…", "subject": waiting.id, "reason": "…"}
    open_dispute = next((d.id for d in account.disputes if d.outcome is None), None)
    if open_dispute is not None:
        filled["resolve"] = {"by": "…", "dispute": open_dispute, "outcome": "rejected"}
    return filled


def _paste(names: Sequence[str], examples: Mapping[str, Mapping[str, Any]]) -> list[str]:
    lines = ["", "#### What you can do", "", "Paste as input of the Update (it answers) or Signal of that name:"]
    for name in names:
        lines += ["", f"`{name}`", "", "```json", json.dumps(examples[name], ensure_ascii=False), "```"]
    return lines


def escape(text: str) -> str:
    """One line of plain text: ASCII punctuation is escaped (CommonMark 2.4), so that neither markup nor HTML nor a link
    is left; `/` and `@` stay, the Web UI shows their backslash."""
    return re.sub(r"([!-.:-?\[-`{-~])", r"\\\1", " ".join(text.split())[:300])


def code(text: str) -> str:
    """One line without an end of the code span."""
    return " ".join(text.split()).replace("`", "'")[:120]
