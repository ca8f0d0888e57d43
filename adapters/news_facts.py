"""What the words of news may ask for, by what a mail tells: money that came or went, instalments, a dispute, another
contact. It reads rows and decides nothing."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session, select

from adapters.books import mailed, refunds
from domain import calendar, desk, keys, settlement
from domain.account import Account
from domain.messages import DISPUTE, INTERNAL, MONEY
from domain.messages import Message as Sent
from schemas import tables as t

TOLD = 12
"""How much of what went before a person reads in a mail; all of it is on the page."""


def facts(session: Session, row: t.Invoice, account: Account, sent: Sent, amount: int) -> dict[str, Any]:
    """Those of the one thing that `sent` tells; none of another mail. `amount` in minor units."""
    return {
        **_money_facts(session, row, sent, amount),
        **_plan_facts(account, sent),
        **_dispute_facts(session, row, account, sent),
        **_contact_facts(session, row, sent),
    }


def _money_facts(session: Session, row: t.Invoice, sent: Sent, amount: int) -> dict[str, Any]:
    """What came in or went back, of this receivable's part, and on which day."""
    if sent.kind != MONEY:
        return {}
    kind, _, name = keys.first_attempt(sent.subject or "").partition("/")
    if kind == "receipt":
        return {"received": amount, "moved_on": session.get_one(t.Receipt, int(name)).received_on}
    query = select(t.Reversal).where(t.Reversal.invoice == row.id, t.Reversal.kind == kind)
    back = next(back for back in session.exec(query) if mailed.tail(back) == name)
    if kind == "refund" and back.source == refunds.BANK:  # granted; a person has yet to make the transfer
        return {"received": amount, "by_transfer": True}
    return {"received": amount, "moved_on": back.occurred_on}


def _plan_facts(account: Account, sent: Sent) -> dict[str, Any]:
    """Of instalments that were agreed or made due at once: what is to be paid first."""
    if (sent.subject or "").partition("/")[0] not in {"plan", "plan_accelerated"}:
        return {}
    due, opened = next(iter(settlement.open_dues(account)), (None, 0))
    return {"open": opened, "due_on": due.due_on if due is not None else None}


def _dispute_facts(session: Session, row: t.Invoice, account: Account, sent: Sent) -> dict[str, Any]:
    """The dispute that a mail is about, and by when it is to be decided. Whom the customer wrote to, and what, only our
    own people read."""
    kind, _, rest = keys.first_attempt(sent.subject or "").partition("/")
    if kind != DISPUTE or sent.kind not in {DISPUTE, "internal"}:
        return {}
    id_, _, tail = rest.partition("/")
    found = session.get_one(t.Dispute, (row.id, id_))
    zone = account.seller_place.timezone
    grace = row.rejected_until if found.outcome == "rejected" else None
    said = {
        "dispute": {
            "amount": found.amount,
            "credited": found.credited or 0,
            "outcome": found.outcome,
            "grace_until": calendar.local_date(grace, account.customer_place.timezone) if grace else None,
            "again": tail.endswith("/2"),
            "passed_on": found.level > 0,
        },
        "deadline": desk.last_day(found.deadline, zone) if found.deadline and found.outcome is None else None,
    }
    if sent.kind == DISPUTE:
        return said
    before = [f"{m.at:%Y-%m-%d}: {' '.join(filter(None, (m.kind, m.rung, m.delivery or m.state.value)))}"
              for m in account.messages if m.kind not in INTERNAL]  # fmt: skip
    about = [f"{found.code}: {found.reason}"] + ([f"lines {', '.join(found.lines)}"] if found.lines else [])
    able = desk.deciders(account.people)
    others = (
        [] if sent.person in {person.key for person in able} else [session.get_one(t.Person, p.key).name for p in able]
    )
    return said | {"reasons": about, "history": before[-TOLD:], "deciders": others}


def _contact_facts(session: Session, row: t.Invoice, sent: Sent) -> dict[str, Any]:
    """Of another contact for invoices: who, and until when to confirm it."""
    kind, _, name = keys.first_attempt(sent.subject or "").partition("/")
    if kind != "contact":
        return {}
    change = session.get_one(t.ContactChange, f"{row.id}/contact/{name.partition('/')[0]}")
    until = calendar.local_date(change.expires_at, row.customer_data["timezone"])
    return {"contact": {"name": change.name, "email": change.email}, "deadline": until}
