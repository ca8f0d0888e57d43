"""What a payment provider says about one payment, in our words. Absolute states, never changes: whoever reads the same
state twice books nothing the second time. Amounts are minor units of `currency`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

PROVIDERS = frozenset({"stripe"})
"""Sources of money that keep it in a balance of their own until they pay it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundState:
    """`status`: pending | succeeded | failed. `key` is ours when Duely started it."""

    id: str
    amount: int
    status: str
    at: datetime
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeState:
    """A chargeback, or a debit that the payer's bank gave back. `status`: open | won | lost. `taken`: whether the money
    has left us. `reason` is the provider's code; `fee` is what the provider charges for it."""

    id: str
    amount: int
    status: str
    taken: bool
    reason: str
    at: datetime
    due_by: datetime | None = None
    fee: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentState:
    """`status`: open (nothing was tried) | processing (tried, the money may still fail) | succeeded | failed |
    canceled. `paid` is what came in, `fee` what the provider kept of it. `tried_at` dates a discount, `at` the
    money. `session` is our key of the checkout it was tried in, kept at the provider as metadata like `seller` and
    `invoice`."""

    provider: str
    id: str
    status: str
    currency: str
    amount: int
    paid: int = 0
    fee: int = 0
    method: str = ""
    seller: str = ""
    invoice: str = ""
    session: str = ""
    tried_at: datetime | None = None
    at: datetime | None = None
    failure: str = ""
    refunds: tuple[RefundState, ...] = ()
    disputes: tuple[DisputeState, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """What a checkout is asked for. `key` makes the call idempotent; the same key always carries the same request.
    `back_url`: where who leaves it comes back to, `paid_url` who has paid; empty for those asked for before it was told
    apart."""

    key: str
    seller: str
    invoice: str
    number: str
    amount: int
    currency: str
    minted_at: datetime
    expires_at: datetime
    language: str
    back_url: str
    paid_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """`status`: open | complete | expired. `payment` is what was tried in it, None before."""

    id: str
    status: str
    url: str
    expires_at: datetime
    payment: PaymentState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One line of the provider's own account of our balance. `payment`: the payment, refund or dispute behind it."""

    id: str
    type: str  # charge | refund | dispute | payout | fee | other
    source: str
    amount: int
    fee: int
    currency: str
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutState:
    """Money on its way from the provider to the bank. `status`: pending | paid | failed."""

    id: str
    status: str
    amount: int
    currency: str
    arrives_on: date
    trace: str = ""


LACK_OF_FUNDS = frozenset(
    {
        *("insufficient_funds", "bank_cannot_process", "incorrect_account_details", "check_returned"),
        "AC01",  # account number wrong
        "AC04",  # account closed
        "AC06",  # account blocked
        "AC13",  # a consumer's account under a business mandate
        "AG01",  # no direct debits to this account
        "AM04",  # insufficient funds
        "RC01",  # bank identifier wrong
    }
)
"""Reasons that mean a debit came back unpaid, not that the payer contests it (Stripe, dispute `reason`; ISO 20022
external return reason codes): the debt stands and is chased again. Any other reason, as MD01 (no mandate), MD06 (refund
asked for by the payer) and MS03 (not told), stops the ladder for a person."""


def contested(reason: str) -> bool:
    return reason not in LACK_OF_FUNDS
