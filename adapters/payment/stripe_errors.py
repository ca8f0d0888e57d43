"""Stripe's errors as ours. Texts name codes, parameters and our own keys, never Stripe's words: those may repeat what
was sent.

    no answer, timeout, unreadable answer, 5xx, 429, lock_timeout        ProviderDown
    the same key is being worked on by an earlier attempt (409)          ProviderDown
    a 5xx that Stripe keeps as the key's answer                          KeySpent
    401, 403: our own key is wrong                                       ProviderDown
    404                                                                  NotFound
    the key was used with other parameters; any other 4xx                Refused
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from adapters.payment.port import KeySpent
from domain.errors import DuelyError, NotFound, ProviderDown, Refused

_BUSY = frozenset({"lock_timeout", "rate_limit", "idempotency_key_in_use"})


@contextmanager
def told(about: str) -> Iterator[None]:
    """`about`: the id or our key that the call is for."""
    try:
        yield
    except stripe.StripeError as error:
        raise _ours(error, about) from None


def _ours(error: stripe.StripeError, about: str) -> DuelyError:
    status, code = error.http_status, error.code or (error.error.code if error.error else None)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return ProviderDown("Stripe refuses our own key: check STRIPE_API_KEY and what it may do")
    if status is None or status < 400:
        return ProviderDown("Stripe does not answer")
    if status >= 500:
        return _failed(error, status, about)
    if status in (409, 429) or code in _BUSY:
        return ProviderDown("Stripe is busy with us")
    if isinstance(error, stripe.IdempotencyError):
        return Refused(f"idempotency key {about} was used before with other parameters: a defect of ours")
    if status == 404:
        return NotFound(f"Stripe knows no {about}")
    param = getattr(error, "param", None)
    where = f" at {param}" if param else ""
    return Refused(f"Stripe refuses {about}: {code or f'HTTP {status}'}{where}")


def _failed(error: stripe.StripeError, status: int, about: str) -> ProviderDown:
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    if headers.get("idempotent-replayed") == "true":
        return KeySpent(f"Stripe keeps its failure {status} as the answer to {about}")
    return ProviderDown(f"Stripe fails with HTTP {status}")
