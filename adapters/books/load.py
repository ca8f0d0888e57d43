"""Reads a receivable: the rows of one invoice become the `Account` that every decision looks at. It writes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from adapters.books import mailed, news, queries, rows
from adapters.books.rows import Named
from domain.account import Account, Person, Phase, Place, Repayment, Subject, Vote, Warned
from domain.messages import Message
from domain.policy import Policy, parse_policy
from domain.profiles import FACTURX
from schemas import tables as t

STRICTNESS = ("auto", "ask", "shadow")
SUMS = {
    "issue": ("total", 1),
    "charge": ("charges", 1),
    "allocate": ("paid", -1),
    "unallocate": ("paid", -1),
    "credit": ("credited", -1),
    "discount": ("discounted", -1),
    "write_off": ("written_off", -1),
    "recover": ("written_off", -1),
    "withheld": ("withheld", -1),
}


def policy_of(session: Session, seller: t.Seller, name: str, version: int) -> Policy:
    """The policy version under a seller's own mode and sources. The stricter mode of the two holds, for a rung with a
    mode of its own as for the policy: only a seller in `auto` lets anything go by itself."""
    row = session.get_one(t.Policy, (name, version))
    data = dict(row.content)
    if seller.sources is not None:
        data["sources"] = list(seller.sources)
    data["mode"] = _stricter(str(data.get("mode", "ask")), seller)
    if "ladder" in data:
        data["ladder"] = [
            {**rung, "mode": _stricter(rung["mode"], seller)} if rung.get("mode") else rung for rung in data["ladder"]
        ]
    return _parsed(name, version, json.dumps(data, sort_keys=True))


def _stricter(mode: str, seller: t.Seller) -> str:
    return max(mode, seller.mode or "ask", key=STRICTNESS.index)


@lru_cache(maxsize=256)
def _parsed(name: str, version: int, content: str) -> Policy:
    return parse_policy(name, version, json.loads(content))


def latest_policy(session: Session, seller: t.Seller, name: str) -> Policy | None:
    version = session.exec(select(func.max(t.Policy.version)).where(t.Policy.name == name)).one()
    return policy_of(session, seller, name, int(version)) if version else None


def account_of(session: Session, seller: t.Seller, row: t.Invoice, policy: Policy, now: datetime) -> Account:
    """Everything the books know about one receivable at this instant."""
    named = queries.parameters(row, now)
    customer = row.customer_data
    messages = mailed.messages(session, named, customer, seller.salt)
    sums, paid = _sums(session, named, row)
    agreed = rows.plans(session, named) if row.plans else ()
    return Account(
        seller=row.seller,
        reference=row.reference,
        request_hash=row.request_hash,
        phase=Phase(row.phase),
        currency=row.currency,
        customer=row.customer,
        owner=row.owner,
        hash=row.hash,
        mode=policy.mode,
        seller_place=Place(timezone=seller.timezone, country=seller.country, region=seller.region),
        customer_place=Place(timezone=customer["timezone"], country=customer["country"], region=customer.get("region")),
        consumer=customer.get("kind") == "consumer",
        number=row.number,
        **_taken_over(row),
        reopened=row.reopened,
        issue_on=row.issue_on,
        issued_on=row.issued_on,
        delivered_at=row.delivered_at,
        last_entry_at=row.updated_at,
        **sums,
        **_open_money(session, named),
        dues=rows.dues(session, named),
        discounts=rows.discounts(row),
        promises=rows.promises(session, named),
        plans=agreed,
        holds=rows.holds(session, named, now),
        documents=rows.documents(session, named),
        profile=row.draft.get("profile", FACTURX),
        profile_rule=row.draft.get("profile_rule", ""),
        messages=messages,
        **_spoken(session, named, seller, messages, news.Sources(agreed, paid, row.contact_changes > 0)),
        repayments=refunds(session, named),
        watermarks=rows.watermarks(session, named, policy),
        warnings=tuple(Warned(**w) for w in row.warnings),
        contact_reminded_at=rows.reminded(session, named),
        older_debt_waits=rows.older_debt(session, named, row, now),
        ladder_stopped_on=row.ladder_stopped_on,
        rejected_until=row.rejected_until,
        quiet_until=row.quiet_until,
        **rows.questions(session, named),
    )


def _taken_over(row: t.Invoice) -> dict[str, Any]:
    """When an invoice issued elsewhere came into these books, and its last reminder before."""
    if not row.adopted:
        return {}
    on = row.draft["adopted"]["last_message_on"]
    return {
        "adopted": True,
        "adopted_at": row.created_at,
        "reminded_elsewhere_on": date.fromisoformat(on) if on else None,
    }


def _spoken(
    session: Session, named: Named, seller: t.Seller, sent: Sequence[Message], where: news.Sources
) -> dict[str, Any]:
    """What the customer is to be told, what waits for people of ours, and everybody who may be asked about that."""
    subjects, disputes = _subjects(session, named), rows.disputes(session, named)
    waits = bool(subjects) or any(d.outcome is None for d in disputes)
    return {
        "notices": news.notices(session, named, sent, replace(where, disputed=bool(disputes)), seller.timezone),
        "subjects": subjects,
        "disputes": disputes,
        "people": people(session) if waits else (),
    }


def people(session: Session) -> tuple[Person, ...]:
    return tuple(person_of(row) for row in session.exec(select(t.Person).order_by(col(t.Person.key))))


def person_of(row: t.Person) -> Person:
    return Person(
        key=row.key,
        roles=tuple(row.roles),
        limits=dict(row.limits),
        active=row.active,
        machine=row.machine,
        absent_from=row.absent_from,
        absent_until=row.absent_until,
        delegate=row.delegate,
    )


def _sums(session: Session, named: Named, row: t.Invoice) -> tuple[dict[str, Any], bool]:
    """The identity of `status`, straight from the ledger; and whether money was ever assigned."""
    moved = False
    found = dict.fromkeys(["bad_debt", *(name for name, _ in SUMS.values())], 0)
    for kind, note, amount in session.exec(queries.SUMS, params=named):
        moved |= kind in {"allocate", "unallocate"}
        name, sign = SUMS[kind]
        found[name] += sign * int(amount)
        if kind == "recover" or (kind == "write_off" and note.startswith("bad_debt")):
            found["bad_debt"] -= int(amount)
    if row.number is None:
        found["total"] = row.total
    return found, moved


def _open_money(session: Session, named: Named) -> dict[str, Any]:
    """The customer's credit in the receivable's currency, the receipts it comes from, those that may be its, and
    what is under way."""
    credit = {currency: -int(amount) for currency, amount in session.exec(queries.CUSTOMER_CREDIT, params=named)}
    return {
        "customer_credit": credit.get(named["currency"], 0),
        "credit_receipts": rows.receipts(session, queries.CREDIT_RECEIPTS, named) if any(credit.values()) else (),
        **rows.pending(session, named),
        "unmatched_receipts": rows.receipts(session, queries.UNMATCHED, named),
    }


def _subjects(session: Session, named: Named) -> tuple[Subject, ...]:
    waiting = session.exec(queries.SUBJECTS, params=named).all()
    return tuple(subject_of(session, s) for s in waiting)


def refunds(session: Session, named: Named) -> tuple[Repayment, ...]:
    """Those granted that must still go out through a provider."""
    waiting = session.exec(queries.REFUNDS, params=named)
    return tuple(Repayment(key=r.key, amount=r.amount, retry_at=r.retry_at) for r in waiting)


def subject_of(session: Session, row: t.ApprovalSubject) -> Subject:
    votes = session.exec(queries.VOTES, params={"invoice": row.invoice, "subject": row.id, "hash": row.hash})
    return Subject(
        id=row.id,
        kind=row.kind,
        amount=row.amount,
        hash=row.hash,
        approvers=row.approvers,
        roles=tuple(row.roles),
        creators=tuple(row.creators),
        opened_at=row.opened_at,
        votes=tuple(Vote(by=v.by, at=v.at) for v in votes),
        command=row.command,
    )
