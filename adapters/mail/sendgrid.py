"""Mail through SendGrid's v3 API, one request a message. It never asks SendGrid what it took: the Email Activity API,
which could tell, is a paid addition; the event webhook tells (`sendgrid_events`), by the key in `custom_args`.

What an answer means, after SendGrid's own list of mail send errors and RFC 9110:

    202                                      taken
    429                                      ProviderDown, until X-RateLimit-Reset
    3xx, 401, 403, 404, 405, 407, 408        ProviderDown: our key, our address of it, or the way there; not the message
    any other 4xx                            Refused, with the field it complains of
    503 in the API's own words               ProviderDown: documented as "the v3 Web API is not available"
    any other 5xx, any other 2xx             OutcomeUnknown: "an error occurred when SendGrid attempted to process it";
                                             a 502, a 504 or a proxy's 503 may follow a request that went through
    no connection, request not sent whole    ProviderDown: nobody can act on half a JSON object
    request sent, no answer                  OutcomeUnknown

Errors carry the names of fields, never SendGrid's own words, which repeat addresses.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient
from sendgrid.helpers import mail as vendor
from sendgrid.helpers.mail.exceptions import ApiKeyIncludedException

from adapters.formats import clean
from adapters.mail.mime import ascii_address, build
from adapters.mail.port import Address, Message
from adapters.mail.sendgrid_http import patient
from domain.errors import OutcomeUnknown, ProviderDown, Refused

HOST = "https://api.sendgrid.com"
KEY_ARG = "duely_key"
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
MAX_BYTES = 30_000_000  # "the total message size should not exceed 30MB"
_NOT_THE_MESSAGE = frozenset({401, 403, 404, 405, 407, 408})
_FIELD = re.compile(r"[a-z_]{1,40}(\.[a-z0-9_-]{1,40}){0,6}")
_ALWAYS = ("X-Duely-Kind", "X-Duely-Invoice", "X-Duely-Rung", "X-Duely-Key")
"""On every mail, as the contract says (section 9). It takes no empty header: `-` where there is nothing to say."""
_HEADERS = ("Message-ID", "Date", "In-Reply-To", "References", "Auto-Submitted", "Content-Language", *_ALWAYS)

# The vendor's client writes every request with its API key and the whole mail at DEBUG.
logging.getLogger("python_http_client").setLevel(logging.INFO)


class SendGrid:
    idempotent = False
    reports = True

    def __init__(
        self,
        api_key: str,
        host: str = HOST,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        read_timeout: float = READ_TIMEOUT,
        clock: Callable[[], float] = time.time,
    ):
        """`host` with its scheme (EU: https://api.eu.sendgrid.com); timeouts in seconds; `clock` in Unix
        seconds, for SendGrid's own limits only."""
        self._api_key = api_key
        self._host = host
        self._name = urlsplit(host).hostname or host
        self._timeouts = (connect_timeout, read_timeout)
        self._clock = clock
        self._own = threading.local()

    def find(self, key: str) -> str | None:
        return None

    def send(self, message: Message) -> str:
        body = compose(message)
        try:
            response = self._client().send(body)
        except HTTPError as error:
            raise self._verdict(error) from None
        except URLError as error:
            raise ProviderDown(f"{self._name}: did not get the request ({type(error.reason).__name__})") from error
        except (OSError, HTTPException) as error:
            raise OutcomeUnknown(f"{self._name}: no answer to the message ({type(error).__name__})") from error
        if response.status_code != 202:
            raise OutcomeUnknown(f"{self._name}: answers {response.status_code}, not 202")
        return str(body["headers"]["Message-ID"])

    def _client(self) -> SendGridAPIClient:
        # One a thread: the headers of a vendor's client are one dictionary that all its calls share and change.
        if not hasattr(self._own, "client"):
            client = SendGridAPIClient(self._api_key, self._host)
            client.client = patient(client.client, *self._timeouts)
            self._own.client = client
        return self._own.client

    def _verdict(self, error: HTTPError) -> ProviderDown | Refused | OutcomeUnknown:
        status = int(error.status_code)
        fields = _fields(error.body)
        if status == 429:
            return ProviderDown(f"{self._name}: too many requests (429)", self._wait(error))
        if status < 400 or status in _NOT_THE_MESSAGE or (status == 503 and fields is not None):
            return ProviderDown(f"{self._name}: does not take messages now ({status}); see SENDGRID_API_KEY and _HOST")
        if status < 500:
            named = ", ".join(fields or ()) or "the message"
            return Refused(f"{self._name}: refuses {named} for good ({status}); correct the address or the message")
        return OutcomeUnknown(f"{self._name}: failed at the message ({status})")

    def _wait(self, error: HTTPError) -> int | None:
        reset = error.headers.get("X-RateLimit-Reset") or ""
        return max(1, int(reset) - int(self._clock())) if re.fullmatch("[0-9]{1,12}", reset) else None


def compose(message: Message) -> dict[str, Any]:
    """The body of the request. Raises Refused, naming the field, for what no mail or not SendGrid may carry."""
    tree = build(message)
    mail = vendor.Mail(from_email=_box(vendor.From, message.sender, "sender"), subject=str(tree["Subject"]))
    mail.reply_to = _box(vendor.ReplyTo, Address("", message.reply_to), "reply_to")
    envelope = vendor.Personalization()
    for index, address in enumerate(message.to):
        envelope.add_to(_box(vendor.To, address, f"to[{index}]"))
    # Kept for years and readable for the provider's staff: the key of the message and nothing that tells of anybody.
    envelope.add_custom_arg(vendor.CustomArg(KEY_ARG, message.key))
    mail.add_personalization(envelope)
    for name in _HEADERS:
        if value := str(tree[name] or ("-" if name in _ALWAYS else "")):
            mail.add_header(vendor.Header(name, value))
    _fill(mail, message)
    mail.add_category(vendor.Category(message.kind))
    mail.tracking_settings = vendor.TrackingSettings(
        click_tracking=vendor.ClickTracking(message.tracking, False),
        open_tracking=vendor.OpenTracking(message.tracking),
        # Either would change the words of the mail, or let a reader unsubscribe from invoices.
        subscription_tracking=vendor.SubscriptionTracking(False),
        ganalytics=vendor.Ganalytics(False),
    )
    body: dict[str, Any] = mail.get()
    if len(json.dumps(body)) > MAX_BYTES:
        raise Refused("attachments: SendGrid takes no message beyond 30 MB; make the document smaller")
    return body


def _fill(mail: vendor.Mail, message: Message) -> None:
    try:
        mail.add_content(vendor.Content(vendor.MimeType.text, message.text))
        mail.add_content(vendor.Content(vendor.MimeType.html, message.html))
    except ApiKeyIncludedException:
        raise Refused("text: begins like an API key of SendGrid, which no mail may carry") from None
    for attachment in reversed(message.attachments):  # the vendor puts each one first
        content = vendor.FileContent(b64encode(attachment.data).decode())
        name, kind = vendor.FileName(clean(attachment.name)), vendor.FileType(attachment.mime)
        mail.add_attachment(vendor.Attachment(content, name, kind, vendor.Disposition("attachment")))


def _box(kind: Callable[[], Any], address: Address, field: str) -> Any:
    # Given to the constructor without a name, the vendor would parse the address again, and cut what it cannot read.
    box = kind()
    box.email = ascii_address(address.email, field)
    box.name = clean(address.name) or None
    return box


def _fields(body: bytes) -> list[str] | None:
    """The fields of SendGrid's own list of errors; None for anything that is no such list, as a proxy's page."""
    try:
        errors = json.loads(body)["errors"]
        named = [str(error.get("field") or "") for error in errors]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return sorted({field for field in named if _FIELD.fullmatch(field)})[:3]
