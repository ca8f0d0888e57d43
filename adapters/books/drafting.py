"""Writes the draft of a receivable: facts in, the frozen content and what must be approved out. Pricing, tax and
warnings are the domain's; this module only loads, stores and audits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlmodel import col, delete

from adapters.books import adopting, facts, files, load, preceding
from adapters.books.history import history
from adapters.books.recipients import addresses
from adapters.books.tx import SYSTEM, Tx
from domain import approval, codec, document, keys, warnings
from domain.account import Phase
from domain.document import CustomerFacts, Draft, SellerFacts
from domain.errors import Invalid
from domain.ledger import SALES
from domain.policy import Policy
from schemas import tables as t
from schemas.drafting import draft_of
from schemas.merging import customer_key_of, customer_of
from schemas.request import Request, canonical_hash, is_content

DRAFT = "draft"


def draft(tx: Tx, workflow_id: str, request: Request, by: str) -> t.Invoice:
    """Stores the priced draft under the workflow's id, new or amended by `by`. Invalid lists every problem."""
    _claim_reference(tx, request, amended=bool(by))
    row = tx.session.get(t.Invoice, workflow_id)
    known = row is not None and not row.freed
    creator = by or request.created_by or SYSTEM
    creators = list(row.creators) if row is not None and known else []
    if creator not in creators:
        creators.append(creator)
    content, policy, values = _values(tx, workflow_id, request)
    values |= {"creators": creators, "freed": False, "phase": Phase.DRAFT, "state": "draft"}
    values["reply_token"] = keys.reply_token(tx.seller.salt, workflow_id)
    if row is None:
        row = t.Invoice(id=workflow_id, created_at=tx.now, updated_at=tx.now, **values)
    else:
        row.sqlmodel_update(values)
    tx.session.add(row)
    tx.session.flush()
    _lines(tx, row, content)
    if content.adopted is not None:
        adopting.take_over(tx, row, content, creator)
        return row
    opened = _keep(tx, row, creator)
    tx.audit(
        "invoice.amended" if by else "invoice.drafted",
        tx.actor(creator),
        tx.actor_kind(creator),
        row.id,
        hash=row.hash,
        request=row.request_hash,
        total=str(row.total),
    )
    _ask(tx, row, policy, opened)
    return row


def _values(tx: Tx, workflow_id: str, request: Request) -> tuple[Draft, Policy, dict[str, Any]]:
    """The content, the policy it runs under, and the columns that follow from both."""
    if missing := files.problems(tx.session, request):
        raise Invalid(missing)
    seller = facts.seller_facts(tx.seller)
    stored = facts.customer_facts(tx.session, tx.seller.key, customer_key_of(request))
    customer = customer_of(request, stored)
    paid = preceding.deductions(tx, workflow_id, request, customer.key)
    before = preceding.corrected(tx, request)
    content = draft_of(request, seller=seller, customer=stored, today=tx.today, deductions=paid, corrected=before)
    remarks = preceding.remarks(tx, request)
    policy = _policy(tx, request, customer)
    if content.adopted is not None:
        adopting.check(tx, workflow_id, content.adopted)
    data = _customer_data(customer, seller)
    earlier = history(tx, workflow_id, content, data)
    return (
        content,
        policy,
        {
            "seller": request.seller,
            "reference": request.reference,
            "request": request.as_json(),
            "request_hash": canonical_hash(request),
            "customer": customer.key,
            "customer_data": data,
            "contact": tx.contact(next(addresses(data), "")),
            "kind": request.kind,
            "currency": content.currency,
            "total": content.totals.payable,
            "draft": document.to_json(content),
            "hash": document.content_hash(content),
            "owner": _owner(tx, request),
            "policy": policy.name,
            "policy_version": policy.version,
            "issue_on": request.issue_on,
            "warnings": [
                {"code": w.code, "text": w.text}
                for w in warnings.warnings(replace(content, remarks=(*content.remarks, *remarks)), earlier, tx.today)
            ],
        },
    )


def _claim_reference(tx: Tx, request: Request, amended: bool) -> None:
    """The first content under a reference owns it; an amendment may change the content, nobody else."""
    found = tx.session.get(t.Intake, (request.seller, request.reference))
    said = canonical_hash(request)
    if found is None:
        tx.session.add(
            t.Intake(seller=request.seller, reference=request.reference, request_hash=said, received_at=tx.now)
        )
    elif not amended and not is_content(request, found.request_hash):
        raise Invalid.at("reference", f"{request.reference} was used before with other content ({found.request_hash})")


