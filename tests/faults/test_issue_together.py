"""Four processes issue a thousand invoices of one seller at once, on both sides of a midnight: no gap, no repeat, no
date that runs backwards, on SQLite and on Postgres."""

from __future__ import annotations

import multiprocessing
import threading
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlmodel import col, func, select

from adapters.books.books import Books
from adapters.books.engine import open_engine, read
from adapters.books.verify import verify
from domain.account import Account
from domain.errors import Unavailable
from schemas import tables as t
from schemas.steps import DraftStep
from tests.faults.requests import bill_once, request, workflow_id

SELLER = "demo"
INVOICES, PROCESSES = 1_000, 4
BEFORE_MIDNIGHT = datetime(2026, 3, 2, 23, 50, tzinfo=ZoneInfo("Europe/Berlin"))
DEADLINE = 180


def test_a_thousand_invoices_by_four_processes(seeded: Engine, seeded_url: str) -> None:
    first = bill_once(seeded, SELLER, BEFORE_MIDNIGHT)
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(PROCESSES)
    processes = [
        spawn.Process(target=issue, args=(seeded_url, range(share, INVOICES, PROCESSES), together))
        for share in range(first, first + PROCESSES)
    ]
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join(DEADLINE)
        assert [process.exitcode for process in processes] == [0] * PROCESSES
    finally:
        for process in processes:
            process.kill()
            process.join()
    with read(seeded) as session:
        numbers = select(t.NumberTaken.n).where(t.NumberTaken.seller == SELLER).order_by(col(t.NumberTaken.n))
        assert session.exec(numbers).all() == list(range(1, INVOICES + 1))
        dates = {taken.issued_on for taken in session.exec(select(t.NumberTaken))}
        assert dates == {BEFORE_MIDNIGHT.date(), BEFORE_MIDNIGHT.date() + timedelta(days=1)}
        assert session.exec(select(func.sum(t.Posting.amount))).one() == 0
    assert verify(seeded) == []


def issue(url: str, numbers: range, together: threading.Barrier) -> None:
    """One process: its share of the invoices, each repeated like an activity while the database is in the way."""
    engine = open_engine(url)
    books = Books(engine, idempotent=True)
    together.wait()
    for number in numbers:
        account = _issued(books, number)
        assert account.number is not None, (number, account.warnings)
    engine.dispose()


def _issued(books: Books, number: int) -> Account:
    step = DraftStep(
        workflow_id=workflow_id(SELLER, number),
        now=BEFORE_MIDNIGHT + timedelta(seconds=number),
        request=request(SELLER, number),
    )
    while True:
        try:
            outcome = books.draft(step)
        except Unavailable:
            continue
        assert outcome.account is not None, outcome.problems
        return outcome.account
