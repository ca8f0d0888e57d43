"""Statement files in the books: kept once per content, with the lines that no earlier file brought, and worked off in
parts. Each part is one transaction, so that a crash costs no more than its repeat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice, takewhile
from typing import Any, NamedTuple

from sqlalchemy import Engine, insert
from sqlmodel import col, select

from adapters.books import chain, open_items, statement_lines, statement_report, watermarks
from adapters.books.engine import read
from adapters.books.open_items import Known
from adapters.books.statement_desk import Desk
from adapters.books.tx import SYSTEM, Tx, booking
from adapters.books.unclear import owner
from domain.errors import Invalid, NotFound, Problem
from domain.money import show
from domain.statements import (
    Line,
    Statement,
    balances,
    other_payer,
    other_text,
    own_of,
    plain_reference,
    repeated,
    twins,
)
from schemas import tables as t
from schemas.incoming import Booked, FileHint, FileStep

CHUNK = 50
"""Lines of one transaction. While it lasts nobody else writes this seller's books."""
PAGE = 500
"""Lines whose receivables are told of them at a time, and receivables that are told that a source is read."""
_BATCH = 500


def receive(engine: Engine, hint: FileHint, statements: Sequence[Statement], now: datetime) -> Booked:
    """Keeps the file and its new lines. Invalid when it is of another account than the seller's, NotFound for a seller
    that is not here. A repeat changes nothing."""
    with booking(engine, hint.seller, now) as tx:
        file = tx.session.get(t.BankFile, (hint.seller, id_of(hint)))
        if file is None:
            file = _keep(tx, hint, statements)
        return Booked(outcome=statement_report.outcome(file), more=True, report=statement_report.of(tx, file))


def refuse(engine: Engine, hint: FileHint, problems: Sequence[Problem], now: datetime) -> Booked:
    """Nothing of the file is kept but that it came and what was wrong with it."""
    said = Booked(outcome=f"refused: {problems[0]}"[:300], problems=tuple(problems))
    try:
        with booking(engine, hint.seller, now) as tx:
            told = [str(problem) for problem in problems]
            if tx.open_exception("bank_file", id_of(hint), owner(tx), None, object=hint.object, problems=told):
                tx.audit("bank_file.refused", SYSTEM, file=id_of(hint), problem=tx.text("; ".join(told)[:2000]))
    except NotFound as error:
        return Booked(outcome=f"refused: {error}", problems=(Problem("seller", str(error)),))
    return said


def book(engine: Engine, step: FileStep, known: Known | None) -> tuple[Booked, Known | None]:
    """The next lines; after the last one the source is read, and those who waited for it are told, a page at a time.
    `known`: the matcher that the part before has left."""
    known = _ahead(engine, step, known)
    with booking(engine, step.hint.seller, step.now) as tx:
        file = tx.session.get_one(t.BankFile, (step.hint.seller, id_of(step.hint)))
        lines = _next(tx, file) if file.state == "received" else []
        desk = Desk(tx, known)
        for line in lines:
            statement_lines.book(desk, line)
        tx.session.flush()
        last = lines[-1].position if lines else file.fresh - 1
        heard = min(last, step.position + PAGE)
        told, waiting = _touched(tx, file, step.position, heard), []
        if not lines and file.state == "received":
            _finish(tx, file)
        if not lines and heard == last:
            waiting = watermarks.waiting(tx, step.after, PAGE)
        said = Booked(
            outcome=statement_report.outcome(file),
            told=tuple(dict.fromkeys([*told, *waiting])),
            more=bool(lines) or heard < last or len(waiting) == PAGE,
            position=heard,
            after=waiting[-1] if waiting else "",
            report=statement_report.of(tx, file),
        )
        return said, desk.known


