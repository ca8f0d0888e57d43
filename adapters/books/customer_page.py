"""What a customer may see of an invoice: the document, what came of it, how to pay, and what may be said about it.
Nothing of ours: no reason of a hold, no reminder, no name of a colleague. It writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import contacts, load, papers, recipients
from adapters.books.engine import read
from domain import calendar, desk, offers, paying, settlement
from domain.account import Account
from domain.einvoice import DiscountView, DueView, EInvoice
from domain.offers import Offers
from schemas import tables as t


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperView:
    """A document: `name` is the last part of its id, `formats` the files that there are of it."""

    id: str
    name: str
    kind: str
    number: str
    issued_on: date
    total: int
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView:
    """An open dispute. `answer_by`: until when whoever has it must decide."""

    amount: int
    opened_on: date
    answer_by: date | None


class ChangeView(StrEnum):
    """Whether another contact was asked for, and may be again."""

    NONE = "none"
    WAITS = "waits"
    MAY_BE_REPLACED = "may_be_replaced"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerPage:
    """Amounts are minor units of the document's currency. `paper`: the invoice as printed; `other`: discount, withheld
    and waived; `dues`: the dates still open with what is open of each; `promised`: until when; `sender`: the domain our
    mail comes from; `mailbox`: where copies go, as far as a stranger may know; `said_by`: who speaks on this page."""

    paper: EInvoice
    papers: tuple[PaperView, ...]
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
    disputes: tuple[DisputeView, ...]
    promised: tuple[int, date] | None
    in_parts: bool
    plan_requested: bool
    copy_waits: bool
    change: ChangeView
    offers: Offers
    sender: str
    mailbox: str
    said_by: str

    @property
    def basis(self) -> str:
        """What the instalments were worked out from: nobody agrees on others than were shown."""
        return f"{self.offers.promise_from} {self.balance}"


def customer_page(engine: Engine, workflow_id: str, generation: int, now: datetime) -> CustomerPage | None:
    """None for an invoice that is not in the books or was not issued, and for a link of an earlier generation: there is
    nothing to show."""
    with read(engine) as session:
        row = session.get(t.Invoice, workflow_id)
        if row is None or row.number is None or row.link_generation != generation:
            return None
        return _page(session, row, max(now, row.updated_at))


def _page(session: Session, row: t.Invoice, now: datetime) -> CustomerPage:
    seller = session.get_one(t.Seller, row.seller)
    policy = load.policy_of(session, seller, row.policy, row.policy_version)
    account = load.account_of(session, seller, row, policy, now)
    documents = _documents(session, row.id)
    paper = next(papers.model(row, each) for each in documents if each.kind == "invoice")
    today = calendar.local_date(now, seller.timezone)
    promise = next((p for p in account.promises if p.outcome is None), None)
    return CustomerPage(
        paper=paper,
        papers=tuple(_view(each) for each in documents),
        charges=account.charges,
        paid=account.paid,
        credited=account.credited,
        other=account.discounted + account.withheld + account.written_off,
        balance=max(account.balance, 0),
        disputed=account.disputed,
        pending=account.pending_payment,
        dues=tuple(DueView(due.due_on, amount) for due, amount in settlement.open_dues(account)),
        discount=paying.discount_told(account, policy, today),
        closed=account.closed,
        disputes=_disputes(account),
        promised=None if promise is None else (account.promised, promise.promised_on),
        in_parts=any(plan.outcome is None for plan in account.plans),
        plan_requested="plan_requested" in account.exceptions,
        copy_waits=offers.copy_waits(account, now),
        change=_change(session, row, now),
        offers=offers.offers(account, policy, now, today),
        sender=str(seller.profile["email"]).rpartition("@")[2],
        mailbox=_masked(next(recipients.addresses(row.customer_data), "")),
        said_by=_said_by(session, row),
    )


def _documents(session: Session, workflow_id: str) -> list[t.Document]:
    query = select(t.Document).where(t.Document.invoice == workflow_id)
    return list(session.exec(query.order_by(col(t.Document.issued_at), col(t.Document.id))))


def _view(paper: t.Document) -> PaperView:
    keys = {"pdf": paper.object_key, "xml": paper.xml_key}
    return PaperView(
        id=paper.id,
        name=paper.id.rpartition("/")[2],
        kind=paper.kind,
        number=paper.number,
        issued_on=paper.issued_on,
        total=paper.total,
        formats=tuple(suffix for suffix, key in keys.items() if key is not None),
    )


def _disputes(account: Account) -> tuple[DisputeView, ...]:
    zone = account.customer_place.timezone
    return tuple(
        DisputeView(
            amount=each.amount,
            opened_on=calendar.local_date(each.opened_at, zone),
            answer_by=None if each.deadline is None else desk.last_day(each.deadline, zone),
        )
        for each in account.disputes
        if each.outcome is None
    )


def _change(session: Session, row: t.Invoice, now: datetime) -> ChangeView:
    waiting = contacts.open_change(session, row, now)
    if waiting is None:
        return ChangeView.NONE
    return ChangeView.WAITS if contacts.too_soon(waiting, now) else ChangeView.MAY_BE_REPLACED


def _masked(email: str) -> str:
    """`a…@globex.example`: whoever knows the address recognises it, nobody else learns it."""
    local, at, domain = email.partition("@")
    return f"{local[0]}…\u2060{at}{domain}" if local and domain else ""


def _said_by(session: Session, row: t.Invoice) -> str:
    """The customer's name, and never a key of ours: nobody speaks as a colleague by being called like one."""
    name = str(row.customer_data["name"])
    return name if session.get(t.Person, name) is None else f"{name} (customer)"


def file_of(engine: Engine, workflow_id: str, generation: int, name: str, suffix: str) -> tuple[str, str] | None:
    """(number, key in the archive) of a document's file; None when there is none, or the link is an earlier one."""
    with read(engine) as session:
        row = session.get(t.Invoice, workflow_id)
        paper = session.get(t.Document, f"{workflow_id}/{name}")
        if row is None or paper is None or row.link_generation != generation:
            return None
        key = paper.object_key if suffix == "pdf" else paper.xml_key
        return None if key is None else (paper.number, key)
