"""Plays one town from its plan to its end, and says what came of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from time import process_time

from sim import ends
from sim.books import BOOKS
from sim.breach import Breach
from sim.doings import Doings
from sim.plan import Plan
from sim.town import Town


@dataclass
class Played:
    """`fates`: lives by fate and final state; `counts`: what was sent, withheld, broken; `seconds` of CPU. `kept`: of
    lives, breaches and seconds by where the books were."""

    lives: int = 0
    fates: Counter[tuple[str, str]] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    breaches: list[tuple[int, Breach]] = field(default_factory=list)
    seconds: float = 0.0
    kept: dict[str, tuple[int, int, float]] = field(default_factory=dict)

    def add(self, other: Played) -> None:
        self.lives += other.lives
        self.fates += other.fates
        self.counts += other.counts
        self.breaches += other.breaches
        self.seconds += other.seconds
        for books, (lives, breaches, seconds) in other.kept.items():
            before = self.kept.get(books, (0, 0, 0.0))
            self.kept[books] = (before[0] + lives, before[1] + breaches, before[2] + seconds)


def play(plan: Plan, books: str = "database") -> Played:
    began = process_time()
    town = Town(plan, BOOKS[books])
    try:
        doings = Doings(town)
        town.run_until(plan.start + timedelta(days=plan.days))
        town.calm = True
        for resident in town.residents:
            doings.hint(resident)
        town.quiet()
        ends.check(town)
        fates: Counter[tuple[str, str]] = Counter()
        for resident in town.residents:
            fates[resident.life.fate, _state(town, resident.id)] += 1
        for (verdict, code), count in town.ledger.reasons.items():
            if verdict != "sent":  # those the mail provider has counted
                town.counts[f"{verdict}: {code}"] += count
        found = [(plan.town, breach) for breach in town.breaches]
        seconds = process_time() - began
        kept = {books: (len(plan.lives), len(found), seconds)}
        return Played(len(plan.lives), fates, town.counts, found, seconds, kept)
    finally:
        town.ledger.close()


def _state(town: Town, invoice: str) -> str:
    account = town.by_id[invoice].account
    return account.phase.value if account is not None else "invalid"
