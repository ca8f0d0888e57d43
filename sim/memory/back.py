"""Money that goes back, in memory: a returned debit or a chargeback is booked once under its external id, takes what
is free of its receipt first, then what was assigned, the newest first. What owes again runs a fresh ladder, or is
paused."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import date, datetime

from domain import ledger
from domain.account import CLOSED, Hold, Phase
from domain.status import instant
from sim.memory import issuing, money, reductions
from sim.memory.rows import GivenBack, Receipt, Receivable
from sim.memory.tx import SYSTEM, Tx
from sim.memory.view import account as read

PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")
AUDITED = {"chargeback": "payment.charged_back", "returned": "payment.returned"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """Money back as its source tells of it. `due_by`: until when a chargeback may be contested."""

    source: str
    external_id: str
    kind: str  # chargeback | returned
    amount: int
    on: date
    reason: str
    account: str
    due_by: datetime | None = None


def take(tx: Tx, receipt: Receipt, out: Outgoing) -> list[Receivable] | None:
    """Answers the receivables that lost money with it; None when it is booked already."""
    key = f"{tx.seller.key}/{out.source}/{out.external_id}"
    if key in tx.house.back:
        return None
    tx.house.back.add(key)
    hit = _release(tx, receipt, out)
    tx.touch(receipt).gone += out.amount
    if hit and out.kind == "returned":
        id_ = out.external_id
        own = id_ if PLAIN.fullmatch(id_) else hashlib.sha256(id_.encode()).hexdigest()[:16]
        hit[0].given_back = (*hit[0].given_back, GivenBack("returned", own, out.amount, out.on))
    bearer = ledger.UNIDENTIFIED if receipt.customer is None else ledger.CUSTOMER_CREDIT
    entries = ledger.give_back(out.account, out.amount, bearer)
    money.post(tx, out.kind, receipt, entries, out.on, f"reversal {key}")
    about = {"reversal": key, "receipt": str(receipt.id), "amount": str(out.amount), "reason": out.reason}
    tx.audit(AUDITED[out.kind], SYSTEM, hit[0] if hit else None, **about)
    return hit


def _release(tx: Tx, receipt: Receipt, out: Outgoing) -> list[Receivable]:
    """Takes assignments back until what is free covers the amount."""
    short, hit = out.amount - receipt.free, dict[str, Receivable]()
    for part in sorted(receipt.parts, key=lambda each: -each.id):
        if short <= 0:
            break
        money.unallocate(tx, part, f"{out.kind} {out.external_id}", SYSTEM)
        if part.amount > short:
            money.allocate(tx, part.row, receipt, part.amount - short, part.at)
        short -= part.amount
        hit[part.row.id] = part.row
    for row in hit.values():
        reductions.forfeit(tx, row)
    return list(hit.values())


def come_back(tx: Tx, row: Receivable, out: Outgoing, paused: bool) -> None:
    """On a fresh run of its ladder, or paused with a person's decision to be made."""
    owes = read(tx, row).balance > 0
    if owes:
        reopen(tx, row)
    if not paused:
        return
    if owes:
        until = f"; evidence until {instant(out.due_by)}" if out.due_by is not None else ""
        reason = f"{out.kind} {out.external_id}: {out.reason.replace('_', ' ')}{until}"
        row.holds = (*row.holds, Hold(scope="invoice", by=SYSTEM, reason=reason, until=None))
    lost = "chargeback" if out.due_by is not None else "chargeback_lost"
    tx.ask(lost if out.kind == "chargeback" else "returned_debit", out.external_id, row, deadline=out.due_by)


def reopen(tx: Tx, row: Receivable) -> None:
    """A fresh episode for every due: its rungs count from today, since the old ones tell of another debt."""
    if row.phase in CLOSED:
        row.phase, row.reopened = Phase.OPEN, True
        tx.audit("invoice.reopened", SYSTEM, row)
    row.dues = issuing.ordered(
        replace(due, episode=due.episode + 1, ladder_on=max(due.ladder_on, tx.today)) for due in row.dues
    )
