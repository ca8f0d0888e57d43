"""The receivable as the books know it at one instant: what every decision looks at, and nothing else.

An `Account` is read from the database in one transaction and travels to the workflow as JSON. Amounts are minor units
of `currency`. It never changes itself: commands and payments change the books, and the books are read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from domain.exceptions import Question
from domain.instalments import Plan
from domain.keys import document_of, workflow_id
from domain.messages import GIVEN, PAPERS, SETTLED, Message, MessageState, Notice


class Phase(StrEnum):
    """Where the receivable stands in its life, apart from pauses. `OPEN` runs from issue to the last rung."""

    DRAFT = "draft"
    AWAITING_APPROVAL = "awaiting_approval"
    REJECTED = "rejected"
    SCHEDULED = "scheduled"
    OPEN = "open"
    ESCALATED = "escalated"
    IN_COLLECTIONS = "in_collections"
    PAID = "paid"
    CREDITED = "credited"
    WRITTEN_OFF = "written_off"
    CANCELLED = "cancelled"


CLOSED = frozenset({Phase.PAID, Phase.CREDITED, Phase.WRITTEN_OFF, Phase.CANCELLED})
BEFORE_ISSUE = frozenset({Phase.DRAFT, Phase.AWAITING_APPROVAL, Phase.REJECTED, Phase.SCHEDULED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One date and amount of the receivable (BT-9). `ladder_on` is the date its rungs count from: the due date
    itself until a pause, an extension or an un-pay moves it."""

    id: str
    due_on: date
    ladder_on: date
    episode: int
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    id: str
    by: str
    code: str
    reason: str
    amount: int
    lines: tuple[str, ...]
    opened_at: datetime
    outcome: str | None = None  # None while open
    owner: str = ""  # who is to decide
    deadline: datetime | None = None
    level: int = 0  # how often its deadline passed it on


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    id: str
    by: str
    amount: int
    promised_on: date
    made_at: datetime
    outcome: str | None = None  # None while open, else kept | broken | replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A stop put by a person: on this invoice, its customer, its seller, or everything (`pause-all`)."""

    scope: str  # invoice | customer | seller | all
    by: str
    reason: str
    until: datetime | None
    kind: str = "hold"  # hold | insolvent | no_contact
    ref: str = ""  # names the stop, if it is not of this invoice alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A legal document of the receivable; `object_key` and `xml_key` are `sha256:…` in the archive once it was
    rendered."""

    id: str
    kind: str  # invoice | credit_note
    number: str
    issued_on: date
    total: int
    object_key: str | None
    xml_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment:
    """A refund that was granted and has not gone out yet, under its idempotency key."""

    key: str
    amount: int
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that waits for approval: the draft, or money going out. `creators` may not approve it."""

    id: str  # draft | credit-1 | write_off-1 …
    kind: str  # draft | credit | write_off | resolve | cancel | pay | extend
    amount: int
    hash: str
    approvers: int
    roles: tuple[str, ...]  # each of these must be among the approvers
    creators: tuple[str, ...]
    opened_at: datetime
    votes: tuple[Vote, ...] = ()
    command: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """`limits`: highest gross amount in minor units by currency that this person may approve; none named = no limit."""

    key: str
    roles: tuple[str, ...]
    limits: dict[str, int]
    active: bool = True
    machine: bool = False
    absent_from: date | None = None
    absent_until: date | None = None
    delegate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """How far a source of payments was read: through which statement date, and when (by the statement's own date)."""

    source: str
    through: date
    read_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenReceipt:
    """Money in with something left of it: `amount`, which is neither assigned nor gone back."""

    id: int
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    code: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountStep:
    """`percent` of the total as a decimal string may be deducted when paid no later than `until`."""

    percent: str
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Whose clock and holidays count: IANA timezone, ISO 3166 country and subdivision."""

    timezone: str
    country: str
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    seller: str
    reference: str
    request_hash: str
    phase: Phase
    currency: str
    customer: str
    owner: str
    hash: str  # canonical hash of the draft
    mode: str  # shadow | ask | auto
    seller_place: Place
    customer_place: Place
    consumer: bool = False
    number: str | None = None
    adopted: bool = False
    adopted_at: datetime | None = None
    reminded_elsewhere_on: date | None = None  # an adopted one: the last reminder before it was taken over
    reopened: bool = False
    issue_on: date | None = None
    issued_on: date | None = None
    delivered_at: datetime | None = None
    last_entry_at: datetime | None = None
    total: int = 0
    charges: int = 0
    paid: int = 0
    credited: int = 0
    discounted: int = 0
    written_off: int = 0
    withheld: int = 0
    bad_debt: int = 0  # the part of written_off that was lost, not a rounding
    customer_credit: int = 0
    pending_payment: int = 0  # what payments under way will settle, a discount offered with them included
    pending_until: datetime | None = None  # from then on they stop nothing any more
    unmatched_receipts: tuple[OpenReceipt, ...] = ()  # nobody knows the payer yet; it may be this customer
    credit_receipts: tuple[OpenReceipt, ...] = ()  # where the customer's credit comes from, in any currency
    dues: tuple[Due, ...] = ()
    discounts: tuple[DiscountStep, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    promises: tuple[Promise, ...] = ()
    plans: tuple[Plan, ...] = ()
    holds: tuple[Hold, ...] = ()
    documents: tuple[Document, ...] = ()
    messages: tuple[Message, ...] = ()
    notices: tuple[Notice, ...] = ()
    subjects: tuple[Subject, ...] = ()  # those that wait
    repayments: tuple[Repayment, ...] = ()  # through a provider
    people: tuple[Person, ...] = ()  # everybody of ours; filled only while a subject or a dispute waits
    watermarks: tuple[Watermark, ...] = ()
    warnings: tuple[Warned, ...] = ()
    contact_reminded_at: tuple[datetime, ...] = ()  # for other invoices of the same contact, last two days
    older_debt_waits: bool = False  # an older debt of the same contact has a reminder due today
    ladder_stopped_on: date | None = None
    rejected_until: datetime | None = None  # grace after a rejected dispute
    quiet_until: datetime | None = None  # after a reply by mail
    exceptions: tuple[str, ...] = ()  # kinds of the open ones
    questions: tuple[Question, ...] = ()  # the same with owner and deadline, the nearest first
    profile: str = ""  # the e-invoice it is issued as, and the rule that says so
    profile_rule: str = ""

    def stops(self, kind: str, now: datetime) -> tuple[Hold, ...]:
        """The stops of a kind that are in force."""
        if not self.holds:
            return ()
        return tuple(h for h in self.holds if h.kind == kind and (h.until is None or now < h.until))

    @property
    def workflow_id(self) -> str:
        return workflow_id(self.seller, self.reference)

    @property
    def balance(self) -> int:
        """The identity of `status`: what is still owed."""
        settled = self.paid + self.credited + self.discounted + self.written_off + self.withheld
        return self.total + self.charges - settled

    @property
    def disputed(self) -> int:
        """The contested part of the balance."""
        contested = sum(d.amount for d in self.disputes if d.outcome is None) if self.disputes else 0
        return min(max(self.balance, 0), contested) if contested else 0

    @property
    def promised(self) -> int:
        open_ = sum(p.amount for p in self.promises if p.outcome is None) if self.promises else 0
        return min(max(self.balance, 0) - self.disputed, open_) if open_ else 0

    @property
    def handed_over_at(self) -> datetime | None:
        """When the invoice first reached the customer, or it was settled that Duely does not send it."""
        if self.delivered_at is not None:
            return self.delivered_at
        return min((m.at for m in self.messages if m.kind == "invoice" and m.state in SETTLED), default=None)

    @property
    def handed_in_at(self) -> datetime | None:
        """When the invoice reached the customer, or else left for it: its provider may never report more."""
        left = (m.at for m in self.messages if m.kind == "invoice" and m.state is MessageState.ACCEPTED)
        return self.handed_over_at or min(left, default=None)

    @property
    def papers_wait(self) -> bool:
        """Whether a legal document must still be dealt with: no copy left or was given up, or one is about to leave."""
        papers = [d.id for d in self.documents if not (self.adopted and d.kind == "invoice")]
        mails = [m for m in self.messages if m.kind in PAPERS]
        done = {document_of(m.subject or "") for m in mails if m.state in GIVEN}
        leaving = any(m.state in {MessageState.RELEASED, MessageState.CLAIMED} for m in mails)
        return leaving or not done.issuperset(papers)

    @property
    def closed(self) -> bool:
        return self.phase in CLOSED
