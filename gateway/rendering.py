"""The customer's pages as HTML: which facts go into which template. It computes no amount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

from adapters import formats
from adapters.books.customer_page import ChangeView, CustomerPage
from adapters.books.genuine import Issued
from domain.einvoice import EInvoice
from domain.parts import Line
from gateway.templates import Words, show
from gateway.typed import NOTHING, Entry
from schemas.commands import DisputeCode


@dataclass(frozen=True, slots=True)
class Asking:
    """What turns the page into one with forms: the seal of each, the try that did not work, what did, and where to see
    that the invoice is ours."""

    seal: str
    entry: Entry
    done: str
    proof: str | None


def page(
    shown: CustomerPage,
    words: Words,
    token: str,
    online: bool,
    asking: Asking | None = None,
    apology: bool = False,
) -> str:
    """The invoice. `online`: offer to pay at a provider; `asking`: what may be said about it; `apology`: paying online
    does not work now."""
    paper = shown.paper
    owed = shown.balance > 0 and not shown.closed
    payable = online and owed and not shown.pending
    done = _done(asking, shown, words, payable)
    return show(
        "invoice.html",
        words,
        title=f"{words[paper.kind]} {formats.clean(paper.number)}",
        paper=paper,
        shown=shown,
        token=token,
        seller=formats.clean(paper.seller.name),
        customer=formats.clean(paper.customer.name),
        contact=[formats.clean(each) for each in (paper.seller.email, paper.seller.phone) if each],
        address=_address(paper, words),
        lines=[_line(line, paper.currency, words) for line in paper.lines],
        sums=_sums(shown, words),
        owed=owed,
        in_progress=owed and shown.pending > 0,
        pay_url=f"/pay/{token}" if payable and done != words["done"]["paid"] else None,
        part=shown.disputed > 0 or len(shown.dues) > 1,
        apology=apology,
        iban=formats.iban(paper.bank.iban) if paper.bank is not None else None,
        payee=formats.clean(paper.bank.name or paper.seller.name) if paper.bank is not None else None,
        money=lambda minor: words.money(minor, paper.currency),
        asking=asking,
        entry=asking.entry if asking is not None else NOTHING,
        done=done,
        codes=get_args(DisputeCode),
    )


def _done(asking: Asking | None, shown: CustomerPage, words: Words, payable: bool) -> str:
    """What is said after something was done; nothing when it is not true: anybody can write an address. Who comes back
    from paying is before the provider's own word, so `payable` still."""
    true = {
        "dispute": bool(shown.disputes),
        "promise": shown.promised is not None,
        "plan": shown.in_parts,
        "plan_request": shown.plan_requested,
        "copy": shown.copy_waits,
        "contact": shown.change is not ChangeView.NONE,
        "paid": payable,
    }
    code = asking.done if asking is not None else ""
    return str(words["done"][code]) if true.get(code) else ""


def genuine(found: Issued) -> str:
    """What was issued, to compare a copy with."""
    words = Words(found.language)
    return show(
        "genuine.html",
        words,
        title=f"{words[found.kind]} {formats.clean(found.number)}",
        seller=formats.clean(found.seller),
        issued=found,
        banks=[
            (formats.clean(bank.name or found.seller), formats.iban(bank.iban), formats.clean(bank.bic or ""))
            for bank in found.banks
        ],
        hashes=[(name, key.removeprefix("sha256:")) for name, key in (("PDF", found.pdf), ("XML", found.xml)) if key],
    )


def _address(paper: EInvoice, words: Words) -> tuple[str, ...]:
    address = paper.seller.address
    parts = {
        "street": address.street,
        "street2": address.street2,
        "postcode": address.postcode,
        "city": address.city,
        "region": address.region,
        "country": address.country or paper.seller.country,
    }
    return tuple(formats.clean(line) for line in formats.address_lines(parts, words.language))


def _line(line: Line, currency: str, words: Words) -> dict[str, str]:
    unit = words["unit"].get(line.unit, line.unit)
    return {
        "id": line.id,
        "text": formats.clean(line.description),
        "quantity": f"{formats.decimal(line.quantity, words.language)} {unit}",
        "price": formats.price(line.unit_price, currency, words.language),
        "net": words.money(line.net, currency),
    }


def _sums(shown: CustomerPage, words: Words) -> list[tuple[str, str]]:
    """Name and amount, from the net total to what came of it; what is nothing is left out."""
    paper = shown.paper
    rows = [(words["net"], paper.totals.taxable)]
    rows += [(words["tax"] % words.percent(tax.rate), tax.tax) for tax in paper.breakdown if tax.tax]
    if paper.totals.rounding:
        rows.append((words["rounding"], paper.totals.rounding))
    rows.append((words["total"], paper.totals.payable))
    after = (
        (words["charges"], shown.charges),
        (words["paid"], -shown.paid),
        (words["credited"], -shown.credited),
        (words["other"], -shown.other),
    )
    rows += [(name, amount) for name, amount in after if amount]
    return [(name, words.money(amount, paper.currency)) for name, amount in rows]