def _ahead(engine: Engine, step: FileStep, known: Known | None) -> Known | None:
    """The matcher for the next lines, while the seller's books are still everybody's: where much is owed it takes
    seconds to make. What is written meanwhile is caught up with under the lock."""
    with read(engine) as session:
        tx = Tx(session, session.get_one(t.Seller, step.hint.seller), step.now)
        file = session.get_one(t.BankFile, (step.hint.seller, id_of(step.hint)))
        lines = _next(tx, file) if file.state == "received" else []
        credited = [line.booked_on for line in lines if line.amount > 0]
        return open_items.known(tx, credited[0], known) if credited else known


def _touched(tx: Tx, file: t.BankFile, position: int, last: int) -> list[str]:
    """The receivables that the lines after `position` up to `last` have paid, or taken money back from."""
    query = (
        select(t.Allocation.invoice)
        .join(t.BankLine, col(t.BankLine.receipt) == col(t.Allocation.receipt))
        .where(
            t.BankLine.seller == file.seller,
            t.BankLine.file == file.id,
            t.BankLine.position > position,
            t.BankLine.position <= last,
            t.BankLine.state == "booked",
        )
        .distinct()
    )
    return sorted(tx.session.exec(query))


def id_of(hint: FileHint) -> str:
    return hint.object.removeprefix("sha256:")


def _keep(tx: Tx, hint: FileHint, statements: Sequence[Statement]) -> t.BankFile:
    own = _own(tx, statements)
    kept = [statement for statement, account in own if account]
    fresh = _fresh(tx, own)
    file = t.BankFile(
        seller=hint.seller,
        id=id_of(hint),
        format=next((statement.format for statement in statements), hint.format) or hint.format,
        object_key=hint.object,
        statements=[_as_json(statement) | ({} if account else {"left_out": True}) for statement, account in own],
        lines=sum(len(statement.lines) for statement in kept),
        fresh=len(fresh),
        state="received",
        received_at=tx.now,
    )
    tx.session.add(file)
    tx.session.flush()
    rows = (_row(file, account, position, line) for position, (account, line) in enumerate(fresh))
    while part := list(islice(rows, _BATCH)):
        tx.session.execute(insert(t.BankLine), part)
    tx.audit("bank_file.received", SYSTEM, file=file.id, lines=str(file.lines), fresh=str(file.fresh))
    return file


def _own(tx: Tx, statements: Sequence[Statement]) -> list[tuple[Statement, str]]:
    """Each with the seller's account that it is of, "" for one that is left out. Invalid for a file in which none is
    the seller's: perhaps it is another one's."""
    own = chain.accounts(tx.seller)
    if not own:
        raise Invalid.at("account", f"seller {tx.seller.key} has no bank account: set its bank.iban first")
    found = [(statement, own_of(statement.account, own)) for statement in statements]
    if not any(account for _, account in found):
        path, whose = "statements[0].account", f"seller {tx.seller.key}"
        raise Invalid.at(path, f"is not the account of {whose}, nor one of its banks; name the seller it belongs to")
    return found


def _fresh(tx: Tx, statements: Sequence[tuple[Statement, str]]) -> list[tuple[str, Line]]:
    """Those that no file has brought yet, in order, each with the account it is of."""
    lines = [line for statement, account in statements for line in statement.lines if account]
    keys = [line.key for line in lines] + [line.batch for line in lines if line.batch]
    known = {key: _Kept(*said) for key, *said in _stored(tx, t.BankLine.key, keys)}
    batches = {batch for *_, batch in _stored(tx, t.BankLine.batch, keys)}
    fresh = []
    for statement, account in statements:
        for line in statement.lines if account else ():
            key = _another(tx, statement, line, known) if repeated(line, known, batches) else line.key
            if key:
                batch = key if line.batch == line.key else line.batch
                fresh.append((account, replace(line, key=key, batch=batch)))
                known[key] = _Kept("", line.iban, line.text, line.batch)
                batches.update({line.batch} - {""})
    return fresh


class _Kept(NamedTuple):
    """What is kept of a movement. `file`: that brought it, "" for the one that is being read."""

    file: str
    iban: str
    text: str
    batch: str


