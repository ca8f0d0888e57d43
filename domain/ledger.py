"""Double entry: what each event posts, as balanced entries. Debit is positive, credit negative, minor units.

Account keys, mapped to a chart of accounts per seller: `receivable`, `revenue/{key}`, `vat/{rate}`, `discount`,
`bad_debt`, `bank/{iban}`, `clearing/{provider}`, `fees`, `customer_credit`, `charges`, `rounding`, `withholding_tax`,
`unidentified` (money whose payer nobody knows yet), `unexplained` (money a provider gave back without any credit),
`vat_pending/{rate}` (the VAT of a prepayment that is not paid yet), `opening_balance` (what was taken over). One
transaction is in one currency. It only says what to post: storing it, and in which transaction, is the books' work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from domain.errors import Invalid
from domain.keys import plain_decimal
from domain.parts import Line
from domain.tax import Breakdown

REVENUE = "revenue/"
SALES = "sales"
"""The revenue key of a line that names none."""
RECEIVABLE = "receivable"
CUSTOMER_CREDIT = "customer_credit"
DISCOUNT = "discount"
BAD_DEBT = "bad_debt"
FEES = "fees"
WITHHOLDING_TAX = "withholding_tax"
CHARGES = "charges"
UNIDENTIFIED = "unidentified"
UNEXPLAINED = "unexplained"
ROUNDING = "rounding"
OPENING_BALANCE = "opening_balance"
"""Stands against what was invoiced, and paid, before the receivable was taken over: neither revenue nor money of ours.
"""
VAT, VAT_PENDING = "vat", "vat_pending"
"""Where the VAT of a document stands: due since its issue, or due with its payment, as of a prepayment
(Directive 2006/112/EC Art. 65)."""

WRITE_OFFS = {
    "bad_debt": BAD_DEBT,
    "small_difference": DISCOUNT,
    "late_discount": DISCOUNT,
    "bank_fee": FEES,
    "withholding_tax": WITHHOLDING_TAX,
}
"""Kind of write-off -> the account that bears it."""

GRANTED = frozenset({"discount", *(kind for kind, account in WRITE_OFFS.items() if account == DISCOUNT)})
"""What was allowed for paying, by whoever: of a prepayment it counts as paid."""

KEEPS_VAT = frozenset({"bank_fee", "withholding_tax"})
"""What the bank or a tax office kept was still paid for the supply, so the taxable amount stays as it is; the other
kinds reduce the price and with it the VAT (Directive 2006/112/EC Art. 90)."""


@dataclass(frozen=True, slots=True)
class Entry:
    account: str
    amount: int


Entries = tuple[Entry, ...]


def bank(iban: str) -> str:
    return f"bank/{iban.replace(' ', '').upper()}"


def clearing(provider: str) -> str:
    """Money on its way to the bank: a payment provider's balance, the cash box, cheques under way."""
    return f"clearing/{provider}"


def balanced(entries: Iterable[Entry]) -> bool:
    return sum(entry.amount for entry in entries) == 0


def reverse(entries: Sequence[Entry]) -> Entries:
    return tuple(Entry(entry.account, -entry.amount) for entry in entries)


def revenue(lines: Sequence[Line], net: int) -> tuple[tuple[str, int], ...]:
    """(revenue key, net) of a document that comes to `net`: its allowances and charges are spread over what it bills.
    What it takes off as paid clears exactly what was booked when that was asked for."""
    billed, paid = (
        [(line.revenue or SALES, line.net) for line in lines if line.deducts is deducts] for deducts in (False, True)
    )
    rest = net - sum(each for _, each in paid)
    return (*(_spread(rest, billed) if billed else ()), *paid)


def revenue_left(booked: Iterable[tuple[str, int]], credited: Iterable[Entry]) -> tuple[tuple[str, int], ...]:
    """(revenue key, net) that credit notes have left of what was booked; `credited` is what they posted."""
    left = Counter[str]()
    for key, amount in booked:
        left[key] += amount
    for entry in credited:
        if entry.account.startswith(REVENUE):
            left[entry.account.removeprefix(REVENUE)] -= entry.amount
    return tuple(left.items())


def invoice(lines: Sequence[tuple[str, int]], breakdowns: Sequence[Breakdown], vat: str = VAT) -> Entries:
    """The posting of an issued invoice.

    `lines`: (revenue key, net) of each line; `breakdowns`: the document's, after its allowances and charges,
    which are spread over the revenue keys in proportion, loss-free. Entries of zero are left out.
    """
    rounding = sum(b.taxable for b in breakdowns if b.reason == ROUNDING)
    net = sum(b.taxable for b in breakdowns) - rounding
    gross = net + rounding + sum(b.tax for b in breakdowns)
    earned = [(f"{REVENUE}{key}", -amount) for key, amount in _spread(net, lines)]
    taxes = [(key, -tax) for key, tax in _vat(breakdowns, vat)]
    return _entries([(RECEIVABLE, gross), *earned, *taxes, (ROUNDING, -rounding)])


def opening(amount: int) -> Entries:
    """An invoice issued elsewhere is taken over: owed, while its revenue and VAT stay where they were booked."""
    return _entries([(RECEIVABLE, amount), (OPENING_BALANCE, -amount)])


def credit(part: Sequence[Breakdown], lines: Sequence[tuple[str, int]], vat: str = VAT) -> Entries:
    """The posting of a credit note over `part` (see `domain/reduction.py`), spread over the revenue of `lines`."""
    return reverse(invoice(lines, part, vat))


def tax_point(taxes: Sequence[tuple[Decimal, int]]) -> Entries:
    """VAT of a prepayment falls due with the money, (rate, tax) each; negative where the money went back."""
    pending = [(f"{VAT_PENDING}/{plain_decimal(rate)}", tax) for rate, tax in taxes]
    return _entries([*pending, *((f"{VAT}/{plain_decimal(rate)}", -tax) for rate, tax in taxes)])