def _ask(tx: Tx, row: t.Invoice, policy: Policy, opened: str) -> None:
    """Opens the draft for approval, or schedules it when its tier asks nobody. Older approvals are void."""
    tier = approval.tier_for(policy, row.currency, row.total, bool(row.warnings))
    subject = tx.session.get(t.ApprovalSubject, (row.id, DRAFT))
    if subject is not None and subject.outcome is None:
        tx.audit("approval.voided", SYSTEM, invoice=row.id, subject=DRAFT, hash=subject.hash)
    if tier.approvers == 0:
        if subject is not None:
            subject.outcome, subject.ended_at = "void", tx.now
        row.phase = Phase.SCHEDULED
        return
    asked: dict[str, Any] = {
        "amount": row.total,
        "hash": opened,
        "approvers": tier.approvers,
        "roles": list(tier.roles),
        "creators": list(row.creators),
        "opened_at": tx.now,
        "outcome": None,
        "ended_at": None,
    }
    if subject is None:
        subject = t.ApprovalSubject(invoice=row.id, id=DRAFT, kind=DRAFT, **asked)
    else:
        subject.sqlmodel_update(asked)
    tx.session.add(subject)
    row.phase = Phase.AWAITING_APPROVAL
    tx.audit("approval.requested", SYSTEM, invoice=row.id, subject=DRAFT, amount=str(row.total), hash=opened)


def _customer_data(customer: CustomerFacts, seller: SellerFacts) -> dict[str, Any]:
    """The customer as it stands on this invoice, whatever happens to the stored one later."""
    data: dict[str, Any] = codec.encode(customer)
    data["timezone"] = customer.timezone or seller.timezone
    data["language"] = customer.language or seller.language
    data["email"] = customer.email
    data["contacts"] = [
        {"role": c.role, "name": c.name, "email": c.email, "phone": c.phone, "language": c.language}
        for c in customer.contacts
    ]
    return {**data, "kind": customer.kind, "country": customer.country, "region": customer.region}


def _policy(tx: Tx, request: Request, customer: CustomerFacts) -> Policy:
    """Invoice before customer before seller; what the policy or the seller's mode forbids is found here."""
    name = request.policy or customer.policy or tx.seller.policy
    policy = load.latest_policy(tx.session, tx.seller, name)
    if policy is None:
        raise Invalid.at("policy", f"{name} is not a policy; seed it, or name another")
    if customer.kind == "consumer" and not policy.consumer:
        raise Invalid.at("policy", f"{name} is not for consumers; use one with consumer = true")
    if policy.mode == "shadow" and request.adopt is None:
        raise Invalid.at("seller", f"{tx.seller.key} runs in shadow: it takes no numbers of its own")
    return policy


def _owner(tx: Tx, request: Request) -> str:
    owner = request.owner or str(tx.seller.profile.get("owner", ""))
    if tx.person(owner) is None:
        raise Invalid.at("owner", f"{owner or '(none)'} is not a known person; name one, or set the seller's owner")
    return owner


def _keep(tx: Tx, row: t.Invoice, by: str) -> str:
    """Each content stays as often as it was drafted, so that a link to an older one can say what changed. Answers the
    hash that approvals of this one are bound to."""
    before = 0
    while tx.session.get(t.DraftVersion, (row.id, opened := approval.opening(row.hash, before))) is not None:
        before += 1
    tx.session.add(t.DraftVersion(invoice=row.id, hash=opened, content=row.draft, by=by, at=tx.now))
    return opened


def _lines(tx: Tx, row: t.Invoice, content: Draft) -> None:
    tx.session.exec(delete(t.InvoiceLine).where(col(t.InvoiceLine.invoice) == row.id))
    for position, line in enumerate(content.lines, start=1):
        tx.session.add(
            t.InvoiceLine(
                invoice=row.id,
                position=position,
                line_id=line.id,
                description=line.description,
                quantity=str(line.quantity),
                unit=line.unit,
                unit_price=str(line.unit_price),
                net=line.net,
                tax_category=line.category,
                tax_rate=str(line.rate),
                revenue=line.revenue or SALES,
            )
        )
