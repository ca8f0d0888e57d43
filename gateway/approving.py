"""The approver's page as HTML: what would be issued or done, what is unusual, what became of it. It chooses and
formats; whether a link counts is decided in `domain/asked.py`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from adapters import formats
from adapters.books.approver_page import ApproverPage
from domain import calendar
from domain.asked import Standing
from domain.einvoice import EInvoice
from domain.parts import Address, Line
from domain.profiles import PROFILES
from gateway import changed
from gateway.templates import Words, show

Facts = list[tuple[str, list[str]]]

STATUS = {
    Standing.OPEN: 200,
    Standing.USED: 410,
    Standing.EXPIRED: 410,
    Standing.REVOKED: 410,
    Standing.DECIDED: 410,
    Standing.FOREIGN: 403,
    Standing.STALE: 409,
}
_MONEY = ("amount", "credit")
_DAYS = ("received_on", "due")


def asking(page: ApproverPage, token: str, seal: str, problem: str = "") -> str:
    """The page with its two forms. `problem`: why the last answer was not taken."""
    words = Words(page.language, staff=True)
    w = words["approve"]
    paper = page.paper
    return show(
        "approve.html",
        words,
        w=w,
        seller=formats.clean(page.seller),
        title=_title(page, words),
        amount=words.money(page.subject.amount, page.currency),
        person=formats.clean(page.names.get(page.asked.person, page.asked.person)),
        unusual=_unusual(page, words) if page.draft else None,
        facts=[*(_paper(page, paper, words) if paper else _request(page, words)), *_who(page, words)],
        lines=[_line(line, paper, words) for line in paper.lines] if paper else [],
        sums=_sums(paper, words) if paper else [],
        preview=f"/a/{token}/preview.pdf",
        placeholder=paper.number if paper else "",
        agreement=_agreement(page, words),
        action=f"/a/{token}",
        seal=seal,
        problem=problem,
    )


def no_reason(page: ApproverPage) -> str:
    return str(Words(page.language, staff=True)["approve"]["problem"])


def told(page: ApproverPage, what: str, text: str | None = None) -> str:
    """What an answer led to: one of the words under `said`, with its text or the one given."""
    words = Words(page.language, staff=True)
    said = words["approve"]["said"]
    more = _agreement(page, words)[:1] if what == "pending" else []
    return _closed(page, words, said[what], [text or said[f"{what}_text"], *more], _short(page, words))


def closed(page: ApproverPage) -> str:
    """Why a link no longer counts. To whom it is not, it tells nothing of what it was about."""
    words = Words(page.language, staff=True)
    said = words["approve"]["said"]
    match page.standing:
        case Standing.USED | Standing.DECIDED:
            first = [said["used_text"]] if page.standing is Standing.USED else []
            return _closed(page, words, said[page.standing], [*first, *_outcome(page, words)], _short(page, words))
        case Standing.STALE:
            texts = [said["stale_text"], *([] if page.known_before else [said["stale_unknown"]])]
            rows = changed.rows(page.changes, page.currency, words)
            return _closed(page, words, said["stale"], texts, _short(page, words), rows)
        case _:
            return _closed(page, words, said[page.standing], [said[f"{page.standing}_text"]], [])


def _closed(
    page: ApproverPage,
    words: Words,
    title: str,
    texts: list[str],
    facts: Facts,
    rows: Sequence[changed.Row] = (),
) -> str:
    seller, w = formats.clean(page.seller), words["approve"]
    return show("approve_told.html", words, w=w, seller=seller, title=title, texts=texts, facts=facts, changes=rows)


def _title(page: ApproverPage, words: Words) -> str:
    w = words["approve"]
    kind = words[page.paper.kind] if page.paper else w["kind"].get(page.subject.kind, page.subject.kind)
    return str(w["title"] % (w["for"] % (kind, formats.clean(page.customer))))


def _short(page: ApproverPage, words: Words) -> Facts:
    """What it was about, in a few words."""
    w = words["approve"]
    return [
        (w["what"], [w["kind"].get(page.subject.kind, page.subject.kind)]),
        (w["customer"], [formats.clean(page.customer)]),
        *([(w["invoice"], [page.number])] if page.number else []),
        (w["reference"], [page.reference]),
        (w["amount"], [words.money(page.subject.amount, page.currency)]),
    ]


def _outcome(page: ApproverPage, words: Words) -> Iterator[str]:
    said = words["approve"]["said"]
    if page.outcome is None:
        yield from _agreement(page, words)[:1]
        return
    yield said["rejected_by" if page.outcome == "rejected" else page.outcome]
    if page.ended_at is not None:
        yield said["closed_at"] % words.day(calendar.local_date(page.ended_at, page.timezone))


def _agreement(page: ApproverPage, words: Words) -> list[str]:
    w = words["approve"]
    given = [formats.clean(page.names.get(vote.by, vote.by)) for vote in page.subject.votes]
    found = [w["given"] % ", ".join(given) if given else w["none_given"]]
    if page.votes_missing > 1:
        found.append(w["missing"] % page.votes_missing)
        roles = [w["role"].get(role.lower(), role) for role in page.roles_missing]
        found += [w["role_missing"] % ", ".join(roles)] if roles else []
    elif page.votes_missing:
        found.append(w["one_missing"] if given else w["yours_suffices"])
    return found


def _unusual(page: ApproverPage, words: Words) -> list[tuple[str, str]]:
    """Each warning's name in words, and its text where that says more."""
    names = words["approve"]["warning"]
    return [
        (names.get(each.code, each.code), "" if each.code == "first_invoice" else formats.clean(each.text))
        for each in page.warnings
    ]


