"""Stripe's HTTP API as far as it is played: which path takes which parameters and does what. Every request goes
the same way: key → path → judge → idempotency key → work → answer, with ordered faults at both ends."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

import stripe
from stripe import params
from stripe.params import checkout

from adapters.standins.stripe import objects, reading, sessions
from adapters.standins.stripe.aftermath import World
from adapters.standins.stripe.errors import Json, Wrong
from adapters.standins.stripe.faults import After, Faults
from adapters.standins.stripe.idempotency import Keys
from adapters.standins.stripe.judge import decode, judge

Work = Callable[[World, str, Json], Json]
"""(the world, the id in the path or the path itself where there is none, the judged parameters) → an object."""


@dataclass(frozen=True, slots=True)
class Route:
    method: Literal["GET", "POST"]
    path: re.Pattern[str]
    params: type
    work: Work


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as the log of the stand-in keeps it. `status` is 0 where the connection was dropped."""

    method: str
    path: str
    idempotency_key: str | None
    status: int
    replayed: bool = False


@dataclass(slots=True)
class Answer:
    status: int
    body: Json
    headers: dict[str, str] = field(default_factory=dict)
    fault: tuple[After, float] | None = None


def _create_session(world: World, _: str, asked: Json) -> Json:
    made = sessions.create(world.state, asked)
    return reading.expanded(world.state, made, asked.get("expand", []))


def _expire_session(world: World, key: str, asked: Json) -> Json:
    session = world.state.get("checkout.session", key)
    world.state.expire(session, world.state.now(session["metadata"]))
    return reading.expanded(world.state, session, asked.get("expand", []))


def _create_refund(world: World, _: str, asked: Json) -> Json:
    by = [name for name in ("charge", "payment_intent") if name in asked]
    if len(by) != 1:
        raise Wrong("One of the following params should be provided for this request: payment_intent or charge.")
    if "payment_intent" in asked:
        charge = world.charge_of(asked["payment_intent"], "payment_intent")
    else:
        charge = world.state.get("charge", asked["charge"], "charge")
        world.charge_of(charge["payment_intent"], "charge")
    kept = {name: asked[name] for name in ("reason", "instructions_email") if name in asked}
    values = kept | {"metadata": sessions.metadata_of(asked)}
    made = world.refund(charge, asked.get("amount"), values, world.state.now(values["metadata"]))
    return reading.expanded(world.state, made, asked.get("expand", []))


def _update_dispute(world: World, key: str, asked: Json) -> Json:
    dispute = world.state.get("dispute", key)
    if dispute["status"] in ("won", "lost") and "evidence" in asked:
        raise Wrong("This dispute is already closed", code="dispute_already_closed")
    dispute["metadata"] = sessions.metadata_of(asked, before=dispute["metadata"])
    dispute["evidence"].update(asked.get("evidence") or {})
    details = dispute["evidence_details"]
    details["has_evidence"] = details["has_evidence"] or bool(asked.get("evidence"))
    if asked.get("submit", "evidence" in asked):
        details["submission_count"] += 1
        details["submission_method"] = "manual"
        dispute["status"] = "under_review"
    world.state.emit("charge.dispute.updated", dispute, world.state.now())
    return reading.expanded(world.state, dispute, asked.get("expand", []))


def _close_dispute(world: World, key: str, asked: Json) -> Json:
    world.close_dispute(key, "lost")
    return reading.one(world.state, "dispute", key, asked)


def _create_customer(world: World, _: str, asked: Json) -> Json:
    values: Json = {name: asked[name] for name in ("description", "email", "name", "phone") if name in asked}
    values["metadata"] = sessions.metadata_of(asked)
    made = world.state.add(objects.customer(world.state.now(values["metadata"]), values))
    return reading.expanded(world.state, made, asked.get("expand", []))


def _one(name: str) -> Work:
    return lambda world, key, asked: reading.one(world.state, name, key, asked)


def _many(name: str) -> Work:
    return lambda world, url, asked: reading.many(world.state, name, url, asked)


def _route(method: Literal["GET", "POST"], path: str, kind: type, work: Work) -> Route:
    return Route(method, re.compile(path.replace("{id}", r"([A-Za-z0-9_]+)")), kind, work)


