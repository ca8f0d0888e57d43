"""Events on their way to our endpoint: each POSTed as Stripe does, signed by the SDK's own code with the real time.

One thread delivers, in order and once; a delivery that fails is remembered (`delivery_success=false` lists it) and
repeated only when a story or a test says so. Held back, shuffled, doubled, late and forged deliveries are orders of
the test."""

from __future__ import annotations

import copy
import json
import queue
import random
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Literal

import httpx
import stripe

from adapters.standins.stripe import objects
from adapters.standins.stripe.errors import Json
from adapters.standins.stripe.state import State

Order = Literal["in_order", "reversed", "shuffled"]
TIMEOUT = 10.0
"""Seconds an endpoint has for its answer."""


@dataclass(frozen=True, slots=True)
class Delivery:
    event: str
    status: int
    """What the endpoint answered; 0 when nobody did."""


class Webhooks:
    def __init__(self, state: State, secret: str, url: str | None):
        self.deliver: Literal["at_once", "held"] = "at_once"
        self.held: list[str] = []
        self.deliveries: list[Delivery] = []
        self._state, self._secret, self._url = state, secret, url
        self._queue: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._waiting = 0
        self._quiet = threading.Condition()
        self._client = httpx.Client(timeout=TIMEOUT, trust_env=False)
        self._thread = threading.Thread(target=self._run, name="stripe-webhooks", daemon=True)
        state.on_event = self._took

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends after what was to be delivered at once."""
        self._queue.put(None)
        self._thread.join()
        self._client.close()

    def drain(self, timeout: float = 10.0) -> None:
        """Waits until everything that is to be delivered at once has been tried."""
        with self._quiet:
            if not self._quiet.wait_for(lambda: self._waiting == 0, timeout):
                raise TimeoutError(f"webhooks: {self._waiting} deliveries were still under way after {timeout} s")

    def deliver_held(self, order: Order = "in_order", times: int = 1, seed: int = 0) -> list[Delivery]:
        """Delivers what was held back, each event `times` times, and forgets it. The seed orders the shuffle."""
        with self._state.lock:
            events, self.held = self.held * times, []
        if order == "reversed":
            events.reverse()
        elif order == "shuffled":
            random.Random(seed).shuffle(events)  # noqa: S311 - an order for a test, not a secret
        return [self.deliver_event(event) for event in events]

    def deliver_event(self, event_id: str, age: float = 0.0) -> Delivery:
        """Delivers an event now, again if need be. `age`: how many seconds ago it claims to have been signed."""
        with self._state.lock:
            shown = copy.deepcopy(self._state.get("event", event_id))
        return self._post(shown, self._secret, age)

    def forged(self, session_id: str = "") -> Delivery:
        """Somebody who does not know the secret claims that a session has been paid."""
        with self._state.lock:
            known = self._state.tables["checkout.session"]
            now = self._state.now()
            claimed = copy.deepcopy(known[session_id]) if session_id else objects.session(now, {})
        claimed.update(status="complete", payment_status="paid")
        event = objects.event(now, "checkout.session.completed", claimed, 1)
        return self._post(event, "whsec_" + secrets.token_hex(16), 0.0)

    def _took(self, event: str) -> None:
        if self.deliver == "held":
            self.held.append(event)
            return
        with self._quiet:
            self._waiting += 1
        self._queue.put(event)

    def _run(self) -> None:
        while event := self._queue.get():
            self.deliver_event(event)
            with self._quiet:
                self._waiting -= 1
                self._quiet.notify_all()

    def _post(self, event: Json, secret: str, age: float) -> Delivery:
        if self._url is None:
            raise ValueError("webhooks: the stand-in was given no webhook_url")
        body = json.dumps(event, indent=2)
        signature = stripe.WebhookSignature.generate_signature_header(body, secret, int(time.time() - age))
        headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": signature,
                   "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)"}  # fmt: skip
        try:
            status = self._client.post(self._url, content=body.encode(), headers=headers).status_code
        except httpx.HTTPError:
            status = 0
        done = Delivery(event["id"], status)
        self.deliveries.append(done)
        if 200 <= status < 300 and event["id"] in self._state.undelivered:
            self._state.delivered(event["id"])
        return done
