"""Writes the draft of a receivable: facts in, the frozen content and what must be approved out. Pricing, tax and
warnings are the domain's; this module only loads, stores and audits."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import col, delete, select

from adapters.books import load
from adapters.books.tx import SYSTEM, Tx
from domain import approval, codec, document, warnings
from domain.account import Phase
from domain.document import Address, Bank, Contact, CustomerFacts, Draft, Endpoint, SellerFacts
from domain.errors import Invalid
from domain.policy import Policy
from schemas import tables as t
from schemas.drafting import draft_of
from schemas.merging import customer_key_of, customer_of
from schemas.request import Request, canonical_hash

HISTORY = 50
DRAFT = "draft"


def draft(tx: Tx, workflow_id: str, request: Request, by: str) -> t.Invoice:
    """Stores the priced draft under the workflow's id, new or amended by `by`. Invalid lists every problem."""
    _claim_reference(tx, request, amended=bool(by))
    seller = seller_facts(tx.seller)
    stored = customer_facts(tx, customer_key_of(request))
    customer = customer_of(request, stored)
    content = draft_of(request, seller=seller, customer=stored, today=tx.today)
    policy = _policy(tx, request, customer)
    owner = _owner(tx, request)
    row = tx.session.get(t.Invoice, workflow_id)
    known = row is not None and not row.freed
    warned = warnings.warnings(content, _history(tx, workflow_id, customer.key, request.currency), tx.today)
    row = row or t.Invoice(id=workflow_id, created_at=tx.now, updated_at=tx.now)
    creators = list(row.creators) if known else []
    creator = by or request.created_by or SYSTEM
    row.creators = [*creators, *([] if creator in creators else [creator])]
    data = _customer_data(customer, seller)
    row.seller, row.reference, row.customer = request.seller, request.reference, customer.key
    row.request = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    row.request_hash = canonical_hash(request)
    row.customer_data, row.contact = data, tx.contact(billing_address(data))
    row.kind, row.currency, row.total = request.kind, content.currency, content.totals.total
    row.draft, row.hash = document.to_json(content), document.content_hash(content)
    row.policy, row.policy_version, row.owner = policy.name, policy.version, owner
    row.warnings = [{"code": w.code, "text": w.text} for w in warned]
    row.issue_on, row.freed, row.phase, row.state = request.issue_on, False, Phase.DRAFT, "draft"
    tx.session.add(row)
    tx.session.flush()
    _lines(tx, row, content)
    tx.audit(
        "invoice.amended" if by else "invoice.drafted",
        tx.actor(creator),
        tx.actor_kind(creator),
        row.id,
        hash=row.hash,
        request=row.request_hash,
        total=str(row.total),
    )
    _ask(tx, row, policy)
    return row


def _claim_reference(tx: Tx, request: Request, amended: bool) -> None:
    """The first content under a reference owns it; an amendment may change the content, nobody else."""
    found = tx.session.get(t.Intake, (request.seller, request.reference))
    said = canonical_hash(request)
    if found is None:
        tx.session.add(
            t.Intake(seller=request.seller, reference=request.reference, request_hash=said, received_at=tx.now)
        )
    elif found.request_hash != said and not amended:
        raise Invalid.at("reference", f"{request.reference} was used before with other content ({found.request_hash})")


def _ask(tx: Tx, row: t.Invoice, policy: Policy) -> None:
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
    subject = subject or t.ApprovalSubject(invoice=row.id, id=DRAFT, kind=DRAFT, opened_at=tx.now)
    subject.amount, subject.hash, subject.approvers = row.total, row.hash, tier.approvers
    subject.roles, subject.creators = list(tier.roles), list(row.creators)
    subject.opened_at, subject.outcome, subject.ended_at = tx.now, None, None
    tx.session.add(subject)
    row.phase = Phase.AWAITING_APPROVAL
    tx.audit("approval.requested", SYSTEM, invoice=row.id, subject=DRAFT, amount=str(row.total), hash=row.hash)


