"""What a reply seems to be about, on which day it says to pay, and until when its writer is away. Pure. A hint orders
and fills the commands that a person is offered; it settles nothing, and what may be read in two ways gives none.

A sentence is read clause by clause, so that `not paid yet, but on Friday` is no payment and a promise all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from domain import reply_dates
from domain import reply_words as words
from domain.reply_text import clauses, sentences

MOST_WORDS_OF_A_DAY = 3
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What the mail seems to be about, in the order of `reply_words.MEANINGS`, the gravest first. `pays_on`: a day on
    which it says to pay; `returns_on`, `deputy`: of an out-of-office note."""

    about: tuple[str, ...] = ()
    pays_on: date | None = None
    amount: str | None = None
    returns_on: date | None = None
    deputy: str | None = None

    def as_json(self) -> dict[str, object]:
        said = {"about": list(self.about), "amount": self.amount, "deputy": self.deputy}
        days = {"pays_on": self.pays_on, "returns_on": self.returns_on}
        return {
            name: value
            for name, value in {**said, **{n: d and d.isoformat() for n, d in days.items()}}.items()
            if value
        }


def read(subject: str, said: str, today: date) -> Hints:
    """`subject`: empty where it is not the writer's own."""
    amounts = reply_dates.amounts(said)
    return Hints(
        about=about(subject, said),
        pays_on=max((day for each in _folded("", said) for day in _promised(each, today)), default=None),
        amount=amounts[0] if len(set(amounts)) == 1 else None,
    )


def about(subject: str, said: str) -> tuple[str, ...]:
    told = _folded(subject, said)
    found = tuple(name for name in words.MEANINGS if any(_is_about(name, each) for each in told))
    return (*found, "question") if any(each.endswith("?") for each in told) else found


def while_away(sender: str, said: str, hints: Hints, today: date) -> Hints:
    named = [d for each in sentences(said) if words.BACK.search(each.lower()) for d in reply_dates.days(each, today)]
    deputy = next((found for found in _ADDRESS.findall(said) if found.lower() != sender.lower()), None)
    return Hints(about=hints.about, returns_on=max((d for d in named if d >= today), default=None), deputy=deputy)


def _folded(subject: str, said: str) -> list[str]:
    return [each.lower().replace("’", "'") for each in (subject, *sentences(said)) if each]


def _is_about(name: str, sentence: str) -> bool:
    """Whether a clause says it, or the whole, without saying the opposite beside the same words."""
    pattern, opposite = words.MEANINGS[name], words.OPPOSITES.get(name)
    if opposite is None or pattern.search(sentence) is None:
        return pattern.search(sentence) is not None
    said = [each for each in clauses(sentence) if pattern.search(each) and len(each.split()) > 2] or [sentence]
    return any(opposite.search(each) is None for each in said)


def _promised(sentence: str, today: date) -> Iterator[date]:
    """The days from today on that a sentence about paying names for it. Where something was paid only a written day is
    one to come: `paid on Friday` and what `will arrive tomorrow` are not, `is instructed for 10 December` is."""
    if words.PAY.search(sentence) is None or words.NO_PROMISE.search(sentence) is not None:
        return
    if sentence.endswith("?") and words.ASKS_LEAVE.search(sentence) is None:
        return
    told = clauses(sentence)
    refuses = any(words.REFUSES.search(each) for each in told)
    was_paid = any(_is_about("paid", each) for each in told)
    for each in told:
        pays = words.PAY.search(each) is not None
        if words.REFUSES.search(each) or words.PAST.search(each) or not (pays or (_belongs(each) and not refuses)):
            continue
        if _is_about("paid", each) or (was_paid and not pays):
            yield from (day for day in reply_dates.written(each, today) if day > today)
        else:
            yield from (day for day in reply_dates.days(each, today) if day >= today)


def _belongs(clause: str) -> bool:
    """Whether its day is one of paying beside a clause that speaks of it: nothing but a day, or of the rest."""
    return len(clause.split()) <= MOST_WORDS_OF_A_DAY or words.REST.search(clause) is not None
