"""What a customer says and asks on the page of its invoice: something is wrong, I will pay on a day, in parts, send it
again, write to somebody else. Each is a form without a script; what comes of it is decided by the receivable."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import get_args

from fastapi import APIRouter, Request, Response

from adapters.books import contacts, copies, files, plan_requests
from adapters.books.customer_page import CustomerPage
from domain.errors import DuelyError, Refused, Unavailable
from domain.keys import parse_workflow_id
from domain.money import show
from gateway.forms import Form, read_form
from gateway.house import House, house_of
from gateway.pages import found, shown_page, to
from gateway.telling import booked
from gateway.templates import Words
from gateway.typed import Entry, Mistaken, Reading, typed_of
from schemas.commands import MAX_FILES, DisputeCode
from schemas.values import MAX_TEXT
from workers import client as receivables

router = APIRouter(tags=["customer"], include_in_schema=False)

CODES = get_args(DisputeCode)
KINDS = ("pdf", "png", "jpeg", "txt", "csv")
MAX_CONTACT = 100
_NOT_A_NAME = re.compile(r"[^\w\s.,'’()&-]|\.\S")
"""The name stands in a mail of ours to somebody else: nothing in it may be, or look like, an address to click on."""


@dataclass(frozen=True)
class Said:
    """What somebody sent, and what it is about."""

    house: House
    id: str
    shown: CustomerPage
    form: Form
    words: Words

    @property
    def seller(self) -> str:
        return (parse_workflow_id(self.id) or ("", ""))[0]

    @property
    def currency(self) -> str:
        return self.shown.paper.currency

    async def command(self, name: str, **fields: object) -> None:
        """Refused by the receivable with its reason, in our words, not the customer's. A form that is sent twice, or
        again after no answer came, is one command."""
        payload = {"by": self.shown.said_by, **fields}
        client = await self.house.link.client()
        await receivables.send_command(client, self.house.engine, self.id, name, payload, self.form.once)

    async def book(self, ask: Callable[..., object], *about: object) -> None:
        """In the books beside the workflow, which is told; nothing is booked while nobody could be."""
        await booked(self.house, self.id, ask, self.seller, self.id, *about, self.shown.said_by, self.house.now())


async def dispute(said: Said) -> str:
    most = said.shown.offers.disputable
    if not most:
        raise Refused("nothing is left to dispute")
    read = Reading(said.form, "dispute", said.words)
    code = read.choice("code", CODES)
    about = read.choice("scope", ("all", "lines", "amount"))
    lines = read.choices("lines", [line.id for line in said.shown.paper.lines]) if about == "lines" else ()
    amount = read.amount("amount", most, said.currency, required=True) if about == "amount" else None
    text = read.text("text", MAX_TEXT, required=code == "other")
    uploads = read.files("files", KINDS, MAX_FILES)
    read.done()
    house, evidence = said.house, []
    await house.link.client()  # no file is kept for a dispute that nobody could hear
    for each in uploads:
        key = await asyncio.to_thread(files.keep, house.engine, house.archive, each.data, each.suffix, house.now())
        evidence.append({"name": each.name, "file": key})
    await said.command(
        "dispute",
        code=code,
        reason=text or said.words["code"][code],
        **({"lines": list(lines)} if lines else {}),
        **({"amount": show(amount, said.currency)} if amount is not None else {}),
        **({"files": evidence} if evidence else {}),
    )
    return "dispute"


async def promise(said: Said) -> str:
    offer = said.shown.offers
    if not offer.promisable:
        raise Refused("nothing can be promised now")
    read = Reading(said.form, "promise", said.words)
    day = read.day("date", offer.promise_from, offer.promise_until)
    amount = read.amount("amount", offer.promisable, said.currency, required=False)
    read.done()
    wanted = {} if amount is None else {"amount": show(amount, said.currency)}
    await said.command("promise", date=day.isoformat(), **wanted)
    return "promise"


async def plan(said: Said) -> str:
    offer = said.shown.offers
    if not offer.parts:
        raise Refused("nothing can be paid in parts now")
    read = Reading(said.form, "plan", said.words)
    count = read.choice("count", [str(len(parts)) for parts in offer.parts])
    read.done()
    parts = next(parts for parts in offer.parts if str(len(parts)) == count)
    if said.form.text("basis") != said.shown.basis:
        read.wrong("count", "moved")
        read.done()
    if offer.agrees:
        wanted = [{"due": day.isoformat(), "amount": show(amount, said.currency)} for day, amount in parts]
        await said.command("plan", instalments=wanted)
        return "plan"
    await said.book(plan_requests.ask, parts)
    return "plan_request"


async def copy(said: Said) -> str:
    if not said.shown.copy_waits:
        await said.book(copies.ask)
    return "copy"


async def contact(said: Said) -> str:
    if not said.shown.offers.contact:
        raise Refused("the invoice is closed")
    read = Reading(said.form, "contact", said.words)
    name = read.text("name", MAX_CONTACT)
    if _NOT_A_NAME.search(name):
        read.wrong("name", "name")
    email = read.email("email")
    read.done()
    await said.book(contacts.ask, name, email)
    return "contact"


ACTIONS: dict[str, Callable[[Said], Awaitable[str]]] = {
    "dispute": dispute,
    "promise": promise,
    "plan": plan,
    "copy": copy,
    "contact": contact,
}


def _route(action: str) -> Callable[[str, Request], Awaitable[Response]]:
    async def send(token: str, request: Request) -> Response:
        seen = await found(house_of(request), token)
        if isinstance(seen, Response):
            return seen
        form = await read_form(request, token, files=MAX_FILES if action == "dispute" else 0)
        return await _said(request, token, action, *seen, form)

    send.__name__ = f"customer_{action}"
    return send


async def _said(request: Request, token: str, action: str, id_: str, shown: CustomerPage, form: Form) -> Response:
    """Carried out, it leads back to the page, so that loading it again repeats nothing; else the page says what is
    wrong and keeps what was typed."""
    house, words, typed = house_of(request), Words(shown.paper.language), typed_of(form)
    try:
        said = Said(house, id_, shown, form, words)
        return to(f"/i/{token}?done={await ACTIONS[action](said)}")
    except Mistaken as mistaken:
        return shown_page(request, token, id_, shown, Entry(action, typed, wrong=mistaken.wrong), status=422)
    except Unavailable:
        entry = Entry(action, typed, refused=words["refused"]["later"], once=form.once)
        return shown_page(request, token, id_, shown, entry, status=503)
    except DuelyError:
        # What is true now may be another thing than what the page had shown.
        seen = await found(house, token)
        entry = Entry(action, typed, refused=words["refused"][action])
        return seen if isinstance(seen, Response) else shown_page(request, token, *seen, entry, status=409)


async def back(token: str) -> Response:
    """A browser that opens the address of a form again, as after a restart: nothing is repeated."""
    return to(f"/i/{token}")


for _action in ACTIONS:
    router.post(f"/i/{{token}}/{_action}")(_route(_action))
    router.get(f"/i/{{token}}/{_action}")(back)
