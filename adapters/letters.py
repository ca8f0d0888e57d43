"""Composes the mail of a claimed message: who gets it, its words, and the document it carries. Reads rows and
renders; it never decides whether to send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from adapters import news_facts
from adapters.books import load, papers, recipients
from adapters.books.papers import Filed
from adapters.documents.archive import Archive
from adapters.documents.port import Documents
from adapters.mail.port import Address, Attachment, Message
from adapters.mail.render import render
from domain import calendar, desk, keys, paying, settlement
from domain.account import Account
from domain.einvoice import EInvoice
from domain.messages import CONTACT_CHANGE, DISPUTE, INTERNAL, NEWS, PAPERS, MessageState
from domain.messages import Message as Sent
from domain.policy import Policy
from domain.profiles import PROFILES
from schemas import tables as t

APPROVAL = "approval"
PAY_WITHIN_DAYS = 5


@dataclass(frozen=True, slots=True)
class Letter:
    message: Message
    filed: Filed | None  # the document it delivers


@dataclass(frozen=True, slots=True)
class Composer:
    """`link`: where a customer sees its invoice, `pay`: where it pays, of its id and the generation of its links;
    `proof`: where a document of that id can be compared with what was issued; None without a public address. `decide`:
    where whoever gets the message of that key approves or rejects; `desk`: where a dispute is seen and decided;
    `confirm`: where the contact on record confirms the change that it asks about."""

    documents: Documents
    archive: Archive
    link: Callable[[str, int], str] | None = None
    pay: Callable[[str, int], str] | None = None
    proof: Callable[[str], str] | None = None
    confirm: Callable[[str], str] | None = None
    decide: Callable[[str], str] | None = None
    desk: Callable[[str], str] | None = None

    def compose(self, session: Session, key: str, now: datetime) -> Letter:
        """The mail of message `key`, as its rows say. Raises Unavailable when the archive cannot be written."""
        letter = session.get_one(t.Message, key)
        row = session.get_one(t.Invoice, letter.invoice)
        seller = session.get_one(t.Seller, row.seller)
        policy = load.policy_of(session, seller, row.policy, row.policy_version)
        account = load.account_of(session, seller, row, policy, now)
        sent = next(m for m in account.messages if m.key == key)
        paper = _paper(session, row, letter)
        to, language = _recipient(session, row, seller, letter)
        context = _context(session, row, seller, account, policy, sent, paper, now)
        if self.link is not None and letter.kind not in INTERNAL:
            context |= {"url": self.link(row.id, row.link_generation)}
        if self.pay is not None and letter.kind not in INTERNAL and account.balance > 0:
            context |= {"pay_url": self.pay(row.id, row.link_generation)}
        if self.decide is not None and letter.kind == APPROVAL:
            context |= {"url": self.decide(key)}
        if self.desk is not None and letter.template == DISPUTE:
            context |= {"url": self.desk(key)}
        if self.proof is not None and paper is not None:
            context |= {"verify_url": self.proof(paper.id)}
        if self.confirm is not None and letter.template == CONTACT_CHANGE:
            context |= {"confirm_url": self.confirm(keys.first_attempt(key))}
        words = render(letter.template, language, context)
        attachments, filed = self._attached(row, letter, paper)
        message = Message(
            key=key,
            kind=letter.kind,
            invoice=row.id,
            rung=sent.rung,
            sender=Address(seller.profile["name"], seller.profile["email"]),
            to=(to,),
            reply_to=context["reply_to"],
            subject=words.subject,
            text=words.text,
            html=words.html,
            language=language,
            at=now,
            attachments=attachments,
            references=() if letter.kind in INTERNAL else _thread(account, key),
            tracking=policy.tracking and letter.kind not in INTERNAL,
        )
        return Letter(message, filed)

    def _attached(
        self, row: t.Invoice, letter: t.Message, paper: t.Document | None
    ) -> tuple[tuple[Attachment, ...], Filed | None]:
        """The document: set and archived at its first delivery, read back from the archive afterwards."""
        if paper is None or letter.kind in INTERNAL | NEWS:
            return (), None
        if row.adopted and paper.kind == "invoice" and paper.object_key is None:
            return (), None  # issued elsewhere, and nobody handed its document in
        model = papers.model(row, paper)
        filed = self._filed(model) if paper.object_key is None else Filed(paper.object_key, paper.xml_key)
        attached = [Attachment(f"{paper.number}.pdf", "application/pdf", self.archive.get(filed.pdf))]
        if filed.xml is not None and not PROFILES[model.profile].embedded:
            attached.append(Attachment(f"{paper.number}.xml", "application/xml", self.archive.get(filed.xml)))
        return tuple(attached), filed if letter.kind in PAPERS else None

    def _filed(self, model: EInvoice) -> Filed:
        wanted = [each.file for each in model.attachments]
        if model.brand is not None and model.brand.logo is not None:
            wanted.append(model.brand.logo)
        rendition = self.documents.render(model, {key: self.archive.get(key) for key in wanted})
        pdf = self.archive.put(rendition.pdf, "pdf")
        return Filed(pdf, None if rendition.xml is None else self.archive.put(rendition.xml, "xml"))


def _paper(session: Session, row: t.Invoice, letter: t.Message) -> t.Document | None:
    """The document a message delivers, or the invoice that a reminder is about."""
    if letter.kind in PAPERS:
        return session.get_one(t.Document, keys.document_of(letter.subject or ""))
    query = select(t.Document).where(t.Document.invoice == row.id, t.Document.kind == "invoice")
    return session.exec(query.order_by(col(t.Document.issued_at))).first()


def _recipient(session: Session, row: t.Invoice, seller: t.Seller, letter: t.Message) -> tuple[Address, str]:
    """A person of ours, or the address the claim was made for, with the language to use."""
    ours = str(seller.profile.get("language", "en"))
    language = ours if letter.kind in INTERNAL else str(row.customer_data["language"])
    return Address(*recipients.address_of(session, row, seller, letter)), language


def _context(
    session: Session,
    row: t.Invoice,
    seller: t.Seller,
    account: Account,
    policy: Policy,
    sent: Sent,
    paper: t.Document | None,
    now: datetime,
) -> dict[str, Any]:
    """Everything the words may ask for; amounts in minor units, dates as dates."""
    items = session.exec(select(t.MessageItem).where(t.MessageItem.message == sent.key)).all()
    amount = items[0].amount
    return {
        "seller": {k: seller.profile.get(k) for k in ("name", "email", "phone", "address", "vat_id", "bank")},
        "customer": {"name": row.customer_data["name"]},
        "person": {"name": _name(session, sent)} if sent.person else None,
        "reference": row.reference,
        "purchase_order": row.draft.get("purchase_order"),
        "currency": account.currency,
        "subject": (sent.subject or "").partition("@")[0],
        "amount": amount,
        "reasons": [warned.text for warned in account.warnings],
        "commands": _commands(session, account, sent, policy),
        "reply_to": recipients.reply_to(seller, row.id),
        **_document_facts(row, account, policy, paper, now),
        **_debt_facts(account, sent, amount, now),
        **news_facts.facts(session, row, account, sent, amount),
    }


def _document_facts(
    row: t.Invoice, account: Account, policy: Policy, paper: t.Document | None, now: datetime
) -> dict[str, Any]:
    today = calendar.local_date(now, account.customer_place.timezone)
    credit = paper is not None and paper.kind == "credit_note"
    return {
        "number": paper.number if paper is not None else row.number,
        "invoice_number": row.number if credit else None,
        "issued_on": paper.issued_on if paper is not None else None,
        "total": paper.total if paper is not None and credit else account.total,
        "payment_reference": keys.creditor_reference(f"{row.seller}{row.number}") if row.number else None,
        "discount": paying.discount_told(account, policy, today),
    }


def _debt_facts(account: Account, sent: Sent, amount: int, now: datetime) -> dict[str, Any]:
    """What is owed. `open` is what a reminder asks for: the due's part without what is disputed or promised."""
    place = account.customer_place
    today = calendar.local_date(now, place.timezone)
    due = next((d for d in account.dues if d.id == sent.due), account.dues[0] if account.dues else None)
    return {
        "due_on": due.due_on if due is not None else None,
        "days_late": max(0, (today - due.due_on).days) if due is not None else 0,
        "balance": account.balance,
        "open": amount if sent.rung else account.balance,
        "disputed": account.disputed,
        "dues": [
            {"due_on": d.due_on, "amount": d.amount, "open": opened} for d, opened in settlement.open_dues(account)
        ],
        "pay_by": calendar.add_business_days(today, PAY_WITHIN_DAYS, place.country, place.region),
    }


