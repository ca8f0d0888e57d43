"""Books mails that came in, each once for each receivable it answers, and does the little a machine may do about one:
note it, let the ladder rest, roll back what it reports as lost, send a copy to the contact on record. Everything else
it puts before a person. Nothing a mail says changes what is owed, promised or disputed."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books import copies, recipients, reports
from adapters.books.engine import read as snapshot
from adapters.books.settle import settle
from adapters.books.tx import Tx, booking
from adapters.books.unclear import owner as sellers_owner
from adapters.books.view import read
from adapters.documents.store import Store
from domain import calendar
from domain.account import BEFORE_ISSUE, CLOSED
from domain.delivery import MailEvent
from domain.errors import NotFound, Refused
from domain.replies import BOUNCE, COPY_REQUEST, PAUSES, PERSON, Incoming, Judgement, excerpt, judge, ready
from domain.status import instant
from schemas import tables as t

MOST_AT_ONCE = 20
_OWN_ADDRESS = re.compile(r"ar-([0-9a-f]{12})@")
CONTACT, OURS, STRANGER = "a contact of the customer", "one of ours", "nobody we know of this customer"
Target = tuple[str, str | None]
"""Seller, and the receivable where one was found."""


def received(engine: Engine, archive: Store, raw: bytes, mail: Incoming, now: datetime) -> tuple[str, ...]:
    """The receivables whose workflows are to be told; on a repeat the same, and nothing is booked. `mail` is what `raw`
    was read as; the bytes are archived. NotFound for a mail that is nobody's."""
    with snapshot(engine) as session:
        found = _targets(session, mail)
    if not found:
        raise NotFound("no receivable and no seller has an address that this mail names")
    object_key = archive.put(raw, "eml")
    for seller, invoice in found:
        with booking(engine, seller, now) as tx:
            row = tx.session.get(t.Invoice, invoice) if invoice is not None else None
            _book(tx, row, mail, object_key)
    return tuple(invoice for _, invoice in found if invoice is not None)


def _targets(session: Session, mail: Incoming) -> list[Target]:
    """What a machine's report is about; else whose addresses are named; else what mail of ours it answers; else the
    seller whose domain it came to."""
    report = mail.report
    if report is not None and (report.key or report.message_id):
        letter = session.get(t.Message, report.key) or _letter_of(session, [report.message_id])
        if letter is not None:
            return [(letter.seller, letter.invoice)]
    tokens = {found[1] for each in mail.to if (found := _OWN_ADDRESS.match(each))}
    named = select(t.Invoice).where(col(t.Invoice.reply_token).in_(tokens), col(t.Invoice.freed).is_(False))
    rows = session.exec(named.order_by(col(t.Invoice.id)).limit(MOST_AT_ONCE)).all()
    if rows:
        return [(row.seller, row.id) for row in rows]
    answered = _letter_of(session, mail.references)
    if answered is not None:
        return [(answered.seller, answered.invoice)]
    domains = {each.partition("@")[2] for each in mail.to}
    sellers = session.exec(select(t.Seller).order_by(col(t.Seller.key))).all()
    first = next((seller.key for seller in sellers if recipients.reply_domain(seller) in domains), None)
    return [(first, None)] if first is not None else []


def _letter_of(session: Session, message_ids: Sequence[str]) -> t.Message | None:
    """The latest of our mails among these; a provider's id is the Message-ID it left under."""
    for id_ in message_ids:
        effect = session.exec(select(t.Effect).where(t.Effect.provider_id == f"<{id_}>")).first()
        if effect is not None:
            return session.get(t.Message, effect.key)
    return None


def _book(tx: Tx, row: t.Invoice | None, mail: Incoming, object_key: str) -> None:
    """Once: whoever comes second, or sends it again, finds it here."""
    about = row.id if row is not None else tx.seller.key
    id_ = hashlib.sha256(f"{mail.message_id or object_key}\n{about}".encode()).hexdigest()[:20]
    if tx.session.get(t.Reply, id_) is not None:
        return
    zone = tx.seller.timezone
    if row is not None:
        tx.now, zone = max(tx.now, row.updated_at), str(row.customer_data.get("timezone") or zone)
    number = (row.number if row is not None else None) or ""
    found = judge(mail, calendar.local_date(tx.now, zone), number)
    whose = _sender(tx, row, mail.sender)
    quiet = _quieten(tx, row) if row is not None and found.kind in PAUSES and whose != OURS else None
    tx.session.add(
        t.Reply(
            id=id_,
            seller=tx.seller.key,
            invoice=row.id if row is not None else None,
            kind=found.kind,
            sender=tx.contact(mail.sender),
            subject=mail.subject,
            text=mail.text,
            object_key=object_key,
            received_at=tx.now,
            quiet_until=quiet,
        )
    )
    tx.session.flush()
    told = {"reply": id_, "kind": found.kind, "object": object_key}
    kind = "person" if whose == OURS else "customer"
    tx.audit("reply.received", tx.text(mail.sender), kind, row.id if row is not None else None, **told)
    if not _dealt_with(tx, row, mail, found, whose, id_):
        _ask(tx, row, mail, found, whose, id_, quiet)
    if row is not None:
        settle(tx, row)


