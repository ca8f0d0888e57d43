"""How far the bank is read: as far as the statements of an account join, each opening with what the one before closed
with. Before one that does not join the mark stays, and a person is asked for what is missing. Of several accounts the
bank is read as far as each is of which there ever was a statement, and the main one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from domain.statements import own_of
from schemas import tables as t

KIND = "bank_file"


def extend(tx: Tx, file: t.BankFile, *, trusted: bool = False) -> None:
    """The source is read as far as the statements reach now that this file is booked; or, `trusted`, now that a person
    says that nothing is missing before it."""
    tx.session.flush()
    open_, own = _open(tx), accounts(tx.seller)
    spans = _spans(tx, own, {file.id, *open_})
    found = {}
    for account, told in spans.items():
        mark = _mark(tx, account) or (_mark(tx) if account == own[0] else None)
        found[account] = reach(told, mark.through if mark is not None else None, file.id if trusted else "")
    if any(each.last for each in found.values()):
        _advance(tx, own[0], found)
    kept = {span.file for told in spans.values() for span in told}
    for row in open_.values():
        if _answered(row, file, [*found.values()], kept):
            tx.settle_exceptions(SYSTEM, f"a later file was read: {file.id[:12]}", kind=KIND, key=row.key)
    for each in found.values():
        if each.gap is not None:
            _ask(tx, each.gap, open_.get(each.gap.file))


def _mark(tx: Tx, account: str = "") -> t.SourceWatermark | None:
    """How far one account is read; without, the bank."""
    return tx.session.get(t.SourceWatermark, (tx.seller.key, _source(account)))


def _source(account: str) -> str:
    return f"{watermarks.BANK}/{account}" if account else watermarks.BANK


def _advance(tx: Tx, main: str, found: Mapping[str, Reach]) -> None:
    """The main account alone is the bank. With the first statement of a further one each gets a mark of its own."""
    alone = found.keys() == {main} and _mark(tx, main) is None
    before = _mark(tx)
    for account, each in found.items():
        if each.last is not None:
            source = _source("" if alone else account)
            watermarks.advance(tx, source, each.last.closed_on, each.last.created_at)
        elif before is not None and _mark(tx, account) is None:
            watermarks.advance(tx, _source(account), before.through, before.read_at)
    if main in found and not alone:
        tx.session.flush()
        marks = [mark for account in found if (mark := _mark(tx, account)) is not None]
        through, read_at = min(mark.through for mark in marks), min(mark.read_at for mark in marks)
        watermarks.advance(tx, watermarks.BANK, through, read_at)


def _answered(row: t.OpenException, file: t.BankFile, found: list[Reach], kept: set[str]) -> bool:
    """A file that was refused is made good by its own content, or once nothing is missing; a gap by what fills it, or
    by an older one that comes first."""
    gaps = [each.gap.file for each in found if each.gap is not None]
    if row.key in kept and row.key != file.id:
        return row.key not in gaps
    return row.key == file.id or (not gaps and any(each.last for each in found))


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


def accounts(seller: t.Seller) -> tuple[str, ...]:
    """The seller's own accounts as IBANs without blanks, the main one first; none when it has none."""
    banks = (seller.profile.get("bank"), *seller.profile.get("banks", ()))
    ibans = ("".join(str((bank or {}).get("iban") or "").split()).upper() for bank in banks)
    return tuple(dict.fromkeys(filter(None, ibans)))


def _spans(tx: Tx, own: Sequence[str], unread: set[str]) -> dict[str, list[Span]]:
    """By account, of all files that are booked, as far as the account is still the seller's. `unread`: the files of
    which it is not known yet that they go on from an older one."""
    query = select(t.BankFile.id, t.BankFile.received_at, t.BankFile.statements).where(
        t.BankFile.seller == tx.seller.key, t.BankFile.state == "booked"
    )
    found: dict[str, list[Span]] = {}
    for file, came, statements in tx.session.exec(query):
        for told in statements:
            account = own_of(told["account"], own)
            if account and not told.get("left_out"):
                span = _span(file, told, file not in unread)
                span = _so_far(span, came, tx.seller.timezone) if span.closing is None else span
                found.setdefault(account, []).append(span)
    return found


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