_ROUTES = (
    _route("POST", "/v1/checkout/sessions", checkout.SessionCreateParams, _create_session),
    _route("GET", "/v1/checkout/sessions", checkout.SessionListParams, _many("checkout.session")),
    _route("GET", "/v1/checkout/sessions/{id}", checkout.SessionRetrieveParams, _one("checkout.session")),
    _route("POST", "/v1/checkout/sessions/{id}/expire", checkout.SessionExpireParams, _expire_session),
    _route("GET", "/v1/payment_intents/{id}", params.PaymentIntentRetrieveParams, _one("payment_intent")),
    _route("GET", "/v1/charges", params.ChargeListParams, _many("charge")),
    _route("GET", "/v1/charges/{id}", params.ChargeRetrieveParams, _one("charge")),
    _route("POST", "/v1/refunds", params.RefundCreateParams, _create_refund),
    _route("GET", "/v1/refunds", params.RefundListParams, _many("refund")),
    _route("GET", "/v1/refunds/{id}", params.RefundRetrieveParams, _one("refund")),
    _route("GET", "/v1/disputes", params.DisputeListParams, _many("dispute")),
    _route("GET", "/v1/disputes/{id}", params.DisputeRetrieveParams, _one("dispute")),
    _route("POST", "/v1/disputes/{id}", params.DisputeUpdateParams, _update_dispute),
    _route("POST", "/v1/disputes/{id}/close", params.DisputeCloseParams, _close_dispute),
    _route("GET", "/v1/events", params.EventListParams, _many("event")),
    _route("GET", "/v1/events/{id}", params.EventRetrieveParams, _one("event")),
    _route("GET", "/v1/balance_transactions", params.BalanceTransactionListParams, _many("balance_transaction")),
    _route("GET", "/v1/balance_transactions/{id}", params.BalanceTransactionRetrieveParams,
           _one("balance_transaction")),
    _route("GET", "/v1/payouts", params.PayoutListParams, _many("payout")),
    _route("GET", "/v1/payouts/{id}", params.PayoutRetrieveParams, _one("payout")),
    _route("POST", "/v1/customers", params.CustomerCreateParams, _create_customer),
    _route("GET", "/v1/customers/{id}", params.CustomerRetrieveParams, _one("customer")),
)  # fmt: skip


class Api:
    def __init__(self, world: World, faults: Faults, secret_key: str):
        self.requests: list[Seen] = []
        self._world, self._faults, self._secret_key = world, faults, secret_key
        self._keys = Keys()

    def answer(self, method: str, path: str, query: str, form: bytes, headers: Mapping[str, str]) -> Answer:
        """What to send back. `headers` are read without regard to case."""
        key = headers.get("idempotency-key") if method == "POST" else None
        try:
            answer = self._answer(method, path, query if method == "GET" else form.decode(), key, headers)
        except Wrong as wrong:
            answer = Answer(wrong.status, wrong.body)
        answer.headers |= {
            "Request-Id": "req_" + secrets.token_hex(7),
            "Stripe-Version": headers.get("stripe-version", str(stripe.api_version)),
            **({"Idempotency-Key": key} if key else {}),
        }
        dropped = answer.fault is not None and answer.fault[0] == "drop"
        replayed = "Idempotent-Replayed" in answer.headers
        self.requests.append(Seen(method, path, key, 0 if dropped else answer.status, replayed))
        return answer

    def _answer(self, method: str, path: str, form: str, key: str | None, headers: Mapping[str, str]) -> Answer:
        before = self._faults.before(keyed=bool(key))
        if before and not before.kept:
            raise _broken(before.status)
        self._check_key(headers.get("authorization", ""))
        route, found = _find(method, path)
        asked = judge(route.params, decode(parse_qsl(form, keep_blank_values=True, strict_parsing=bool(form))))
        if key and (kept := self._keys.claim(key, path, asked)):
            return Answer(*kept, {"Idempotent-Replayed": "true"})
        try:
            if self._faults.latency:
                time.sleep(self._faults.latency)
            status, body = self._work(route, found, asked, before.status if before else 0)
        except BaseException:
            if key:
                self._keys.release(key)
            raise
        if key:
            self._keys.keep(key, status, body)
        fault = self._faults.after() if method == "POST" else None
        if fault and fault[0] == "500":
            return Answer(500, _broken(500).body)
        return Answer(status, body, fault=fault)

    def _work(self, route: Route, found: str, asked: Json, failing: int) -> tuple[int, Json]:
        if failing:
            return failing, _broken(failing).body
        try:
            with self._world.state.lock:
                self._world.state.tick()
                return 200, route.work(self._world, found, asked)
        except Wrong as wrong:
            return wrong.status, wrong.body

    def _check_key(self, authorization: str) -> None:
        if not authorization:
            raise Wrong("You did not provide an API key. You need to provide your API key in the Authorization "
                        "header, using Bearer auth.", status=401)  # fmt: skip
        if not secrets.compare_digest(authorization.encode(), f"Bearer {self._secret_key}".encode()):
            raise Wrong("Invalid API Key provided", status=401)


def _find(method: str, path: str) -> tuple[Route, str]:
    for route in _ROUTES:
        if route.method == method and (found := route.path.fullmatch(path)):
            return route, found[1] if found.groups() else path
    raise Wrong(f"Unrecognized request URL ({method}: {path}).", status=404)


def _broken(status: int) -> Wrong:
    if status == 429:
        return Wrong("Request rate limit exceeded.", code="rate_limit", status=status)
    return Wrong("Sorry! There was an error while talking to one of our backends.", kind="api_error", status=status)