def _stored(tx: Tx, column: Any, values: Iterable[str]) -> Iterator[Any]:
    """(key, …) as in `_Kept` of every line with one of these values."""
    row, waiting = t.BankLine, iter(values)
    while part := list(islice(waiting, _BATCH)):
        query = select(row.key, row.file, row.iban, row.text, row.batch)  # type: ignore[call-overload]
        yield from tx.session.exec(query.where(row.seller == tx.seller.key, col(column).in_(part)))


def _another(tx: Tx, statement: Statement, line: Line, known: dict[str, _Kept]) -> str:
    """The key of a movement that is not the one known under its key, as the bank counts its references afresh; "" for
    one that is known. Without a bank's reference all that is said is in the key."""
    if not plain_reference(line.bank_reference) or line.key not in known or line.batch not in {"", line.key}:
        return ""
    key = next(key for key in twins(statement.account, line) if not _is_other(tx, statement, line, key, known))
    return "" if key in known else key


def _is_other(tx: Tx, statement: Statement, line: Line, key: str, known: dict[str, _Kept]) -> bool:
    """Whether another movement than this has that key."""
    if key not in known:
        known |= {found: _Kept(*said) for found, *said in _stored(tx, t.BankLine.key, [key])}
    kept = known.get(key)
    if kept is None:
        return False
    return other_payer(line, kept.iban) or (other_text(line, kept.text) and _goes_on(tx, statement, kept.file))


def _goes_on(tx: Tx, statement: Statement, file: str) -> bool:
    """Whether it opens with what a statement of that file closed with: then it tells nothing that file did."""
    if not file or statement.opening is None:
        return False
    opened = (statement.account, statement.currency, show(statement.opening, statement.currency))
    return any(
        (told["account"], told["currency"], told["closing"]) == opened
        and told["closed_on"] <= statement.opened_on.isoformat()
        and (told["id"], told["number"]) != (statement.id, statement.number)
        for told in tx.session.get_one(t.BankFile, (tx.seller.key, file)).statements
    )


def _row(file: t.BankFile, account: str, position: int, line: Line) -> dict[str, Any]:
    return {
        "seller": file.seller,
        "key": line.key,
        "file": file.id,
        "position": position,
        "account": account,
        "booked_on": line.booked_on,
        "amount": line.amount,
        "currency": line.currency,
        "charges": line.charges,
        "name": line.name,
        "iban": line.iban,
        "text": line.text,
        "reference": line.reference,
        "end_to_end": line.end_to_end,
        "bank_reference": line.bank_reference,
        "return_code": line.return_code,
        "reversal": line.reversal,
        "batch": line.batch,
        "state": "new",
        "rule": "",
    }


def _as_json(statement: Statement) -> dict[str, Any]:
    opening, closing = (
        None if minor is None else show(minor, statement.currency) for minor in (statement.opening, statement.closing)
    )
    return {
        "account": statement.account,
        "id": statement.id,
        "number": statement.number,
        "currency": statement.currency,
        "opening": opening,
        "closing": closing,
        "opened_on": statement.opened_on.isoformat(),
        "closed_on": statement.closed_on.isoformat(),
        "created_at": statement.created_at.isoformat(),
        "days": {day.isoformat(): show(minor, statement.currency) for day, minor in balances(statement)},
        "lines": len(statement.lines),
    }


def _next(tx: Tx, file: t.BankFile) -> list[t.BankLine]:
    """Of one day each time: what settles a receivable depends on the day it is paid."""
    own = (t.BankLine.seller == file.seller, t.BankLine.file == file.id, t.BankLine.state == "new")
    query = select(t.BankLine).where(*own).order_by(col(t.BankLine.position)).limit(CHUNK)
    lines = tx.session.exec(query).all()
    return list(takewhile(lambda line: line.booked_on == lines[0].booked_on, lines))


def _finish(tx: Tx, file: t.BankFile) -> None:
    """Only when every line is booked is the source read that far; and no further than nothing is missing before."""
    file.state, file.booked_at = "booked", tx.now
    tx.session.add(file)
    tx.audit("bank_file.booked", SYSTEM, file=file.id)
    chain.extend(tx, file)
