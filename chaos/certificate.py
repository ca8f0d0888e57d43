"""What a run proves and what it does not: trials, faults by kind, breaches, the bound that so many trials allow,
recovery. Counts; decides nothing."""

from __future__ import annotations

import math
import os
import statistics
from collections import Counter
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from chaos.checks import Finding
from chaos.plan import Plan
from rig.results import Cell, table
from rig.results import Table as Kept

Row = list[Cell]

SURE = 0.95
RECOVERY_SECONDS = 12.0
"""What the worst may take."""


@dataclass(frozen=True, slots=True)
class Certificate:
    plan: Plan
    seconds: float
    fates: Counter[str]
    opportunities: dict[str, int]
    kills: Counter[str]
    faults: Counter[str]
    not_injected: dict[str, str]
    recovered: list[float]
    load: float
    findings: list[Finding]

    @property
    def killed(self) -> int:
        return sum(self.kills.values())

    @property
    def breached(self) -> int:
        return len(self.findings)

    @property
    def last_line(self) -> str:
        return f"chaos: {self.plan.invoices} invoices, {self.killed} kills, {self.breached} breaches"

    def tables(self) -> dict[str, Kept]:
        """For the docs."""
        measured = bool(self.recovered)
        median = f"{statistics.median(self.recovered):.1f} s" if measured else "not measured"
        worst = f"{max(self.recovered):.1f} s" if measured else "not measured"
        faults: list[Row] = [[f"kill -9 at {label}" if label != "at random" else "kill -9 at random", times]
                  for label, times in sorted(self.kills.items())]  # fmt: skip
        faults += [[name, times] for name, times in sorted(self.faults.items())]
        faults += [[name, f"not injected: {why}"] for name, why in sorted(self.not_injected.items())]
        trials: list[Row] = [
            ["invoices", self.plan.invoices],
            *(list[Cell]((name, count)) for name, count in self.opportunities.items()),
            ["kill -9", self.killed],
            ["other faults", sum(self.faults.values())],
            ["breaches", self.breached],
            ["a breach per invoice, at most (95 %)", percent(bound(self.breached, self.plan.invoices))],
            ["a breach per kill, at most (95 %)", percent(bound(self.breached, self.killed))],
            ["recovery after kill -9, median of " + str(len(self.recovered)), median],
            [f"recovery, worst (wanted ≤ {RECOVERY_SECONDS:.0f} s)", worst],
            ["took", f"{self.seconds / 60:.1f} min"],
            [f"load of the machine meanwhile, on {os.cpu_count()} cores", f"{self.load:.1f}"],
        ]
        fates: list[Row] = [[name, count] for name, count in sorted(self.fates.items())]
        return {
            "trials": table(("what", "count"), trials),
            "faults": table(("fault", "injected"), faults),
            "fates": table(("fate", "invoices"), fates),
        }

    def show(self, console: Console) -> None:
        """Ends with the one line that programs read."""
        for kept, title in zip(self.tables().values(), ("trials", "faults", "fates"), strict=True):
            shown = Table(*kept["columns"], title=title, title_justify="left")
            for row in kept["rows"]:
                shown.add_row(*map(str, row))
            console.print(shown)
        for each in self.findings:
            console.print(f"I{each.invariant} {each.where}: {each.what}", markup=False, soft_wrap=True)
        if self.findings:
            console.print(f"try again: {self.plan.command}", soft_wrap=True)
        console.print(self.last_line, soft_wrap=True)


def bound(breaches: int, trials: int) -> float:
    """The largest probability of a breach that so few in so many still allow, with 95 % (Clopper and Pearson 1934, one
    side); without a breach about three in the number of trials."""
    if trials == 0 or breaches >= trials:
        return 1.0
    low, high = breaches / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(breaches, trials, middle) > 1 - SURE else (low, middle)
    return high


def _at_most(breaches: int, trials: int, probability: float) -> float:
    """That a binomial shows no more than so many."""
    if probability >= 1:
        return 0.0
    return sum(
        math.exp(
            math.lgamma(trials + 1) - math.lgamma(n + 1) - math.lgamma(trials - n + 1)
            + (n * math.log(probability) if n else 0.0) + (trials - n) * math.log1p(-probability)
        )
        for n in range(breaches + 1)
    )  # fmt: skip


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"
