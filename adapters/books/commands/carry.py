"""Carries out what was approved: each money-out command again, now without asking. It never judges who may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters.books.commands.case import Case
from domain.account import Subject
from domain.errors import Refused
from schemas.commands import parse_command
from schemas.steps import Verdict

DOERS: dict[str, Callable[[Case[Any]], Verdict]] = {}


def doer(name: str) -> Callable[[Callable[[Case[Any]], Verdict]], Callable[[Case[Any]], Verdict]]:
    """Marks the function that does a money-out command once nobody needs to be asked any more."""

    def mark(function: Callable[[Case[Any]], Verdict]) -> Callable[[Case[Any]], Verdict]:
        DOERS[name] = function
        return function

    return mark


def out(case: Case[Any], subject: Subject) -> Verdict:
    """Does the approved command in the name of who asked for it, for what was approved and no more."""
    if subject.command is None:
        raise Refused(f"{subject.id} has no command to carry out")
    body = dict(subject.command)
    of = body.pop("of", "")
    said = parse_command(body.pop("name"), (body,))
    return DOERS[said.name](replace(case, said=said, approved=subject.amount, of=of))
