"""What the books in memory keep: receivables, letters, receipts, and of each seller its ledger, numbers and chain. What
hangs on a receivable is a value, so that an unfinished change is undone by putting the old ones back. It decides
nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from adapters.books.checks.finding import Breach
from domain import audit, keys
from domain.account import (
    BEFORE_ISSUE,
    DiscountStep,
    Dispute,
    Document,
    Due,
    Hold,
    Phase,
    Place,
    Promise,
    Subject,
    Warned,
    Watermark,
)
from domain.delivery import MailEvent
from domain.document import CustomerFacts, Draft
from domain.exceptions import Question
from domain.instalments import Plan
from domain.ledger import Entry
from domain.messages import PAPERS, Message, MessageState
from domain.policy import Policy
from domain.reduction import Step
from sim.memory.parties import Parties, Seller


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message with what its sending leaves. `effect`: it was claimed at least once and not dropped since; `set_at`
    gives the order of a receivable's letters."""

    message: Message
    contact: str
    template: str
    set_at: datetime
    amount: int = 0
    effect: bool = False
    claimed_at: datetime | None = None
    lease_until: datetime | None = None
    left_at: datetime | None = None
    approved_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is known of a dispute beside what every decision looks at."""

    resolved_by: str
    resolved_at: datetime
    credited: int | None = None


class Allocation(NamedTuple):
    """An assignment that stands."""

    id: int
    receipt: Receipt
    row: Receivable
    amount: int
    at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Receipt:
    """Money in. `parts`: what of it is assigned, the oldest first; `gone`: what went back or is about to; `maybe`:
    whose it may be while nobody knows; `asks`: whom it stands in the queue for; `told`, `first`: booked for, paid."""

    id: int
    source: str
    external_id: str
    customer: str | None
    currency: str
    amount: int
    received_on: date
    parts: tuple[Allocation, ...] = ()
    gone: int = 0
    maybe: frozenset[str] = frozenset()
    asks: tuple[Receivable, ...] = ()
    told: Receivable | None = None
    first: Receivable | None = None

    @property
    def free(self) -> int:
        return self.amount - sum(part.amount for part in self.parts) - self.gone


class GivenBack(NamedTuple):
    """Money that has gone back, as the customer is told."""

    kind: str  # refund | returned
    ref: str
    amount: int
    on: date


class Reason(NamedTuple):
    """A why-record, as far as lives and checks look at it."""

    verdict: str
    code: str
    text: str
    message: str
    at: datetime


class Posting(NamedTuple):
    kind: str
    invoice: str | None
    customer: str
    currency: str
    entries: tuple[Entry, ...]
    posted_on: date
    note: str


class Number(NamedTuple):
    n: int
    number: str
    on: date
    document: str


@dataclass(slots=True, kw_only=True, eq=False)
class Receivable:
    """`sums` are those of the ledger by the names of `Account`; `ledger` is its balance there, kept apart from them."""

    id: str
    seller: Seller
    reference: str
    created_at: datetime
    updated_at: datetime
    request_hash: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    customer: CustomerFacts = None  # type: ignore[assignment]  # set with the content, before anybody reads it
    content: Draft = None  # type: ignore[assignment]
    policy: Policy = None  # type: ignore[assignment]
    customer_place: Place = None  # type: ignore[assignment]
    contact: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    hash: str = ""
    owner: str = ""
    total: int = 0
    warnings: tuple[Warned, ...] = ()
    issue_on: date | None = None
    creators: tuple[str, ...] = ()
    freed: bool = False
    phase: Phase = Phase.DRAFT
    state: str = "draft"
    next_at: datetime | None = None
    number: str | None = None
    issued_on: date | None = None
    delivered_at: datetime | None = None
    discounts: tuple[DiscountStep, ...] = ()
    oldest_due_on: date | None = None
    ladder_stopped_on: date | None = None
    rejected_until: datetime | None = None
    reopened: bool = False
    moved: bool = False  # money was ever assigned to it
    ledger: int = 0
    entries: int = 0  # of the chain
    told_phase: Phase = Phase.DRAFT  # as the last check saw it, with its entries then
    told_entries: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    credited_on: dict[str, str] = field(default_factory=dict)  # line that a credit note took back -> its number
    waived: dict[str, int] = field(default_factory=dict)  # because a payment settled it, by kind
    dues: tuple[Due, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    ended: dict[str, Ended] = field(default_factory=dict)
    promises: tuple[Promise, ...] = ()
    plans: tuple[Plan, ...] = ()
    holds: tuple[Hold, ...] = ()
    documents: tuple[Document, ...] = ()
    numbered_at: dict[str, datetime] = field(default_factory=dict)
    events: dict[str, tuple[MailEvent, ...]] = field(default_factory=dict)  # what was reported of each letter
    letters: dict[str, Letter] = field(default_factory=dict)
    subjects: dict[str, Subject] = field(default_factory=dict)
    drafted: dict[str, int] = field(default_factory=dict)  # how often, by content
    asked_for: dict[str, int] = field(default_factory=dict)  # kind of subject -> how often
    questions: dict[tuple[str, str], Question] = field(default_factory=dict)
    ever_asked: frozenset[tuple[str, str]] = frozenset()
    allocations: tuple[Allocation, ...] = ()
    given_back: tuple[GivenBack, ...] = ()
    whys: tuple[Reason, ...] = ()
    verdicts: dict[str, Any] = field(default_factory=dict)
    mails: tuple[Message, ...] | None = None  # in order, for as long as no letter changes

    @property
    def before_issue(self) -> bool:
        return self.phase in BEFORE_ISSUE

    def saved(self) -> tuple[Any, ...]:
        """What `put_back` needs to undo everything since."""
        values = (getattr(self, name) for name in _FIELDS)
        return tuple(dict(value) if isinstance(value, dict) else value for value in values)

    def put_back(self, saved: tuple[Any, ...]) -> None:
        for name, value in zip(_FIELDS, saved, strict=True):
            setattr(self, name, value)

    def messages(self) -> tuple[Message, ...]:
        if self.mails is None:
            ordered = sorted(self.letters.values(), key=lambda letter: (letter.set_at, letter.message.key))
            found = [letter.message for letter in ordered]
            if self.events:
                found = [replace(m, replaced=_replaced(m, found)) for m in found]
            self.mails = tuple(found)
        return self.mails


def _replaced(message: Message, found: Sequence[Message]) -> bool:
    """Whether a later attempt stands for what reached nobody, or another copy of its document that is not lost too."""
    if message.state is not MessageState.BOUNCED:
        return False
    first, number = keys.first_attempt(message.key), _number(message.key)
    if any(keys.first_attempt(m.key) == first and _number(m.key) > number for m in found):
        return True
    paper, lost = keys.document_of(message.key), {MessageState.BOUNCED, MessageState.SKIPPED}
    copies = (m for m in found if keys.document_of(m.key) == paper) if message.kind in PAPERS else ()
    return any(m.state not in lost for m in copies)


def _number(key: str) -> int:
    return int(key.partition("~")[2] or 1)


_FIELDS = tuple(each.name for each in fields(Receivable))


@dataclass(slots=True, eq=False)
class House:
    """One seller's books. `credit`: (customer, currency) -> what stands there in the ledger; `by_contact`: who shares
    an address; `ibans`: the accounts on the last invoice that was issued."""

    seller: Seller
    rows: dict[str, Receivable] = field(default_factory=dict)
    intake: dict[str, str] = field(default_factory=dict)
    by_customer: dict[tuple[str, str], list[Receivable]] = field(default_factory=dict)
    by_contact: dict[str, list[Receivable]] = field(default_factory=dict)
    reminders: dict[str, dict[str, tuple[datetime, Receivable]]] = field(default_factory=dict)  # claimed, by contact
    external: dict[tuple[str, str], Receipt] = field(default_factory=dict)
    receipts: dict[str, list[Receipt]] = field(default_factory=dict)  # by customer
    unknown: dict[int, Receipt] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    credit: dict[tuple[str, str], int] = field(default_factory=dict)
    numbers: dict[tuple[str, int], list[Number]] = field(default_factory=dict)
    last_on: dict[str, date] = field(default_factory=dict)
    chain: list[audit.Entry] = field(default_factory=list)
    head: audit.Head | None = None
    marks: dict[str, Watermark] = field(default_factory=dict)
    stops: list[tuple[str | None, Hold]] = field(default_factory=list)  # of a customer, or of all
    reported: set[str] = field(default_factory=set)  # what a mail provider told
    spam: dict[str, Receivable] = field(default_factory=dict)  # contact -> the receivable it stands in the queue for
    back: set[str] = field(default_factory=set)  # the movements that took money back
    ibans: frozenset[str] | None = None


@dataclass
class Kept:
    """All that books in memory hold. `technical`: the clock of whoever plays; `moved`: the receipts that changed since
    the last check; `breaches`: what the steps found."""

    parties: Parties
    idempotent: bool = True
    reports: bool = False
    technical: Callable[[], datetime] | None = None
    houses: dict[str, House] = field(default_factory=dict)
    stops: list[Hold] = field(default_factory=list)
    moved: set[Receipt] = field(default_factory=set)
    breaches: list[Breach] = field(default_factory=list)
    _receipts: int = 0
    _allocations: int = 0
    _stops: int = 0

    def clock(self, now: datetime) -> datetime:
        return self.technical() if self.technical is not None else now

    def next_receipt(self) -> int:
        self._receipts += 1
        return self._receipts

    def next_allocation(self) -> int:
        self._allocations += 1
        return self._allocations

    def next_stop(self) -> str:
        self._stops += 1
        return str(self._stops)
