"""A customer as others describe it: inline in a request, or to be stored under a key."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from domain import terms
from domain.errors import Invalid
from domain.profiles import PROFILES
from schemas.parsing import Listed, Strict, below, not_yet, problems_at
from schemas.values import MAX_NAME, Country, Email, Language, Name, Reference, Timezone


def _terms(value: Any, info: ValidationInfo) -> Any:
    """`known` in the context: a history holds it, and a rule that came later must not give its replay another way.
    Drafting keeps the rule."""
    if isinstance(value, str) and len(value) > MAX_NAME:
        raise ValueError(f"is too long: {len(value)} characters, at most {MAX_NAME}")
    try:
        read = terms.parse_terms if (info.context or {}).get("known") else terms.agreed
        read(value, "terms")
    except Invalid as invalid:
        raise problems_at(below("terms", invalid.problems)) from None
    return value


Channel = Annotated[Literal["email", "portal", "post"], not_yet("peppol", "use email, portal or post")]
CustomerKind = Literal["business", "public", "consumer"]
Requirement = Literal[
    "purchase_order",
    "buyer_reference",
    "contract",
    "project",
    "sales_order",
    "cost_center",
    "period",
    "delivery",
]
TermsValue = Annotated[
    str | dict[str, Any],
    PlainValidator(_terms),
    WithJsonSchema({"anyOf": [{"type": "string", "maxLength": MAX_NAME}, {"type": "object"}]}),
]


def _format(value: Any) -> str:
    if not isinstance(value, str) or value not in PROFILES:
        raise ValueError(f"must be one of {', '.join(PROFILES)}")
    return value


Format = Annotated[str, PlainValidator(_format), WithJsonSchema({"type": "string", "enum": list(PROFILES)})]
"""The e-invoice a customer asks for."""


class Address(Strict):
    street: Name | None = None
    street2: Name | None = None
    postcode: Name | None = None
    city: Name | None = None
    region: Name | None = None
    country: Country | None = None


class Contact(Strict):
    role: Literal["billing", "escalation", "dispute"]
    name: Name | None = None
    email: Email | None = None
    phone: Name | None = None
    language: Language | None = None


class Endpoint(Strict):
    """Electronic address (BT-49) with its scheme (EAS code)."""

    scheme: Reference
    id: Name


class Customer(Strict):
    """A stored customer's `key`, or the customer inline, or both: inline holds for this invoice only."""

    key: Reference | None = None
    kind: CustomerKind | None = None
    name: Name | None = None
    email: Email | None = None
    country: Country | None = None
    language: Language | None = None
    timezone: Timezone | None = None
    vat_id: Name | None = None
    registration: Name | None = None
    address: Address | None = None
    contacts: Listed[Contact] = ()
    channel: Channel | None = None
    endpoint: Endpoint | None = None
    group: Reference | None = None
    payer: Reference | None = None
    requires: Listed[Requirement] = ()
    policy: Reference | None = None
    terms: TermsValue | None = None
    format: Format | None = None
    buyer_reference: Name | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Customer:
        if self.key is None and (self.name is None or self.country is None):
            raise ValueError("needs the `key` of a stored customer, or at least `name` and `country`")
        return self
