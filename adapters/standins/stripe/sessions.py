"""Making a Checkout Session: the rules that Stripe has beside its types. Only what settles an invoice is here:
mode `payment`, hosted page, prices given in place. What Stripe knows and this does not play is refused, so that no
test believes in it."""

from __future__ import annotations

from urllib.parse import urlsplit

from adapters.standins.stripe import objects
from adapters.standins.stripe.errors import Json, Wrong, missing
from adapters.standins.stripe.state import State

SHORTEST, LONGEST = 30 * 60, 24 * 60 * 60
"""Seconds a session may last (docs.stripe.com/api/checkout/sessions/create: expires_at)."""

_NOT_PLAYED = frozenset(
    "adaptive_pricing after_expiration allow_promotion_codes automatic_tax customer_account discounts "
    "invoice_creation managed_payments optional_items payment_method_collection payment_method_configuration "
    "payment_method_data setup_intent_data shipping_address_collection shipping_options subscription_data "
    "tax_id_collection return_url redirect_on_completion".split()
)
_NOT_PLAYED_BY_INTENTS = frozenset(
    "application_fee_amount capture_method on_behalf_of setup_future_usage transfer_data".split()
)
_NOT_PLAYED_ON_LINES = frozenset("adjustable_quantity dynamic_tax_rates price tax_rates".split())
_KEPT = (
    "billing_address_collection cancel_url client_reference_id customer customer_creation customer_email "
    "integration_identifier locale origin_context submit_type success_url payment_method_options"
).split()
_SMALLEST = {"eur": 50, "usd": 50, "chf": 50, "gbp": 30, "sek": 300, "nok": 300, "dkk": 250, "pln": 200, "czk": 1500}
"""Stripe's least charge in minor units (docs.stripe.com/currencies#minimum-and-maximum-charge-amounts)."""
_LARGEST = 99_999_999


def create(state: State, asked: Json) -> Json:
    _refuse_unplayed(asked)
    data = asked.get("payment_intent_data", {})
    carried = metadata_of(data, "payment_intent_data[metadata]")
    currency, total = _total(asked)
    now = state.now(asked.get("metadata"))
    _check_urls(asked)
    _check_customer(state, asked)
    made = objects.session(now, {name: asked[name] for name in _KEPT if name in asked})
    made.update(
        amount_subtotal=total,
        amount_total=total,
        currency=currency,
        customer_creation=asked.get("customer_creation", None if asked.get("customer") else "if_required"),
        expires_at=_expiry(asked, now),
        metadata=metadata_of(asked),
        mode="payment",
        payment_method_types=_methods(asked, currency),
        url=f"{state.base}/pay/{made['id']}",
    )
    state.intent_data[made["id"]] = {**data, "metadata": carried}
    state.lines[made["id"]] = ", ".join(line["price_data"]["product_data"]["name"] for line in asked["line_items"])
    return state.add(made)


def metadata_of(asked: Json, at: str = "metadata", before: Json | None = None) -> Json:
    """The metadata that an object has after a request: an empty value unsets a key, an empty text all of them.
    Stripe's limits: 50 keys of 40 characters, values of 500 (docs.stripe.com/api/metadata)."""
    given = asked.get("metadata", {})
    merged = {} if given == "" else {key: value for key, value in {**(before or {}), **given}.items() if value}
    if len(merged) > 50:
        raise Wrong("Metadata can have up to 50 keys", param=at)
    for key, value in merged.items():
        if len(key) > 40 or len(value) > 500:
            raise Wrong("Metadata keys can have up to 40 characters, values up to 500", param=f"{at}[{key}]")
    return merged


