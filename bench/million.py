"""The sums for a million open invoices: what was measured of one, times what is assumed of a company. Pure arithmetic;
each line says how it is made. An assumption is a named number here, to be replaced by one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from rig.production import SHARDS
from rig.results import Table, number, table
from workers.namespace import RETENTION

HOUR, YEAR = 3600, 365
GB, MB, KB = 10**9, 10**6, 10**3
CACHED = 1000
"""Workflows that a worker keeps in memory, the SDK's default."""
PARTS = {
    "ours": "workers and gateways", "server": "the Temporal server", "store": "its database", "books": "the books",
}  # fmt: skip
TURNS = {
    "ours": "more worker processes, one a core; by kind when documents hold up the rest",
    "server": "more cores, then more hosts of its history service",
    "store": "more cores and faster disks; retention, which is most of its size",
    "books": "more cores; it grows with the years, so a disk that can",
}


@dataclass(frozen=True, slots=True)
class Assumed:
    """Prices are of no provider. `MEANT` says what each is."""

    open_invoices: int = 1_000_000
    days_open: int = 45
    reminders_each: Decimal = Decimal("1.5")
    busy_hours: int = 2
    use: Decimal = Decimal("0.5")
    years_kept: int = 10
    vcpu_hour: Decimal = Decimal("0.04")
    gb_month: Decimal = Decimal("0.10")


MEANT = {
    "open_invoices": "invoices open at a time",
    "days_open": "days from issue to payment",
    "reminders_each": "reminders of an invoice",
    "busy_hours": "hours into which all work of a day falls",
    "use": "part of a core that is planned with; the rest is for peaks and failures",
    "years_kept": "years that books and documents are kept",
    "vcpu_hour": "price of a vCPU for an hour, EUR",
    "gb_month": "price of a gigabyte for a month, EUR",
}
ASSUMED = Assumed()


def tables(figures: Mapping[str, float], assumed: Assumed = ASSUMED) -> dict[str, Table]:
    inputs = [[MEANT[each.name], f"{getattr(assumed, each.name):,}"] for each in fields(assumed)]
    sums = _Sums(figures, assumed)
    return {
        "assumed": table(("assumption", "value"), inputs),
        "million": table(("what", "how", "value"), sums.rows()),
        "turns": table(("part", "one carries", "needed", "turn"), sums.turns()),
    }


class _Sums:
    """A day's work falls into the busy hours; every reminder finds its workflow in no cache and replays it."""

    def __init__(self, figures: Mapping[str, float], assumed: Assumed) -> None:
        self.of, self.a = figures, assumed
        self.new = assumed.open_invoices / assumed.days_open
        self.reminders = self.new * float(assumed.reminders_each)
        self.busy = assumed.busy_hours * HOUR
        self.cores = {part: self._seconds(part) / self.busy / float(assumed.use) for part in PARTS}
        self.temporal = self._stored("temporal") + self._stored("temporal_visibility")
        self.yearly = self.new * YEAR * (figures["books bytes paid"] + figures["archive bytes"])

    def _seconds(self, part: str) -> float:
        """Of processor, in a day."""
        reminder = self.of[f"{part} ms of reminder"] + (self.of["replay ms"] if part == "ours" else 0)
        invoice = self.of[f"{part} ms of request"] + self.of[f"{part} ms of invoice"]
        return (self.new * invoice + self.reminders * reminder) / 1000

    def _stored(self, database: str) -> float:
        """Open ones, and closed ones until their retention ends."""
        closed = self.new * RETENTION.days * self.of[f"{database} bytes paid"]
        return self.a.open_invoices * self.of[f"{database} bytes open"] + closed

    def rows(self) -> list[list[str]]:
        return [*self._work(), *self._room(), *self._rest()]

    def _work(self) -> list[list[str]]:
        rows = [
            ["invoices a day", "open / days open", number(self.new)],
            ["a second, in the busy hours", "a day / busy hours", number(self.new / self.busy)],
            ["reminders a day", "a day × reminders of each", number(self.reminders)],
            ["a second, in the busy hours", "a day / busy hours", number(self.reminders / self.busy)],
        ]
        how = "CPU of its requests, invoices, reminders / busy hours / part planned with"
        return rows + [[f"cores for {name}", how, f"{self.cores[part]:.1f}"] for part, name in PARTS.items()]

    def _room(self) -> list[list[str]]:
        of, a = self.of, self.a
        history = f"{number(of['history bytes'] / KB)} kB in {number(of['history events'])} events"
        kept = f"open × bytes open + {RETENTION.days} days × a day × bytes paid"
        return [
            ["history of an open invoice", "as Temporal counts", history],
            ["histories of all open", "open × history", _gb(a.open_invoices * of["history bytes"])],
            ["Temporal's databases", kept, _gb(self.temporal)],
            ["books, a year", "a day × 365 × bytes paid", _gb(self.new * YEAR * of["books bytes paid"])],
            ["archive, a year", "a day × 365 × files of one", _gb(self.new * YEAR * of["archive bytes"])],
        ]

    def _rest(self) -> list[list[str]]:
        of, a = self.of, self.a
        cache = f"{CACHED:,} × {number(of['cached bytes'] / KB)} kB"
        return [
            ["timers that wait", "one for each open invoice", number(a.open_invoices)],
            ["open invoices a shard", f"open / {SHARDS} shards", number(a.open_invoices / SHARDS)],
            ["memory of a worker's cache", cache, f"{number(CACHED * of['cached bytes'] / MB)} MB"],
            ["workers to cache every open invoice", f"open / {CACHED:,}", number(a.open_invoices / CACHED)],
            ["a replay without cache", "CPU, measured", f"{number(of['replay ms'])} ms"],
            ["cores for a month", "cores × 730 h × price", _euros(self._cores_cost())],
            ["storage for a month, last year kept", "GB × price", _euros(self._storage_cost())],
        ]

    def _cores_cost(self) -> float:
        return sum(self.cores.values()) * 730 * float(self.a.vcpu_hour)

    def _storage_cost(self) -> float:
        return (self.temporal + self.yearly * self.a.years_kept) / GB * float(self.a.gb_month)

    def turns(self) -> list[list[str]]:
        """The most needed first, in cores; a seller's lock in sellers of equal size."""
        found = [
            (
                cores,
                PARTS[part],
                f"{number(self.new / self.busy / cores)} invoices/s a core",
                f"{cores:.1f} cores",
                TURNS[part],
            )
            for part, cores in self.cores.items()
        ]
        lock = self.of["rate of sellers 1"]
        sellers = (self.new + self.reminders) / self.busy / lock
        many = f"{number(lock)} invoices/s or more"
        found.append((sellers, "a seller's lock", many, f"{sellers:.1f} sellers", "bill as several sellers; ADR 0003"))
        return [[*row] for _, *row in sorted(found, reverse=True)]


def _gb(size: float) -> str:
    return f"{number(size / GB)} GB"


def _euros(amount: float) -> str:
    return f"{number(amount)} EUR"
