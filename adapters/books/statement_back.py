"""Lines that are no customer's payment: what comes back of one, refunds of ours going out or bouncing, a provider's
payouts, and the seller's own payments, which are none of our business, also when they bounce."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlmodel import col, select

from adapters.books import payouts, receipts, refunds, reversals, unclear
from adapters.books.provider_back import come_back
from adapters.books.reversals import Outgoing
from adapters.books.statement_desk import Desk, Done
from adapters.books.tx import SYSTEM, Tx, noted
from domain import ledger, names
from domain.errors import Refused
from domain.matching import Unclear
from domain.money import show
from domain.payments import contested
from schemas import tables as t

_OURS = re.compile(r"DY[A-Z2-7]{20}")
_TOLD = 5
_BOUNCED = Unclear(
    why="own_returned",
    text="is a payment of our own that came back: it carries what we wrote, our customers' numbers perhaps",
    proposals=(),
    candidates=frozenset(),
)
_RECEIPT = col(t.BankLine.receipt)
_Paid = tuple[t.BankLine, t.Receipt]


def book(desk: Desk, line: t.BankLine) -> Done | None:
    """None for a credit that may be a customer's."""
    if line.amount == 0:
        return Done("ignored", "nothing")
    refund = _refund(desk.tx, line)
    if refund is not None:
        return _refund_moved(desk, line, refund)
    if line.amount > 0:
        done = payout(desk.tx, line) if payouts.provider_in(line.name) else None
        return done or (unclear.book(desk, line, _BOUNCED) if line.return_code else None)
    if payouts.match(desk.tx, line) is not None:
        return payout(desk.tx, line)
    if line.return_code or line.reversal:
        return _returned(desk, line)
    return _unlabelled(desk, line)


def payout(tx: Tx, line: t.BankLine) -> Done | None:
    """A provider's balance arrives, or is taken back; never anybody's payment. None when the line is no such thing."""
    return Done(line.state, line.rule) if payouts.arrive(tx, line) else None


def _refund(tx: Tx, line: t.BankLine) -> t.Reversal | None:
    """The refund of ours whose end-to-end id a line carries; formats without a field for it have it in the text."""
    for id_ in _OURS.findall(f"{line.end_to_end} {line.reference} {line.text}".upper()):
        found = reversals.find(tx, "bank", id_)
        if found is not None:
            line.end_to_end = id_
            return found
    return None


def _refund_moved(desk: Desk, line: t.BankLine, refund: t.Reversal) -> Done:
    """It has left the account, or it came back because the customer's account does not take it."""
    if line.amount < 0 and refunds.arrive(desk.tx, line):
        return Done(line.state, line.rule)
    note = reversals.note_of(refund.key)
    gone = _transferred(desk.tx, note)
    if line.amount < 0 or (line.amount, gone) != (refund.amount, refund.amount):
        return _question(desk, line, f"does not fit refund {refund.key} of {show(refund.amount, line.currency)}")
    receipt = desk.tx.session.get_one(t.Receipt, refund.receipt)
    desk.tx.post(
        "transfer",
        ledger.payout(refunds.TRANSFER, ledger.bank(line.account), line.amount),
        customer=receipt.customer or "",
        currency=line.currency,
        on=line.booked_on,
        note=note,
    )
    reversals.undo(desk.tx, refund, refunds.IN_TRANSIT, "failed", line.booked_on)
    row = desk.tx.session.get(t.Invoice, refund.invoice) if refund.invoice else None
    whose = row.owner if row is not None else unclear.owner(desk.tx)
    desk.tx.open_exception(
        "refund_failed", refund.key, whose, refund.invoice, amount=refund.amount, reason=line.return_code
    )
    return Done("booked", "refund_returned")


def _transferred(tx: Tx, note: str) -> int:
    """How much of a refund has left the bank."""
    query = select(t.Posting.amount).where(
        t.Posting.seller == tx.seller.key,
        t.Posting.kind == "transfer",
        t.Posting.account == refunds.IN_TRANSIT,
        noted(note),
    )
    return sum(tx.session.exec(query))


def _returned(desk: Desk, line: t.BankLine) -> Done:
    """A debit or transfer that we had is taken back: the bank's own fee apart, the receivable owes again."""
    found = _originals(desk.tx, line)
    whole = [receipt for receipt in found if receipt.amount == -(line.amount + line.charges)]
    if len(whole) != 1:
        return _question(desk, line, _perhaps(line, found))
    return take_back(desk, line, whole[0])


def _unlabelled(desk: Desk, line: t.BankLine) -> Done:
    """A debit that no field calls a return: many banks say so in words only, or not at all. It is our own payment, or
    a question where it names a receivable that a bank payment of no more than this has paid."""
    found = _originals(desk.tx, line, named_only=True)
    return _question(desk, line, _perhaps(line, found)) if found else Done("ignored", "own")


