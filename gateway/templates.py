"""Pages as HTML: one style sheet inside that the policy names by its hash, words from
`templates/pages/*_<language>.toml`, amounts and dates as the language writes them. It knows no page and computes no
amount."""

from __future__ import annotations

import base64
import hashlib
import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from adapters import formats

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "pages"
STYLE = (FOLDER / "page.css").read_text("utf-8")
STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()


def _headers(forms: str) -> Mapping[str, str]:
    return {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; "
        f"form-action {forms}; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
    }


HEADERS = _headers("'none'")
"""Of every page and redirect: nobody else learns the address, no cache keeps it, nothing foreign is loaded."""

FORM_HEADERS = _headers("'self'")
"""Of a page with a form, which goes to ourselves only."""

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


class Words:
    """The labels of one language, and how it writes numbers. `staff`: those of our own people's pages as well."""

    def __init__(self, language: str, staff: bool = False):
        self.language = formats.language_of(language, formats.CORRESPONDENCE)
        self.labels = _labels("labels", self.language) | (_labels("staff", self.language) if staff else {})

    def __getitem__(self, name: str) -> Any:
        return self.labels[name]

    def money(self, minor: int, currency: str) -> str:
        return formats.money(minor, currency, self.language)

    def day(self, day: date) -> str:
        return formats.day(day, self.language)

    def percent(self, value: Decimal) -> str:
        return formats.percent(value, self.language)


def show(template: str, words: Words, /, **context: Any) -> str:
    """The page; every value is escaped. UndefinedError for one that it asks for and nobody gave."""
    style = Markup(STYLE)  # noqa: S704 our own file
    return _ENVIRONMENT.get_template(template).render(t=words, style=style, **context)


def plain(name: str) -> str:
    """A page about nothing in particular, in both languages: nobody knows who looks at it. `name`: a table of the
    labels with `title` and `text`."""
    both = [Words(language) for language in formats.CORRESPONDENCE]
    parts = [(each.language, each[name]["title"], each[name]["text"]) for each in both]
    return show("plain.html", both[0], parts=parts)


def html(body: str, status: int = 200, headers: Mapping[str, str] | None = None, forms: bool = False) -> HTMLResponse:
    """The answer that carries a page. `forms`: it may send forms to us."""
    return HTMLResponse(body, status, {**(FORM_HEADERS if forms else HEADERS), **(headers or {})})


@cache
def _labels(kind: str, language: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{kind}_{language}.toml").read_text("utf-8"))
