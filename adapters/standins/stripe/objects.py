"""Stripe's objects as they go over the wire. Every field of the SDK's class is there and null until it is known,
except those that Stripe leaves out of its answers (`_LEFT_OUT`): an adapter must not learn to rely on them.

Amounts are minor units, instants are seconds since 1970, as everywhere in Stripe's API.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from functools import cache
from typing import Any

import stripe
from stripe import checkout

from adapters.standins.stripe.errors import Json

METHODS = ("card", "sepa_debit", "customer_balance")
"""The ways of paying this stand-in knows. Stripe has some fifty."""

FEE_SHARE = 150  # of 10,000
FEE_FIXED = 25
DISPUTE_FEE = 2000
SETTLES_AFTER = 2 * 86400
"""Seconds until money that was taken is available for a payout."""

_CLASSES: dict[str, type] = {
    "checkout.session": checkout.Session,
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "balance_transaction": stripe.BalanceTransaction,
    "payout": stripe.Payout,
    "event": stripe.Event,
    "customer": stripe.Customer,
}
_PREFIX = {
    "checkout.session": "cs_test_", "payment_intent": "pi_", "charge": "ch_", "refund": "re_", "dispute": "du_",
    "balance_transaction": "txn_", "payout": "po_", "event": "evt_", "customer": "cus_",
}  # fmt: skip
_LEFT_OUT = {
    "checkout.session": "line_items presentment_details optional_items redirect_on_completion return_url "
    "tax_id_collection name_collection branding_settings",
    "payment_intent": "hooks payment_details payment_record presentment_details source allowed_payment_method_types",
    "charge": "authorization_code level3 presentment_details radar_options transfer refunds source",
    "refund": "description failure_balance_transaction failure_reason instructions_email next_action "
    "pending_reason presentment_details customer customer_account",
    "dispute": "intended_submission_method network_reason_code",
    "event": "account context",
    "customer": "cash_balance deleted sources subscriptions tax tax_ids business_name individual_name "
    "invoice_credit_balance customer_account",
}


def stamp(at: datetime) -> int:
    """Seconds since 1970 of an instant with a time zone."""
    if at.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return int(at.timestamp())


def fee(amount: int) -> int:
    """1.5 % and 25 minor units, rounded half up."""
    return (amount * FEE_SHARE + 5000) // 10_000 + FEE_FIXED


@cache
def fields(name: str) -> tuple[str, ...]:
    """The fields of one of Stripe's objects, as its class in the SDK declares them."""
    return tuple(
        field
        for field, kind in _CLASSES[name].__annotations__.items()
        if not field.startswith("_") and not str(kind).startswith("typing.ClassVar")
    )


def _new(name: str, created: int, values: Json, prefix: str = "") -> Json:
    left_out = _LEFT_OUT.get(name, "").split()
    blank = {field: None for field in fields(name) if field not in left_out}
    given = {"id": (prefix or _PREFIX[name]) + secrets.token_hex(12), "object": name, "created": created, **values}
    common = {"livemode": False, "metadata": {}}
    return blank | {field: value for field, value in common.items() if field in blank} | given


def session(created: int, values: Json) -> Json:
    return _new("checkout.session", created, {
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "custom_fields": [],
        "custom_text": {"after_submit": None, "shipping_address": None, "submit": None,
                        "terms_of_service_acceptance": None},
        "payment_method_collection": "if_required",
        "payment_method_options": {},
        "payment_status": "unpaid",
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
    } | values)  # fmt: skip


