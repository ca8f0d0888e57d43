"""The draft of a receivable in memory: facts in, frozen content and what must be approved out. What these books do not
take, as prepayments and invoices issued elsewhere, is refused here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from domain import approval, document, einvoice, warnings
from domain.account import Phase, Place, Subject, Warned
from domain.document import CustomerFacts, Draft, DraftWarning
from domain.einvoice import EInvoice
from domain.errors import Invalid
from domain.policy import Policy
from domain.warnings import Billed, History, Past, name_of
from schemas.drafting import draft_of
from schemas.merging import customer_key_of, customer_of
from schemas.request import Request, canonical_hash, is_content
from sim.memory.rows import Receivable
from sim.memory.tx import SYSTEM, Tx

DRAFT = "draft"
INVOICES, LINES_OF = 50, 12
"""So many earlier invoices are looked at, and the lines of so many of them."""
SHORT = frozenset({Phase.CANCELLED, Phase.REJECTED})


def draft(tx: Tx, workflow_id: str, request: Request, by: str) -> Receivable:
    """Keeps the priced draft under the workflow's id, new or amended by `by`. Invalid lists every problem and leaves no
    trace."""
    said = canonical_hash(request)
    before = tx.house.intake.get(request.reference)
    if before is not None and not by and not is_content(request, before):
        raise Invalid.at("reference", f"{request.reference} was used before with other content ({before})")
    row = tx.house.rows.get(workflow_id)
    values = _values(tx, workflow_id, request)
    tx.house.intake.setdefault(request.reference, said)
    creator = by or request.created_by or SYSTEM
    known = row.creators if row is not None and not row.freed else ()
    if row is None:
        row = Receivable(
            id=workflow_id, seller=tx.seller, reference=request.reference, created_at=tx.now, updated_at=tx.now
        )
        tx.house.rows[workflow_id] = row
    else:
        _unlist(tx, row)
    for name, value in values.items():
        setattr(row, name, value)
    row.request_hash, row.freed, row.phase, row.state = said, False, Phase.DRAFT, "draft"
    row.creators = known if creator in known else (*known, creator)
    _list(tx, row)
    about = {"hash": row.hash, "request": said, "total": str(row.total)}
    tx.audit("invoice.amended" if by else "invoice.drafted", creator, row, **about)
    opened = row.drafted.get(row.hash, 0)
    row.drafted[row.hash] = opened + 1
    _ask(tx, row, approval.opening(row.hash, opened))
    return row


def _values(tx: Tx, workflow_id: str, request: Request) -> dict[str, Any]:
    """What follows from the request."""
    _taken(request)
    stored = tx.seller.customers.get(customer_key_of(request))
    customer = customer_of(request, stored)
    before = _corrected(tx, request)
    content = draft_of(request, seller=tx.seller.facts, customer=stored, today=tx.today, corrected=before)
    policy, owner = _policy(tx, request, customer), _owner(tx, request)
    facts, to = tx.seller.facts, next(addresses(customer), None)
    earlier = History(tuple(_history(tx, workflow_id, content)), to, tx.house.ibans)
    remarked = replace(content, remarks=(*content.remarks, *_remarks(tx, request)))
    zone = customer.timezone or facts.timezone
    return {
        "customer": customer,
        "content": content,
        "policy": policy,
        "owner": owner,
        "customer_place": Place(timezone=zone, country=customer.country, region=customer.region),
        "contact": tx.contact(to or ""),
        "roles": _roles(tx, customer),
        "hash": document.content_hash(content),
        "total": content.totals.payable,
        "issue_on": request.issue_on,
        "metadata": dict(request.metadata),
        "warnings": tuple(
            Warned(code=each.code, text=each.text) for each in warnings.warnings(remarked, earlier, tx.today)
        ),
    }


def _taken(request: Request) -> None:
    if request.kind == "prepayment":
        raise Invalid.at("kind", "these books take no prepayments")
    if request.adopt is not None:
        raise Invalid.at("adopt", "these books take over no invoices issued elsewhere")
    if request.attachments:
        raise Invalid.at("attachments", "these books keep no files")


def addresses(customer: CustomerFacts, role: str = "billing") -> Iterator[str]:
    """The role's contacts, billing's, its own address, the others."""
    contacts = [(each.role, each.email) for each in customer.contacts if each.email]
    for wanted in (role, "billing"):
        yield from (email for of, email in contacts if of == wanted)
    if customer.email:
        yield customer.email
    yield from (email for _, email in contacts)


def _roles(tx: Tx, customer: CustomerFacts) -> dict[str, str]:
    pairs = [*((each.email, each.role) for each in customer.contacts), (customer.email, "customer")]
    return {tx.contact(email): role for email, role in reversed(pairs) if email}


def _policy(tx: Tx, request: Request, customer: CustomerFacts) -> Policy:
    name = request.policy or customer.policy or tx.seller.policy
    policy = tx.seller.policies.get(name)
    if policy is None:
        raise Invalid.at("policy", f"{name} is not a policy; seed it, or name another")
    if customer.kind == "consumer" and not policy.consumer:
        raise Invalid.at("policy", f"{name} is not for consumers; use one with consumer = true")
    if policy.mode == "shadow":
        raise Invalid.at("seller", f"{tx.seller.key} runs in shadow: it takes no numbers of its own")
    return policy


def _owner(tx: Tx, request: Request) -> str:
    owner = request.owner or tx.seller.owner
    if tx.person(owner) is None:
        raise Invalid.at("owner", f"{owner or '(none)'} is not a known person; name one, or set the seller's owner")
    return owner


def _corrected(tx: Tx, request: Request) -> EInvoice | None:
    """The invoice of these books that a corrected one names first."""
    if request.kind != "corrected":
        return None
    issued = {row.number: row for row in tx.house.rows.values()}
    row = next((issued[named.number] for named in request.preceding if named.number in issued), None)
    if row is None or row.number is None or row.issued_on is None:
        return None
    return einvoice.freeze(row.content, number=row.number, issued_on=row.issued_on)


def _remarks(tx: Tx, request: Request) -> list[DraftWarning]:
    """A corrected invoice beside one that is still owed asks for the same money twice."""
    if request.kind != "corrected":
        return []
    owing = {row.number for row in tx.house.rows.values() if row.ledger}
    owed = [named.number for named in request.preceding if named.number in owing]
    return [DraftWarning("uncredited", f"{number} is still owed: credit it, or both are due") for number in owed]


def _history(tx: Tx, workflow_id: str, content: Draft) -> Iterator[Past]:
    """The customer's earlier receivables, the newest first."""
    names = {name_of(line.item, line.description) for line in content.lines}
    others = tx.house.by_customer.get((content.customer.key, content.currency), ())
    found = (row for row in reversed(others) if row.id != workflow_id and row.phase not in SHORT)
    for number, row in zip(range(INVOICES), found, strict=False):
        compared = number < LINES_OF and row.content.kind == content.kind == "invoice"
        lines = _lines(row.content, names) if compared and row.phase is not Phase.CREDITED else ()
        period = row.content.period
        yield Past(
            reference=row.reference,
            total=row.total,
            purchase_order=row.content.purchase_order,
            period_from=period.start if period else None,
            period_to=period.end if period else None,
            issued_on=row.issued_on or row.created_at.date(),
            issued=row.number is not None,
            to=next(addresses(row.customer), None),
            lines=tuple(dict.fromkeys(lines)),
        )