def _who(page: ApproverPage, words: Words) -> Facts:
    w = words["approve"]
    names = [formats.clean(page.names.get(by, by)) for by in page.subject.creators]
    return [(w["drafted_by" if page.draft else "asked_by"], names)] if names else []


def _request(page: ApproverPage, words: Words) -> Facts:
    """Money that would go out: what, how much, why, as it was asked for."""
    w = words["approve"]
    facts = [*_short(page, words)]
    if page.balance is not None:
        facts.append((w["balance"], [words.money(page.balance, page.currency)]))
    for name, value in (page.subject.command or {}).items():
        if name in w["command"] and value not in (None, ""):
            facts.append((w["command"][name], [_given(name, value, page.currency, words)]))
    return facts


def _given(name: str, value: Any, currency: str, words: Words) -> str:
    if name in _MONEY:
        return f"{formats.decimal(str(value), words.language, 2)} {currency}"
    if name in _DAYS:
        return words.day(date.fromisoformat(str(value)))
    return formats.clean(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _paper(page: ApproverPage, paper: EInvoice, words: Words) -> Facts:
    """The head of the document, as it would be printed."""
    w, customer = words["approve"], paper.customer
    dues = [w["due_part"] % (words.money(due.amount, paper.currency), words.day(due.due_on)) for due in paper.dues]
    discounts = [
        w["discount_part"]
        % (words.percent(each.percent), words.day(each.until), words.money(each.amount, paper.currency))
        for each in paper.discounts
    ]
    period = f"{words.day(paper.period.start)} – {words.day(paper.period.end)}" if paper.period else None
    notes = [*(paper.notes or "").splitlines(), *(note.text for note in paper.legal_notes)]
    rows: list[tuple[str, list[str]]] = [
        (w["customer"], _clean(customer.name, *_address(customer.address, words))),
        (w["vat_id"], _clean(customer.vat_id)),
        (w["sends_to"], _clean(page.sends_to)),
        (w["reference"], _clean(page.reference)),
        (w["issued_on"], [words.day(paper.issued_on)]),
        (w["period"], [period] if period else []),
        (w["supplied"], [words.day(paper.delivery_date)] if paper.delivery_date else []),
        (w["purchase_order"], _clean(paper.purchase_order)),
        (w["buyer_reference"], _clean(paper.buyer_reference)),
        (w["due"], dues),
        (w["discount"], discounts),
        (w["account"], [" · ".join([formats.iban(b.iban), *_clean(b.bic, b.name)]) for b in paper.banks]),
        (w["profile"], [PROFILES[paper.profile].name]),
        (w["notes"], _clean(*notes)),
        (w["attachments"], _clean(*(each.name for each in paper.attachments))),
    ]
    return [(name, values) for name, values in rows if values]


def _clean(*texts: str | None) -> list[str]:
    """What others wrote, each on one line; what is not there is left out."""
    return [formats.clean(text) for text in texts if text]


def _address(address: Address, words: Words) -> tuple[str, ...]:
    return formats.address_lines(dataclasses.asdict(address), words.language)


def _line(line: Line, paper: EInvoice, words: Words) -> dict[str, Any]:
    unit = words["unit"].get(line.unit, line.unit)
    per = f" / {formats.decimal(line.price_base, words.language)} {unit}" if line.price_base != 1 else ""
    period = f"{words.day(line.period.start)} – {words.day(line.period.end)}" if line.period else None
    return {
        "text": formats.clean(line.description),
        "more": [formats.clean(each) for each in (line.item, line.order_line, period) if each]
        + [changed.value(each, paper.currency, words) for each in line.adjustments],
        "quantity": f"{formats.decimal(line.quantity, words.language)} {unit}",
        "price": formats.price(line.unit_price, paper.currency, words.language) + per,
        "net": words.money(line.net, paper.currency),
    }


def _sums(paper: EInvoice, words: Words) -> list[tuple[str, str]]:
    totals = paper.totals
    rows = [(formats.clean(each.reason), each.amount if each.is_charge else -each.amount) for each in paper.adjustments]
    rows.append((words["net"], totals.taxable))
    rows += [(words["tax"] % words.percent(tax.rate), tax.tax) for tax in paper.breakdown if tax.tax]
    rows += [(words["rounding"], totals.rounding)] if totals.rounding else []
    rows.append((words["total"], totals.payable))
    return [(name, words.money(amount, paper.currency)) for name, amount in rows]
