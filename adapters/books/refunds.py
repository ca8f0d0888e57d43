"""Refunds that Duely starts: only against the customer's credit, each part against the receipt it came with, newest
first. What came through a provider goes back through it, claimed, acted and confirmed under its key; the rest is in
transit until a bank statement shows it, and a person makes the transfer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import col, func, select

from adapters.books import receipts, reversals
from adapters.books.queries import LEFT
from adapters.books.reversals import Outgoing
from adapters.books.tx import SYSTEM, Tx, noted
from domain import calendar, keys, ledger, money
from domain.errors import Refused
from domain.payments import PROVIDERS, RefundState
from schemas import tables as t

BANK = "bank"
AGAIN = "#"
TRANSFER = "transfer"
IN_TRANSIT = ledger.clearing(TRANSFER)
ROUNDS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(days=1))
"""Until a provider that does not answer is asked again."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What to ask the provider for, under which idempotency key. `resumed`: an earlier attempt may have asked
    already."""

    key: str
    payment: str
    amount: int
    resumed: bool


def check(tx: Tx, row: t.Invoice, amount: int) -> list[tuple[t.Receipt, int]]:
    """The receipts of the customer's credit in the receivable's currency, each with what is left of it. Refused beyond
    that credit."""
    found = _credits(tx, row)
    credit = sum(left for _, left in found)
    if amount > credit:
        shown = money.show(credit, row.currency)
        raise Refused(f"amount: the customer's credit that can be paid back is {shown} {row.currency}")
    return found


def grant(tx: Tx, row: t.Invoice, amount: int, reason: str, by: str) -> None:
    """Reserves the money, receipt by receipt; what a person must transfer is in transit at once."""
    count = _count(tx, row)
    for receipt, left in check(tx, row, amount):
        part = min(left, amount)
        if part <= 0:
            break
        count, amount = count + 1, amount - part
        key = f"{row.id}/refund-{count}"
        by_bank = receipt.source not in PROVIDERS
        reversal = t.Reversal(
            key=key,
            seller=row.seller,
            source=BANK if by_bank else receipt.source,
            receipt=receipt.id or 0,
            invoice=row.id,
            kind="refund",
            amount=part,
            state="requested",
            reason=tx.text(reason),
            occurred_on=tx.today,
            by=by,
            at=tx.now,
        )
        tx.session.add(reversal)
        tx.session.flush()
        if part == left:
            receipts.left_over(tx, row, receipt)
        if by_bank:
            _transfer(tx, row, reversal)


def claim(tx: Tx, row: t.Invoice, key: str) -> Claim | None:
    """The right to ask the provider for the refund `key`; None when it is settled, or when its money went back since it
    was granted. One that was claimed before may have been asked for already."""
    reversal = tx.session.get(t.Reversal, key)
    if reversal is None or reversal.invoice != row.id or reversal.state not in {"requested", "claimed"}:
        return None
    receipt = tx.session.get_one(t.Receipt, reversal.receipt)
    resumed = reversal.state == "claimed"
    if not resumed and receipts.free(tx, receipt) < 0:
        fail(tx, row, key, "its money went back after it was granted")
        return None
    if not resumed:
        reversal.state = "claimed"
        tx.session.add(reversal)
        tx.audit("refund.claimed", SYSTEM, invoice=row.id, reversal=key, amount=str(reversal.amount))
    asked = f"{key}{AGAIN}{reversal.spent}" if reversal.spent else key
    return Claim(key=asked, payment=receipt.external_id, amount=reversal.amount, resumed=resumed)


def spend(tx: Tx, key: str, asked: str) -> None:
    """The provider keeps a failure as the answer to `asked`, and nothing was made under it: the next attempt has
    another key, stored before it is used."""
    reversal = tx.session.get_one(t.Reversal, key)
    if asked == (f"{key}{AGAIN}{reversal.spent}" if reversal.spent else key):
        reversal.spent += 1
        tx.session.add(reversal)


def key_of(state: RefundState) -> str:
    """Our own key of a refund, whichever attempt at it succeeded."""
    return state.key.partition(AGAIN)[0]


def confirm(tx: Tx, row: t.Invoice, key: str, state: RefundState) -> None:
    """What the provider made of it. One that failed is the customer's credit again."""
    reversal = tx.session.get_one(t.Reversal, key)
    out = Outgoing(
        source=reversal.source,
        external_id=state.id,
        kind="refund",
        amount=reversal.amount,
        occurred_on=calendar.local_date(state.at, tx.seller.timezone),
        reason="refund",
        account=ledger.clearing(reversal.source),
    )
    if state.status == "failed":
        fail(tx, row, key, "the provider reports that it failed", state.id)
    else:
        reversals.confirm(tx, reversal, out)


