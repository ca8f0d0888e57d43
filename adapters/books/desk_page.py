"""The file of a dispute for whoever was asked to decide it: what is contested, the invoice, the order, what was sent
and answered, the money, and what was decided before. Read in one snapshot; it writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import load, papers
from adapters.books.engine import read
from domain import desk, links
from domain.account import Account, Dispute
from domain.einvoice import EInvoice
from domain.messages import Message
from schemas import tables as t

NOT_TOLD = frozenset({"internal", "approval"})
EARLIER_AT_MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A file in the archive, and what it is called here."""

    name: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Another dispute of the same customer."""

    number: str | None
    opened_on: date
    code: str
    amount: int
    currency: str
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskFile:
    """Amounts are minor units of the receivable's currency. `may_decide`: the person holds a role that resolves;
    `others` who does. `paid`: day and amount of the money assigned. `texts`: what was written as evidence.
    `names`: of whoever is named by a key."""

    person: str
    name: str
    language: str
    seller: str
    customer: str
    account: Account
    dispute: Dispute
    last_day: date | None
    decided_by: str | None
    paper: EInvoice | None
    order: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]
    files: tuple[Attached, ...]
    letters: tuple[Message, ...]
    replies: tuple[t.Reply, ...]
    paid: tuple[tuple[date, int], ...]
    earlier: tuple[Earlier, ...]
    reasons: tuple[t.Why, ...]
    may_decide: bool
    others: tuple[str, ...]
    names: dict[str, str]

    @property
    def is_open(self) -> bool:
        return self.dispute.outcome is None


def desk_file(engine: Engine, message: str, now: datetime) -> DeskFile | None:
    """The file behind the question `message`. None for a question that was never asked, a person who is no longer
    active, a link that was taken back or is older than the policy lets it be."""
    with read(engine) as session:
        letter = session.get(t.Message, message)
        row = session.get(t.Invoice, letter.invoice) if letter is not None else None
        if letter is None or row is None or letter.kind != "internal" or letter.template != "dispute":
            return None
        person = session.get(t.Person, letter.person or "")
        if person is None or not person.active or session.get(t.LinkMark, (links.DESK, message, "revoked")) is not None:
            return None
        seller = session.get_one(t.Seller, row.seller)
        policy = load.policy_of(session, seller, row.policy, row.policy_version)
        at = max(now, row.updated_at)
        if at > letter.at + policy.link_valid:
            return None
        account = load.account_of(session, seller, row, policy, at)
        id_ = (letter.subject or "").split("/")[1]
        found = next((d for d in account.disputes if d.id == id_), None)
        if found is None:
            return None
        return _file(session, seller, row, account, found, person)


def _file(
    session: Session, seller: t.Seller, row: t.Invoice, account: Account, found: Dispute, person: t.Person
) -> DeskFile:
    kept = session.get_one(t.Dispute, (row.id, found.id))
    able = [p.key for p in desk.deciders(load.people(session))]
    replies = session.exec(select(t.Reply).where(t.Reply.invoice == row.id).order_by(col(t.Reply.received_at))).all()
    paper = session.exec(_papers(row).where(t.Document.kind == "invoice")).first()
    reasons = session.exec(select(t.Why).where(t.Why.invoice == row.id).order_by(col(t.Why.id))).all()
    return DeskFile(
        person=person.key,
        name=person.name,
        language=str(seller.profile.get("language", "en")),
        seller=str(seller.profile["name"]),
        customer=str(row.customer_data["name"]),
        account=account,
        dispute=found,
        last_day=desk.last_day(found.deadline, seller.timezone) if found.deadline else None,
        decided_by=kept.resolved_by,
        paper=papers.model(row, paper) if paper is not None else None,
        order=tuple(_order(row.draft)),
        texts=tuple(each for each in kept.evidence if isinstance(each, str)),
        files=tuple(_attached(session, row, kept, replies)),
        letters=tuple(m for m in account.messages if m.kind not in NOT_TOLD),
        replies=tuple(replies),
        paid=tuple(_paid(session, row)),
        earlier=tuple(_earlier(session, row, found.id)),
        reasons=tuple(reasons),
        may_decide=person.key in able,
        others=tuple(able),
        names={each.key: each.name for each in session.exec(select(t.Person))}
        | ({row.customer: str(row.customer_data["name"])} if row.customer else {}),
    )


def _papers(row: t.Invoice) -> Any:
    return select(t.Document).where(t.Document.invoice == row.id).order_by(col(t.Document.issued_at))


def _order(draft: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the invoice says it was ordered by, where it says so."""
    for name in ("purchase_order", "contract", "sales_order", "project", "buyer_reference", "cost_center"):
        if draft.get(name):
            yield name, str(draft[name])


def evidence_files(dispute: t.Dispute) -> Iterator[Attached]:
    """The files among a dispute's evidence; the rest are texts."""
    for each in dispute.evidence:
        if isinstance(each, dict) and each.get("file"):
            yield Attached(name=str(each.get("name") or "file"), key=str(each["file"]))


def _attached(session: Session, row: t.Invoice, kept: t.Dispute, replies: Any) -> Iterator[Attached]:
    """Everything of the file that can be downloaded: evidence, documents with their attachments, mails that came in."""
    yield from evidence_files(kept)
    for paper in session.exec(_papers(row)):
        for key, suffix in ((paper.object_key, "pdf"), (paper.xml_key, "xml")):
            if key is not None:
                yield Attached(name=f"{paper.number}.{suffix}", key=key)
        yield from (Attached(name=each.name, key=each.file) for each in papers.model(row, paper).attachments)
    for reply in replies:
        yield Attached(name=f"{reply.received_at:%Y%m%d}-{reply.kind}.eml", key=reply.object_key)


def _paid(session: Session, row: t.Invoice) -> Iterator[tuple[date, int]]:
    query = (
        select(col(t.Receipt.received_on), t.Allocation.amount)
        .join(t.Allocation, col(t.Allocation.receipt) == col(t.Receipt.id))
        .where(t.Allocation.invoice == row.id, col(t.Allocation.released_at).is_(None))
        .order_by(col(t.Receipt.received_on), col(t.Receipt.id))
    )
    yield from session.exec(query)


def _earlier(session: Session, row: t.Invoice, but: str) -> Iterator[Earlier]:
    """All disputes of the customer but this one, the latest first."""
    query = (
        select(t.Dispute, t.Invoice)
        .join(t.Invoice, col(t.Invoice.id) == col(t.Dispute.invoice))
        .where(t.Invoice.seller == row.seller, t.Invoice.customer == row.customer)
        .order_by(col(t.Dispute.opened_at).desc(), col(t.Dispute.id))
        .limit(EARLIER_AT_MOST)
    )
    for each, whose in session.exec(query):
        if (each.invoice, each.id) != (row.id, but):
            yield Earlier(
                number=whose.number,
                opened_on=each.opened_at.date(),
                code=each.code,
                amount=each.amount,
                currency=whose.currency,
                outcome=each.outcome,
            )
