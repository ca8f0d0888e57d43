"""One typed function per activity, called by name, with its timeout, retry policy and summary stated once.
`workers/wiring.py` proves at start that these and the registered activities agree."""

from __future__ import annotations

from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy

from schemas.steps import Answer, CommandStep, DraftStep, Outcome, SendStep, Step

NAMES = ("draft", "command", "look", "issue", "skip", "escalate", "send", "release")

NEVER = ["Refused", "NotAllowed", "Invalid", "NotFound", "Conflict"]
BOOKS = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=2),
    non_retryable_error_types=NEVER,
)
OUTSIDE = RetryPolicy(
    initial_interval=timedelta(seconds=5),
    backoff_coefficient=3,
    maximum_interval=timedelta(minutes=5),
    non_retryable_error_types=[*NEVER, "OutcomeUnknown"],
)
LOOK_LIMIT = timedelta(minutes=15)

T = TypeVar("T")


async def _books(name: str, step: Step, result: type[T], summary: str) -> T:
    """A database step: short, repeated for as long as the database is away."""
    said: T = await workflow.execute_activity(
        name,
        step,
        result_type=result,
        start_to_close_timeout=timedelta(seconds=5),
        retry_policy=BOOKS,
        summary=summary,
    )
    return said


async def draft(step: DraftStep) -> Outcome:
    """Price, tax, check and freeze the content; issue it at once when nobody has to approve."""
    return await _books("draft", step, Outcome, "Amended draft" if step.by else "Draft")


async def command(step: CommandStep) -> Answer:
    """Judge a command and book what it changes."""
    return await _books("command", step, Answer, f"Command {step.name}")


async def look(step: Step) -> Outcome:
    """Read the books again and settle what time alone has changed."""
    return await _books("look", step, Outcome, "Look at the books")


async def issue(step: Step) -> Outcome:
    """Take the number, post, audit: the legal act."""
    return await _books("issue", step, Outcome, "Issue")


async def skip(step: Step, summary: str) -> Outcome:
    """Record the rungs that will not be sent, with the reason."""
    return await _books("skip", step, Outcome, summary)


async def escalate(step: Step, summary: str) -> Outcome:
    """Raise an exception that a person owns."""
    return await _books("escalate", step, Outcome, summary)


async def release(step: SendStep) -> Outcome:
    """Give a claim back after the last attempt failed, or park it where nobody can tell."""
    return await _books("release", step, Outcome, "Give the claim back")


async def send(step: SendStep, limit: timedelta, summary: str) -> Outcome:
    """Claim with a last look, act, confirm. `limit` ends with the window the message was decided for."""
    said: Outcome = await workflow.execute_activity(
        "send",
        step,
        result_type=Outcome,
        start_to_close_timeout=timedelta(seconds=60),
        heartbeat_timeout=timedelta(seconds=5),
        schedule_to_close_timeout=max(timedelta(seconds=5), min(LOOK_LIMIT, limit)),
        retry_policy=OUTSIDE,
        summary=summary,
    )
    return said
