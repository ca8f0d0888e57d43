"""What an approver sees through a signed link: the document as it will be issued, or the money that would go out, what
is unusual, who else must agree. Opening the page writes nothing; answering first marks the link."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import approver_links, load
from adapters.books.engine import read
from adapters.books.recipients import addresses
from adapters.books.tx import booking
from domain import approval, asked, calendar, changes, document, einvoice
from domain.account import Subject, Warned
from domain.asked import Asked, Facts, Standing
from domain.changes import Change
from domain.einvoice import EInvoice
from schemas import tables as t

DRAFT = "draft"
PLACEHOLDER = {"de": "ENTWURF"}
"""What stands where the number will be, so that nobody takes the paper for an issued document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproverPage:
    """`names`: of every person by key. `paper`: the draft under a placeholder, None for money. `votes_missing` and
    `roles_missing` are what it still takes; `changes` what is different since a stale link was sent. `balance` is what
    the customer owes of an issued one, None before."""

    standing: Standing
    asked: Asked
    language: str
    seller: str
    currency: str
    reference: str
    number: str | None
    customer: str
    sends_to: str | None
    subject: Subject
    outcome: str | None
    ended_at: datetime | None
    names: dict[str, str]
    warnings: tuple[Warned, ...]
    paper: EInvoice | None
    balance: int | None
    votes_missing: int
    roles_missing: tuple[str, ...]
    changes: tuple[Change, ...]
    known_before: bool  # whether the content that the link was sent for is still on file
    timezone: str

    @property
    def draft(self) -> bool:
        return self.subject.kind == DRAFT


def approver_page(engine: Engine, key: str, now: datetime) -> ApproverPage | None:
    """None when no mail under this key ever asked for an approval. `now` is the clock's; a receivable's own time may be
    ahead of it."""
    with read(engine) as session:
        found = approver_links.find(session, key)
        return _page(session, found, key, now) if found is not None else None


def use(engine: Engine, key: str, now: datetime) -> ApproverPage | None:
    """The same, for somebody who answers: an open link is marked as used, one that is not is refused in the audit."""
    named = asked.parse(key)
    if named is None:
        return None
    with booking(engine, named.seller, now) as tx:
        found = approver_links.find(tx.session, key)
        if found is None:
            return None
        tx.now = max(now, tx.session.get_one(t.Invoice, found.invoice).updated_at)
        page = _page(tx.session, found, key, now)
        if page.standing is Standing.OPEN:
            approver_links.mark_used(tx, found, key)
        else:
            approver_links.refused(tx, found, key, page.standing.value)
        return page


def _page(session: Session, found: Asked, key: str, now: datetime) -> ApproverPage:
    row = session.get_one(t.Invoice, found.invoice)
    seller = session.get_one(t.Seller, row.seller)
    policy = load.policy_of(session, seller, row.policy, row.policy_version)
    now = max(now, row.updated_at)
    facts = approver_links.facts(session, found, key)
    account = load.account_of(session, seller, row, policy, now)
    people = session.exec(select(t.Person).order_by(col(t.Person.key))).all()
    votes, roles = approval.wanted(facts.subject, [load.person_of(each) for each in people])
    ended = session.get_one(t.ApprovalSubject, (found.invoice, found.subject))
    standing = asked.standing(found, facts, policy.link_valid, now, row.currency)
    before = _content_of(session, found) if standing is Standing.STALE else None
    current = document.from_json(row.draft)
    return ApproverPage(
        standing=standing,
        asked=found,
        language=str(seller.profile.get("language", "en")),
        seller=str(seller.profile["name"]),
        currency=row.currency,
        reference=row.reference,
        number=row.number,
        customer=str(row.customer_data["name"]),
        sends_to=next(addresses(row.customer_data), None),
        subject=facts.subject,
        outcome=facts.outcome,
        ended_at=ended.ended_at,
        names={each.key: each.name for each in people},
        warnings=account.warnings,
        paper=_paper(current, row, calendar.local_date(now, seller.timezone)) if _shows(facts, standing) else None,
        balance=account.balance if row.number is not None else None,
        votes_missing=votes,
        roles_missing=roles,
        changes=changes.changes(before, current) if before is not None else (),
        known_before=before is not None,
        timezone=seller.timezone,
    )


def _shows(facts: Facts, standing: Standing) -> bool:
    return facts.subject.kind == DRAFT and standing is Standing.OPEN


def _paper(content: document.Draft, row: t.Invoice, today: date) -> EInvoice:
    """The document as it would be issued today. Without a payment reference no code on it pays."""
    number = PLACEHOLDER.get(content.language.partition("-")[0], "DRAFT")
    frozen = einvoice.freeze(content, number=number, issued_on=max(today, row.issue_on or today))
    return replace(frozen, payment_reference=None)


def _content_of(session: Session, found: Asked) -> document.Draft | None:
    """What the link was sent for."""
    query = select(t.DraftVersion.content).where(
        t.DraftVersion.invoice == found.invoice, col(t.DraftVersion.hash).startswith(f"sha256:{found.tag}")
    )
    content = session.exec(query).first()
    return document.from_json(dict(content)) if content is not None else None
