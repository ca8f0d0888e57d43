"""One typed function per activity, called by name, with its timeout, retry policy and summary stated once.
`workers/wiring.py` proves at start that these and the registered activities agree."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

from domain.dunning import LOOK_LIMIT
from domain.errors import FINAL
from schemas.steps import Answer, CommandStep, DraftStep, Outcome, SendStep, Step

NAMES = ("draft", "command", "look", "send", "release")

BOOKS = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=2),
)
OUTSIDE = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=4,
    maximum_interval=timedelta(minutes=5),
    non_retryable_error_types=[*FINAL, "OutcomeUnknown"],
)
QUICK = timedelta(seconds=5)
MAILING = timedelta(seconds=60)

T = TypeVar("T")


async def _step(name: str, step: Step, result: type[T], summary: str, beats: bool = False) -> T:
    """A database step, repeated for as long as the database is away. One that may also mail what it found beats."""
    said: T = await workflow.execute_activity(
        name,
        step,
        result_type=result,
        start_to_close_timeout=MAILING if beats else QUICK,
        heartbeat_timeout=QUICK if beats else None,
        retry_policy=BOOKS,
        summary=summary,
    )
    return said


async def draft(step: DraftStep) -> Outcome:
    """Price, tax, check and freeze the content; ask whoever must approve, or issue it when nobody has to."""
    return await _step("draft", step, Outcome, "Amended draft" if step.by else "Draft", beats=True)


async def command(step: CommandStep) -> Answer:
    """Judge a command and book what it changes."""
    return await _step("command", step, Answer, step.name.replace("_", " "), beats=True)


async def look(step: Step, summary: str = "Look at the books") -> Outcome:
    """Read the books again, settle what time alone has changed, and tell of money that has come or gone."""
    return await _step("look", step, Outcome, summary, beats=True)


async def release(step: SendStep) -> Outcome:
    """Give a claim back after the last attempt failed, or park it where nobody can tell."""
    return await _step("release", step, Outcome, "Give the claim back")


async def send(step: SendStep, limit: timedelta, summary: str) -> Outcome:
    """Claim with a last look, act, confirm. `limit` ends with the window the message was decided for."""
    said: Outcome = await workflow.execute_activity(
        "send",
        step,
        result_type=Outcome,
        start_to_close_timeout=MAILING,
        heartbeat_timeout=QUICK,
        schedule_to_close_timeout=max(timedelta(seconds=5), min(LOOK_LIMIT, limit)),
        retry_policy=OUTSIDE,
        summary=summary,
    )
    return said
