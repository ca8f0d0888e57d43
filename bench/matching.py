"""How fast matching is, and how safe: 100,000 credits against 50,000 open items. `python -m bench.matching [N]` prints
false automatic bookings first, then the share booked without a person by class, seconds and memory."""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter

from bench.remittances import CLASSES, Labelled, remittances, world
from domain.matching import Automatic, Matcher, Unclear

CREDITS = 100_000


def judged(made: Labelled, decided: Automatic | Unclear) -> str:
    """booked, false or unclear: whatever was booked other than the truth is false."""
    if isinstance(decided, Unclear):
        return "unclear"
    return "booked" if made.truth and set(decided.allocations) == set(made.truth) else "false"


def summary(tally: Counter[tuple[str, str]]) -> str:
    """False automatic bookings first, then the share booked without a person, and each class's."""
    of_kind = {kind: sum(n for (found, _), n in tally.items() if found == kind) for kind in CLASSES}
    false = sum(n for (_, outcome), n in tally.items() if outcome == "false")
    booked = sum(n for (_, outcome), n in tally.items() if outcome == "booked")
    lines = [f"false automatic bookings: {false}"]
    lines += [f"booked without a person: {100 * booked / tally.total():.1f} % of {tally.total():,}"]
    lines += [f"  {kind}: {100 * tally[kind, 'booked'] / n:.1f} % of {n:,}" for kind, n in of_kind.items()]
    return "\n".join(lines)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else CREDITS
    of = world(count // 2)
    made = list(remittances(of, count, again=True))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, worked = time.perf_counter(), time.process_time()
    matcher = Matcher(of.items, of.learned)
    built = time.perf_counter()
    decided = [matcher.match(one.credit) for one in made]
    ended, worked = time.perf_counter(), time.process_time() - worked
    tally = Counter((one.kind, judged(one, decision)) for one, decision in zip(made, decided, strict=True))
    print(summary(tally))
    print("rules:", dict(Counter(d.rule if isinstance(d, Automatic) else f"unclear {d.why}" for d in decided)))
    print(
        f"seconds: {ended - started:.2f}, {worked:.2f} of a processor; to index {len(of.items):,} open items took "
        f"{built - started:.2f} of them"
    )
    print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most, {before // 1024} before")


if __name__ == "__main__":
    main()
