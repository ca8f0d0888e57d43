"""Any receivable that books could hold, under any policy, at any instant; and what strangers write."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from domain.account import Account, Document, Due, Hold, OpenReceipt, Phase, Vote, Warned, Watermark
from domain.instalments import Instalment, Plan
from domain.messages import Message, MessageState
from domain.policy import Policy
from tests.domain.accounts import (
    ANA,
    BEN,
    BERLIN,
    NEW_YORK,
    SAM,
    TOKYO,
    account,
    delivery,
    dispute,
    due,
    paper,
    policy,
    promise,
    rung,
    subject,
)

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


kinds = st.sampled_from(["hold", "hold", "insolvent", "no_contact"])


@st.composite
def plans(draw: st.DrawFn, dues: tuple[Due, ...]) -> tuple[Plan, ...]:
    """None, mostly; or one over some of the dues, of which some were missed."""
    if draw(st.integers(0, 3)):
        return ()
    parts = tuple(Instalment(due=d.id, due_on=d.due_on, amount=d.amount) for d in dues[draw(st.integers(0, 1)) :])
    missed = tuple(f"{d.id}/{d.episode}" for d in dues if draw(st.booleans()))
    outcome = draw(st.sampled_from([None, None, "kept", "accelerated", "replaced", "ended"]))
    return (Plan(id="i1", by=draw(hostile), made_at=START, instalments=parts, outcome=outcome, missed=missed),)


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
        "pending_until": draw(st.none() | instants),
        "unmatched_receipts": draw(st.sampled_from([(), (), (), (OpenReceipt(id=12, amount=1_00, currency="EUR"),)])),
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
            Hold(scope=s, by="sam", reason=draw(hostile), until=draw(st.none() | instants), kind=draw(kinds), ref="1")
            for s in draw(st.lists(st.sampled_from(["invoice", "all"]), max_size=1))
        ),
        "plans": draw(plans(dues)),
        "watermarks": tuple(
            Watermark(source=s, through=draw(days_), read_at=draw(instants))
            for s in rules.sources
            if draw(st.booleans())
        ),
        "warnings": tuple(Warned(code="duplicate", text=t) for t in draw(st.lists(hostile, max_size=2))),
        "exceptions": tuple(draw(st.sets(st.sampled_from(["stale_source", "approval_stuck", "rung", "last_rung"])))),
        "ladder_stopped_on": draw(st.none() | days_),
        "rejected_until": draw(st.none() | instants),
        "quiet_until": draw(st.none() | instants),
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