def fail(tx: Tx, row: t.Invoice, key: str, reason: str, external_id: str | None = None) -> None:
    """The provider will not pay it back: a person finds another way. One that went out is not undone by a refusal."""
    reversal = tx.session.get_one(t.Reversal, key)
    if reversal.state in {"failed", "won"} or (reversal.state == "booked" and external_id is None):
        return
    reversal.external_id = external_id or reversal.external_id
    reversals.undo(tx, reversal, ledger.clearing(reversal.source), "failed", tx.today)
    reversals.pay_again(tx, tx.session.get_one(t.Receipt, reversal.receipt), only=row)
    tx.open_exception("refund_failed", key, row.owner, row.id, amount=reversal.amount, reason=reason)


def arrive(tx: Tx, line: t.BankLine) -> bool:
    """Books a debit of the statement that is the transfer of a refund of ours, known by its end-to-end id. False: it is
    none, or not of its amount."""
    reversal = reversals.find(tx, BANK, line.end_to_end) if line.end_to_end else None
    if reversal is None or reversal.kind != "refund" or reversal.state != "booked":
        return False
    receipt = tx.session.get_one(t.Receipt, reversal.receipt)
    if (-reversal.amount, receipt.currency) != (line.amount, line.currency) or _arrived(tx, reversal):
        return False
    line.rule, line.state = "refund", "booked"
    tx.session.add(line)
    tx.post(
        "transfer",
        ledger.payout(TRANSFER, ledger.bank(line.account), line.amount),
        customer=receipt.customer or "",
        currency=receipt.currency,
        on=line.booked_on,
        note=reversals.note_of(reversal.key),
    )
    tx.audit("refund.paid", SYSTEM, invoice=reversal.invoice, reversal=reversal.key, line=line.key)
    tx.settle_exceptions(SYSTEM, "transferred", kind="refund_to_pay", key=reversal.key)
    return True


def _arrived(tx: Tx, reversal: t.Reversal) -> bool:
    """Whether the statement showed it before: then a second transfer left the bank."""
    query = select(t.Posting.transaction).where(
        t.Posting.seller == reversal.seller,
        t.Posting.kind == "transfer",
        noted(reversals.note_of(reversal.key)),
    )
    return tx.session.exec(query).first() is not None


def retry_later(tx: Tx, reversal: t.Reversal) -> None:
    """After the last attempt of a round: the next one, under the same key."""
    if reversal.state not in {"requested", "claimed"} or (reversal.retry_at or tx.now) > tx.now:
        return
    reversal.retry_at = tx.now + ROUNDS[min(reversal.attempts, len(ROUNDS) - 1)]
    reversal.attempts += 1
    tx.session.add(reversal)


def _credits(tx: Tx, row: t.Invoice) -> list[tuple[t.Receipt, int]]:
    """The customer's receipts with money that is not assigned: those of a provider first, newest first."""
    query = select(t.Receipt, LEFT).where(
        t.Receipt.seller == row.seller,
        t.Receipt.customer == row.customer,
        t.Receipt.currency == row.currency,
        LEFT > 0,
    )
    found = tx.session.exec(query.order_by(col(t.Receipt.received_on).desc(), col(t.Receipt.id).desc())).all()
    return sorted(((r, int(left)) for r, left in found), key=lambda each: each[0].source not in PROVIDERS)


def _count(tx: Tx, row: t.Invoice) -> int:
    own = col(t.Reversal.key).startswith(f"{row.id}/refund-", autoescape=True)
    count = select(func.count()).select_from(t.Reversal).where(t.Reversal.invoice == row.id, own)
    return int(tx.session.exec(count).one())


def _transfer(tx: Tx, row: t.Invoice, reversal: t.Reversal) -> None:
    """Owed by transfer: in transit until the statement shows its end-to-end id."""
    out = Outgoing(
        source=BANK,
        external_id=keys.end_to_end(reversal.key),
        kind="refund",
        amount=reversal.amount,
        occurred_on=tx.today,
        reason="refund",
        account=IN_TRANSIT,
    )
    reversals.confirm(tx, reversal, out)
    tx.open_exception(
        "refund_to_pay", reversal.key, row.owner, row.id, amount=reversal.amount, end_to_end=out.external_id
    )
