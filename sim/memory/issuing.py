"""The legal acts in memory: an invoice or credit note takes the next number together with its posting, its dues and its
entry in the chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from domain import ledger, mandates, numbering, reduction, settlement, terms
from domain.account import Account, DiscountStep, Document, Due, Phase
from domain.errors import Refused
from schemas import taxes
from sim.memory import money, reductions
from sim.memory.rows import Number, Receivable
from sim.memory.tx import SYSTEM, Tx

INVOICE, CREDIT_NOTE = "invoice", "credit_note"


def issue(tx: Tx, row: Receivable) -> None:
    """Issues the approved draft. Where its date cannot be right a person is asked and another day tried."""
    try:
        stale = taxes.outdated(row.content, tx.today)
        if stops := stale or mandates.clearance(row.content.seller.country, tx.today):
            raise Refused(stops)
        paper = _take(tx, row, INVOICE, row.total)
    except Refused:
        row.issue_on = max(tx.house.last_on.get(INVOICE) or tx.today, tx.today + timedelta(days=1))
        tx.ask("issue_blocked", row.id, row)
        return
    row.number, row.issued_on, row.phase = paper.number, paper.issued_on, Phase.OPEN
    tx.answered(SYSTEM, row, kind="issue_blocked", key=row.id)
    agreed = terms.parse_terms(row.content.terms)
    days = terms.due_dates(agreed, paper.issued_on)
    amounts = terms.split(row.total, days)
    row.dues = ordered(
        Due(id=str(position), due_on=day, ladder_on=day, episode=1, amount=amount)
        for position, ((_, day), amount) in enumerate(zip(days, amounts, strict=True), start=1)
    )
    row.discounts = tuple(
        DiscountStep(percent=str(percent), until=until)
        for percent, until in terms.discount_steps(agreed, paper.issued_on)
    )
    row.oldest_due_on = min(due.due_on for due in row.dues)
    tx.house.ibans = frozenset(bank.iban for bank in (row.content.bank, *row.content.banks) if bank)
    entries = ledger.invoice(_revenue(row), reduction.rows_of(row.content))
    reductions.post(tx, row, "issue", entries, paper.issued_on)
    about = {"number": paper.number, "document": paper.id, "date": paper.issued_on.isoformat()}
    tx.audit("invoice.issued", SYSTEM, row, **about, total=str(row.total), hash=row.hash)


def ordered(dues: Iterable[Due]) -> tuple[Due, ...]:
    return tuple(sorted(dues, key=lambda due: (due.due_on, due.id)))


def _take(tx: Tx, row: Receivable, kind: str, total: int) -> Document:
    """The next number of the series. Refused when the date would run backwards by more than a day."""
    house = tx.house
    on = numbering.issue_date(tx.today, house.last_on.get(kind))
    pattern, first = tx.seller.series[kind]
    taken = house.numbers.setdefault((kind, on.year), [])
    n = first + len(taken)
    number = numbering.format_number(pattern, on.year, n)
    count = sum(paper.kind == kind for paper in row.documents)
    id_ = f"{row.id}/{kind}" if count == 0 else f"{row.id}/{kind}-{count + 1}"
    house.last_on[kind] = on
    taken.append(Number(n, number, on, id_))
    paper = Document(id=id_, kind=kind, number=number, issued_on=on, total=total, object_key=None)
    row.numbered_at[id_] = tx.now
    row.documents = tuple(sorted((*row.documents, paper), key=lambda each: (row.numbered_at[each.id], each.id)))
    return paper


def credit(
    tx: Tx, row: Receivable, account: Account, amount: int, reason: str, by: str, lines: Sequence[str] = ()
) -> None:
    """A credit note over the gross `amount`, of `lines` where they make it up. Beyond the balance it releases assigned
    money into the customer's credit."""
    reduction.once(lines, row.credited_on)
    if amount > settlement.creditable(account):
        raise Refused("amount: more than what was invoiced and neither credited, waived nor withheld")
    part = _part(row, amount, lines)
    money.release_excess(tx, row, amount - account.balance)
    paper = _take(tx, row, CREDIT_NOTE, sum(each.gross for each in part))
    rest = not lines or amount == settlement.creditable(account)
    revenue = _revenue_left(tx, row) if rest else _revenue_of(row, part, lines)
    reductions.post(tx, row, "credit", ledger.credit(part, revenue), paper.issued_on, paper.number)
    row.steps = (*row.steps, reduction.Step(amount, tuple(each for each in part if each.gross), paper.number))
    row.credited_on |= dict.fromkeys(lines, paper.number)
    about = {"number": paper.number, "document": paper.id, "amount": str(amount), "reason": tx.text(reason)}
    tx.audit("credit.issued", by, row, **about)


def gross_of_lines(row: Receivable, ids: Sequence[str]) -> int:
    return sum(part.gross for part in reduction.of_lines(row.content, ids))


def gross_left_of_lines(row: Receivable, ids: Sequence[str]) -> int:
    return sum(part.gross for part in _left_of_lines(row, ids))


def _left_of_lines(row: Receivable, ids: Sequence[str]) -> reduction.Rows:
    """After the lines that were credited before, whose steps have their credit note for a cause."""
    earlier = row.credited_on
    if set(ids) & set(earlier):
        return reduction.of_lines(row.content, ids)
    taken = [step.part for step in row.steps if step.part and step.cause in earlier.values()]
    return reduction.of_lines(row.content, ids, list(earlier), taken)


def _part(row: Receivable, amount: int, lines: Sequence[str]) -> reduction.Rows:
    if not lines:
        return reductions.next_part(row, amount)
    part = _left_of_lines(row, lines)
    rest = reduction.left(reduction.rows_of(row.content), row.steps)
    left = {(each.category, each.rate): each for each in rest if each.reason != ledger.ROUNDING}
    if any(abs(each.gross) > abs(left[each.category, each.rate].gross) for each in part):
        raise Refused("lines: a part of them was credited or waived before; credit an amount instead")
    return part


def _revenue(row: Receivable) -> tuple[tuple[str, int], ...]:
    return ledger.revenue(row.content.lines, row.content.totals.taxable)


def _revenue_of(row: Receivable, part: reduction.Rows, lines: Sequence[str]) -> tuple[tuple[str, int], ...]:
    credited = [line for line in row.content.lines if line.id in lines]
    return ledger.revenue(credited, sum(each.taxable for each in part))


def _revenue_left(tx: Tx, row: Receivable) -> tuple[tuple[str, int], ...]:
    posted = (each for each in tx.house.postings if each.invoice == row.id and each.kind == "credit")
    return ledger.revenue_left(_revenue(row), (entry for each in posted for entry in each.entries))