def seller_facts(row: t.Seller) -> SellerFacts:
    profile = row.profile
    bank = profile.get("bank")
    return SellerFacts(
        key=row.key,
        name=profile["name"],
        country=row.country,
        region=row.region,
        timezone=row.timezone,
        language=profile.get("language", "en"),
        address=codec.decode(Address, profile.get("address", {})),
        bank=codec.decode(Bank, bank) if bank else None,
        terms=profile.get("terms", "net 30"),
        policy=row.policy,
        **{name: profile.get(name) for name in ("vat_id", "registration", "email", "phone")},
    )


def customer_facts(tx: Tx, key: str) -> CustomerFacts | None:
    row = tx.session.get(t.Customer, (tx.seller.key, key))
    if row is None:
        return None
    contacts = tx.session.exec(
        select(t.Contact).where(t.Contact.seller == tx.seller.key, t.Contact.customer == key).order_by(col(t.Contact.id))
    )
    profile: dict[str, Any] = row.profile
    endpoint = profile.get("endpoint")
    return CustomerFacts(
        key=key,
        name=row.name,
        country=row.country,
        kind=row.kind,
        region=row.region,
        language=row.language,
        timezone=row.timezone,
        vat_id=row.vat_id,
        email=row.email,
        address=codec.decode(Address, profile.get("address", {})),
        registration=profile.get("registration"),
        contacts=tuple(Contact(role=c.role, name=c.name or None, email=c.email, language=c.language) for c in contacts),
        channel=profile.get("channel", "email"),
        endpoint=codec.decode(Endpoint, endpoint) if endpoint else None,
        group=profile.get("group"),
        payer=profile.get("payer"),
        requires=tuple(profile.get("requires", ())),
        policy=row.policy,
        terms=row.terms,
    )


def billing_address(data: dict[str, Any], role: str = "billing") -> str:
    """Where mail of a role goes: that role's contact, else the billing contact, else the customer's own address."""
    for wanted in (role, "billing"):
        for contact in data["contacts"]:
            if contact["role"] == wanted and contact["email"]:
                return str(contact["email"])
    return str(data["email"] or "")


def _customer_data(customer: CustomerFacts, seller: SellerFacts) -> dict[str, Any]:
    """The customer as it stands on this invoice, whatever happens to the stored one later."""
    data: dict[str, Any] = codec.encode(customer)
    data["timezone"] = customer.timezone or seller.timezone
    data["language"] = customer.language or seller.language
    data["email"] = customer.email
    data["contacts"] = [
        {"role": c.role, "name": c.name, "email": c.email, "language": c.language} for c in customer.contacts
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
    if policy.mode == "shadow":
        raise Invalid.at("seller", f"{tx.seller.key} runs in shadow: it takes no numbers of its own")
    if request.adopt is not None:
        raise Invalid.at("adopt", "taking over invoices issued elsewhere is not available yet")
    return policy


def _owner(tx: Tx, request: Request) -> str:
    owner = request.owner or str(tx.seller.profile.get("owner", ""))
    if tx.session.get(t.Person, owner) is None:
        raise Invalid.at("owner", f"{owner or '(none)'} is not a known person; name one, or set the seller's owner")
    return owner


def _history(tx: Tx, workflow_id: str, customer: str, currency: str) -> warnings.History:
    query = (
        select(t.Invoice.reference, t.Invoice.total, t.Invoice.draft, t.Invoice.issued_on, t.Invoice.created_at)
        .where(
            t.Invoice.seller == tx.seller.key,
            t.Invoice.customer == customer,
            t.Invoice.currency == currency,
            t.Invoice.id != workflow_id,
            col(t.Invoice.phase).not_in(("cancelled", "rejected")),
        )
        .order_by(col(t.Invoice.created_at).desc())
        .limit(HISTORY)
    )
    past = []
    for reference, total, content, issued_on, created_at in tx.session.exec(query):
        period = content.get("period") or {}
        past.append(
            warnings.Past(
                reference=reference,
                total=total,
                purchase_order=content.get("purchase_order"),
                period_from=date.fromisoformat(period["start"]) if period else None,
                period_to=date.fromisoformat(period["end"]) if period else None,
                issued_on=issued_on or created_at.date(),
            )
        )
    return warnings.History(tuple(past))


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
                revenue=line.revenue or "sales",
            )
        )
