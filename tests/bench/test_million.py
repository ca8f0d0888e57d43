"""The sums for a million open invoices are those that a person would do on paper."""

from __future__ import annotations

from decimal import Decimal

from bench import million
from bench.million import Assumed

ASSUMED = Assumed(
    open_invoices=90_000, days_open=45, reminders_each=Decimal(2), busy_hours=1, use=Decimal("0.5"), years_kept=10,
    vcpu_hour=Decimal("0.10"), gb_month=Decimal("0.20"),
)  # fmt: skip
"""2,000 new ones and 4,000 reminders a day, all within 3,600 seconds."""
FIGURES = {
    **{f"{part} ms of {what}": 900.0 for part in million.PARTS for what in ("invoice", "reminder", "request")},
    "replay ms": 900.0,
    **{f"{database} bytes {when}": 10_000.0 for database in ("temporal", "temporal_visibility", "books")
       for when in ("open", "paid")},
    "archive bytes": 40_000.0,
    "history bytes": 20_000.0,
    "history events": 19.0,
    "cached bytes": 100_000.0,
    "rate of sellers 1": 5.0,
}  # fmt: skip


def test_sums_on_paper() -> None:
    rows = {row[0]: row[-1] for row in million.tables(FIGURES, ASSUMED)["million"]["rows"]}
    # (2,000 × (0.9 + 0.9) s + 4,000 × 0.9 s) / 3,600 s / 0.5; ours replays each reminder's workflow too.
    assert rows["cores for the Temporal server"] == "4.0"
    assert rows["cores for workers and gateways"] == "6.0"
    assert rows["invoices a day"] == "2,000"
    assert rows["reminders a day"] == "4,000"
    assert rows["histories of all open"] == "1.8 GB"
    # 90,000 open and 2,000 × 90 days closed, 10 kB in each of two databases.
    assert rows["Temporal's databases"] == "5.4 GB"
    assert rows["books, a year"] == "7.3 GB"
    assert rows["archive, a year"] == "29.2 GB"
    assert rows["workers to cache every open invoice"] == "90"
    # (5.4 GB + 10 years × (7.3 + 29.2) GB) × 0.20 EUR
    assert rows["storage for a month, last year kept"] == "74.1 EUR"


def test_twice_the_invoices_need_twice_the_cores() -> None:
    def cores(open_invoices: int) -> dict[str, float]:
        assumed = Assumed(open_invoices=open_invoices)
        turns = million.tables(FIGURES, assumed)["turns"]["rows"]
        return {row[0]: float(row[2].split()[0]) for row in turns}

    once, twice = cores(1_000_000), cores(2_000_000)
    assert once.keys() == twice.keys()
    assert all(abs(twice[part] - 2 * once[part]) <= 0.2 for part in once)


def test_what_is_needed_most_is_turned_first() -> None:
    slow = FIGURES | {f"books ms of {what}": 9000.0 for what in ("invoice", "reminder", "request")}
    assert million.tables(slow)["turns"]["rows"][0][0] == million.PARTS["books"]