def _name(session: Session, sent: Sent) -> str:
    person = session.get(t.Person, sent.person or "")
    return person.name if person is not None else sent.person or ""


def _commands(session: Session, account: Account, sent: Sent, policy: Policy) -> list[str]:
    """Lines to paste, of what whoever gets the mail may do."""
    where = account.workflow_id
    if sent.kind == APPROVAL:
        subject = next((s for s in account.subjects if s.id == (sent.subject or "").partition("@")[0]), None)
        if subject is None or policy.approve_by == "link":
            return []
        approve = f"duely approve {where} --by {sent.person} --subject {subject.id} --hash {subject.hash}"
        return [approve, f'duely reject {where} --by {sent.person} --subject {subject.id} --reason "…"']
    if sent.kind == "internal" and not sent.rung:
        id_ = (sent.subject or "").split("/")[1]
        able = [person.key for person in desk.deciders(account.people)]
        if sent.person not in able:
            return [
                f"duely decide {n} --by {sent.person} --owner {able[0]}" for n in _asked(session, where, id_) if able
            ]
        decide = f"duely resolve {where} --by {sent.person} --dispute {id_} --outcome"
        return [f"{decide} withdrawn", f"{decide} rejected", f"{decide} partly --credit AMOUNT", f"{decide} accepted"]
    if sent.kind == "internal":
        return [
            f"duely promise {where} --by {sent.person} --date YYYY-MM-DD",
            f'duely dispute {where} --by {sent.person} --reason "…"',
            f'duely hold {where} --by {sent.person} --reason "…"',
        ]
    return []


def _asked(session: Session, invoice: str, dispute: str) -> Iterator[int]:
    """The number in the queue of what asks for the decision, while it does."""
    query = select(t.OpenException.id).where(
        t.OpenException.kind == "dispute",
        t.OpenException.key == f"{invoice}/{dispute}",
        col(t.OpenException.decided_at).is_(None),
    )
    yield from (id_ for id_ in session.exec(query) if id_ is not None)


def _thread(account: Account, key: str) -> tuple[str, ...]:
    """The earlier mails to the customer about this invoice, oldest first."""
    left = {MessageState.ACCEPTED, MessageState.SENT}
    return tuple(m.key for m in account.messages if m.kind not in INTERNAL and m.key != key and m.state in left)
