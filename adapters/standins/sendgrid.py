"""SendGrid in one process: takes mail over HTTP as the v3 API does, misbehaves on request, and reports what became of
it through a signed event webhook. No mail ever leaves it.

    with SendGridStandIn(hook="http://127.0.0.1:8080/webhooks/sendgrid") as world:
        adapter = SendGrid(world.api_key, world.url)
        ...
        world.bounce(key)                  # signs and posts; the answer is the hook's status
        world.post(world.events)           # every report again
        world.post(forged, signed_by=ec.generate_private_key(ec.SECP256R1()))
"""

from __future__ import annotations

import json
import random
import threading
import urllib.request
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import headerregistry
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.error import HTTPError

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sendgrid.helpers.eventwebhook import EventWebhookHeader

from adapters.standins.sendgrid_rules import MAX_BYTES, complaints

Event = dict[str, Any]
_UNAUTHORIZED = "The provided authorization grant is invalid, expired, or revoked"
_EXPLAINED = {"deferred": "response", "bounce": "reason", "dropped": "reason"}


@dataclass(frozen=True, slots=True)
class Fault:
    """How one request goes wrong: `answer` with `status`, `hang` until the stand-in stops, `drop` the connection; with
    the mail `taken` before that, or not. `spoken`: in the API's words, `about` a field, or as a page of some proxy."""

    does: Literal["answer", "hang", "drop"] = "answer"
    status: int = 500
    taken: bool = False
    spoken: bool = True
    about: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def rate_limit(cls, reset: int) -> Fault:
        """429 until `reset` in Unix seconds."""
        limits = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
        return cls(status=429, headers=limits)


@dataclass(frozen=True, slots=True)
class Taken:
    """One mail: `id` is what SendGrid answers as X-Message-Id, never given twice; `body` the request."""

    id: str
    body: dict[str, Any]

    @property
    def args(self) -> dict[str, str]:
        found: dict[str, str] = self.body["personalizations"][0].get("custom_args", {})
        return found

    def mail(self) -> EmailMessage:
        """The mail as its reader gets it."""
        body, mail = self.body, EmailMessage()
        mail["From"], mail["Subject"] = _box(body["from"]), body["subject"]
        mail["To"] = [_box(box) for box in body["personalizations"][0]["to"]]
        if "reply_to" in body:
            mail["Reply-To"] = _box(body["reply_to"])
        first, *others = body["content"]
        mail.set_content(first["value"], subtype=first["type"].partition("/")[2])
        for content in others:
            mail.add_alternative(content["value"], subtype=content["type"].partition("/")[2])
        for part in body.get("attachments", []):
            main, _, sub = part.get("type", "application/octet-stream").partition("/")
            mail.add_attachment(b64decode(part["content"]), maintype=main, subtype=sub, filename=part["filename"])
        for name, value in body.get("headers", {}).items():
            mail[name] = value
        return mail


