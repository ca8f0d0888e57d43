"""The words of a mail: subject, plain text and HTML from one source, in the customer's language. Never
computes: every amount and date comes in, and goes out as the language writes it.

`templates/mail/<name>/<language>/{subject.txt,body.txt}` holds the words once. The body is rendered twice,
with the blocks of `parts.txt` inside `layout.txt` and with those of `parts.html` inside `layout.html`, so
text and HTML cannot say different things. Customer text is one line without control characters in both, and
escaped in the HTML.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from adapters import formats
from adapters.formats import clean
from domain.errors import NotFound

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "mail"
INTERNAL = frozenset({"final", "approval", "approval_reminder", "dispute", "exception", "sheet"})

# What a mail may leave out. Everything else the words ask for must be given, or rendering fails.
_EMPTY = (
    "amount confirm_url deadline discount due_on invoice_number issued_on moved_on number pay_by payment_reference "
    "pay_url person purchase_order received reference reply_to url verify_url"
)
OPTIONAL: Mapping[str, Any] = MappingProxyType(
    dict.fromkeys(_EMPTY.split())
    | dict.fromkeys(("balance", "days_late", "disputed", "open", "total"), 0)
    | dict.fromkeys(("commands", "deciders", "dues", "history", "reasons"), ())
    | {"by_transfer": False, "contact": {}, "customer": {}, "dispute": {}, "subject": ""}
)
_OPTIONAL_OF = {
    "seller": {"email": "", "phone": None, "address": {}, "vat_id": None, "bank": None},
    "bank": {"name": None, "bic": None},
    "contact": {"name": "", "email": ""},
    "customer": {"name": ""},
    "dispute": {"amount": 0, "credited": 0, "outcome": None, "grace_until": None, "again": False, "passed_on": False},
}


@dataclass(frozen=True, slots=True)
class Rendered:
    subject: str
    text: str
    html: str


def render(template: str, language: str, context: Mapping[str, Any]) -> Rendered:
    """`context`: seller{name,email,phone,address,vat_id,bank{iban,bic,name}}, customer{name}, number,
    reference, purchase_order, issued_on, due_on, total, balance, open, disputed (minor units), currency,
    days_late, payment_reference, url (where it is seen), pay_url, verify_url, person{name}, subject,
    reasons[], history[], commands[], deciders[], discount{percent, until, amount}, dues[{due_on, amount, open}],
    pay_by, deadline, invoice_number, received, moved_on (of money in or back), amount, reply_to, dispute{amount,
    outcome, credited, grace_until, again, passed_on}, contact{name, email} and confirm_url (of a change of contact).

    A language without words falls back to English. NotFound for an unknown template; UndefinedError of
    jinja2 for a value the words need and nobody gave.
    """
    if not template.isidentifier() or not (FOLDER / template).is_dir():
        raise NotFound(f"mail template {template!r}: no such folder under templates/mail")
    words = _values(template, formats.language_of(language, formats.CORRESPONDENCE), context)
    name = f"{template}/{words['language']}"
    plain, rich = _environment(html=False), _environment(html=True)
    subject = clean(plain.get_template(f"{name}/subject.txt").render(words))
    text = _layout_text(plain, words, _body(plain, name, words, "parts.txt"))
    html = _layout_html(rich, words | {"title": subject}, _body(rich, name, words, "parts.html"))
    return Rendered(subject, text, html)


def _body(environment: Environment, name: str, words: dict[str, Any], parts: str) -> list[str]:
    show = environment.get_template(parts).make_module(words)
    body = environment.get_template(f"{name}/body.txt").render(words | {"show": show})
    return [part for part in re.split(r"\n[ \t]*\n", body) if part.strip()]


def _layout_text(environment: Environment, words: dict[str, Any], parts: list[str]) -> str:
    body = "\n\n".join(part.strip("\n") if part.lstrip("\n").startswith(" ") else _wrapped(part) for part in parts)
    values = words | {"body": body} | {part: _wrapped(words[part]) for part in ("replies", "online", "proof")}
    return environment.get_template("layout.txt").render(values).rstrip() + "\n"


def _layout_html(environment: Environment, words: dict[str, Any], parts: list[str]) -> str:
    safe = [Markup(part.strip()) for part in parts]  # noqa: S704 the environment that rendered them has escaped
    values = words | {"parts": safe, "preview": safe[0].striptags() if safe else ""}
    return environment.get_template("layout.html").render(values)


def _wrapped(text: str) -> str:
    return textwrap.fill(text.strip(), 76, break_long_words=False, break_on_hyphens=False)


@cache
def _environment(html: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=html,  # noqa: S701 off for plain text only
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["money"] = _money
    environment.filters["day"] = _day
    environment.filters["percent"] = _percent
    environment.filters["iban"] = formats.iban
    return environment


@pass_context
def _money(context: Context, minor: int | None, currency: str | None = None) -> str:
    if minor is None:
        raise UndefinedError("an amount that the words need was not given")
    return formats.money(minor, currency or str(context.resolve("currency")), context["language"])


@pass_context
def _day(context: Context, value: date | None) -> str:
    if value is None:
        raise UndefinedError("a date that the words need was not given")
    return formats.day(value, context["language"])


@pass_context
def _percent(context: Context, value: str) -> str:
    return formats.percent(value, context["language"])


@cache
def _labels(language: str) -> Mapping[str, str]:
    return MappingProxyType(tomllib.loads((FOLDER / f"labels_{language}.toml").read_text("utf-8")))


def _values(template: str, language: str, context: Mapping[str, Any]) -> dict[str, Any]:
    given = _cleaned(context)
    words = dict(OPTIONAL) | {key: value for key, value in given.items() if value is not None}
    words["seller"] = seller = _OPTIONAL_OF["seller"] | words["seller"]
    for name in ("contact", "customer", "dispute"):
        words[name] = _OPTIONAL_OF[name] | words[name]
    if seller["bank"]:
        seller["bank"] = _OPTIONAL_OF["bank"] | seller["bank"]
    t = _labels(language)
    person = (words["person"] or {}).get("name")
    about = t["the_invoice"] % words["number"] if words["number"] else t["the_reference"] % words["reference"]
    return words | {
        "language": language,
        "t": t,
        "internal": template in INTERNAL,
        "about": about,
        "greeting": t["greeting"] % person if person else t["greeting_nobody"],
        "online": "" if template in INTERNAL or not words["url"] else t["online_link"] % words["url"],
        "proof": "" if template in INTERNAL else _proof(t, words["verify_url"]),
        "replies": _replies(template, t, words, about),
        "signature": t["internal_team"] % seller["name"] if template in INTERNAL else f"{seller['name']}, {t['team']}",
        "footer": _footer(seller, t, language),
    }


def _replies(template: str, t: Mapping[str, str], words: Mapping[str, Any], about: str) -> str:
    reply_to = words["reply_to"] or words["seller"]["email"]
    if template in INTERNAL:
        return t["replies_internal"] % (reply_to, about)
    phone = words["seller"]["phone"]
    return t["replies_phone"] % (reply_to, about, phone) if phone else t["replies"] % (reply_to, about)


def _proof(t: Mapping[str, str], url: str | None) -> str:
    """How to tell that the mail is not forged."""
    return t["proof_link"] % url if url else t["proof"]


def _footer(seller: Mapping[str, Any], t: Mapping[str, str], language: str) -> list[str]:
    address = formats.address_lines(seller["address"], language)
    vat = f"{t['vat_id']} {seller['vat_id']}" if seller["vat_id"] else None
    lines = (
        ", ".join((seller["name"], *address)),
        " · ".join(filter(None, (seller["email"], seller["phone"], vat))),
    )
    return [line for line in lines if line]


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {key: _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
