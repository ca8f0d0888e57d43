"""What SendGrid's v3 mail send takes, after its OpenAPI description, closed: a field it does not describe is refused,
also where the real one may look away. It keeps nothing and sends nothing.

Stricter than the original on purpose: no top-level `custom_args` (described as a string, taken as an object), no
control characters in a header.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

MAX_BYTES = 30_000_000
MAX_ARGS = 10_000
RESERVED = frozenset(
    "x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding"
    " to from subject reply-to cc bcc".split()
)
_ADDRESS = re.compile(r"[\x21-\x3f\x41-\x7e]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+")


def complaints(payload: bytes) -> list[dict[str, str | None]]:
    """SendGrid's `errors` for a request body; none means 202. Like SendGrid's, they repeat addresses."""
    try:
        MailSend.model_validate_json(payload)
    except ValidationError as error:
        return [
            {"message": detail["msg"], "field": ".".join(map(str, detail["loc"])) or None, "help": None}
            for detail in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    return []


def _address(value: str) -> str:
    if not _ADDRESS.fullmatch(value):
        raise ValueError(f"does not contain a valid address: {value}")
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if name.lower() in RESERVED:
            raise ValueError(f"{name} is a reserved header")
        if not re.fullmatch(r"[\x21-\x39\x3b-\x7e]+", name) or not text or not text.isascii() or not text.isprintable():
            raise ValueError(f"{name} must be encoded as a header")
    return value


def _args(value: dict[str, str]) -> dict[str, str]:
    if len(json.dumps(value)) > MAX_ARGS:
        raise ValueError(f"may not exceed {MAX_ARGS} bytes")
    return value


def _base64(value: str) -> str:
    b64decode(value, validate=True)
    return value


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Box(_Closed):
    email: Annotated[str, AfterValidator(_address)]
    name: str | None = None


Boxes = Annotated[list[Box], Field(max_length=1000)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]
Words = Annotated[str, Field(min_length=1)]


class Personalization(_Closed):
    to: Annotated[list[Box], Field(min_length=1, max_length=1000)]
    cc: Boxes = []
    bcc: Boxes = []
    sender: Annotated[Box | None, Field(alias="from")] = None
    subject: Words | None = None
    headers: Headers = {}
    substitutions: dict[str, str] = {}
    dynamic_template_data: dict[str, Any] = {}
    custom_args: Annotated[dict[str, str], AfterValidator(_args)] = {}
    send_at: int | None = None

    @model_validator(mode="after")
    def _once(self) -> Personalization:
        seen: set[str] = set()
        for box in (*self.to, *self.cc, *self.bcc):
            if box.email.lower() in seen:
                raise ValueError(f"each unique email address should be included once; {box.email} is there twice")
            seen.add(box.email.lower())
        return self


class Content(_Closed):
    type: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$")]
    value: Words


class Attachment(_Closed):
    content: Annotated[Words, AfterValidator(_base64)]
    filename: Words
    type: Words | None = None
    disposition: Literal["inline", "attachment"] = "attachment"
    content_id: str | None = None


class Switch(_Closed):
    enable: bool


class ClickTracking(Switch):
    enable_text: bool = False


class OpenTracking(Switch):
    substitution_tag: str | None = None


class SubscriptionTracking(OpenTracking):
    text: str | None = None
    html: str | None = None


class Analytics(Switch):
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    utm_campaign: str | None = None


class Tracking(_Closed):
    click_tracking: ClickTracking | None = None
    open_tracking: OpenTracking | None = None
    subscription_tracking: SubscriptionTracking | None = None
    ganalytics: Analytics | None = None


class MailSend(_Closed):
    personalizations: Annotated[list[Personalization], Field(min_length=1, max_length=1000)]
    sender: Annotated[Box, Field(alias="from")]
    reply_to: Box | None = None
    reply_to_list: Boxes | None = None
    subject: Words
    content: Annotated[list[Content], Field(min_length=1)]
    attachments: list[Attachment] = []
    headers: Headers = {}
    categories: Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=10)] = []
    send_at: int | None = None
    batch_id: str | None = None
    ip_pool_name: Annotated[str, Field(min_length=2, max_length=64)] | None = None
    tracking_settings: Tracking | None = None

    @model_validator(mode="after")
    def _together(self) -> MailSend:
        types = [content.type for content in self.content]
        if types != sorted(types, key=["text/plain", "text/html"].index):
            raise ValueError("text/plain must be first, followed by text/html")
        if self.reply_to and self.reply_to_list:
            raise ValueError("reply_to is mutually exclusive with reply_to_list")
        if len(set(self.categories)) != len(self.categories):
            raise ValueError("categories must be unique")
        return self
