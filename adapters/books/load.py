"""Reads a receivable: the rows of one invoice become the `Account` that every decision looks at. It writes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, func
from sqlmodel import Session, select

from adapters.books import lookups, mailed, news, queries, rows
from adapters.books.rows import Named
from adapters.books.seen import ask
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
    ((content,),) = ask(session, queries.POLICY, {"policy": name, "version": version})
    return _parsed(name, version, content, seller.mode, None if seller.sources is None else tuple(seller.sources))


@lru_cache(maxsize=256)
def _parsed(name: str, version: int, content: str, mode: str | None, sources: tuple[str, ...] | None) -> Policy:
    data = json.loads(content)
    if sources is not None:
        data["sources"] = list(sources)
    data["mode"] = _stricter(str(data.get("mode", "ask")), mode)
    if "ladder" in data:
        data["ladder"] = [
            {**rung, "mode": _stricter(rung["mode"], mode)} if rung.get("mode") else rung for rung in data["ladder"]
        ]
    return parse_policy(name, version, data)


def _stricter(mode: str, of_seller: str | None) -> str:
    return max(mode, of_seller or "ask", key=STRICTNESS.index)


def latest_policy(session: Session, seller: t.Seller, name: str) -> Policy | None:
    version = session.exec(select(func.max(t.Policy.version)).where(t.Policy.name == name)).one()
    return policy_of(session, seller, name, int(version)) if version else None


def account_of(session: Session, seller: t.Seller, row: t.Invoice, policy: Policy, now: datetime) -> Account:
    """Everything the books know about one receivable at this instant."""
    named = queries.parameters(row, now)
    customer = row.customer_data
    messages = mailed.messages(session, named, customer, seller.salt)
    sums, paid = _sums(session, named, row)
    (waiting,) = ask(session, queries.WAITING, named)
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
        **_open_money(session, named, waiting),
        dues=rows.dues(session, named) if row.number is not None else (),
        discounts=rows.discounts(row),
        promises=rows.promises(session, named) if waiting.promises else (),
        plans=agreed,
        holds=rows.holds(session, named, now) if waiting.holds or waiting.stops else (),
        documents=rows.documents(session, named) if row.number is not None else (),
        profile=row.draft.get("profile", FACTURX),
        profile_rule=row.draft.get("profile_rule", ""),
        messages=messages,
        **_spoken(session, named, seller, messages, waiting, news.Sources(agreed, paid, row.contact_changes > 0)),
        repayments=refunds(session, named) if waiting.repayments else (),
        watermarks=rows.watermarks(session, named, policy),
        warnings=tuple(Warned(**w) for w in row.warnings),
        contact_reminded_at=rows.reminded(session, named) if waiting.reminded else (),
        older_debt_waits=waiting.older_debt,
        ladder_stopped_on=row.ladder_stopped_on,
        rejected_until=row.rejected_until,
        quiet_until=row.quiet_until,
        **(rows.questions(session, named) if waiting.questions else {}),
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
    session: Session,
    named: Named,
    seller: t.Seller,
    sent: Sequence[Message],
    waiting: Row[Any],
    where: news.Sources,
) -> dict[str, Any]:
    """What the customer is to be told, what waits for people of ours, and everybody who may be asked about that."""
    subjects = _subjects(session, named) if waiting.subjects else ()
    disputes = rows.disputes(session, named) if waiting.disputes else ()
    waits = bool(subjects) or any(d.outcome is None for d in disputes)
    where = replace(where, disputed=bool(disputes), paid=where.paid or waiting.given_back)
    return {
        "notices": news.notices(session, named, sent, where, seller.timezone),
        "subjects": subjects,
        "disputes": disputes,
        "people": people(session) if waits else (),
    }


def people(session: Session) -> tuple[Person, ...]:
    return tuple(person_of(row) for row in ask(session, lookups.PEOPLE, {}))


def person_of(row: t.Person | Row[Any]) -> Person:
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
    for kind, note, amount in ask(session, queries.SUMS, named):
        moved |= kind in {"allocate", "unallocate"}
        name, sign = SUMS[kind]
        found[name] += sign * int(amount)
        if kind == "recover" or (kind == "write_off" and note.startswith("bad_debt")):
            found["bad_debt"] -= int(amount)
    if row.number is None:
        found["total"] = row.total
    return found, moved


def _open_money(session: Session, named: Named, waiting: Row[Any]) -> dict[str, Any]:
    """The customer's credit in the receivable's currency, the receipts it comes from, those that may be its, and
    what is under way."""
    found = ask(session, queries.CUSTOMER_CREDIT, named) if waiting.credit else ()
    credit = {currency: -int(amount) for currency, amount in found}
    return {
        "customer_credit": credit.get(named["currency"], 0),
        "credit_receipts": rows.receipts(session, queries.CREDIT_RECEIPTS, named) if any(credit.values()) else (),
        **(rows.pending(session, named) if waiting.pending else {}),
        "unmatched_receipts": rows.receipts(session, queries.UNMATCHED, named) if waiting.unmatched else (),
    }


def _subjects(session: Session, named: Named) -> tuple[Subject, ...]:
    return tuple(subject_of(session, row) for row in ask(session, queries.SUBJECTS, named))


def refunds(session: Session, named: Named) -> tuple[Repayment, ...]:
    """Those granted that must still go out through a provider."""
    found = ask(session, queries.REFUNDS, named)
    return tuple(Repayment(key=r.key, amount=r.amount, retry_at=r.retry_at) for r in found)


def subject_of(session: Session, row: t.ApprovalSubject | Row[Any]) -> Subject:
    votes = ask(session, queries.VOTES, {"invoice": row.invoice, "subject": row.id, "hash": row.hash})
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