def intent(created: int, paid_by: str, of: Json, data: Json) -> Json:
    """A PaymentIntent for a session; `data` is the session's `payment_intent_data`."""
    found = _new("payment_intent", created, {
        "amount": of["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": "automatic",
        "confirmation_method": "automatic",
        "currency": of["currency"],
        "customer": of["customer"],
        "payment_method": "pm_" + secrets.token_hex(12),
        "payment_method_options": {},
        "payment_method_types": [paid_by],
        "status": "requires_payment_method",
    } | data)  # fmt: skip
    return found | {"client_secret": f"{found['id']}_secret_{secrets.token_hex(12)}"}


_PAID_WITH: dict[str, Json] = {
    "card": {"brand": "visa", "country": "DE", "exp_month": 12, "exp_year": 2034, "funding": "credit",
             "last4": "4242", "network": "visa"},
    "sepa_debit": {"bank_code": "37040044", "branch_code": None, "country": "DE", "last4": "3000", "mandate": None},
    "customer_balance": {},
}  # fmt: skip


def charge(created: int, of: Json, method: str, status: str) -> Json:
    """A charge of a PaymentIntent. Other methods than cards have ids of their own kind, as at Stripe."""
    taken = status == "succeeded"
    return _new("charge", created, {
        "amount": of["amount"],
        "amount_captured": of["amount"] if taken else 0,
        "amount_refunded": 0,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "captured": taken,
        "currency": of["currency"],
        "customer": of["customer"],
        "description": of["description"],
        "disputed": False,
        "fraud_details": {},
        "metadata": dict(of["metadata"]),
        "paid": taken,
        "payment_intent": of["id"],
        "payment_method": of["payment_method"],
        "payment_method_details": {"type": method, method: dict(_PAID_WITH[method])},
        "refunded": False,
        "status": status,
    }, "ch_" if method == "card" else "py_")  # fmt: skip


def transaction(
    created: int, kind: str, amount: int, currency: str, source: str, *, category: str = "", fees: int = 0
) -> Json:
    """A movement of the balance at Stripe, in the account's favour when positive. `net` is amount less fee."""
    details = [{"amount": fees, "application": None, "currency": currency, "description": "Stripe processing fees",
                "type": "stripe_fee"}]  # fmt: skip
    return _new("balance_transaction", created, {
        "amount": amount,
        "available_on": created + (SETTLES_AFTER if kind in ("charge", "payment") else 0),
        "balance_type": "payments",
        "currency": currency,
        "fee": fees,
        "fee_details": details if fees else [],
        "net": amount - fees,
        "reporting_category": category or kind,
        "source": source,
        "status": "pending",
        "type": kind,
    })  # fmt: skip


def refund(created: int, of: Json, amount: int, values: Json) -> Json:
    card = of["payment_method_details"]["type"] == "card"
    how: Json = {"card": {"type": "refund"}} if card else {}
    return _new("refund", created, {
        "amount": amount,
        "charge": of["id"],
        "currency": of["currency"],
        "destination_details": {"type": of["payment_method_details"]["type"], **how},
        "payment_intent": of["payment_intent"],
        "status": "succeeded",
    } | values, "re_" if card else "pyr_")  # fmt: skip


def dispute(created: int, of: Json, amount: int, reason: str, due_by: int | None) -> Json:
    """A dispute of a charge. Nobody can contest what a bank gives back under SEPA: such ones are lost at once."""
    card = of["payment_method_details"]["type"] == "card"
    how = {"brand": "visa", "case_type": "chargeback", "network": "visa", "network_reason_code": "10.4"}
    return _new("dispute", created, {
        "amount": amount,
        "balance_transactions": [],
        "charge": of["id"],
        "currency": of["currency"],
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys(_evidence()) | {"enhanced_evidence": {}},
        "evidence_details": {"due_by": due_by if card else None, "enhanced_eligibility": {}, "has_evidence": False,
                             "past_due": False, "submission_count": 0, "submission_method": "not_submitted"},
        "is_charge_refundable": False,
        "payment_intent": of["payment_intent"],
        "payment_method_details": {"type": "card", "card": how} if card else None,
        "reason": reason,
        "status": "needs_response" if card else "lost",
    })  # fmt: skip


def _evidence() -> list[str]:
    return [field for field in stripe.Dispute.Evidence.__annotations__ if not field.startswith("_")]


def payout(created: int, amount: int, currency: str) -> Json:
    return _new("payout", created, {
        "amount": amount,
        "arrival_date": created,
        "automatic": True,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": "ba_" + secrets.token_hex(12),
        "method": "standard",
        "reconciliation_status": "completed",
        "source_type": "card",
        "status": "paid",
        "type": "bank_account",
    })  # fmt: skip


def customer(created: int, values: Json) -> Json:
    return _new("customer", created, {
        "balance": 0,
        "delinquent": False,
        "invoice_prefix": secrets.token_hex(4).upper(),
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None,
                             "rendering_options": None},
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "tax_exempt": "none",
    } | values)  # fmt: skip


def event(created: int, kind: str, shown: Json, waiting: int) -> Json:
    """What happened, with the object as it was then. `waiting` counts endpoints that have not taken it yet."""
    return _new("event", created, {
        "api_version": stripe.api_version,
        "data": {"object": shown},
        "pending_webhooks": waiting,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    })  # fmt: skip


def bank_instructions(amount: int, currency: str) -> Json:
    """Where a customer sends a bank transfer: the `next_action` of a PaymentIntent that waits for one."""
    holder = {"city": "Bremen", "country": "DE", "line1": "Marktplatz 1", "line2": None, "postal_code": "28195",
              "state": None}  # fmt: skip
    iban: dict[str, Any] = {
        "account_holder_address": holder,
        "account_holder_name": "Stand-in",
        "bank_address": holder,
        "bic": "MARKDEF1100",
        "country": "DE",
        "iban": "DE89370400440532013000",
    }
    return {
        "type": "display_bank_transfer_instructions",
        "display_bank_transfer_instructions": {
            "amount_remaining": amount,
            "currency": currency,
            "financial_addresses": [{"type": "iban", "iban": iban, "supported_networks": ["sepa"]}],
            "hosted_instructions_url": "https://payments.stripe.example/bank_transfers/instructions",
            "reference": secrets.token_hex(6).upper(),
            "type": "eu_bank_transfer",
        },
    }
