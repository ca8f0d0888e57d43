"""Receivables page by page, in the order of their last change, for programs that follow the books. It writes
nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, func
from sqlmodel import Session, and_, col, or_, select

from adapters.books import views
from adapters.books.engine import read
from domain.errors import Invalid
from domain.keys import parse_workflow_id
from domain.status import instant
from schemas import tables as t
from schemas.values import instant_of


def page(
    engine: Engine,
    *,
    state: str | None,
    customer: str | None,
    seller: str | None,
    updated_after: datetime | None,
    cursor: str | None,
    limit: int,
) -> tuple[list[dict[str, Any]], str | None]:
    """At most `limit` receivables, the longest unchanged first, and the cursor of the next page, None at the end. One
    that changes while somebody pages moves towards the end and is seen again, but where its step began before what was
    seen last: `updated_at` is business time, not that of the commit. Invalid for a cursor that is not one of ours."""
    query = select(t.Invoice).order_by(col(t.Invoice.updated_at), col(t.Invoice.id)).limit(limit + 1)
    for column, wanted in ((t.Invoice.state, state), (t.Invoice.customer, customer), (t.Invoice.seller, seller)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if updated_after is not None:
        query = query.where(col(t.Invoice.updated_at) > updated_after)
    if cursor is not None:
        at, id_ = _place(cursor)
        later = col(t.Invoice.updated_at) > at
        query = query.where(or_(later, and_(col(t.Invoice.updated_at) == at, col(t.Invoice.id) > id_)))
    with read(engine) as session:
        rows = session.exec(query).all()
        more, rows = len(rows) > limit, rows[:limit]
        owed = _owed(session, [row.id for row in rows])
    items = [
        {
            **views.listed(row, row.total if row.number is None else owed.get(row.id, 0)),
            "updated_at": instant(row.updated_at),
        }
        for row in rows
    ]
    return items, _cursor(rows[-1]) if more else None


def _owed(session: Session, ids: Sequence[str]) -> dict[str, int]:
    query = (
        select(t.Posting.invoice, func.sum(t.Posting.amount))
        .where(t.Posting.account == "receivable", col(t.Posting.invoice).in_(ids))
        .group_by(col(t.Posting.invoice))
    )
    return {str(id_): int(amount) for id_, amount in session.exec(query)}


def _cursor(row: t.Invoice) -> str:
    place = json.dumps([row.updated_at.isoformat(), row.id])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: str) -> tuple[datetime, str]:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        at, id_ = json.loads(raw)
        found = instant_of(at)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise Invalid.at("cursor", "is none that a page named; leave it out to begin anew") from None
    if not isinstance(id_, str) or parse_workflow_id(id_) is None:
        raise Invalid.at("cursor", "is none that a page named; leave it out to begin anew")
    return found, id_
