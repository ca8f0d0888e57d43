"""Current details of a receivable for the Temporal Web UI: a page in Markdown that a person can act on, at most 4 KB.
What it is, where it stands, what is next and why, who must decide, what happened, what can be done with JSON to paste.
Text of strangers is escaped; no tables (the UI gives them no cell spacing). Never decides anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from domain import calendar, desk, lifecycle, pasting, plans, settlement
from domain.account import Account, Dispute, Subject
from domain.actions import Action, Wait
from domain.errors import Problem
from domain.keys import parse_workflow_id
from domain.messages import Message, MessageState
from domain.money import show
from domain.policy import Policy
from domain.status import commands, pauses

LIMIT = 4000
SHOWN_COMMANDS = 5
TOLD = 10
MORE = "- and more, see `status`"
SUMS = ("paid", "credited", "discounted", "written_off", "withheld", "charges", "disputed", "customer_credit")

MAIL = {
    "invoice": "invoice",
    "credit_note": "credit note",
    "reminder": "reminder",
    "receipt": "notice about money",
    "approval": "question for approval",
    "internal": "note to our own people",
}
DID = {
    MessageState.HELD: "is held for a person, to",
    MessageState.RELEASED: "may leave, to",
    MessageState.CLAIMED: "is leaving, to",
    MessageState.ACCEPTED: "left, delivery not yet reported, to",
    MessageState.SENT: "sent to",
    MessageState.BOUNCED: "came back from",
    MessageState.UNKNOWN: "may or may not have left, to",
    MessageState.REFUSED: "was refused for good by",
    MessageState.SKIPPED: "was not sent to",
    MessageState.WOULD_SEND: "would have been sent (mode shadow) to",
}


def details(
    account: Account | None,
    policy: Policy | None,
    action: Action | None,
    now: datetime,
    workflow_id: str,
    problems: Sequence[Problem],
    examples: Mapping[str, Mapping[str, Any]],
    refusals: Sequence[str],
    ended: bool = False,
) -> str:
    """The page; about an unreadable request every problem and how to send a better one, unless it is `ended`."""
    if account is None or policy is None or action is None:
        lines = _unread(workflow_id, problems)
        bodies = pasting.unread(examples, parse_workflow_id(workflow_id))
        paste = ["", "It was cancelled."] if ended else _paste(("amend", "cancel"), bodies, workflow_id)
    else:
        lines = [*_standing(account, policy, action, now), *_happened(account)]
        names = commands(account)[:SHOWN_COMMANDS]
        paste = _paste(names, pasting.filled(names, account, examples, now), workflow_id)
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


def _unread(workflow_id: str, problems: Sequence[Problem]) -> list[str]:
    if not problems:
        return [f"### {escape(workflow_id)}: being drafted"]
    lines = [f"### {escape(workflow_id)}: the request cannot be read", ""]
    lines += [f"- `{code(p.path or '(body)')}` {escape(p.message)}" for p in problems[:20]]
    return [*lines, f"- and {len(problems) - 20} more, see `status`"] if len(problems) > 20 else lines


def _standing(account: Account, policy: Policy, action: Action, now: datetime) -> list[str]:
    """The page from its title to where it stands, the most urgent first."""
    name = f"Invoice {account.number}" if account.number else f"Draft {account.reference}"
    state = lifecycle.state(account, now).replace("_", " ")
    decide = [_question(account, q.kind, q.owner, q.deadline) for q in account.questions]
    return [
        f"### {escape(name)}: {state}",
        "",
        f"**{_money(account, account.balance)} open** of {_money(account, account.total)}, {_whose(account)}",
        "",
        f"**Next:** {_next(account, action)}",
        *(("", "#### A person must decide", "", *decide) if decide else ()),
        "",
        "#### Where it stands",
        "",
        *(f"- waits for approval: {_subject(account, s)}" for s in account.subjects),
        *(f"- {_dispute(account, d)}" for d in account.disputes if d.outcome is None),
        *(f"- pause: {_pause(account, p)}" for p in pauses(account, now)),
        *_plan(account),
        *_dues(account),
        *(f"- {f.replace('_', ' ')}: {_money(account, v)}" for f in SUMS if (v := getattr(account, f))),
        *(f"- to be paid back: {_money(account, r.amount)}" for r in account.repayments),
        *(f"- warning: {escape(w.text)}" for w in account.warnings),
        f"- owner {escape(account.owner)}, mode {account.mode}, policy {escape(policy.name)} v{policy.version}",
    ]


def _whose(account: Account) -> str:
    return f"customer {escape(account.customer)}, reference {escape(account.reference)}"


def _plan(account: Account) -> list[str]:
    plan = plans.running(account)
    if plan is None:
        return []
    missed = f", {len(plan.missed)} missed" if plan.missed else ""
    return [f"- plan {plan.id} by {escape(plan.by)}: {len(plan.instalments)} instalments{missed}"]


def _next(account: Account, action: Action) -> str:
    why = escape(action.why.text)
    if not isinstance(action, Wait):
        return f"{type(action).__name__.lower()}, now. Why: {why}."
    when = f"on {_moment(account, action.until)}" if action.until else "no date set"
    return f"{escape(action.what)}, {when}. Why: {why}."


def _question(account: Account, kind: str, owner: str, deadline: datetime | None) -> str:
    until = f" by {_moment(account, deadline)}" if deadline else ""
    whose = _decides(account, owner) if kind == "dispute" else f"{escape(owner)} decides"
    return f"- {kind.replace('_', ' ')}: {whose}{until}"


def _decides(account: Account, owner: str) -> str:
    """Whoever has a dispute may be one who clarifies it for those who may decide."""
    able = [person.key for person in desk.deciders(account.people)]
    if owner in able or not able:
        return f"{escape(owner)} decides"
    return f"{escape(owner)} clarifies, {escape(' or '.join(able))} decides"


def _subject(account: Account, subject: Subject) -> str:
    given = f", approved by {escape(', '.join(v.by for v in subject.votes))}" if subject.votes else ""
    roles = f" ({escape(', '.join(subject.roles))})" if subject.roles else ""
    return f"{escape(subject.id)}, {_money(account, subject.amount)}, needs {subject.approvers}{roles}{given}"


def _dispute(account: Account, dispute: Dispute) -> str:
    whose = f", {_decides(account, dispute.owner)}" if dispute.owner else ""
    until = f" by {_moment(account, dispute.deadline)}" if dispute.deadline else ""
    about = f"{_money(account, dispute.amount)}{whose}{until}"
    return f"dispute {escape(dispute.id)} ({dispute.code}), {about}: {escape(dispute.reason)}"


def _pause(account: Account, pause: Mapping[str, Any]) -> str:
    until = pause["until"] or "settled"
    if len(until) > len("2026-01-01") and pause["until"]:
        until = _moment(account, datetime.fromisoformat(until))
    kind = pause["kind"] if pause.get("stop", "hold") == "hold" else f"{pause['kind']} ({pause['stop']})"
    return f"{kind.replace('_', ' ')}, {pause['amount']} {account.currency}, until {until}"


def _dues(account: Account) -> list[str]:
    """Each due with what is open of it, where that is not all."""
    left = {due.id: amount for due, amount in settlement.open_dues(account)}
    lines = []
    for due in account.dues:
        if account.plans and not due.amount:
            continue  # all of it went into instalments
        open_ = left.get(due.id, 0)
        rest = "" if open_ == due.amount else f", {_money(account, open_)} open" if open_ > 0 else ", settled"
        lines.append(f"- due {due.due_on.isoformat()}: {_money(account, due.amount)}{rest}")
    return lines


def _happened(account: Account) -> list[str]:
    """What was issued, written and said, the latest first: where room is short, the oldest goes."""
    events = sorted(_events(account), key=lambda event: event[:2], reverse=True)
    told = [f"- {day.isoformat()} {text}" for day, _, text in events[:TOLD]]
    return ["", "#### What happened, the latest first", "", *told] if told else []


def _events(account: Account) -> Iterable[tuple[date, str, str]]:
    """Day, what orders a day, and words."""
    place = account.seller_place.timezone

    def at(instant: datetime, text: str) -> tuple[date, str, str]:
        return calendar.local_date(instant, place), instant.isoformat(), text

    for document in account.documents:
        kind = document.kind.replace("_", " ")
        text = f"{kind} {escape(document.number)} issued over {_money(account, document.total)}"
        yield document.issued_on, "", text
    for message in account.messages:
        yield at(message.at, _mail(message))
    for dispute in account.disputes:
        yield at(dispute.opened_at, f"{_money(account, dispute.amount)} disputed by {escape(dispute.by)}")
    for promise in account.promises:
        how = f", {promise.outcome}" if promise.outcome else ""
        text = f"{_money(account, promise.amount)} promised for {promise.promised_on.isoformat()}{how}"
        yield at(promise.made_at, text)
    for plan in account.plans:
        how = f", {plan.outcome}" if plan.outcome else ""
        yield at(plan.made_at, f"plan of {len(plan.dues)} instalments agreed by {escape(plan.by)}{how}")


def _mail(message: Message) -> str:
    """One message in words, with the provider's last one where it has any."""
    rung = f" {escape(message.rung)}" if message.rung else ""
    to = "the address in the books" if message.to.startswith("sha256:") else escape(message.to) or "the customer"
    told = f" ({escape(message.delivery)})" if message.delivery not in (None, "accepted") else ""
    return f"{MAIL.get(message.kind, escape(message.kind))}{rung} {DID[message.state]} {to}{told}"