def _sender(tx: Tx, row: t.Invoice | None, sender: str) -> str:
    """Whether the address it claims to come from is known. A claim: mail proves nothing."""
    if tx.session.exec(select(t.Person.key).where(t.Person.email == sender)).first() is not None:
        return OURS
    if row is not None:
        ref = tx.contact(sender)
        written_to = select(t.Message.key).where(t.Message.invoice == row.id, t.Message.contact == ref)
        known = ref in {tx.contact(each) for each in recipients.addresses(row.customer_data)}
        if known or tx.session.exec(written_to).first() is not None:
            return CONTACT
    return STRANGER


def _quieten(tx: Tx, row: t.Invoice) -> datetime | None:
    """No reminder before a person had time to read it. The ladder is not moved: what came due meanwhile leaves then."""
    if row.phase in CLOSED or row.phase in BEFORE_ISSUE:
        return None
    _, policy = read(tx, row)
    until = tx.now + policy.reply_pause
    row.quiet_until = until if row.quiet_until is None else max(row.quiet_until, until)
    tx.session.add(row)
    return row.quiet_until


def _dealt_with(tx: Tx, row: t.Invoice | None, mail: Incoming, found: Judgement, whose: str, id_: str) -> bool:
    """Does what a machine may do; False when a person has to look. A machine's mail is only noted, and so is what a
    settled receivable's customer asks for in vain."""
    if found.kind == PERSON:
        return False
    if found.kind == BOUNCE:
        return row is None or _roll_back(tx, row, mail, id_)
    if found.kind != COPY_REQUEST:
        return True
    if row is not None and whose == CONTACT:
        with contextlib.suppress(Refused):
            copies.request(tx, row, mail.sender)
            return True
    return row is not None and row.phase in CLOSED


def _roll_back(tx: Tx, row: t.Invoice, mail: Incoming, id_: str) -> bool:
    """What a provider's own report of a bounce does. False when nobody can tell which of our mails it is about."""
    letter = _lost(tx, row, mail)
    if letter is None:
        return False
    reason = mail.report.status if mail.report is not None else ""
    reports.book(tx, row, (MailEvent(id=f"reply/{id_}", key=letter.key, type="bounced", at=tx.now, reason=reason),))
    return True


def _lost(tx: Tx, row: t.Invoice, mail: Incoming) -> t.Message | None:
    report = mail.report
    named = tx.session.get(t.Message, report.key) if report is not None and report.key else None
    ids = (report.message_id, *mail.references) if report is not None else mail.references
    letter = named or _letter_of(tx.session, ids)
    if letter is not None and letter.invoice == row.id:
        return letter
    if report is None or not report.recipient:
        return None
    last = select(t.Message).where(t.Message.invoice == row.id, t.Message.contact == tx.contact(report.recipient))
    return tx.session.exec(last.where(t.Message.state == "acting").order_by(col(t.Message.at).desc())).first()


def _ask(
    tx: Tx, row: t.Invoice | None, mail: Incoming, found: Judgement, whose: str, id_: str, quiet: datetime | None
) -> None:
    owner = row.owner if row is not None else sellers_owner(tx)
    about = f", it seems about {', '.join(found.hints.about)}" if found.hints.about else ""
    evidence = {
        "reply": id_,
        "why": f"a mail from {mail.sender or 'nobody'}, {whose}{about}",
        "subject": mail.subject[:200],
        "text": excerpt(found.said or mail.text),
        "hints": found.hints.as_json(),
        "attached": [name for name, _, _ in mail.attached][:10],
        "proof": mail.proof,
        "quiet_until": instant(quiet),
        "ready": ready(row.id, mail.sender or "the customer", owner, found.hints, found.said)
        if row is not None
        else [],
    }
    said = {name: value for name, value in evidence.items() if value}
    tx.open_exception("reply", id_, owner, row.id if row is not None else None, quiet, **said)
