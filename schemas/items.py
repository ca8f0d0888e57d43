"""The parts of a draft that a request gives one by one: lines, allowances and charges, prepayments to take off. Nothing
is summed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from domain import keys, money, tax, wording
from domain.document import AllowanceCharge, Deduction, Line, Period, SellerFacts
from domain.errors import Invalid, Problem
from schemas import request as asked
from schemas.parsing import under
from schemas.request import Request

PREPAID = "prepayment"
"""The revenue key of what is paid before it is supplied: a liability until the final invoice takes it off."""

ADOPTED = "adopted"
"""The revenue key of what was invoiced elsewhere, where its lines are not known."""

GIVEN, AS_ON = "given", "as on"
"""`tax_basis` of a line whose tax the request names, and how that of one whose tax another document states begins."""

TaxChoice = tuple[tax.Category, Decimal, str]


def line(
    request: Request, index: int, seller: SellerFacts, expected: TaxChoice | Invalid, problems: list[Problem]
) -> Line:
    line, path = request.lines[index], f"lines[{index}]"
    category: str
    if line.tax is not None:
        category, rate, reason = line.tax.category, line.tax.percent, line.tax.reason
        name, basis = line.tax.name, GIVEN
    elif not isinstance(expected, Invalid):
        category, rate, basis = expected
        reason = wording.small_business(seller.country) if category == "E" else None
        name = None
    else:
        problems += under(f"{path}.tax", expected.problems)
        category, rate, reason, name, basis = "", Decimal(0), None, None, ""
    return Line(
        id=line.id or str(index + 1),
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        unit_price=line.unit_price,
        category=category,
        rate=rate,
        price_base=line.price_base or Decimal(1),
        item=line.item,
        reason=reason,
        tax_name=name,
        tax_basis=basis,
        period=period(line.period),
        adjustments=adjustments(line, request.currency, f"{path}."),
        order_line=line.order_line,
        cost_center=line.cost_center,
        revenue=PREPAID if request.kind == "prepayment" else line.revenue,
    )


def by_default(line: Line) -> bool:
    """Whether its tax is the default, as nobody named one."""
    return line.tax_basis is not None and line.tax_basis != GIVEN and not line.tax_basis.startswith(AS_ON)


def adopted(adopt: asked.Adopt, language: str) -> Line:
    """All of an invoice issued elsewhere of which only the total is known. Its VAT was stated there: category O claims
    none here, and `ADOPTED` keeps what is credited of it apart from revenue of ours."""
    return Line(
        id="1",
        description=wording.invoice(adopt.number, language),
        quantity=Decimal(1),
        unit="C62",
        unit_price=adopt.total,
        category=tax.Category.O,
        rate=Decimal(0),
        reason=wording.as_on(adopt.number, language),
        tax_basis=f"{AS_ON} {adopt.number}",
        revenue=ADOPTED,
    )


def deducted(deductions: Sequence[Deduction], request: Request, language: str) -> tuple[Line, ...]:
    """A line below zero for each tax row of each prepayment, so that only the rest is taxed and owed."""
    return tuple(
        Line(
            id=f"P{number}.{position}",
            description=wording.deduction(paid.number, paid.issued_on, language),
            quantity=Decimal(-1 if row.taxable > 0 else 1),
            unit="C62",
            unit_price=money.major(abs(row.taxable), request.currency),
            category=row.category,
            rate=row.rate,
            reason=row.reason,
            tax_basis=f"{AS_ON} {paid.number}",
            revenue=PREPAID,
            deducts=True,
        )
        for number, paid in enumerate(deductions, 1)
        for position, row in enumerate(paid.rows, 1)
    )


def adjustments(of: asked.Line | Request, currency: str, path: str) -> tuple[AllowanceCharge, ...]:
    return tuple(
        AllowanceCharge(
            reason=item.reason,
            is_charge=is_charge,
            amount=minor(item.amount, currency, f"{path}{name}[{i}].amount"),
            percent=item.percent,
        )
        for name, is_charge in (("allowances", False), ("charges", True))
        for i, item in enumerate(getattr(of, name))
    )


def taxed(request: Request, lines: Sequence[Line]) -> tuple[AllowanceCharge, ...]:
    """The document's adjustments; one without a tax takes that of the lines when they all have the same, whatever that
    of a prepayment was."""
    taxes = {(line.category, line.rate) for line in lines if not line.deducts}
    common = next(iter(taxes)) if len(taxes) == 1 else (None, None)
    given = [item.tax for item in (*request.allowances, *request.charges)]
    return tuple(
        replace(
            item,
            category=own.category if own else common[0],
            rate=own.percent if own else common[1],
            exemption=own.reason if own else None,
        )
        for item, own in zip(adjustments(request, request.currency, ""), given, strict=True)
    )


def period(period: asked.Period | None) -> Period | None:
    return Period(period.start, period.end) if period else None


def minor(amount: Decimal | None, currency: str, path: str) -> int:
    return 0 if amount is None else money.parse(keys.plain_decimal(amount), currency, path)