def _money(account: Account, amount: int) -> str:
    return f"{show(amount, account.currency)} {account.currency}"


def _moment(account: Account, instant: datetime) -> str:
    """On the seller's clock, which is named."""
    zone = account.seller_place.timezone
    return f"{calendar.local(instant, zone):%Y-%m-%d %H:%M} ({escape(zone)})"


def _paste(names: Sequence[str], bodies: Mapping[str, Mapping[str, Any]], workflow_id: str) -> list[str]:
    lines = ["", "#### What you can do", ""]
    lines += [
        "Paste as input of the Update (it answers) or Signal of that name; `…` is yours to fill in, `by` your key:"
    ]
    for name in names:
        lines += ["", f"`{name}`: {pasting.MEANS[name]}", "", "```json", pasting.as_json(bodies[name]), "```"]
    return [*lines, "", f"More: `duely show {code(workflow_id)}`, `duely why {code(workflow_id)}`, query `status`."]


@lru_cache(maxsize=4096)
def escape(text: str) -> str:
    """One line of plain text: ASCII punctuation is escaped (CommonMark 2.4), so that neither markup nor HTML nor a link
    is left; `/` and `@` stay, the Web UI shows their backslash."""
    return re.sub(r"([!-.:-?\[-`{-~])", r"\\\1", " ".join(text.split())[:300])


def code(text: str) -> str:
    """One line without an end of the code span."""
    return " ".join(text.split()).replace("`", "'")[:120]
