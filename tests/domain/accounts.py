"""Receivables for the tests of the decision: builders with exact dates, strategies for any that books could hold, and a
small book that carries actions out as `adapters/books` does."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from domain import calendar, dunning, lifecycle
from domain.account import (
    Account,
    Dispute,
    Document,
    Due,
    Hold,
    Message,
    MessageState,
    Person,
    Phase,
    Place,
    Promise,
    Subject,
    Vote,
    Warned,
    Watermark,
)
from domain.actions import Action, Close, Escalate, Issue, Lapse, Send, Skip, Skipped, Wait
from domain.policy import Policy, parse_policy

SEED = Path(__file__).parents[2] / "templates" / "seed" / "policies.toml"
TABLES: dict[str, dict[str, Any]] = tomllib.loads(SEED.read_text())
BERLIN = Place(timezone="Europe/Berlin", country="DE")
NEW_YORK = Place(timezone="America/New_York", country="US")
TOKYO = Place(timezone="Asia/Tokyo", country="JP")
HASH = "sha256:" + "ab" * 32
TO_CUSTOMERS = frozenset({"invoice", "credit_note", "reminder"})
ANA = Person(key="ana", roles=("approver",), limits={"EUR": 10_000_00})
BEN = Person(key="ben", roles=("approver", "controller"), limits={})
SAM = Person(key="sam", roles=("owner",), limits={})


def policy(name: str = "standard", **changed: Any) -> Policy:
    return parse_policy(name, 1, {**TABLES[name], **changed})


def rung(at: str, after: str = "collapse", to: str = "billing") -> dict[str, str]:
    return {"at": at, "template": "reminder", "tone": "firm", "to": to, "after_outage": after}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def due(on: str, amount: int = 119_00, id_: str = "1", **fields: Any) -> Due:
    day = date.fromisoformat(on)
    return Due(**{"id": id_, "due_on": day, "ladder_on": day, "episode": 1, "amount": amount, **fields})


def message(key: str, at: str, state: str = "sent", kind: str = "reminder", **fields: Any) -> Message:
    return Message(key=key, kind=kind, state=MessageState(state), at=utc(at), **fields)


def sent(rung_id: str, at: str, state: str = "sent", due_id: str = "1", **fields: Any) -> Message:
    key = f"invoice-demo-R1/{due_id}/1/{rung_id}"
    return message(key, at, state, due=due_id, episode=1, rung=rung_id, **fields)


def paper(kind: str = "invoice", number: str = "2026-00001", total: int = 119_00) -> Document:
    id_ = f"invoice-demo-R1/{kind}"
    return Document(id=id_, kind=kind, number=number, issued_on=date(2026, 1, 7), total=total, object_key=None)


def delivery(at: str, state: str = "sent", kind: str = "invoice", copy: str = "", **fields: Any) -> Message:
    ref = f"invoice-demo-R1/{kind}{copy}"
    return message(ref, at, state, kind=kind, subject=ref, **fields)


def dispute(amount: int, outcome: str | None = None, id_: str = "d1", reason: str = "damaged") -> Dispute:
    at = utc("2026-01-20T09:00")
    return Dispute(id=id_, by="x", code="other", reason=reason, amount=amount, lines=(), opened_at=at, outcome=outcome)


def promise(on: str, amount: int, outcome: str | None = None) -> Promise:
    day = date.fromisoformat(on)
    return Promise(id="p1", by="x", amount=amount, promised_on=day, made_at=utc("2026-01-20T09:00"), outcome=outcome)


def hold(until: str | None = None, scope: str = "invoice") -> Hold:
    return Hold(scope=scope, by="sam", reason="clearing", until=utc(until) if until else None)


def subject(id_: str = "credit-1", kind: str = "credit", amount: int = 50_00, **fields: Any) -> Subject:
    base: dict[str, Any] = {"hash": HASH, "approvers": 1, "roles": (), "creators": ("sam",)}
    base["opened_at"] = utc("2026-01-20T09:00")
    return Subject(id=id_, kind=kind, amount=amount, **{**base, **fields})


def mark(through: str, read_at: str, source: str = "bank") -> Watermark:
    return Watermark(source=source, through=date.fromisoformat(through), read_at=utc(read_at))


def account(**fields: Any) -> Account:
    """A receivable over 119.00 of a Berlin customer, delivered on Wednesday 7 January 2026, due on Friday 6 February."""
    base: dict[str, Any] = {
        "seller": "demo",
        "reference": "R1",
        "request_hash": HASH,
        "phase": Phase.OPEN,
        "currency": "EUR",
        "customer": "globex",
        "owner": "sam",
        "hash": HASH,
        "mode": "auto",
        "seller_place": BERLIN,
        "customer_place": BERLIN,
        "number": "2026-00001",
        "issued_on": date(2026, 1, 7),
        "delivered_at": utc("2026-01-07T09:00"),
        "total": 119_00,
        "dues": (due("2026-02-06"),),
        "documents": (paper(),),
        "messages": (delivery("2026-01-07T09:00"),),
    }
    given = {**base, **fields}
    if "dues" in fields and "total" not in fields:
        given["total"] = sum(each.amount for each in fields["dues"])
    return Account(**given)


def more(base: Account, *messages: Message, **fields: Any) -> Account:
    return replace(base, messages=(*base.messages, *messages), **fields)


# --- a small book ---------------------------------------------------------------------------------------------------


def carry_out(was: Account, rules: Policy, action: Action, now: datetime) -> Account:
    """The account after the books did what was decided; every action but waiting must change it."""
    became = _carried(was, rules, action, now)
    assert became != was, f"{action} changes nothing: the loop would spin"
    return replace(became, last_entry_at=now)


def _carried(was: Account, rules: Policy, action: Action, now: datetime) -> Account:
    match action:
        case Send():
            return _send(_skip(was, action.skips, now), action, now)
        case Skip():
            return _skip(was, action.skips, now)
        case Escalate():
            phase = Phase.ESCALATED if action.kind in {"last_rung", "consumer"} else was.phase
            return replace(was, phase=phase, exceptions=(*was.exceptions, action.kind))
        case Lapse():
            return _lapse(was, rules, now)
        case Close():
            closing = lifecycle.closing(was, now)
            assert closing is not None, "decided to close what the books do not close"
            return replace(was, phase=closing)
        case Issue():
            return replace(was, phase=Phase.OPEN, number="2026-00001", documents=(paper(),))
    raise AssertionError(action)


def _put(was: Account, *changed: Message) -> Account:
    keys = {m.key for m in changed}
    return replace(was, messages=(*(m for m in was.messages if m.key not in keys), *changed))


def _skip(was: Account, skips: tuple[Skipped, ...], now: datetime) -> Account:
    rows = [
        Message(
            key=s.key,
            kind="reminder",
            state=MessageState.SKIPPED,
            at=now,
            due=s.due,
            episode=s.episode,
            rung=s.rung,
        )
        for s in skips
    ]
    return _put(was, *rows)


def _send(was: Account, action: Send, now: datetime) -> Account:
    known = next((m for m in was.messages if m.key == action.key), None)
    resumed = known is not None and known.state is MessageState.CLAIMED
    state = MessageState.SENT
    if action.kind in TO_CUSTOMERS and was.mode != "auto" and not resumed and not (known and known.approved):
        state = MessageState.HELD if was.mode == "ask" else MessageState.WOULD_SEND
    row = known or Message(
        key=action.key,
        kind=action.kind,
        state=state,
        at=now,
        due=action.due or None,
        episode=action.episode,
        rung=action.rung or None,
        subject=action.ref or None,
        person=action.to if action.kind == "approval" else None,
    )
    became = _put(was, replace(row, state=state, at=now, retry_at=None))
    if state is MessageState.SENT and action.kind == "invoice" and became.delivered_at is None:
        became = replace(became, delivered_at=now)
    if action.shift_days:
        days = timedelta(days=action.shift_days)
        dues = tuple(replace(d, ladder_on=d.ladder_on + days) if d.id == action.due else d for d in became.dues)
        became = replace(became, dues=dues)
    return became


def _lapse(was: Account, rules: Policy, now: datetime) -> Account:
    promises = tuple(
        replace(p, outcome="broken")
        if p.outcome is None and dunning.promise_ends(was, rules, p.promised_on) <= now
        else p
        for p in was.promises
    )
    became = replace(was, promises=promises)
    if became.phase not in {Phase.OPEN, Phase.ESCALATED}:
        return became
    today = calendar.local_date(now, became.customer_place.timezone)
    stands = became.balance > 0 and dunning.stopped(became, now) is not None
    if stands and became.ladder_stopped_on is None:
        return replace(became, ladder_stopped_on=today)
    if not stands and became.ladder_stopped_on is not None:
        days = timedelta(days=max(0, (today - became.ladder_stopped_on).days))
        dues = tuple(replace(d, ladder_on=d.ladder_on + days) for d in became.dues)
        return replace(became, ladder_stopped_on=None, dues=dues)
    return became


def life(
    was: Account, rules: Policy, now: datetime, days: int = 400, steps: int = 800
) -> Iterator[tuple[datetime, Action, Account]]:
    """Everything that happens by itself from `now` on: (instant, action, the account before it), the last one a wait
    that only somebody else can end, or that reaches beyond `days`. Fails when it does not come to rest in `steps`."""
    end = now + timedelta(days=days)
    for _ in range(steps):
        action = lifecycle.next_action(was, rules, now)
        yield now, action, was
        if not isinstance(action, Wait):
            was = carry_out(was, rules, action, now)
            continue
        if action.until is None or action.until > end:
            return
        assert action.until > now, f"{action} is not after {now}"
        now = action.until
    raise AssertionError(f"not at rest after {steps} steps: {action}")


def sends(was: Account, rules: Policy, now: datetime, days: int = 400) -> list[tuple[str, str]]:
    """(UTC minute, rung or kind) of every message that leaves by itself."""
    return [
        (f"{at:%Y-%m-%dT%H:%M}", action.rung or action.kind)
        for at, action, _ in life(was, rules, now, days)
        if isinstance(action, Send)
    ]


# --- strategies -----------------------------------------------------------------------------------------------------

Case = tuple[Account, Policy, datetime]
START = datetime(2026, 1, 1, tzinfo=UTC)
instants = st.integers(0, 120 * 24 * 4).map(lambda quarter: START + timedelta(minutes=15 * quarter))
days_ = st.integers(-30, 150).map(lambda n: date(2026, 1, 1) + timedelta(days=n))
afters = st.sampled_from(["send_now", "collapse", "skip", "shift"])
states = st.sampled_from(list(MessageState))
amounts = st.integers(0, 300_00)
hostile = st.sampled_from(
    [
        "<img src=x onerror=alert(1)>",
        "[click](https://evil.example)",
        "\n# Paid in full\n",
        "``` \n</details>",
        "https://evil.example www.evil.example a@evil.example",
        "\u2028## x\u2029- y",
        "&lt;b&gt;",
        "x" * 2000,
    ]
) | st.text(max_size=60)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    name = draw(st.sampled_from(["standard", "gentle", "none", "dense", "careful", "made"]))
    changed: dict[str, Any] = {
        "sources": draw(st.sampled_from([[], ["bank"], ["bank", "stripe"]])),
        "unmatched": draw(st.sampled_from(["hold", "net", "ignore"])),
        "gap_per_invoice": draw(st.sampled_from(["0d", "20h", "2d", "9d"])),
        "consumer": draw(st.booleans()),
    }
    if name != "made":
        return policy(name, **changed)
    offsets = draw(st.lists(st.integers(-5, 40), min_size=1, max_size=6, unique=True))
    ladder = [
        rung(f"D{o:+d}" if o else "D0", draw(afters), draw(st.sampled_from(["billing", "billing", "owner"])))
        for o in offsets
    ]
    return policy("standard", **changed, ladder=ladder)


@st.composite
def accounts(draw: st.DrawFn, rules: Policy) -> Account:
    """Any account that books under `rules` could hold, and some they should not."""
    dues = tuple(
        due(draw(days_).isoformat(), draw(amounts), str(n + 1), episode=draw(st.integers(1, 2)))
        for n in range(draw(st.integers(1, 3)))
    )
    dues = tuple(replace(d, ladder_on=d.due_on + timedelta(days=draw(st.sampled_from([0, 0, 9])))) for d in dues)
    total, some = sum(d.amount for d in dues), st.sampled_from([0, 0, 0, 1, 40_00, 300_00])
    phase = draw(st.sampled_from([*[Phase.OPEN] * 8, *Phase]))
    settled = min(draw(some | st.just(total)), total)
    given: dict[str, Any] = {
        "phase": phase,
        "mode": rules.mode if draw(st.booleans()) else "auto",
        "currency": draw(st.sampled_from(["EUR", "USD", "JPY"])),
        "customer_place": draw(st.sampled_from([BERLIN, NEW_YORK, TOKYO])),
        "adopted": draw(st.integers(0, 9)) == 0,
        "consumer": draw(st.integers(0, 9)) == 0,
        "paid": settled,
        "credited": draw(some) % (total - settled + 1),
        "customer_credit": draw(some),
        "pending_payment": draw(some),
        "unmatched_receipt": draw(st.integers(0, 4)) == 0,
        "dues": dues,
        "disputes": tuple(
            dispute(draw(amounts), draw(st.sampled_from([None, "rejected"])), f"d{n}", draw(hostile))
            for n in range(draw(st.integers(0, 2)))
        ),
        "promises": tuple(
            promise(draw(days_).isoformat(), draw(amounts), draw(st.sampled_from([None, "broken", "replaced"])))
            for _ in range(draw(st.integers(0, 2)))
        ),
        "holds": tuple(
            Hold(scope=s, by="sam", reason=draw(hostile), until=draw(st.none() | instants))
            for s in draw(st.lists(st.sampled_from(["invoice", "all"]), max_size=1))
        ),
        "watermarks": tuple(
            Watermark(source=s, through=draw(days_), read_at=draw(instants))
            for s in rules.sources
            if draw(st.booleans())
        ),
        "warnings": tuple(Warned(code="duplicate", text=t) for t in draw(st.lists(hostile, max_size=2))),
        "exceptions": tuple(draw(st.sets(st.sampled_from(["stale_source", "approval_stuck", "rung", "last_rung"])))),
        "ladder_stopped_on": draw(st.none() | days_),
        "rejected_until": draw(st.none() | instants),
        "older_debt_waits": draw(st.integers(0, 9)) == 0,
        "contact_reminded_at": tuple(draw(st.lists(instants, max_size=1))),
        "last_entry_at": draw(st.none() | instants),
        "delivered_at": draw(st.none() | instants),
        "issue_on": draw(st.none() | days_),
    }
    papers = [paper(total=total), *([paper("credit_note", "C2026-00001")] if draw(st.integers(0, 3)) == 0 else [])]
    if phase in {Phase.DRAFT, Phase.AWAITING_APPROVAL, Phase.REJECTED, Phase.SCHEDULED}:
        papers = []
        given |= {"number": None, "issued_on": None, "delivered_at": None}
    given["documents"] = tuple(papers)
    made = account(**given, messages=())
    if draw(st.integers(0, 4)) == 0:
        votes = tuple(Vote(by="ana", at=draw(instants)) for _ in range(draw(st.integers(0, 1))))
        made = replace(
            made,
            subjects=tuple(
                subject(f"{kind}-1", kind, draw(amounts), votes=votes, approvers=draw(st.integers(1, 2)))
                for kind in draw(st.sampled_from([("credit",), ("pay", "credit")]))
            ),
            people=tuple(
                draw(st.sets(st.sampled_from([0, 1, 2])).map(lambda on: [(ANA, BEN, SAM)[n] for n in sorted(on)]))
            ),
        )
    return replace(made, messages=tuple(draw(_messages(made, rules, papers))))


@st.composite
def _messages(draw: st.DrawFn, made: Account, rules: Policy, papers: list[Document]) -> list[Message]:
    found: list[Message] = []
    usually = st.sampled_from([*[MessageState.SENT] * 6, *MessageState])
    for each in papers:
        for copy in draw(st.sampled_from([(), ("",), ("",), ("", "#2")])):
            row = delivery("2026-01-07T09:00", draw(usually).value, each.kind, copy)
            found.append(replace(row, approved=bool(copy), retry_at=_retry(draw, row)))
    for owed in made.dues:
        for step in rules.ladder:
            if draw(st.integers(0, 2)) == 0 and papers:
                key = f"{made.workflow_id}/{owed.id}/{owed.episode}/{step.id}"
                kind = "internal" if step.asks_person else "reminder"
                row = Message(
                    key=key,
                    kind=kind,
                    state=draw(states),
                    at=draw(instants),
                    due=owed.id,
                    episode=owed.episode,
                    rung=step.id,
                    approved=draw(st.booleans()),
                )
                found.append(replace(row, retry_at=_retry(draw, row)))
    return found


def _retry(draw: st.DrawFn, row: Message) -> datetime | None:
    return draw(st.none() | instants) if row.state is MessageState.RELEASED else None


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rules = draw(policies())
    return draw(accounts(rules)), rules, draw(instants)