class SendGridStandIn:
    """`taken` mails and `events` in their order; `faults` are used up by the next requests, one each. `arg` names the
    custom argument by which the world is told of which mail something is to be reported."""

    def __init__(
        self,
        *,
        api_key: str = "SG.stand-in",
        hook: str | None = None,
        arg: str = "duely_key",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ):
        self.api_key, self.hook = api_key, hook
        self.taken: list[Taken] = []
        self.events: list[Event] = []
        self.faults: deque[Fault] = deque()
        self.stopping = threading.Event()
        self._arg, self._clock = arg, clock
        self._lock = threading.Lock()
        self._private = ec.generate_private_key(ec.SECP256R1())
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def public_key(self) -> str:
        """As SendGrid shows it: base64 of the key's DER, without the lines of PEM."""
        return b64encode(
            self._private.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        ).decode()

    def take(self, body: dict[str, Any]) -> Taken:
        with self._lock:
            self.taken.append(Taken(f"standin{random.SystemRandom().randbytes(8).hex()}", body))
            return self.taken[-1]

    def next_fault(self) -> Fault | None:
        with self._lock:
            return self.faults.popleft() if self.faults else None

    def process(self, key: str) -> int | None:
        return self._report(key, "processed")

    def defer(self, key: str, reason: str = "451 4.7.1 <{email}> try again later") -> int | None:
        return self._report(key, "deferred", reason, attempt="1")

    def deliver(self, key: str) -> int | None:
        return self._report(key, "delivered", response="250 2.0.0 OK <{email}>")

    def bounce(self, key: str, reason: str = "550 5.1.1 <{email}>: no such user", kind: str = "bounce") -> int | None:
        """`kind` `blocked`: the server would not take this message; the address is not suppressed."""
        return self._report(key, "bounce", reason, type=kind)

    def block(self, key: str, reason: str = "550 5.7.1 <{email}> is on a list of ours") -> int | None:
        return self.bounce(key, reason, "blocked")

    def drop(self, key: str, reason: str = "Bounced Address") -> int | None:
        return self._report(key, "dropped", reason)

    def spam_report(self, key: str) -> int | None:
        return self._report(key, "spamreport")

    def open(self, key: str) -> int | None:
        return self._report(key, "open", useragent="Mozilla/5.0", ip="255.255.255.255")

    def shuffled(self, seed: int, copies: int = 2) -> list[Event]:
        """All events so far, each `copies` times, in another order."""
        events = self.events * copies
        random.Random(seed).shuffle(events)  # noqa: S311  # an order of events, not a secret
        return events

    def post(
        self,
        events: Sequence[Event] | bytes,
        *,
        signed_at: datetime | None = None,
        signed_by: ec.EllipticCurvePrivateKey | None = None,
    ) -> int:
        """One batch to the hook; its status. Forged with another key, late with an old time."""
        assert self.hook is not None
        payload = events if isinstance(events, bytes) else json.dumps(events).encode()
        signature, timestamp = self.sign(payload, signed_at, signed_by)
        headers = {EventWebhookHeader.SIGNATURE: signature, EventWebhookHeader.TIMESTAMP: timestamp}
        headers["Content-Type"] = "application/json"
        request = urllib.request.Request(self.hook, payload, headers)  # noqa: S310  # the hook is ours
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code

    def sign(
        self, payload: bytes, at: datetime | None = None, by: ec.EllipticCurvePrivateKey | None = None
    ) -> tuple[str, str]:
        """Signature and timestamp, the two headers of the signed event webhook."""
        timestamp = str(int((at or self._clock()).timestamp()))
        signature = (by or self._private).sign(timestamp.encode() + payload, ec.ECDSA(hashes.SHA256()))
        return b64encode(signature).decode(), timestamp

    def _report(self, key: str, name: str, reason: str = "", **more: str) -> int | None:
        """Posted at once where there is a hook; else only kept in `events`."""
        mail = next(mail for mail in self.taken if mail.args.get(self._arg) == key)
        email = mail.body["personalizations"][0]["to"][0]["email"]
        number = len(self.events) + 1
        event: Event = {
            **mail.args,
            "email": email,
            "timestamp": int(self._clock().timestamp()),
            "smtp-id": mail.body.get("headers", {}).get("Message-ID", ""),
            "event": name,
            "category": mail.body.get("categories", []),
            "sg_event_id": urlsafe_b64encode(f"{mail.id}-{name}-{number}".encode()).decode().rstrip("="),
            "sg_message_id": f"{mail.id}.recvd-standin-1-{number}.0",
            **{field: text.replace("{email}", email) for field, text in more.items()},
        }
        if reason:
            said = reason.replace("{email}", email)
            event[_EXPLAINED[name]] = said
            if name == "bounce":
                event["status"] = next((word for word in said.split() if word.count(".") == 2), "")
        self.events.append(event)
        return self.post([event]) if self.hook else None


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, standin: SendGridStandIn):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.standin = standin


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        standin, fault = self.server.standin, self.server.standin.next_fault()
        with suppress(OSError):  # whoever does not wait for the answer
            payload = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if fault is not None and not fault.taken:
                return self._fail(fault)
            status, errors = self._judge(payload)
            if errors:
                return self._answer(status, {"errors": errors})
            taken = standin.take(json.loads(payload))
            if fault is not None:
                return self._fail(fault)
            self._answer(202, None, {"X-Message-Id": taken.id})
        return None

    def _judge(self, payload: bytes) -> tuple[int, list[dict[str, str | None]]]:
        def one(status: int, message: str) -> tuple[int, list[dict[str, str | None]]]:
            return status, [{"message": message, "field": None, "help": None}]

        if self.headers.get("Authorization") != f"Bearer {self.server.standin.api_key}":
            return one(401, _UNAUTHORIZED)
        if self.path != "/v3/mail/send":
            return one(404, "not found")
        if self.headers.get("Content-Type") != "application/json":
            return one(415, "Content-Type should be application/json.")
        if len(payload) > MAX_BYTES:
            return one(413, "the payload is too large")
        return 400, complaints(payload)

    def _fail(self, fault: Fault) -> None:
        if fault.does == "hang":
            self.server.standin.stopping.wait()
        elif fault.does == "answer":
            errors = {"errors": [{"message": "something failed", "field": fault.about, "help": None}]}
            self._answer(fault.status, errors if fault.spoken else "<html>Bad Gateway</html>", fault.headers)

    def _answer(self, status: int, content: object, headers: Mapping[str, str] | None = None) -> None:
        page = (
            content.encode() if isinstance(content, str) else b"" if content is None else json.dumps(content).encode()
        )
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(page)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Silent: it would repeat every request on stderr."""


def _box(box: Mapping[str, str]) -> headerregistry.Address:
    return headerregistry.Address(box.get("name", ""), addr_spec=box["email"])
