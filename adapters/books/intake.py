"""The first word on a reference: who may start which receivable, decided by a unique key before any workflow runs.
It drafts nothing and talks to no server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from adapters.books.engine import read, write
from domain.account import CLOSED
from domain.errors import Conflict
from domain.keys import workflow_id
from schemas import tables as t
from schemas.request import Request, canonical_hash, is_content


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the books held when the request came in. `new`: nobody used the reference before. `drafted`: there is a
    receivable under it. `freed`: it was cancelled before issue. `closed`: it has ended and stays what it is."""

    new: bool
    drafted: bool
    freed: bool
    closed: bool

    @property
    def owned(self) -> bool:
        """Whether the books hold a receivable that this request is about, whatever runs for it."""
        return self.drafted and not self.freed


def claim(engine: Engine, request: Request, now: datetime) -> Known:
    """Takes the reference for this content, once. Conflict for other content, NotFound for an unknown seller."""
    with write(engine, request.seller) as session:
        said = _agreed(session, request)
        if said is None:
            session.add(
                t.Intake(
                    seller=request.seller,
                    reference=request.reference,
                    request_hash=canonical_hash(request),
                    received_at=now,
                )
            )
        row = session.get(t.Invoice, workflow_id(request.seller, request.reference))
        return Known(
            new=said is None,
            drafted=row is not None,
            freed=row is not None and row.freed,
            closed=row is not None and row.phase in CLOSED and not row.freed,
        )


def check(engine: Engine, request: Request) -> bool:
    """Whether `claim` would find the reference in use, by the same content. Raises Conflict as `claim` does."""
    with read(engine) as session:
        return _agreed(session, request) is not None


def _agreed(session: Session, request: Request) -> str | None:
    found = session.get(t.Intake, (request.seller, request.reference))
    if found is None:
        return None
    if not is_content(request, found.request_hash):
        raise Conflict(
            f"reference {request.reference} of {request.seller} was used before with other content; "
            f"`duely show {workflow_id(request.seller, request.reference)}` shows it, an amendment changes it"
        )
    return found.request_hash
