"""The sums for a million open invoices: what was measured of one, times what is assumed of a company. Pure arithmetic;
each line says how it is made. An assumption is a named number here, to be replaced by one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal

from rig.production import SHARDS
from rig.results import Table, number, table
from workers.namespace import RETENTION

HOUR, DAY, YEAR = 3600, 24 * 3600, 365
GB = 10**9
CACHED = 1000
"""Workflows that a worker keeps in memory, the SDK's default."""


@dataclass(frozen=True, slots=True)
class Assumed:
    """`metadata` of a field: what it means."""

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
    "use": "part of a core that is planned with, the rest for peaks and failures",
    "years_kept": "years that books and documents are kept",
    "vcpu_hour": "price of a vCPU for an hour, EUR, as of no provider",
    "gb_month": "price of a gigabyte for a month, EUR, as of no provider",
}


def tables(figures: Mapping[str, float], assumed: Assumed = Assumed()) -> dict[str, Table]:
    inputs = [[MEANT[each.name], f"{getattr(assumed, each.name):,}"] for each in fields(assumed)]
    sums = _Sums(figures, assumed)
    return {
        "assumed": table(("assumption", "value"), inputs),
        "measured": table(("of one", "value"), [[name, number(value)] for name, value in sorted(figures.items())]),
        "million": table(("what", "how", "value"), sums.rows()),
        "turn": table(("what is reached first", "at", "turn"), sums.turns()),
    }


class _Sums:
    def __init__(self, figures: Mapping[str, float], assumed: Assumed) -> None:
        self.of, self.a = figures, assumed
        self.new = assumed.open_invoices / assumed.days_open
        self.reminders = self.new * float(assumed.reminders_each)
        self.busy = assumed.busy_hours * HOUR
        self.cores = {part: self._cores(part) for part in ("ours", "server", "store", "books")}
        self.temporal = self._stored("temporal") + self._stored("temporal_visibility")
        self.yearly = self.new * YEAR * (self.of["books bytes paid"] + self.of["archive bytes"])

    def _cores(self, part: str) -> float:
        """In the busy hours, with room to spare."""
        a_day = self.new * (self.of[f"{part} ms of invoice"] + self.of[f"{part} ms of request"])
        a_day += self.reminders * (self.of[f"{part} ms of reminder"] + (self.of["replay ms"] if part == "ours" else 0))
        return a_day / 1000 / self.busy / float(self.a.use)

    def _stored(self, database: str) -> float:
        closed = self.new * RETENTION.days
        return self.a.open_invoices * self.of[f"{database} bytes open"] + closed * self.of[f"{database} bytes paid"]

    @property
    def month(self) -> float:
        """EUR. Cores are rented the whole month; what is kept is that of the last year."""
        cores = sum(self.cores.values()) * 24 * YEAR / 12 * float(self.a.vcpu_hour)
        return cores + (self.temporal + self.yearly * self.a.years_kept) / GB * float(self.a.gb_month)

    def rows(self) -> list[list[str]]:
        a, of, kept = self.a, self.of, self.a.open_invoices
        peak, reminding = self.new / self.busy, self.reminders / self.busy
        caches = a.open_invoices / CACHED
        return [
            ["invoices a day", "open / days open", number(self.new)],
            ["invoices a second, busy hours", "a day / busy hours", number(peak)],
            ["reminders a day", "invoices × reminders of each", number(self.reminders)],
            ["reminders a second, busy hours", "a day / busy hours", number(reminding)],
            ["cores for workers and gateways", "(invoice + request + reminder + replay) ms / use", _one(self.cores["ours"])],
            ["cores for the Temporal server", "the same of its ms", _one(self.cores["server"])],
            ["cores for its database", "the same of its ms", _one(self.cores["store"])],
            ["cores for the books' database", "the same of its ms", _one(self.cores["books"])],
            ["history of an open invoice", "as Temporal counts", f"{number(of['history bytes'] / 1000)} kB, "
             f"{number(of['history events'])} events"],
            ["histories of open invoices", "open × history", _gb(kept * of["history bytes"])],
            ["Temporal's databases", f"open × bytes open + {RETENTION.days} days of paid ones", _gb(self.temporal)],
            ["books, a year", "a day × 365 × bytes paid", _gb(self.new * YEAR * of["books bytes paid"])],
            ["archive, a year", "a day × 365 × files of one", _gb(self.new * YEAR * of["archive bytes"])],
            ["timers waiting", "one for each open invoice", number(kept)],
            ["timers that fire, busy hours", "reminders a second", f"{number(reminding)} a second"],
            [f"open invoices of a shard, {SHARDS} shards", "open / shards", number(kept / SHARDS)],
            ["open invoices of a shard, 2,048 shards", "open / shards", number(kept / 2048)],
            ["worker memory for its cache", f"{CACHED:,} × cached bytes", f"{number(CACHED * of['cached bytes'] / 10**6)} MB"],
            ["workers to cache all", "open / cache of one", number(caches)],
            ["one seller at most, a day's busy hours", "its rate × busy hours", number(of["rate of sellers 1"] * self.busy)],
            ["cost a month", "cores × hours × price + GB × price", f"{number(self.month)} EUR"],
        ]  # fmt: skip

    def turns(self) -> list[list[str]]:
        """What gives way first, by the load at which it does; each with what to turn."""
        lock, share = self.of["rate of sellers 1"], self.new / self.busy
        rows = [
            (lock / share, "one seller's lock", f"{number(lock)} invoices/s of a seller", "split the seller's series; "
             "short steps"),
        ]  # fmt: skip
        return [[what, at, turn] for _, what, at, turn in sorted(rows)]


def _gb(size: float) -> str:
    return f"{number(size / GB)} GB"


def _one(cores: float) -> str:
    return f"{cores:.1f}"