def _lines(content: Draft, names: set[str]) -> Iterator[Billed]:
    for line in content.lines:
        name = name_of(line.item, line.description)
        if name in names:
            yield Billed(
                name=name,
                quantity=line.quantity,
                price=line.unit_price / line.price_base,
                period=line.period or content.period,
                order=content.purchase_order,
                order_line=line.order_line,
            )


def _ask(tx: Tx, row: Receivable, opened: str) -> None:
    """Opens the draft for approval, or schedules it when its tier asks nobody. Older approvals are void."""
    tier = approval.tier_for(row.policy, row.content.currency, row.total, bool(row.warnings))
    old = row.subjects.pop(DRAFT, None)
    if old is not None:
        tx.audit("approval.voided", SYSTEM, row, subject=DRAFT, hash=old.hash)
    if tier.approvers == 0:
        row.phase = Phase.SCHEDULED
        return
    row.phase = Phase.AWAITING_APPROVAL
    row.subjects[DRAFT] = Subject(
        id=DRAFT, kind=DRAFT, amount=row.total, hash=opened, approvers=tier.approvers, roles=tier.roles,
        creators=row.creators, opened_at=tx.now,
    )  # fmt: skip
    tx.audit("approval.requested", SYSTEM, row, subject=DRAFT, amount=str(row.total), hash=opened)


def _list(tx: Tx, row: Receivable) -> None:
    listed = tx.house.by_customer.setdefault((row.customer.key, row.content.currency), [])
    listed.append(row)
    if len(listed) > 1 and listed[-2].created_at > row.created_at:
        listed.sort(key=lambda each: each.created_at)
    tx.house.by_contact.setdefault(row.contact, []).append(row)


def _unlist(tx: Tx, row: Receivable) -> None:
    tx.house.by_customer[row.customer.key, row.content.currency].remove(row)
    tx.house.by_contact[row.contact].remove(row)
