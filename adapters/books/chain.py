"""How far the bank is read: as far as its statements join, each opening with what the one before closed with. Before
one that does not join the mark stays, and a person is asked for what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import col, select

from adapters.books import watermarks
from adapters.books.tx import SYSTEM, Tx
from adapters.books.unclear import owner
from domain import calendar
from domain.balances import Gap, Reach, Span, reach
from domain.money import parse
from domain.statements import is_account
from schemas import tables as t

KIND = "bank_file"


def extend(tx: Tx, file: t.BankFile, *, trusted: bool = False) -> None:
    """The source is read as far as the statements reach now that this file is booked; or, `trusted`, now that a person
    says that nothing is missing before it."""
    tx.session.flush()
    open_ = _open(tx)
    mark = tx.session.get(t.SourceWatermark, (tx.seller.key, watermarks.BANK))
    spans = [*_spans(tx, {file.id, *open_})]
    found = reach(spans, mark.through if mark is not None else None, file.id if trusted else "")
    if found.last is not None:
        watermarks.advance(tx, watermarks.BANK, found.last.closed_on, found.last.created_at)
    for row in open_.values():
        if _answered(row, file, found, {span.file for span in spans}):
            tx.settle_exceptions(SYSTEM, f"a later file was read: {file.id[:12]}", kind=KIND, key=row.key)
    if found.gap is not None:
        _ask(tx, found.gap, open_.get(found.gap.file))


def _answered(row: t.OpenException, file: t.BankFile, found: Reach, kept: set[str]) -> bool:
    """A file that was refused is made good by its own content, or once nothing is missing; a gap by what fills it, or
    by an older one that comes first."""
    if row.key in kept and row.key != file.id:
        return found.gap is None or found.gap.file != row.key
    return row.key == file.id or (found.gap is None and found.last is not None)


def _ask(tx: Tx, gap: Gap, asked: t.OpenException | None) -> None:
    evidence: dict[str, Any] = {
        "problems": [str(gap)],
        "missing_after": gap.after.isoformat(),
        "missing_before": gap.before.isoformat(),
        "amount": gap.amount,
        "currency": gap.currency,
    }
    if asked is not None and asked.decided_at is None:
        asked.evidence = {**asked.evidence, **evidence}
        tx.session.add(asked)
    else:
        tx.open_exception(KIND, gap.file, owner(tx), None, object=f"sha256:{gap.file}", **evidence)


def _open(tx: Tx) -> dict[str, t.OpenException]:
    query = select(t.OpenException).where(
        t.OpenException.seller == tx.seller.key,
        t.OpenException.kind == KIND,
        col(t.OpenException.decided_at).is_(None),
    )
    return {row.key: row for row in tx.session.exec(query)}


def account(tx: Tx) -> str:
    """The seller's own account; "" when it has none."""
    return "".join(str((tx.seller.profile.get("bank") or {}).get("iban") or "").split()).upper()


def _spans(tx: Tx, unread: set[str]) -> Iterator[Span]:
    """Of all files that are booked, as far as the account is still the seller's. `unread`: the files of which it is not
    known yet that they go on from an older one."""
    own = account(tx)
    query = select(t.BankFile.id, t.BankFile.received_at, t.BankFile.statements).where(
        t.BankFile.seller == tx.seller.key, t.BankFile.state == "booked"
    )
    for file, came, statements in tx.session.exec(query):
        spans = (_span(file, told, file not in unread) for told in statements if is_account(told["account"], own))
        yield from (_so_far(span, came, tx.seller.timezone) if span.closing is None else span for span in spans)


def _so_far(export: Span, came: datetime, timezone: str) -> Span:
    """An export without balances tells no day that was not over when it came."""
    over = calendar.local_date(came, timezone) - timedelta(days=1)
    return replace(export, closed_on=min(export.closed_on, over), created_at=min(export.created_at, came))


def _span(file: str, told: dict[str, Any], read: bool) -> Span:
    currency = told["currency"]
    opening, closing = (
        None if told[name] is None else parse(told[name], currency, name) for name in ("opening", "closing")
    )
    return Span(
        file=file,
        currency=currency,
        opened_on=date.fromisoformat(told["opened_on"]),
        closed_on=date.fromisoformat(told["closed_on"]),
        created_at=datetime.fromisoformat(told["created_at"]),
        opening=opening,
        closing=closing,
        # files that were kept before do not say it
        days=tuple((date.fromisoformat(day), parse(m, currency, day)) for day, m in told.get("days", {}).items()),
        read=read,
    )
