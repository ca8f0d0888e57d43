"""Who the customer of one invoice is: the stored one, with what the request says inline laid over it.

It never changes what is stored; a difference becomes a warning on the draft.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain import keys
from domain.document import Address, Contact, CustomerFacts, DraftWarning, Endpoint
from schemas import customer as given
from schemas.request import Request


def customer_key_of(request: Request) -> str:
    """The key the customer is stored under: the one given, else the stable hash of who it is."""
    inline = request.customer
    if inline.key is not None:
        return inline.key
    postcode = inline.address.postcode if inline.address else None
    return keys.customer_key(request.seller, inline.vat_id, inline.name or "", postcode, inline.country or "")


def customer_of(request: Request, stored: CustomerFacts | None) -> CustomerFacts:
    """The customer for this invoice: what the request says inline, else what is stored."""
    base = stored or CustomerFacts(key=customer_key_of(request), name="", country="")
    return replace(base, **_inline(request.customer))


def _inline(customer: given.Customer) -> dict[str, Any]:
    """The facts a request gives, as fields of CustomerFacts; what it leaves out is absent."""
    plain = ("name", "country", "kind", "language", "timezone", "vat_id", "registration", "email", "channel")
    more = ("group", "payer", "requires", "policy", "terms", "format", "buyer_reference")
    found = {name: getattr(customer, name) for name in (*plain, *more)}
    found["address"] = address_of(customer.address)
    found["endpoint"] = Endpoint(**customer.endpoint.model_dump()) if customer.endpoint else None
    found["contacts"] = tuple(Contact(**contact.model_dump()) for contact in customer.contacts)
    return {name: value for name, value in found.items() if value not in (None, ())}


def differences(request: Request, stored: CustomerFacts | None) -> list[DraftWarning]:
    if stored is None:
        return []
    inline = _inline(request.customer)
    different = sorted(name for name, value in inline.items() if value != getattr(stored, name))
    if not different:
        return []
    return [DraftWarning("customer_differs", f"{', '.join(different)} differ from the stored customer {stored.key}")]


def address_of(address: given.Address | None) -> Address | None:
    return Address(**address.model_dump()) if address else None
