"""The morning sheet: what one owner of one seller reads at the start of a business day, made from rows that the books
give. Pure; it decides nothing and sends nothing.

`asks` waits for this owner's word, `would` is what mode `shadow` would have sent since the sheet before, `planned` what
the day brings by itself, `held` what is not sent and why, `disputes` those whose deadline is near, `tasks` the rest of
the owner's open exceptions, `pending` what waits for approval, theirs or somebody else's.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from domain.codec import later

NEAR: Final = timedelta(days=3)
MOST: Final = 500
"""Of one kind on a sheet; what is more is counted. Nobody decides on more in a morning."""
EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Item:
    """A message. `key` is empty while it is only foreseen; `amount` minor units; `rung` empty for a document."""

    key: str
    invoice: str
    number: str
    customer: str
    kind: str
    rung: str
    template: str
    amount: int
    currency: str
    due_on: date | None
    days_late: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why so many receivables hear nothing: a code of `actions.Why`, with the first numbers."""

    code: str
    count: int
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """An open exception. Days are the seller's."""

    id: int
    kind: str
    key: str
    invoice: str
    number: str
    customer: str
    opened_on: date
    deadline: date | None
    age: int = 0
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for approval: a draft, or money going out. `able`: who may give it now, as they are asked; `by_link`:
    only by the link in the mail that asks them."""

    subject: str
    invoice: str
    number: str
    customer: str
    amount: int
    currency: str
    opened_on: date
    able: tuple[str, ...]
    by_link: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    seller: str
    owner: str
    day: date
    mode: str  # the seller's: shadow | ask | auto
    asks: tuple[Item, ...] = ()
    would: tuple[Item, ...] = ()
    planned: tuple[Item, ...] = ()
    held: tuple[Reason, ...] = ()
    disputes: tuple[Task, ...] = ()
    tasks: tuple[Task, ...] = ()
    more: dict[str, int] = field(default_factory=dict)  # of asks, would, planned, tasks, pending: how many more
    pending: tuple[Pending, ...] = later(())

    @property
    def empty(self) -> bool:
        """Whether there is nothing at all to say. That something is held back is news only beside something else: it
        would be told every morning for as long as a dispute lasts."""
        return not (self.asks or self.would or self.planned or self.disputes or self.tasks or self.pending)

    @property
    def items(self) -> tuple[Item, ...]:
        """Those a person can say something about."""
        return (*self.asks, *self.would)

    @property
    def withheld(self) -> int:
        return sum(reason.count for reason in self.held)


def sheet_key(seller: str, owner: str, day: date) -> str:
    return f"sheet/{seller}/{owner}/{day.isoformat()}"


def compose(
    seller: str,
    owner: str,
    day: date,
    mode: str,
    *,
    asks: Sequence[Item] = (),
    would: Sequence[Item] = (),
    planned: Sequence[Item] = (),
    withheld: Iterable[tuple[str, str]] = (),
    tasks: Sequence[Task] = (),
    pending: Sequence[Pending] = (),
) -> Sheet:
    """`withheld`: (code of the reason, number) a receivable. An exception about a message that is asked for anyway is
    not told twice."""
    asked = {item.key for item in asks}
    open_ = sorted((_aged(task, day) for task in tasks if task.key not in asked), key=_urgency)
    disputes = tuple(task for task in open_ if task.kind == "dispute" and _near(task, day))
    others = [task for task in open_ if task not in disputes]
    found = {"asks": _oldest(asks), "would": _oldest(would), "planned": _oldest(planned)}
    counts = {"tasks": len(others), "pending": len(pending), **{name: len(items) for name, items in found.items()}}
    more = {name: count - MOST for name, count in counts.items() if count > MOST}
    return Sheet(
        seller=seller,
        owner=owner,
        day=day,
        mode=mode,
        **{name: tuple(items[:MOST]) for name, items in found.items()},
        held=_reasons(withheld),
        disputes=disputes,
        tasks=tuple(others[:MOST]),
        pending=tuple(pending[:MOST]),
        more=more,
    )


def _aged(task: Task, day: date) -> Task:
    overdue = task.deadline is not None and task.deadline < day
    return replace(task, age=max(0, (day - task.opened_on).days), overdue=overdue)


def _near(task: Task, day: date) -> bool:
    return task.deadline is not None and task.deadline <= day + NEAR


def _urgency(task: Task) -> tuple[bool, date, date, int]:
    """Overdue ones first, then by deadline, then the oldest."""
    return (not task.overdue, task.deadline or date.max, task.opened_on, task.id)


def _oldest(items: Sequence[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (item.due_on or date.max, item.number, item.key))


def _reasons(withheld: Iterable[tuple[str, str]]) -> tuple[Reason, ...]:
    """The most frequent first."""
    numbers: dict[str, list[str]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for code, number in withheld:
        counts[code] += 1
        numbers[code].append(number)
    return tuple(
        Reason(code, counts[code], tuple(sorted(numbers[code])[:EXAMPLES]))
        for code in sorted(counts, key=lambda code: (-counts[code], code))
    )
