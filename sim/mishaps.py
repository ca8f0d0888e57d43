"""What goes wrong: the distributions that faults are drawn from, in the tables below. Draws only from the dice it is
given; how each fault is done is in `sim/books.py`, `sim/post.py` and `sim/town.py`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random

from sim.dice import drawn
from sim.plan import DAY, HOUR, Event, Fault

ATTEMPTS = {
    "database_down": 4,  # before a transaction
    "killed_before": 3,  # the worker dies before a transaction
    "killed_after": 4,  # ... after its commit
    "result_lost": 4,  # all was done, the server never heard of it
    "mail_down": 4,
    "mail_killed_before": 2,  # between claim and the provider
    "mail_killed_after": 3,  # between the provider and the confirmation
    "mail_unknown_taken": 2,
    "mail_unknown_lost": 2,
    "mail_refused": 1,
}
FAULTS_PER_LIFE = {"0": 45, "1": 25, "2": 15, "4": 10, "8": 5}
STARTS = {
    "2026-03-20": 2,  # before summer begins in Europe; America's has begun
    "2026-10-10": 2,  # before it ends
    "2026-12-01": 2,  # the end of the year
    "2028-02-10": 2,  # a leap day
    "2026-05-04": 1,
    "2027-08-16": 1,
}
"""Where a town begins, at noon in UTC."""
MAILS = {"outbox": 60, "provider": 40}


def start(random: Random) -> datetime:
    return datetime.fromisoformat(drawn(random, STARTS)).replace(hour=12, tzinfo=UTC)


def faults(random: Random) -> tuple[Fault, ...]:
    count = int(drawn(random, FAULTS_PER_LIFE))
    drawn_ = [
        Fault(attempt=random.randint(1, 14), kind=drawn(random, ATTEMPTS), call=random.randint(1, 3))
        for _ in range(count)
    ]
    return tuple(sorted(drawn_, key=lambda fault: fault.attempt))


def evictions(random: Random) -> tuple[int, ...]:
    return tuple(sorted({random.randint(2, 25) for _ in range(random.choice((0, 0, 0, 1)))}))


def continues(random: Random) -> tuple[int, ...]:
    return tuple(sorted({random.randint(3, 30) for _ in range(random.choice((0, 0, 0, 1, 2)))}))


def repeats(random: Random) -> tuple[tuple[int, int], ...]:
    later = (10, DAY, 20 * DAY, 60 * DAY)
    return tuple((random.randint(1, 8), random.choice(later)) for _ in range(random.choice((0, 0, 1, 2))))


def delays(random: Random) -> dict[int, int]:
    """Attempts that begin late: a worker was busy."""
    return {random.randint(1, 14): random.choice((1, 4, 20, 120)) for _ in range(random.choice((0, 0, 1, 3)))}


def disordered(random: Random, events: list[Event], end: int) -> tuple[Event, ...]:
    """The debtor's events as they arrive: some twice, some late, some before what they should follow; and hints of no
    meaning in between."""
    arriving = [_disturbed(random, event) for event in events]
    if len(arriving) > 1 and random.random() < 0.1:
        first, second = arriving[0], arriving[1]
        arriving[:2] = [replace(first, at=second.at), replace(second, at=first.at)]
    for _ in range(random.choice((0, 0, 1, 3))):
        hint = random.choice(("books_changed", "mail_event"))
        arriving.append(Event(at=random.randint(0, end), what=hint, via="signal", times=random.randint(1, 2)))
    if random.random() < 0.05:
        arriving.append(Event(at=random.randint(0, end), what="start", via="outside"))
    return tuple(sorted(arriving, key=lambda event: event.at))


def _disturbed(random: Random, event: Event) -> Event:
    twice, late, signal = random.random() < 0.1, random.random() < 0.1, random.random() < 0.25
    return replace(
        event,
        times=2 if twice else event.times,
        at=event.at + random.choice((10, 6 * HOUR, 3 * DAY)) if late else event.at,
        via="signal" if signal and event.via == "update" else event.via,
    )


def outages(random: Random, days: int) -> tuple[tuple[int, int], ...]:
    """Whole days without a worker."""
    begins = [random.randint(5 * DAY, days * DAY // 2) for _ in range(random.choice((0, 1, 1, 2)))]
    return tuple((at, at + random.randint(6 * HOUR, 9 * DAY)) for at in sorted(begins))


def clock(random: Random, days: int) -> tuple[tuple[int, int], ...]:
    """The server's clock jumps ahead and comes back."""
    if random.random() < 0.7:
        return ()
    at = random.randint(5 * DAY, days * DAY // 2)
    return ((at, random.choice((20, 3 * HOUR, 30 * HOUR))), (at + random.randint(HOUR, 2 * DAY), 0))


def stops(random: Random, days: int, customers: tuple[str, ...]) -> tuple[Event, ...]:
    """What is paused beside the workflows: everything, or a customer; some of it while a reminder is about to leave."""
    events: list[Event] = []
    if random.random() < 0.4:
        at = random.randint(10 * DAY, days * DAY // 2)
        events.append(Event(at=at, what="pause_all", body={"by": "sam"}, via="outside"))
        back = at + random.randint(HOUR, 6 * DAY)
        events.append(Event(at=back, what="resume_all", body={"by": "sam"}, via="outside"))
    if random.random() < 0.6:
        at, whom = random.randint(10 * DAY, days * DAY // 2), random.choice(customers)
        kind = random.choice(("hold", "hold", "insolvent", "no_contact"))
        stop = {"by": "sam", "customer": whom, "kind": kind}
        events.append(Event(at=at, what="stop_customer", body=stop, via="outside"))
        if random.random() < 0.8:
            free = {"by": "sam", "customer": whom}
            events.append(Event(at=at + random.randint(1, 20) * DAY, what="free_customer", body=free, via="outside"))
    return tuple(events)
