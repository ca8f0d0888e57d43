"""The books in figures and the workflows that are stuck, as metrics: read when somebody looks, and then kept for a
while, so that looking cannot load the books. Labels are words of closed lists, keys of sellers and of their sources."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy import Engine
from temporalio.client import Client

from adapters.books.figures import Figures, Reader
from domain import watched
from domain.currencies import EXPONENTS
from domain.errors import Unavailable
from domain.exceptions import SETTLED_BY

KEPT_SECONDS = 15.0
SHARE = 20
"""Reading takes at most one part in so many of the time."""
STUCK = 'TemporalReportedProblems IS NOT NULL AND ExecutionStatus="Running"'
NEVER = float("inf")
TEMPORAL_SECONDS = 5

Rows = Iterable[tuple[Sequence[str], float]]


class Board:
    """Of one gateway. Two that look at the same books show the same; dashboards take the largest."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.monotonic):
        self._reader = Reader(engine)
        self._clock = clock
        self._one = asyncio.Lock()
        self._text = b""
        self._until = float("-inf")

    async def text(self, now: datetime, client: Client | None) -> bytes:
        """What was found at most 15 s ago, or 20 times as long as finding it took."""
        async with self._one:
            if self._clock() >= self._until:
                begun = self._clock()
                self._text = await self._read(now, client)
                took = self._clock() - begun
                self._until = begun + took + max(KEPT_SECONDS, SHARE * took)
        return self._text

    async def _read(self, now: datetime, client: Client | None) -> bytes:
        begun = self._clock()
        try:
            figures: Figures | None = await asyncio.to_thread(self._reader.figures, now)
        except Unavailable:
            figures = None
        took = self._clock() - begun
        return exposed([*_looked(figures is not None, took), *metrics(figures), *_stuck(await _problems(client))])


def exposed(families: Iterable[Metric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Found(list(families)))
    return generate_latest(registry)


class _Found:
    def __init__(self, families: list[Metric]):
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def metrics(figures: Figures | None) -> Iterator[Metric]:
    """None while the books do not answer: a figure that is not known is not shown."""
    if figures is None:
        return
    states = {state: figures.invoices.get(state, 0) for state in watched.STATES}
    yield _gauge("duely_invoices", "Receivables by InvoiceState.", ("state",), _one(states.items()))
    yield from _money(figures)
    yield _gauge(
        "duely_exceptions_open",
        "Things that wait for a person, by kind and how long ago they were put there.",
        ("kind", "age"),
        (((watched.known(kind, SETTLED_BY), age), n) for (kind, age), n in figures.exceptions.items()),
    )
    yield _gauge(
        "duely_exceptions_overdue",
        "Of these the ones whose deadline has passed.",
        ("kind",),
        _one((watched.known(kind, SETTLED_BY), n) for kind, n in figures.late.items()),
    )
    unsettled = {state: figures.messages.get(state, 0) for state in ("claimed", "released", "unknown", "refused")}
    yield _gauge(
        "duely_messages_unsettled",
        "Messages without an end: under way, to be tried again, perhaps taken, refused for good.",
        ("state",),
        _one(unsettled.items()),
    )
    ages = ((key, NEVER if age is None else age.total_seconds()) for key, age in figures.feeds.items())
    yield _gauge("duely_feed_age_seconds", "Age of the latest statement read.", ("seller", "source"), ages)
    yield from _decisions(figures)


def _money(figures: Figures) -> Iterator[Metric]:
    labels, rows = ("seller", "currency"), figures.money.items()
    known = [((seller, watched.known(currency, EXPONENTS)), money) for (seller, currency), money in rows]
    owed, overdue = ([(key, getattr(money, name)) for key, money in known] for name in ("owed", "overdue"))
    yield _gauge("duely_owed_minor", "What is owed, in minor units.", labels, owed)
    yield _gauge("duely_overdue_minor", "What of it fell due before today, in minor units.", labels, overdue)
    days = ((key, watched.days_sales_outstanding(money.owed, money.sales)) for key, money in known)
    found = [(key, float(value)) for key, value in days if value is not None]
    yield _gauge("duely_dso_days", f"Days sales outstanding over {watched.DSO_DAYS} days.", labels, found)


def _decisions(figures: Figures) -> Iterator[Metric]:
    sent: dict[str, int] = dict.fromkeys(sorted(watched.KINDS), 0)
    withheld: dict[str, int] = {}
    for (verdict, kind, code), number in figures.decisions.items():
        if verdict == "sent":
            name = watched.known(kind, watched.KINDS)
            sent[name] = sent.get(name, 0) + number
        elif verdict in {"withheld", "moved"}:
            name = watched.known(code, watched.REASONS)
            withheld[name] = withheld.get(name, 0) + number
    yield _counter("duely_messages_sent", "Messages that left, by kind.", "kind", sent.items())
    yield _counter("duely_messages_withheld", "Messages kept back or moved, by reason.", "reason", withheld.items())


def _looked(answered: bool, seconds: float) -> Iterator[Metric]:
    yield _gauge("duely_books_up", "Whether the books answer.", (), [((), float(answered))])
    yield _gauge("duely_books_read_seconds", "How long reading these figures took.", (), [((), seconds)])


def _stuck(number: int | None) -> Iterator[Metric]:
    if number is not None:
        yield _gauge("duely_workflows_stuck", "Workflows whose task fails again and again.", (), [((), number)])


async def _problems(client: Client | None) -> int | None:
    if client is None:
        return None
    try:
        return (await asyncio.wait_for(client.count_workflows(STUCK), TEMPORAL_SECONDS)).count
    except Exception:  # noqa: BLE001 whatever the server lacks, the books' figures are shown
        return None


def _one(rows: Iterable[tuple[str, float]]) -> Rows:
    return (((name,), number) for name, number in rows)


def _gauge(name: str, words: str, labels: Sequence[str], rows: Rows) -> Metric:
    family = GaugeMetricFamily(name, words, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def _counter(name: str, words: str, label: str, rows: Iterable[tuple[str, float]]) -> Metric:
    family = CounterMetricFamily(name, words, labels=(label,))
    for value, number in rows:
        family.add_metric((value,), number)
    return family
