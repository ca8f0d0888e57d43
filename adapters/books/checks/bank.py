"""Invariants 4, 6 and 8 for bank files: every issued receivable can be named by its payer, every movement was told to
the chain as it stands, and is booked as exactly that one receipt, payout, transfer or return."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from sqlalchemy import func
from sqlmodel import Session, col

from adapters.books.checks.finding import Breach, pick, row, stream
from adapters.books.references import creditor_reference
from schemas import tables as t

TRANSFERS = frozenset({"refund", "refund_returned"})
"""Rules of lines that move a refund of ours: their reversal is checked with the receipts."""


def references_are_whole(session: Session) -> Iterator[Breach]:
    """Each receivable with a number is the target of it and of its creditor reference."""
    query = (
        pick(t.Invoice.id, t.Invoice.seller, t.Invoice.number, t.ReferenceTarget.reference, t.PaymentReference.kind)
        .join(t.ReferenceTarget, col(t.ReferenceTarget.invoice) == col(t.Invoice.id), isouter=True)
        .join(
            t.PaymentReference,
            (col(t.PaymentReference.seller) == col(t.ReferenceTarget.seller))
            & (col(t.PaymentReference.reference) == col(t.ReferenceTarget.reference)),
            isouter=True,
        )
        .where(col(t.Invoice.number).is_not(None))
        .order_by(col(t.Invoice.id))
    )
    for (id_, seller, number), found in groupby(stream(session, query), key=lambda r: (r[0], r[1], r[2])):
        kept = {(reference, kind) for *_, reference, kind in found}
        for wanted in ((number, "number"), (creditor_reference(seller, number), "creditor_reference")):
            if wanted not in kept:
                yield Breach(4, row(t.Invoice, id_), f"no payer can name it by its {wanted[1]} {wanted[0]}")


def lines_are_counted(session: Session) -> Iterator[Breach]:
    """As many lines as the file brought, and none left once it is booked."""
    query = (
        pick(t.BankFile.seller, t.BankFile.id, t.BankFile.fresh, t.BankFile.state, t.BankLine.state, func.count())
        .join(
            t.BankLine,
            (col(t.BankLine.seller) == col(t.BankFile.seller)) & (col(t.BankLine.file) == col(t.BankFile.id)),
        )
        .group_by(
            col(t.BankFile.seller), col(t.BankFile.id), col(t.BankFile.fresh), col(t.BankFile.state),
            col(t.BankLine.state),
        )
        .order_by(col(t.BankFile.seller), col(t.BankFile.id))
    )  # fmt: skip
    for (seller, id_, fresh, state), found in groupby(session.execute(query), key=lambda r: tuple(r[:4])):
        counts = {r[4]: r[5] for r in found}
        if sum(counts.values()) != fresh:
            yield Breach(8, row(t.BankFile, seller, id_), f"brought {fresh} lines, {sum(counts.values())} are here")
        if state == "booked" and counts.get("new"):
            yield Breach(8, row(t.BankFile, seller, id_), f"is booked, but {counts['new']} of its lines are not")


def lines_are_told(session: Session) -> Iterator[Breach]:
    """The chain knows each line that was worked off with the amounts it has."""
    keys = col(t.AuditEntry.keys)
    entries = (
        pick(t.AuditEntry.seller, *(keys[name].as_string() for name in ("line", "amount", "charges")))
        .where(col(t.AuditEntry.type).like("bank_line.%"))
        .order_by(col(t.AuditEntry.seller), col(t.AuditEntry.seq))
    )
    told = {(seller, line): (amount, charges) for seller, line, amount, charges in stream(session, entries)}
    query = pick(t.BankLine.seller, t.BankLine.key, t.BankLine.amount, t.BankLine.charges).where(
        col(t.BankLine.state) != "new"
    )
    for seller, key, amount, charges in stream(session, query):
        known = told.get((seller, key))
        if known != (str(amount), str(charges)):
            text = f"amount {amount} with charges {charges}; the audit was told {known}"
            yield Breach(6, row(t.BankLine, seller, key), text)


def lines_are_booked(session: Session) -> Iterator[Breach]:
    """A credit has its receipt, a return its reversal, a payout its payout: of that very amount."""
    query = (
        pick(t.BankLine, t.Receipt, t.Reversal.amount, t.Payout.amount)
        .join(t.Receipt, col(t.Receipt.id) == col(t.BankLine.receipt), isouter=True)
        .join(
            t.Reversal,
            (col(t.Reversal.seller) == col(t.BankLine.seller))
            & (col(t.Reversal.source) == "bank")
            & (col(t.Reversal.external_id) == col(t.BankLine.key)),
            isouter=True,
        )
        .join(
            t.Payout,
            (col(t.Payout.seller) == col(t.BankLine.seller)) & (col(t.Payout.line) == col(t.BankLine.key)),
            isouter=True,
        )
        .where(col(t.BankLine.state) != "new", col(t.BankLine.rule).not_in(TRANSFERS))
    )
    for line, receipt, back, paid_out in stream(session, query):
        wrong = _wrong(line, receipt, back, paid_out)
        if wrong:
            yield Breach(8, row(t.BankLine, line.seller, line.key), wrong)


def _wrong(line: t.BankLine, receipt: t.Receipt | None, back: int | None, paid_out: int | None) -> str:
    if line.rule == "payout":
        unknown = line.state == "unclear" and paid_out is None
        return "" if unknown or paid_out == line.amount else f"{line.amount} arrived of a payout of {paid_out}"
    if receipt is None:
        return "has no receipt" if line.amount > 0 else ""
    if line.amount > 0:
        same = (receipt.source, receipt.external_id, receipt.amount) == ("bank", line.key, line.amount)
        return "" if same else f"{line.amount} is not what receipt {receipt.id} is of"
    returned = -(line.amount + line.charges)
    return "" if returned == back else f"{returned} went back, {back} is booked"


def receipts_have_lines(session: Session) -> Iterator[Breach]:
    query = (
        pick(t.Receipt.id)
        .join(
            t.BankLine,
            (col(t.BankLine.seller) == col(t.Receipt.seller)) & (col(t.BankLine.key) == col(t.Receipt.external_id)),
            isouter=True,
        )
        .where(col(t.Receipt.source) == "bank", col(t.BankLine.key).is_(None))
    )
    for (receipt,) in stream(session, query):
        yield Breach(8, row(t.Receipt, receipt), "is of a bank line that is not here")
