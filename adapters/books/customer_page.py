"""What a customer may see of an invoice: the document, what came of it, and how to pay. Nothing of ours: no reason of a
hold, no reminder, no name of a colleague. It writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import load, papers
from adapters.books.engine import read
from domain import calendar, settlement
from domain.account import Account
from domain.einvoice import DiscountView, DueView, EInvoice
from schemas import tables as t


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPage:
    """Amounts are minor units of the document's currency. `paper`: the invoice as printed; `credit_notes`: number,
    date, total; `other`: discount, withheld and waived; `dues`: the dates still open with what is open of each."""

    paper: EInvoice
    credit_notes: tuple[tuple[str, date, int], ...]
    charges: int
    paid: int
    credited: int
    other: int
    balance: int
    disputed: int
    pending: int
    dues: tuple[DueView, ...]
    discount: DiscountView | None
    closed: bool


def customer_page(engine: Engine, workflow_id: str, now: datetime) -> CustomerPage | None:
    """None for an invoice that is not in the books or was not issued: there is nothing to show."""
    with read(engine) as session:
        row = session.get(t.Invoice, workflow_id)
        if row is None or row.number is None:
            return None
        seller = session.get_one(t.Seller, row.seller)
        policy = load.policy_of(session, seller, row.policy, row.policy_version)
        account = load.account_of(session, seller, row, policy, max(now, row.updated_at))
        documents = _documents(session, workflow_id)
        paper = next((papers.model(row, each) for each in documents if each.kind == "invoice"), None)
    if paper is None:
        return None
    return CustomerPage(
        paper=paper,
        credit_notes=tuple((d.number, d.issued_on, d.total) for d in documents if d.kind == "credit_note"),
        charges=account.charges,
        paid=account.paid,
        credited=account.credited,
        other=account.discounted + account.withheld + account.written_off,
        balance=max(account.balance, 0),
        disputed=account.disputed,
        pending=account.pending_payment,
        dues=tuple(DueView(due.due_on, amount) for due, amount in settlement.open_dues(account)),
        discount=_discount(account, paper, calendar.local_date(now, seller.timezone)),
        closed=account.closed,
    )


def _documents(session: Session, workflow_id: str) -> list[t.Document]:
    query = select(t.Document).where(t.Document.invoice == workflow_id)
    return list(session.exec(query.order_by(col(t.Document.issued_at), col(t.Document.id))))


def _discount(account: Account, paper: EInvoice, today: date) -> DiscountView | None:
    """The first one that can still be had, while the invoice stands as it was issued."""
    if account.balance != account.total or account.disputed:
        return None
    return next((each for each in paper.discounts if today <= each.until), None)