def charge(amount: int) -> Entries:
    """Interest or a fee for late payment: owed on top, not part of the taxed price."""
    return _entries([(RECEIVABLE, amount), (CHARGES, -amount)])


def receipt(money_account: str, amount: int, identified: bool = True) -> Entries:
    """Money in, the customer's until it is allocated, and nobody's while the payer is unknown. `money_account` as
    `bank(...)` or `clearing(...)` writes it."""
    _check_money(money_account)
    return _entries([(money_account, amount), (CUSTOMER_CREDIT if identified else UNIDENTIFIED, -amount)])


def identify(amount: int) -> Entries:
    """The payer of money in is known after all."""
    return _entries([(UNIDENTIFIED, amount), (CUSTOMER_CREDIT, -amount)])


def give_back(money_account: str, amount: int, source: str = CUSTOMER_CREDIT) -> Entries:
    """Money out again: a refund, a chargeback, a returned debit. `source` bears it: the customer's credit,
    `UNIDENTIFIED`, or `UNEXPLAINED` until somebody says why it went."""
    _check_money(money_account)
    return _entries([(source, amount), (money_account, -amount)])


def explain(amount: int) -> Entries:
    """Money that went back for no known reason, now borne by the customer's credit."""
    return _entries([(CUSTOMER_CREDIT, amount), (UNEXPLAINED, -amount)])


def fee(money_account: str, amount: int) -> Entries:
    """What a provider or bank kept for its service; negative when it gave a fee back."""
    _check_money(money_account)
    return _entries([(FEES, amount), (money_account, -amount)])


def payout(provider: str, bank_account: str, amount: int) -> Entries:
    """A provider's balance arrives at the bank; negative when it was taken back."""
    _check_money(bank_account)
    return _entries([(bank_account, amount), (clearing(provider), -amount)])


def allocate(amount: int) -> Entries:
    return _entries([(CUSTOMER_CREDIT, amount), (RECEIVABLE, -amount)])


def unallocate(amount: int) -> Entries:
    return reverse(allocate(amount))


def discount(part: Sequence[Breakdown], vat: str = VAT) -> Entries:
    """A discount for early payment: net and VAT fall per rate (Directive 2006/112/EC Art. 90)."""
    return _waive(DISCOUNT, part, vat)


def write_off(kind: str, part: Sequence[Breakdown], vat: str = VAT) -> Entries:
    """`kind` is a key of `WRITE_OFFS`, else `Invalid`. `bank_fee` and `withholding_tax` leave the VAT
    alone."""
    if kind not in WRITE_OFFS:
        raise Invalid.at("kind", f"{kind!r} must be one of {', '.join(WRITE_OFFS)}")
    if kind in KEEPS_VAT:
        gross = sum(b.taxable + b.tax for b in part)
        return _entries([(WRITE_OFFS[kind], gross), (RECEIVABLE, -gross)])
    return _waive(WRITE_OFFS[kind], part, vat)


def recover(part: Sequence[Breakdown], vat: str = VAT) -> Entries:
    """A debt that was written off is paid after all: the loss and its VAT come back before the money is
    allocated."""
    return reverse(write_off("bad_debt", part, vat))


def posted_on(wanted: date, locked_until: date | None) -> tuple[date, str | None]:
    """The accounting date: `wanted`, or the first day after the locked period, with the reason."""
    if locked_until is None or wanted > locked_until:
        return wanted, None
    first_open = locked_until + timedelta(days=1)
    return first_open, f"the period through {locked_until} is locked; {wanted} moved past it"


def _check_money(account: str) -> None:
    if account != OPENING_BALANCE and not account.startswith(("bank/", "clearing/")):
        raise Invalid.at("money_account", f"{account!r} must be bank/… or clearing/…")


def _waive(account: str, part: Sequence[Breakdown], vat: str) -> Entries:
    net = sum(b.taxable for b in part)
    gross = net + sum(b.tax for b in part)
    return _entries([(account, net), *_vat(part, vat), (RECEIVABLE, -gross)])


def _vat(breakdowns: Sequence[Breakdown], vat: str) -> list[tuple[str, int]]:
    return [(f"{vat}/{plain_decimal(b.rate)}", b.tax) for b in breakdowns]


def _spread(net: int, lines: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """`net` over the lines' keys in proportion to their own net, signs kept (`money.allocate` takes no
    negative weight, a line may be one); the largest remainders get the rest. Lines that cancel out have no
    proportion: the first key takes what is left over."""
    shares: dict[str, int] = {}
    for key, amount in lines:
        shares[key] = shares.get(key, 0) + amount
    if not shares:
        raise Invalid.at("lines", "an invoice needs at least one line to post its revenue")
    whole = sum(shares.values())
    if whole == 0:
        first = next(iter(shares))
        return [(key, amount + net if key == first else amount) for key, amount in shares.items()]
    parts = {key: divmod(net * amount, whole) for key, amount in shares.items()}
    rest = net - sum(quotient for quotient, _ in parts.values())
    sign = 1 if whole > 0 else -1
    largest = sorted(parts, key=lambda key: -sign * parts[key][1])[:rest]
    return [(key, quotient + (key in largest)) for key, (quotient, _) in parts.items()]


def _entries(amounts: Iterable[tuple[str, int]]) -> Entries:
    """One entry an account, in order of first mention, without zeros."""
    sums: dict[str, int] = {}
    for account, amount in amounts:
        sums[account] = sums.get(account, 0) + amount
    return tuple(Entry(account, amount) for account, amount in sums.items() if amount)
