"""What a seed file may say of sellers, customers and people: the types, their defaults, their own checks."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, model_validator

from domain import money, numbering
from domain.errors import Invalid, Problem
from schemas import customer as parts
from schemas.parsing import Listed, Strict, problems_at
from schemas.values import (
    Country,
    CurrencyCode,
    DateString,
    Email,
    Language,
    Name,
    NotNegative,
    Positive,
    Reference,
    SellerKey,
    Timezone,
    pattern,
)

Domain = Annotated[str, PlainValidator(pattern(r"([a-z0-9-]+\.)+[a-z0-9-]+", "must be a domain such as demo.example"))]
Word = Annotated[str, PlainValidator(pattern(r"[a-z0-9][a-z0-9_-]{0,39}", "must be a word of a–z, 0–9, _ and -"))]


def _iban(value: Any) -> str:
    """ISO 13616: the check digits make the number, letters as 10…35, 1 modulo 97."""
    plain = pattern(r"[A-Z]{2}[0-9]{2}[A-Z0-9 ]{10,38}", "must be an IBAN such as DE89 3704 0044 0532 0130 00")(value)
    plain = plain.replace(" ", "")
    if int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 != 1:
        raise ValueError("is no IBAN: its check digits do not match")
    return plain


def _format(value: Any) -> str:
    try:
        numbering.check_pattern(value)
    except Invalid as invalid:
        raise ValueError(invalid.problems[0].message) from None
    return str(value)


class Series(Strict):
    """`first`: the number it starts with, when another program counted before."""

    format: Annotated[str, PlainValidator(_format)]
    first: Annotated[int, Field(ge=1, le=999_999_999)] = 1


class AllSeries(Strict):
    invoice: Series = Series(format="RE-{year}-{n:05d}")
    credit_note: Series = Series(format="GS-{year}-{n:05d}")


class Bank(Strict):
    iban: Annotated[str, PlainValidator(_iban)]
    bic: Name | None = None
    name: Name | None = None


class Payee(Strict):
    """Who is paid, where that is not the seller, as with factoring (BG-10)."""

    name: Name
    id: Name | None = None
    registration: Name | None = None


class Brand(Strict):
    """`logo`: a PNG or SVG file beside the seed; `colour` as `#1f4e79`."""

    logo: Name | None = None
    colour: Annotated[str, PlainValidator(pattern(r"#[0-9a-f]{6}", "must be a colour such as #1f4e79"))] | None = None


class Copies(Strict):
    """The same seller again as `{prefix}01` … under its own books, for tests and virtual clocks."""

    prefix: Annotated[str, PlainValidator(pattern(r"[a-z][a-z0-9]{1,15}", "must be 2–16 of a–z and 0–9"))]
    count: Annotated[int, Field(ge=1, le=99)]


class Seller(Strict):
    name: Name
    country: Country
    region: Name | None = None
    timezone: Timezone
    currency: CurrencyCode
    owner: Reference
    language: Language = "en"
    policy: Word = "standard"
    mode: Literal["shadow", "ask", "auto"] = "ask"
    sources: Listed[Word] | None = None
    locked_until: DateString | None = None
    terms: parts.TermsValue = "net 30"
    address: parts.Address
    vat_id: Name | None = None
    registration: Name | None = None
    email: Email | None = None
    phone: Name | None = None
    bank: Bank | None = None
    banks: Listed[Bank] = ()
    payee: Payee | None = None
    contact: Name | None = None
    tax_number: Name | None = None
    legal: Name | None = None
    endpoint: parts.Endpoint | None = None
    rounding: dict[CurrencyCode, Positive] = Field(default={})
    brand: Brand | None = None
    series: AllSeries = AllSeries()
    reply_to: Domain | None = None
    copies: Copies | None = None


class Contact(Strict):
    role: Literal["billing", "escalation", "dispute"]
    name: Name | None = None
    email: Email | None = None
    language: Language | None = None


class Customer(parts.Customer):
    """As in a request, with what a stored customer cannot do without. Its timezone, left out, is the seller's."""

    name: Name
    country: Country
    kind: parts.CustomerKind = "business"
    region: Name | None = None
    language: Language = "en"
    contacts: Listed[Contact] = ()  # type: ignore[assignment]  # without a phone, which has no column
    sellers: Listed[SellerKey] = ()

    @model_validator(mode="after")
    def _each_contact_once(self) -> Customer:
        named = [(contact.role, contact.email) for contact in self.contacts]
        twice = [at for at, each in enumerate(named) if each in named[:at]]
        if twice:
            raise problems_at(
                [Problem(f"contacts[{at}]", "is there already, with this role and address") for at in twice]
            )
        return self


class Absence(Strict):
    """Both days included. `delegate` is asked first, where they may approve."""

    start: DateString = Field(alias="from")
    until: DateString
    delegate: Reference | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Absence:
        if self.until < self.start:
            raise ValueError(f"ends on {self.until}, before it begins on {self.start}")
        return self


class Person(Strict):
    """`limits`: the highest gross amount by currency that this person may approve; none named = no limit."""

    name: Name
    email: Email | None = None
    roles: Listed[Literal["approver", "controller", "cfo", "owner", "machine"]]
    limits: dict[CurrencyCode, NotNegative] = Field(default={})
    machine: bool = False
    active: bool = True
    absent: Absence | None = None

    @model_validator(mode="after")
    def _limits_fit(self) -> Person:
        found: list[Problem] = []
        for currency in self.limits:
            try:
                self.limit(currency)
            except Invalid as invalid:
                found += invalid.problems
        if found:
            raise problems_at(found)
        return self

    def limit(self, currency: str) -> int:
        """In minor units."""
        return money.parse(format(self.limits[currency], "f"), currency, f"limits.{currency}")
