"""The rows of a document as the view that renderers print. Every amount was fixed at issue; nothing is computed anew
but what the terms say."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from adapters.documents.port import DiscountView, DocumentView, DueView
from domain import document, keys, terms
from domain.document import Preceding
from schemas import tables as t


def view(row: t.Invoice, seller: t.Seller, paper: t.Document) -> DocumentView:
    """What the document `paper` of the receivable says, in the customer's language."""
    content = document.from_json(paper.content)
    credit = paper.kind == "credit_note"
    agreed = terms.parse_terms(content.terms)
    dues = () if credit else terms.due_dates(agreed, paper.issued_on)
    amounts = () if credit else terms.split(paper.total, dues)
    steps = () if credit else terms.discount_steps(agreed, paper.issued_on)
    return DocumentView(
        kind=paper.kind,
        number=paper.number,
        issued_on=paper.issued_on,
        language=str(row.customer_data["language"]),
        currency=content.currency,
        seller=content.seller,
        customer=content.customer,
        lines=content.lines,
        breakdown=content.breakdown,
        totals=content.totals,
        adjustments=content.adjustments,
        dues=tuple(DueView(due_on, amount) for (_, due_on), amount in zip(dues, amounts, strict=True)),
        discounts=tuple(
            DiscountView(percent, until, discounted(paper.total, str(percent))) for percent, until in steps
        ),
        bank=content.bank,
        payment_reference=None if credit else keys.creditor_reference(f"{seller.key}{paper.number}"),
        notes=content.notes,
        period=content.period,
        delivery_date=content.delivery_date or (None if content.period else paper.issued_on),
        delivery_address=content.delivery_address,
        preceding=(Preceding(row.number or "", row.issued_on),) if credit else content.preceding,
        buyer_reference=content.buyer_reference,
        purchase_order=content.purchase_order,
        contract=content.contract,
        project=content.project,
        sales_order=content.sales_order,
        reference=content.reference,
        tax_currency=content.tax_currency,
    )


def discounted(total: int, percent: str) -> int:
    """What settles the whole document within a discount's days, minor units; the discount itself is HALF_UP."""
    waived = (Decimal(total) * Decimal(percent) / 100).quantize(Decimal(1), ROUND_HALF_UP)
    return total - int(waived)
