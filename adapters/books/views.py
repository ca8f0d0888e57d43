"""What people and programs list: receivables, open exceptions, reasons. Plain JSON values, amounts as decimal strings,
instants in UTC. Reads one snapshot and writes nothing; a single receivable in full is `Books.outcome`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func
from sqlmodel import Session, col, or_, select

from adapters.books import chain, load
from adapters.books import recipients as contacts
from adapters.books.engine import read
from domain.account import Person, Phase
from domain.errors import NotFound, Refused
from domain.exceptions import SETTLED_BY
from domain.keys import parse_workflow_id, workflow_id
from domain.money import show
from domain.policy import Policy, parse_policy
from domain.status import instant
from schemas import tables as t

CHUNK = 500
AMOUNTS = ("amount", "balance")
OVER = (Phase.PAID.value, Phase.CREDITED.value, Phase.CANCELLED.value)


def find(engine: Engine, text: str, seller: str | None = None) -> str:
    """The workflow id that `text` means: an id itself, a document's number, or a reference. Refused when several
    receivables fit, NotFound when none does. An id in our form needs no row: its request may be unreadable."""
    with read(engine) as session:
        found = _candidates(session, text, seller)
    if len(found) > 1:
        raise Refused(f"{text} may be {', '.join(sorted(found))}: give the workflow id, or --seller")
    if found:
        return found.pop()
    if parse_workflow_id(text) is not None:
        return text
    where = f" of {seller}" if seller else ""
    raise NotFound(f"no receivable{where} is called {text}: give a workflow id, a number or a reference")


def _candidates(session: Session, text: str, seller: str | None) -> set[str]:
    if session.get(t.Invoice, text) is not None:
        return {text}
    invoices = select(t.Invoice.id).where(or_(col(t.Invoice.number) == text, col(t.Invoice.reference) == text))
    papers = (
        select(t.Invoice.id).join(t.Document, col(t.Document.invoice) == t.Invoice.id).where(t.Document.number == text)
    )
    waiting = select(t.Intake).where(t.Intake.reference == text)
    if seller is not None:
        invoices, papers = invoices.where(t.Invoice.seller == seller), papers.where(t.Invoice.seller == seller)
        waiting = waiting.where(t.Intake.seller == seller)
    found = {*session.exec(invoices), *session.exec(papers)}
    return found | {workflow_id(row.seller, row.reference) for row in session.exec(waiting)}


def invoices(
    engine: Engine, *, state: str | None = None, customer: str | None = None, seller: str | None = None
) -> Iterator[dict[str, Any]]:
    """Receivables, the latest first. `balance` before issue is the draft's total."""
    owed = (
        select(col(t.Posting.invoice).label("invoice"), func.sum(t.Posting.amount).label("owed"))
        .where(t.Posting.account == "receivable")
        .group_by(col(t.Posting.invoice))
        .subquery()
    )
    query = (
        select(t.Invoice, owed.c.owed)
        .join(owed, owed.c.invoice == t.Invoice.id, isouter=True)
        .order_by(col(t.Invoice.created_at).desc(), col(t.Invoice.id))
        .execution_options(yield_per=CHUNK)
    )
    for column, wanted in ((t.Invoice.state, state), (t.Invoice.customer, customer), (t.Invoice.seller, seller)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    with read(engine) as session:
        for row, balance in session.exec(query):
            yield listed(row, row.total if row.number is None else int(balance or 0))


def listed(row: t.Invoice, balance: int) -> dict[str, Any]:
    """A receivable in one line of a list."""
    return {
        "id": row.id,
        "seller": row.seller,
        "reference": row.reference,
        "number": row.number,
        "state": row.state,
        "customer": row.customer,
        "name": row.customer_data.get("name"),
        "currency": row.currency,
        "total": show(row.total, row.currency),
        "balance": show(balance, row.currency),
        "due_on": row.oldest_due_on.isoformat() if row.oldest_due_on else None,
        "next_at": instant(row.next_at),
        "owner": row.owner,
    }


def exceptions(
    engine: Engine,
    seller: str | None = None,
    now: datetime | None = None,
    *,
    owner: str | None = None,
    kind: str | None = None,
    overdue: bool = False,
) -> list[dict[str, Any]]:
    """What a person must decide, the nearest deadline first, with the commands that settle it. `now`, by default the
    clock of the receivable alone, tells how old each is; `overdue`: only those past their deadline."""
    query = (
        select(t.OpenException, t.Invoice.currency, t.Invoice.updated_at)
        .join(t.Invoice, col(t.Invoice.id) == col(t.OpenException.invoice), isouter=True)
        .where(col(t.OpenException.decided_at).is_(None))
    )
    wanted = ((t.OpenException.seller, seller), (t.OpenException.owner, owner), (t.OpenException.kind, kind))
    for column, value in wanted:
        if value is not None:
            query = query.where(col(column) == value)
    with read(engine) as session:
        found = session.exec(query.order_by(col(t.OpenException.deadline), col(t.OpenException.id))).all()
        over = _over(session, [row for row, _, _ in found])
    # A receivable on a virtual clock may be ahead of ours.
    told = (_asked(row, currency, max(filter(None, (row.opened_at, now, at))), over) for row, currency, at in found)
    return [each for each in told if each["overdue"] or not overdue]


def _over(session: Session, rows: Sequence[t.OpenException]) -> set[str]:
    """Receivables that were proposed for money and owe nothing any more."""
    named = {id_ for row in rows for each in row.evidence.get("proposals", ()) for id_ in each["invoices"]}
    query = select(t.Invoice.id).where(col(t.Invoice.id).in_(named), col(t.Invoice.phase).in_(OVER))
    return set(session.exec(query)) if named else set()


def _asked(row: t.OpenException, currency: str | None, now: datetime, over: Collection[str]) -> dict[str, Any]:
    said = dict(row.evidence)
    if "proposals" in said:
        said["proposals"] = [each for each in said["proposals"] if not set(each["invoices"]) & set(over)]
    commands = list(SETTLED_BY.get(row.kind, ("note",)))
    return {
        "id": row.id,
        "kind": row.kind,
        "key": row.key,
        "seller": row.seller,
        "invoice": row.invoice,
        "owner": row.owner,
        "opened_at": instant(row.opened_at),
        "deadline": instant(row.deadline),
        "age_hours": int((now - row.opened_at) // timedelta(hours=1)),
        "overdue": row.deadline is not None and row.deadline <= now,
        "evidence": evidence(said, currency),
        "commands": commands,
    }


def evidence(evidence: dict[str, Any], currency: str | None) -> dict[str, Any]:
    """With amounts as everywhere outside: decimal strings, in the currency beside them."""
    unit = evidence.get("currency") or currency
    amounts = {name: show(minor, unit) for name in AMOUNTS if unit and isinstance(minor := evidence.get(name), int)}
    return {**evidence, **amounts, **({"currency": unit} if amounts else {})}


def reasons(engine: Engine, invoice: str) -> list[dict[str, Any]]:
    """Why each message was sent, withheld or moved, in order."""
    with read(engine) as session:
        row = session.get(t.Invoice, invoice)
        if row is None:
            raise NotFound(f"{invoice} is not in the books: nothing was decided about it yet")
        query = select(t.Why).where(t.Why.invoice == invoice).order_by(col(t.Why.id))
        return [_reason(why, row.currency) for why in session.exec(query)]


def _reason(why: t.Why, currency: str) -> dict[str, Any]:
    return {
        "at": instant(why.at),
        "verdict": why.verdict,
        "kind": why.kind,
        "message": why.message,
        "due": why.due,
        "episode": why.episode,
        "rung": why.rung,
        "code": why.code,
        "reason": why.reason,
        "policy": {"name": why.policy, "version": why.policy_version},
        "balance": show(why.balance, currency),
        "currency": currency,
        "clock": why.clock,
    }


def recipients(engine: Engine, invoice: str) -> dict[str, str]:
    """Message key -> who it went to, as name and address. What has been erased is left out."""
    with read(engine) as session:
        row = session.get(t.Invoice, invoice)
        if row is None:
            return {}
        seller = session.get_one(t.Seller, row.seller)
        letters = session.exec(select(t.Message).where(t.Message.invoice == invoice)).all()
        named = ((letter.key, contacts.address_of(session, row, seller, letter)) for letter in letters)
        return {key: f"{name} <{email}>".strip() for key, (name, email) in named if email}


def assigned(engine: Engine, invoice: str) -> list[str]:
    """Each receipt that pays it, with the number that `unapply` asks for."""
    query = (
        select(t.Allocation, t.Receipt)
        .join(t.Receipt, col(t.Receipt.id) == col(t.Allocation.receipt))
        .where(t.Allocation.invoice == invoice, col(t.Allocation.released_at).is_(None))
        .order_by(col(t.Allocation.id))
    )
    with read(engine) as session:
        return [
            f"{show(part.amount, receipt.currency)} {receipt.currency} · receipt {receipt.id} of {receipt.received_on}"
            f" · assignment {part.id}"
            for part, receipt in session.exec(query)
        ]


def phases(engine: Engine) -> Iterator[tuple[str, str, datetime]]:
    """(workflow id, phase, last change) of every receivable."""
    query = select(t.Invoice.id, t.Invoice.phase, t.Invoice.updated_at).execution_options(yield_per=CHUNK)
    with read(engine) as session:
        yield from session.exec(query)


def sellers(engine: Engine) -> set[str]:
    with read(engine) as session:
        return set(session.exec(select(t.Seller.key)))


def policy(engine: Engine, name: str) -> Policy:
    """The newest version as it was written, whatever a seller's own mode. NotFound names those that there are."""
    with read(engine) as session:
        newest = select(t.Policy).where(t.Policy.name == name).order_by(col(t.Policy.version).desc())
        row = session.exec(newest).first()
        if row is None:
            known = ", ".join(sorted(set(session.exec(select(t.Policy.name)))))
            raise NotFound(f"there is no policy {name}; known are {known or 'none: `duely seed` loads some'}")
        return parse_policy(row.name, row.version, row.content)


def accounts(engine: Engine) -> dict[str, tuple[str, ...]]:
    """The bank accounts of each seller that has any, as IBANs without blanks, the main one first."""
    with read(engine) as session:
        found = session.exec(select(t.Seller).order_by(col(t.Seller.key))).all()
    return {row.key: own for row in found if (own := chain.accounts(row))}


def people(engine: Engine) -> tuple[Person, ...]:
    """Everybody who may decide something, active or not."""
    with read(engine) as session:
        return load.people(session)


def malformed(engine: Engine, invoice: str) -> int:
    """How many commands of a receivable could not be read."""
    query = select(func.count()).where(t.AuditEntry.invoice == invoice, t.AuditEntry.type == "command.malformed")
    with read(engine) as session:
        return int(session.exec(query).one())


def receipt_currency(engine: Engine, receipt: int) -> str:
    with read(engine) as session:
        row = session.get(t.Receipt, receipt)
        if row is None:
            raise NotFound(f"there is no receipt {receipt}")
        return row.currency


def unused(engine: Engine, prefixes: Sequence[str]) -> tuple[dict[str, list[str]], bool]:
    """By prefix the copies of sellers, such as `clock07`, that have no invoice yet; and whether any seller but these
    copies has one."""
    with read(engine) as session:
        busy = set(session.exec(select(t.Invoice.seller).distinct()))
        known = session.exec(select(t.Seller.key).order_by(col(t.Seller.key))).all()
    free = {prefix: [key for key in known if _copy(key, prefix) and key not in busy] for prefix in prefixes}
    return free, any(not any(_copy(key, prefix) for prefix in prefixes) for key in busy)


def _copy(key: str, prefix: str) -> bool:
    return re.fullmatch(rf"{prefix}[0-9]{{2}}", key) is not None


def issued(engine: Engine, invoice: str) -> bool:
    """Whether the books hold it as a receivable with a number."""
    with read(engine) as session:
        row = session.get(t.Invoice, invoice)
        return row is not None and row.number is not None