def take_back(desk: Desk, line: t.BankLine, receipt: t.Receipt) -> Done:
    """Books the return of that receipt. Refused for more than is left of it, and in another currency."""
    tx, back = desk.tx, -(line.amount + line.charges)
    left = receipt.amount - receipts.gone(tx, receipt)
    if receipt.currency != line.currency:
        raise Refused(f"receipt {receipt.id} is in {receipt.currency}, the movement in {line.currency}")
    if not 0 < back <= left:
        went, could = show(back, line.currency), show(left, line.currency)
        raise Refused(
            f"amount: {went} went back, and receipt {receipt.id} has {could} that could: say how much of it is the"
            " receipt's; the rest is the bank's fee"
        )
    out = Outgoing(
        source="bank",
        external_id=line.key,
        kind="returned",
        amount=back,
        occurred_on=line.booked_on,
        reason=line.return_code,
        account=ledger.bank(line.account),
    )
    with desk.at(*_paid_by(tx, receipt)):
        _, hit = reversals.take_back(tx, receipt, out)
        if line.charges:
            tx.post(
                "fee",
                ledger.fee(out.account, line.charges),
                customer=receipt.customer or "",
                currency=line.currency,
                on=line.booked_on,
                note=line.key,
            )
            tx.audit("payment.fee_charged", SYSTEM, about=line.key, amount=str(line.charges))
    if not receipts.free(tx, receipt):
        for kind in ("unmatched_receipt", "overpaid", "paid_twice", "wrong_currency"):
            tx.settle_exceptions(SYSTEM, "the money went back", kind=kind, key=str(receipt.id))
    for row in hit:
        with desk.at(row):
            come_back(tx, row, out, paused=contested(line.return_code))
        desk.rest(row)
    return Done("booked", "returned", receipt.id, in_step=False)


def _originals(tx: Tx, line: t.BankLine, *, named_only: bool = False) -> list[t.Receipt]:
    """The receipts that a movement may take back: of its end-to-end id or reference, or of what its keys name, and of
    which nothing went back yet. Ids are the payers' own, so that two may have the same: where the movement tells more
    of the payment, only those count that agree, or at least are not another's."""
    ids = set() if named_only else {line.end_to_end, line.reference} - {""}
    invoices = {row.id for row in unclear.named(tx, line)[0]}
    if not ids and not invoices:
        return []
    assigned = select(t.Allocation.receipt).where(col(t.Allocation.invoice).in_(invoices))
    found: dict[str, _Paid] = {}
    for way in (col(t.BankLine.end_to_end).in_(ids), col(t.BankLine.reference).in_(ids), _RECEIPT.in_(assigned)):
        query = (
            select(t.BankLine, t.Receipt)
            .join(t.Receipt, col(t.Receipt.id) == _RECEIPT)
            .where(t.BankLine.seller == tx.seller.key, t.BankLine.currency == line.currency, way)
            .where(t.BankLine.booked_on <= line.booked_on, col(t.BankLine.amount).between(1, -line.amount))
        )
        found |= {was.key: (was, receipt) for was, receipt in tx.session.exec(query)}
    left = [(was, receipt) for was, receipt in found.values() if not receipts.gone(tx, receipt)]
    left = _agreeing(left, lambda was: bool(ids & {was.end_to_end, was.reference}) or None)
    left = _agreeing(left, lambda was: line.iban == was.iban if line.iban and was.iban else None)
    left = _agreeing(left, lambda was: _names_any(tx, was, invoices))
    # another name is no contradiction: a bank may return in its own
    left = _agreeing(left, lambda was: names.Names({"": (was.name,)}).fit(line.name, "") >= names.STRONG or None)
    return sorted((receipt for _, receipt in left), key=lambda receipt: receipt.id or 0)


def _agreeing(found: list[_Paid], agrees: Callable[[t.BankLine], bool | None]) -> list[_Paid]:
    """Those of which it is true; where it is of none, those that it does not speak against (None)."""
    said = [(agrees(paid[0]), paid) for paid in found]
    sure = any(verdict for verdict, _ in said)
    return [paid for verdict, paid in said if (verdict if sure else verdict is None)]


def _names_any(tx: Tx, was: t.BankLine, invoices: set[str]) -> bool | None:
    """Whether the payer named any of these, or it was assigned to one."""
    assigned = select(t.Allocation.invoice).where(t.Allocation.receipt == was.receipt)
    own = {row.id for row in unclear.named(tx, was)[0]} | set(tx.session.exec(assigned))
    return bool(invoices & own) if invoices and own else None


def _perhaps(line: t.BankLine, found: list[t.Receipt]) -> str:
    if not found:
        return "takes money back that is not known here"
    told = (f"receipt {each.id} of {show(each.amount, each.currency)} {each.currency}" for each in found[:_TOLD])
    more = ", and a fee with it" if found[0].amount < -(line.amount + line.charges) else ""
    return f"may take back {' or '.join(told)}{more}"


def _paid_by(tx: Tx, receipt: t.Receipt) -> list[t.Invoice]:
    query = (
        select(t.Invoice)
        .join(t.Allocation, col(t.Allocation.invoice) == col(t.Invoice.id))
        .where(t.Allocation.receipt == receipt.id, col(t.Allocation.released_at).is_(None))
    )
    return list(tx.session.exec(query))


def _question(desk: Desk, line: t.BankLine, why: str) -> Done:
    """A movement about money of ours that cannot be told: a person looks."""
    desk.tx.open_exception(
        "unmatched_debit",
        line.key,
        unclear.owner(desk.tx),
        None,
        amount=show(line.amount, line.currency),
        currency=line.currency,
        booked_on=line.booked_on.isoformat(),
        reason=line.return_code,
        why=why,
    )
    return Done("unclear", "unknown")
