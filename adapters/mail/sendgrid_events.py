"""SendGrid's event webhook: is it from SendGrid, and what does it say. It books nothing and reads no clock.

Verification is the vendor's (`EventWebhook`: ECDSA over timestamp and raw body), with what it leaves to its caller:
headers that are missing, that are not base64, a body that is not text, and the age of the signature.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from sendgrid.helpers.eventwebhook import EventWebhook

from adapters.mail.sendgrid import KEY_ARG
from domain.delivery import MailEvent
from domain.errors import Invalid, Refused

TOLERANCE = timedelta(minutes=10)
MAX_BYTES = 4 * 1024 * 1024
"""SendGrid posts as soon as a batch reaches 768 KB."""
_TYPES: Mapping[str, str] = MappingProxyType({
    "processed": "processed", "deferred": "deferred", "delivered": "delivered", "bounce": "bounced",
    "dropped": "dropped", "spamreport": "spam_report",
})  # fmt: skip
_DROPS: Mapping[str, str] = MappingProxyType({
    "invalid smtpapi header": "invalid_header", "spam content": "spam_content",
    "unsubscribed address": "unsubscribed_address", "bounced address": "bounced_address",
    "spam reporting address": "spam_reporting_address", "invalid": "invalid_address",
    "recipient list over package quota": "over_quota",
})  # fmt: skip
_STATUS = re.compile(r"(?<![\w.])[245]\.\d{1,3}\.\d{1,3}(?![\w.])")  # RFC 3463
_REPLY = re.compile(r"\s*([245]\d\d)\b")  # RFC 5321 §4.2
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Batch:
    """What one post says: `events` in its order, repeats included. The rest is counted: `ignored` events of other types
    (open, click, unsubscribe, types of tomorrow), `foreign` ones without our key (other programs of the account),
    `malformed` ones that lack what every event has."""

    events: tuple[MailEvent, ...] = ()
    ignored: int = 0
    foreign: int = 0
    malformed: int = 0


def verify(
    public_key: str,
    payload: bytes,
    signature: str | None,
    timestamp: str | None,
    now: datetime,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """`public_key` in base64 as SendGrid shows it, `payload` the raw body, then the two headers of `EventWebhookHeader`
    or None. Refused: not SendGrid's, or older (newer) than `tolerance`. Invalid: the key is none."""
    verifier = _verifier(public_key)
    if len(payload) > MAX_BYTES:
        raise Refused(f"event webhook: the body is larger than {MAX_BYTES} bytes")
    if not signature or not timestamp:
        raise Refused("event webhook: not signed; turn on the signed event webhook in SendGrid's mail settings")
    try:
        genuine = verifier.verify_signature(payload.decode(), signature, timestamp)
    except ValueError:  # of decoding: text, base64, header
        genuine = False
    if not genuine:
        raise Refused("event webhook: the signature is not SendGrid's; compare SENDGRID_WEBHOOK_PUBLIC_KEY")
    if not re.fullmatch("[0-9]{1,12}", timestamp):
        raise Refused("event webhook: the timestamp is no Unix time")
    if abs(int(now.timestamp()) - int(timestamp)) > tolerance.total_seconds():
        raise Refused("event webhook: signed at another time; compare the clock of this machine")


def _verifier(public_key: str) -> EventWebhook:
    problem = "is no public key of SendGrid's; copy it from the signed event webhook's settings"
    try:
        verifier = EventWebhook(public_key.strip())
    except (ValueError, UnsupportedAlgorithm):
        raise Invalid.at("SENDGRID_WEBHOOK_PUBLIC_KEY", problem) from None
    if not isinstance(verifier.public_key, EllipticCurvePublicKey):
        raise Invalid.at("SENDGRID_WEBHOOK_PUBLIC_KEY", problem)
    return verifier


def parse(payload: bytes) -> Batch:
    """The events of a verified body. Invalid: it is no JSON list of objects. One bad event never costs the others:
    SendGrid would only send the same again."""
    try:
        items = json.loads(payload)
    except (ValueError, RecursionError):
        raise Invalid.at("", "the event webhook's body is not JSON") from None
    if not isinstance(items, list):
        raise Invalid.at("", "the event webhook's body is not a JSON list")
    events, counts = [], {"ignored": 0, "foreign": 0, "malformed": 0}
    for item in items:
        found = _event(item) if isinstance(item, dict) else "malformed"
        if isinstance(found, MailEvent):
            events.append(found)
        else:
            counts[found] += 1
    return Batch(tuple(events), **counts)


def _event(item: dict[str, Any]) -> MailEvent | str:
    """The event, or under what it is counted."""
    name, identity, key = item.get("event"), item.get("sg_event_id"), item.get(KEY_ARG)
    if not isinstance(name, str):
        return "malformed"
    if name not in _TYPES:
        return "ignored"
    if key is None:
        return "foreign"
    at = _instant(item.get("timestamp"))
    if at is None or not all(isinstance(text, str) and _KEY.fullmatch(text) for text in (identity, key)):
        return "malformed"
    # "Could not or would not accept the message temporarily": the address is not suppressed, but SendGrid has given up.
    kind = "blocked" if name == "bounce" and item.get("type") == "blocked" else _TYPES[name]
    return MailEvent(str(identity), str(key), kind, at, _reason(kind, item))


def _instant(seconds: object) -> datetime | None:
    if not isinstance(seconds, int) or isinstance(seconds, bool):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _reason(kind: str, item: dict[str, Any]) -> str:
    if kind in ("processed", "delivered", "spam_report"):
        return ""
    said = [text for name in ("status", "reason", "response") if isinstance(text := item.get(name), str)]
    if kind == "dropped" and (drop := next((_DROPS[text.lower()] for text in said if text.lower() in _DROPS), "")):
        return drop
    for pattern in (_STATUS, _REPLY):
        for text in said:
            if found := pattern.search(text) if pattern is _STATUS else pattern.match(text):
                return found[0].strip()
    return ""