def _refuse_unplayed(asked: Json) -> None:
    mode = asked.get("mode")
    if mode is None:
        raise Wrong("Missing required param: mode.", param="mode", code="parameter_missing")
    if mode != "payment" or asked.get("ui_mode", "hosted_page") != "hosted_page":
        raise _unplayed("mode" if mode != "payment" else "ui_mode")
    wrong = [name for name in asked if name in _NOT_PLAYED and asked[name] not in (False, {"enabled": False})]
    inside = [f"payment_intent_data[{name}]" for name in asked.get("payment_intent_data", {})
              if name in _NOT_PLAYED_BY_INTENTS]  # fmt: skip
    for index, line in enumerate(asked.get("line_items", [])):
        inside += [f"line_items[{index}][{name}]" for name in line if name in _NOT_PLAYED_ON_LINES]
    if found := wrong + inside:
        raise _unplayed(found[0])


def _unplayed(param: str) -> Wrong:
    return Wrong(f"Stand-in: Stripe knows {param}, but it is not played here", param=param, code="not_played")


def _total(asked: Json) -> tuple[str, int]:
    lines = asked.get("line_items", [])
    if not lines:
        raise Wrong("Missing required param: line_items.", param="line_items", code="parameter_missing")
    total, currencies = 0, set()
    for index, line in enumerate(lines):
        at = f"line_items[{index}]"
        for name in ("price_data", "quantity"):
            if name not in line:
                raise Wrong(f"Missing required param: {at}[{name}].", param=f"{at}[{name}]", code="parameter_missing")
        price = line["price_data"]
        for name in ("unit_amount", "product_data"):
            if name not in price:
                where = f"{at}[price_data][{name}]"
                raise Wrong(f"Missing required param: {where}.", param=where, code="parameter_missing")
        if price["unit_amount"] < 0 or line["quantity"] < 1:
            raise Wrong("This value must be greater than or equal to 0.", param=at, code="parameter_invalid_integer")
        total += price["unit_amount"] * line["quantity"]
        currencies.add(price["currency"].lower())
    if len(currencies) > 1:
        raise Wrong("All line items must have the same currency.", param="line_items")
    currency = currencies.pop()
    if total < _SMALLEST.get(currency, 1):
        raise Wrong("The Checkout Session's total amount due is too small.", code="amount_too_small")
    if total > _LARGEST:
        raise Wrong("The Checkout Session's total amount due is too large.", code="amount_too_large")
    return currency, total


def _expiry(asked: Json, now: int) -> int:
    expires = int(asked.get("expires_at", now + LONGEST))
    if expires < now + SHORTEST:
        raise Wrong("The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
                    param="expires_at")  # fmt: skip
    if expires > now + LONGEST:
        raise Wrong("The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
                    param="expires_at")  # fmt: skip
    return expires


def _check_urls(asked: Json) -> None:
    if "success_url" not in asked:
        raise Wrong("Missing required param: success_url.", param="success_url", code="parameter_missing")
    for name in ("success_url", "cancel_url"):
        parts = urlsplit(asked.get(name, "https://there.example"))
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Wrong("Not a valid URL", param=name, code="url_invalid")
    if len(asked.get("client_reference_id", "")) > 200:
        raise Wrong("client_reference_id can have up to 200 characters", param="client_reference_id")


def _check_customer(state: State, asked: Json) -> None:
    if "customer" in asked and "customer_email" in asked:
        raise Wrong("You may only specify one of these parameters: customer, customer_email.", param="customer_email")
    if "customer" in asked and asked["customer"] not in state.tables["customer"]:
        wrong = missing("customer", asked["customer"], "customer")
        wrong.status = 400
        raise wrong


def _methods(asked: Json, currency: str) -> list[str]:
    """What the page offers. The lists that a request gives are filters on what fits, not additions to it: a debit
    takes euros only, a bank transfer needs a Customer whose balance it fills."""
    fits = {
        "card": True,
        "sepa_debit": currency == "eur",
        "customer_balance": "customer" in asked and currency in ("eur", "gbp", "usd"),
    }
    allowed = asked.get("allowed_payment_method_types", objects.METHODS)
    excluded = asked.get("excluded_payment_method_types", ())
    offered = [method for method, fit in fits.items() if fit and method in allowed and method not in excluded]
    if not offered:
        raise Wrong("No payment method types are available for this Checkout Session.",
                    param="allowed_payment_method_types")  # fmt: skip
    return offered
