"""What makes a draft worth a second look: with a warning it never approves itself. Nothing is read here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from domain import money
from domain.document import Draft, DraftWarning, Line, Period
from domain.keys import plain_decimal
from domain.rates import EU

UNUSUAL_FACTOR = 3
OLD_SUPPLY = timedelta(days=90)
SAME_AMOUNT_WITHIN = timedelta(days=90)


FREE_PRICES = 3
"""Whatever had so many prices has none of its own, as work by the piece."""

SMALL = "250"
"""Up to so much, gross, an invoice may be a simplified one (§ 33 UStDV; others allow 100 to 400)."""

_OWN_CURRENCY: Final = {"CZ": "CZK", "DK": "DKK", "HU": "HUF", "PL": "PLN", "RO": "RON", "SE": "SEK"}
"""Of the member states without the euro."""

NAMED, BRIEF = 3, 60
"""So many lines are named in one warning, each with so many letters."""


_EXACT_DIGITS = 80  # of a price for one unit: 15 before the point, by a base of 10 after it


@dataclass(frozen=True, slots=True)
class Billed:
    """A line of an earlier invoice. `name` as `name_of` gives it, `price` for one unit."""

    name: str
    quantity: Decimal
    price: Decimal
    period: Period | None = None
    order: str | None = None
    order_line: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier receivable of the same customer. `total` in minor units; `to` is the address it went to; `lines` those
    that share their name with one of the draft."""

    reference: str
    total: int
    purchase_order: str | None
    period_from: date | None
    period_to: date | None
    issued_on: date
    issued: bool = True
    to: str | None = None
    lines: tuple[Billed, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The same seller's invoices to the same customer in the draft's currency, the newest first. `to`: where the draft
    will go. `ibans`: the accounts on the last invoice the seller issued to anybody; None before its first."""

    invoices: tuple[Past, ...] = ()
    to: str | None = None
    ibans: frozenset[str] | None = None


def name_of(item: str | None, description: str) -> str:
    """What makes two lines about the same thing: the seller's own item number, else the words."""
    return item or " ".join(description.split()).casefold()


def warnings(draft: Draft, history: History, today: date) -> tuple[DraftWarning, ...]:
    """The draft's own remarks and what its history says, in a stable order. `today` is the seller's day."""
    others = [past for past in history.invoices if past.reference != draft.reference]
    found = list(draft.remarks)
    twins = [past for past in others if _repeats(past, draft, today)]
    if twins:
        found.append(_duplicate(max(twins, key=lambda past: (past.issued_on, past.reference)), draft))
    if not others:
        found.append(DraftWarning("first_invoice", f"first invoice to {draft.customer.name}"))
    elif _unusual(draft.totals.payable, [past.total for past in others]):
        shown = money.show(draft.totals.payable, draft.currency)
        found.append(DraftWarning("unusual_amount", f"{shown} is more than {UNUSUAL_FACTOR} × the median"))
    found += _changed(draft, history, others)
    found += _repeated(draft, [past for past in others if past not in twins])
    found += _unlawful(draft)
    supplied = _supplied(draft)
    if supplied and today - supplied > OLD_SUPPLY:
        found.append(DraftWarning("old_supply", f"supplied {supplied}, {(today - supplied).days} days ago"))
    return tuple(found)


def _unlawful(draft: Draft) -> Iterator[DraftWarning]:
    """What the law wants on an invoice, and nobody is stopped for: the customer's address (Directive 2006/112/EC Art.
    226 (5)), and VAT in the currency of the seller's state (Art. 230). Small ones need neither (Art. 238)."""
    if draft.adopted is not None or draft.totals.payable <= money.parse(SMALL, draft.currency, ""):
        return
    if draft.customer_kind != "consumer" and draft.customer.address.city is None:
        yield DraftWarning("customer_address", "customer.address: is missing, and an invoice names it (Art. 226 (5))")
    own = _OWN_CURRENCY.get(draft.seller.country, "EUR") if draft.seller.country in EU else draft.currency
    if draft.totals.tax and draft.tax_currency is None and draft.currency != own:
        yield DraftWarning(
            "tax_currency", f"tax_currency: is missing, and VAT is to be stated in {own}, too (Art. 230)"
        )


def _changed(draft: Draft, history: History, others: Sequence[Past]) -> Iterator[DraftWarning]:
    """What was different on earlier invoices: where to pay, whom to send to, what it costs."""
    own = [bank.iban for bank in (draft.bank, *draft.banks) if bank]
    new = [iban for iban in own if history.ibans is not None and iban not in history.ibans]
    if new:
        yield DraftWarning("bank_changed", f"the account {', '.join(new)} is not on the last invoice that was issued")
    issued = [past for past in others if past.issued]
    if issued and issued[0].to and history.to and issued[0].to.lower() != history.to.lower():
        yield DraftWarning("contact_changed", f"goes to another address than {issued[0].reference} did")
    prices = _prices(draft, issued)
    if prices:
        yield DraftWarning("price_changed", _some(prices))


def _prices(draft: Draft, issued: Sequence[Past]) -> list[str]:
    """How prices differ from the last ones, unless they were the same before or have always changed."""
    known: dict[str, list[tuple[Past, Decimal]]] = {}
    for past in issued:
        for billed in past.lines:
            known.setdefault(billed.name, []).append((past, billed.price))
    before = {name: {price for _, price in each} for name, each in known.items()}
    found: dict[str, None] = {}
    for line in draft.lines:
        if line.quantity == 1 and not line.item:
            continue  # a lump sum is an amount, not a price: `unusual_amount` looks at those
        name, price = name_of(line.item, line.description), line.unit_price / line.price_base
        if name in known and price not in before[name] and len(before[name]) < FREE_PRICES:
            last, was = known[name][0]
            found[f"{_brief(line)}: {_shown(price)}, was {_shown(was)} on {last.reference}"] = None
    return list(found)


def _repeated(draft: Draft, others: Sequence[Past]) -> Iterator[DraftWarning]:
    """Lines that look like one billed twice: in this draft, or before for the same period or line of an order."""
    twins = Counter(_likeness(line) for line in draft.lines if line.net)
    earlier: dict[tuple[str, Decimal, Decimal], list[tuple[Past, Billed]]] = {}
    for past in others:
        for was in past.lines:
            earlier.setdefault((was.name, was.quantity, was.price), []).append((past, was))
    found = []
    for line in draft.lines:
        count = twins.pop(_likeness(line), 0)
        if count > 1:
            found.append(f"{_brief(line)} is there {count} times")
        alike = (name_of(line.item, line.description), line.quantity, line.unit_price / line.price_base)
        before = next((past for past, was in earlier.get(alike, ()) if _supplied_then(line, was, draft)), None)
        if before is not None and line.net:
            found.append(f"{_brief(line)} is on {before.reference} already")
    if found:
        yield DraftWarning("line_repeated", _some(found))


def _likeness(line: Line) -> tuple[object, ...]:
    """What two lines of one draft share when one of them is too many."""
    name = name_of(line.item, line.description)
    return (name, line.quantity, line.unit_price, line.price_base, line.period, line.order_line, line.cost_center)


def _supplied_then(line: Line, was: Billed, draft: Draft) -> bool:
    """Whether an equal line was for the same period, or for the same line of an order where nothing tells two
    deliveries apart."""
    ordered, before = (draft.purchase_order, line.order_line), (was.order, was.order_line)
    if all(ordered) and all(before) and ordered != before:
        return False
    period = line.period or draft.period
    if period or was.period:
        return period == was.period
    return all(ordered) and ordered == before and draft.delivery_date is None


def _brief(line: Line) -> str:
    text = " ".join(line.description.split())
    return text if len(text) <= BRIEF else f"{text[: BRIEF - 1]}…"


def _shown(price: Decimal) -> str:
    with localcontext(prec=_EXACT_DIGITS):
        return plain_decimal(price.quantize(Decimal("0.000001"), ROUND_HALF_UP))


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - NAMED
    return "; ".join(texts[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def _repeats(past: Past, draft: Draft, today: date) -> bool:
    """Same amount, and the same order or period. Two periods are two supplies, as with a monthly fee.

    When either side names neither order nor period, nothing tells the two apart: then time does.
    """
    if past.total != draft.totals.payable:
        return False
    then, now = _period_of(past), draft.period
    if then and now:
        return then == now
    if past.purchase_order and draft.purchase_order:
        return past.purchase_order == draft.purchase_order
    return today - past.issued_on <= SAME_AMOUNT_WITHIN


def _period_of(past: Past) -> Period | None:
    return Period(past.period_from, past.period_to) if past.period_from and past.period_to else None


def _duplicate(past: Past, draft: Draft) -> DraftWarning:
    shown = money.show(past.total, draft.currency)
    return DraftWarning("duplicate", f"{past.reference} of {past.issued_on} has the same amount, {shown}")


def _unusual(total: int, earlier: Sequence[int]) -> bool:
    """Compared with the median in whole numbers: 2 × total against 3 × the sum of the two middle amounts."""
    ranked = sorted(earlier)
    middle = ranked[(len(ranked) - 1) // 2] + ranked[len(ranked) // 2]
    return 2 * total > UNUSUAL_FACTOR * middle


def _supplied(draft: Draft) -> date | None:
    """The last day of supply the draft names, on the document or, failing that, on its lines."""
    own = [draft.delivery_date, draft.period.end if draft.period else None]
    named = [day for day in own if day] or [line.period.end for line in draft.lines if line.period]
    return max(named, default=None)
