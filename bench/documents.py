"""Sets documents and says what that takes: one at a time, a thousand on every core, five thousand for the memory, and
one of ten thousand lines. `python -m bench.documents [one|thousand|memory|lines]`; nothing is written to disk.

Everything a document takes: XML, layout, PDF, metadata; no seal, no disk.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from adapters.documents.typst import TypstDocuments
from adapters.einvoices import write
from domain.einvoice import DueView, EInvoice
from domain.parts import Address, Bank, Line, Party, TaxSubtotal, Totals

LINES = tuple(
    Line(str(n), f"Work of week {n}", Decimal("7.5"), "HUR", Decimal(100), "S", Decimal(19), net=75_000)
    for n in range(1, 5)
)
DOCUMENT = EInvoice(
    kind="invoice", number="RE-2026-0001", issued_on=date(2026, 1, 5), language="de", currency="EUR",
    seller=Party("demo", "Nordlicht Studio GmbH", "DE", Address("Hafenstraße 12", None, "20457", "Hamburg"),
                 "DE136695976", "Amtsgericht Hamburg HRB 12345", "rechnung@nordlicht.example", "+49 30 1234567"),
    customer=Party("globex", "Globex & Söhne GmbH", "DE", Address("Ring 1", None, "10115", "Berlin"), "DE123456789"),
    lines=LINES, breakdown=(TaxSubtotal("S", Decimal(19), 300_000, 57_000),),
    totals=Totals(300_000, 0, 0, 300_000, 57_000, 357_000), dues=(DueView(date(2026, 2, 4), 357_000),),
    banks=(Bank("DE02120300000000202051", "BYLADEM1001"),), payment_reference="RF18539007547034",
    notes="Vielen Dank für Ihren Auftrag.", delivery_date=date(2026, 1, 5),
)  # fmt: skip


def main(wanted: list[str]) -> None:
    for name in wanted or ["one", "thousand", "memory", "lines"]:
        {"one": one, "thousand": thousand, "memory": memory, "lines": lines}[name]()


def one() -> None:
    documents = TypstDocuments(write)
    times = sorted(set_one(documents, number) for number in range(100))
    print(f"one page, warm: median {statistics.median(times):.1f} ms, fastest {times[0]:.1f} ms")


def thousand() -> None:
    started = time.perf_counter()
    # Typst's threads do not survive a fork, and who forks after it waits for them for ever.
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        done = sum(pool.map(_batch, range(0, 1000, 50)))
    print(f"{done} documents on {os.cpu_count()} cores: {time.perf_counter() - started:.1f} s")


def memory() -> None:
    documents = TypstDocuments(write)
    for number in range(5001):
        set_one(documents, number)
        if number % 1000 == 0:
            print(f"after {number} documents: {_resident()} MB")


def lines() -> None:
    many = tuple(replace(LINES[n % 4], id=str(n + 1)) for n in range(10_000))
    started = time.perf_counter()
    pdf = TypstDocuments(write).render(replace(DOCUMENT, lines=many)).pdf
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"10,000 lines: {time.perf_counter() - started:.1f} s, {len(pdf) // 1024} kB, peak {peak} MB")


_documents: list[TypstDocuments] = []


def _batch(first: int) -> int:
    if not _documents:
        _documents.append(TypstDocuments(write))
    for number in range(first, first + 50):
        set_one(_documents[0], number)
    return 50


def set_one(documents: TypstDocuments, number: int) -> float:
    started = time.perf_counter()
    documents.render(replace(DOCUMENT, number=f"RE-2026-{number:05}", payment_reference="RF18539007547034"))
    return (time.perf_counter() - started) * 1000


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


if __name__ == "__main__":
    main(sys.argv[1:])
