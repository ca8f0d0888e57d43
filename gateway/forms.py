"""Forms of pages that work without a script: nobody else's page can send one (CSRF), and what was typed comes as
checked text and files. It decides nothing about what is asked.

A page that shows a form is sealed: a hidden field that only this secret can make, bound to the page's own token and to
a random cookie of this browser (OWASP: signed double submit). Browsers that say where a request began must say `here`.
The field begins with a number that this showing of the page alone has: sent twice, a form is known to be the same.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.datastructures import FormData, UploadFile

from domain.errors import Invalid
from gateway.files import suffix_of
from gateway.house import House, house_of
from gateway.problems import HttpProblem

COOKIE, FIELD = "duely_form", "form"
DAY_SECONDS = 86_400
MAX_FIELDS = 1_000
MAX_UPLOAD = 5 << 20
MAX_NAME = 100
_NONCE_BYTES = 16
_ONCE_LENGTH, _SEAL_LENGTH = 32, 32  # hexadecimal: 128 bits each; of an HMAC half is enough (RFC 2104, 5)


@dataclass(frozen=True, slots=True)
class Seal:
    """`value` goes into the hidden field, the cookie into the same answer."""

    value: str
    nonce: str
    secure: bool

    def cookies(self, response: Response) -> None:
        # Lax: a link in a mail opens the page with the cookie it was given before; a foreign form comes without it.
        response.set_cookie(
            COOKIE, self.nonce, max_age=DAY_SECONDS, path="/", secure=self.secure, httponly=True, samesite="lax"
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """`name` is what the sender called it, without a path; `suffix` what its first bytes say it is."""

    name: str
    data: bytes
    suffix: str


@dataclass(frozen=True, slots=True)
class Form:
    """`once` is the same however often one showing of the page is sent. `refused`: what is wrong with a file, told when
    files are asked for, so that the texts can be shown again."""

    given: FormData
    once: str
    uploads: tuple[tuple[str, Upload], ...] = ()
    refused: Invalid | None = None

    def text(self, name: str, most: int = 2_000) -> str:
        """What was typed, trimmed; empty when nothing was. Invalid for control characters and for more than `most`."""
        found = [value for value in self.given.getlist(name) if isinstance(value, str)]
        return _checked(name, found[0], most) if found else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value, as of check boxes."""
        return tuple(_checked(name, value, MAX_NAME) for value in self.given.getlist(name) if isinstance(value, str))

    def files(self, name: str) -> tuple[Upload, ...]:
        """Invalid for a file of a kind that is not taken, and for too many."""
        if self.refused is not None:
            raise self.refused
        return tuple(upload for field, upload in self.uploads if field == name)


def seal(request: Request, token: str, once: str = "") -> Seal:
    """For a page at `token` that shows a form. `once`: of the form that is shown again, because what it asked for may
    have been done."""
    house, once = house_of(request), once or secrets.token_hex(_ONCE_LENGTH // 2)
    nonce = request.cookies.get(COOKIE, "")
    if len(nonce) < _NONCE_BYTES or len(nonce) > MAX_NAME or not nonce.isascii():
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
    return Seal(once + _seal(house, nonce, token, once), nonce, house.settings.public_url.startswith("https://"))


async def read_form(request: Request, token: str, files: int = 0) -> Form:
    """What was sent from a page of ours at `token`, with at most `files` files. HttpProblem 403 for a form that is not
    ours, 415 for another body, 413 for a file that is too large; Invalid for a file where none is taken."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        raise HttpProblem(415, "send the form of the page")
    _check_origin(request)
    async with request.form(max_files=files + 1, max_fields=MAX_FIELDS, max_part_size=MAX_UPLOAD) as given:
        nonce, sealed = request.cookies.get(COOKIE, ""), str(given.get(FIELD))
        once = sealed[:_ONCE_LENGTH]
        good = once + _seal(house_of(request), nonce, token, once)
        if not nonce or not hmac.compare_digest(good.encode(), sealed.encode()):
            raise HttpProblem(403, "the page is too old or not ours: open the link again")
        try:
            return Form(given, once, await _uploads(given, files))
        except Invalid as refused:
            if not files:
                raise
            return Form(given, once, refused=refused)


def _check_origin(request: Request) -> None:
    """A browser that says where the form began must name this site; one that says nothing is held by the seal alone."""
    began = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin", "null")  # `null`: our pages send no referrer
    own = (house_of(request).settings.public_url, f"{request.scope['scheme']}://{request.headers.get('host', '')}")
    ours = origin == "null" or _site(origin) in {_site(each) for each in own} - {None}
    if began not in ("same-origin", "none") or not ours:
        raise HttpProblem(403, "the form was sent from another site")


def _site(address: str) -> tuple[str, str] | None:
    """Scheme and host; None for what is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return parts.scheme, parts.netloc


def _seal(house: House, nonce: str, token: str, once: str) -> str:
    said = f"duely/form\n{nonce}\n{once}\n{token}".encode("utf-8", "replace")
    return hmac.new(house.secret.encode(), said, hashlib.sha256).hexdigest()[:_SEAL_LENGTH]


async def _uploads(given: FormData, most: int) -> tuple[tuple[str, Upload], ...]:
    found: list[tuple[str, Upload]] = []
    for field, value in given.multi_items():
        if not isinstance(value, UploadFile) or not (value.filename or value.size):
            continue  # a file field that was left empty
        if len(found) == most:
            raise Invalid.at(field, f"takes at most {most} files")
        found.append((field, await _upload(field, value)))
    return tuple(found)


async def _upload(field: str, value: UploadFile) -> Upload:
    data: bytes = await value.read(MAX_UPLOAD + 1)
    if len(data) > MAX_UPLOAD:
        raise HttpProblem(413, f"a file is larger than {MAX_UPLOAD >> 20} MiB")
    suffix = suffix_of(data, value.content_type or "")
    if suffix is None:
        raise Invalid.at(field, "takes PDF, PNG, JPEG, XML, CSV or plain text in UTF-8")
    return Upload(_file_name(value.filename or "", suffix), data, suffix)


def _file_name(said: str, suffix: str) -> str:
    """The last part of what the sender called it, in printable characters, with the ending that its bytes have."""
    last = PurePosixPath(said.replace("\\", "/")).name
    stem = "".join(c for c in last.rpartition(".")[0] or last if c.isprintable() and c not in '<>:"|?*').strip(". ")
    return f"{stem[:MAX_NAME] or 'file'}.{suffix}"


def _checked(name: str, value: Any, most: int) -> str:
    text = str(value).replace("\r\n", "\n").strip()
    if len(text) > most:
        raise Invalid.at(name, f"is longer than {most} characters")
    if any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in text):
        raise Invalid.at(name, "has a control character")
    return text
