"""One typed function per activity, called by name, with its timeout, retry policy and summary stated once.
`workers/wiring.py` proves at start that these and the registered activities agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutType
from temporalio.exceptions import TimeoutError as TimedOut

from domain.actions import Why
from domain.dunning import LOOK_LIMIT
from domain.errors import FINAL
from schemas.incoming import Booked, Checkout, CheckoutStep, EventHint, EventStep, FileStep, SweepStep
from schemas.steps import Answer, CommandStep, DraftStep, Outcome, SendStep, Step

NAMES = (
    "draft",
    "command",
    "look",
    "send",
    "release",
    "refund",
    "checkout",
    "tell",
    "payment_event",
    "lost_events",
    "source_read",
    "reconcile",
    "read_statement",
    "book_statement",
    "reread",
    "sheets",
)

BOOKS = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=2),
)
OUTSIDE = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    backoff_coefficient=2,
    maximum_interval=timedelta(seconds=30),
    non_retryable_error_types=[*FINAL, "OutcomeUnknown"],
)
"""For attempts whose worker died or whose books were away; those that find the provider away name longer pauses."""
IMPATIENT = RetryPolicy(
    initial_interval=timedelta(milliseconds=500),
    backoff_coefficient=2,
    maximum_attempts=4,
    non_retryable_error_types=FINAL,
)
OUTAGES = ("Unavailable", "ProviderDown")
QUICK = timedelta(seconds=5)
PATIENCE = timedelta(seconds=20)
MAILING = timedelta(seconds=60)
PROVIDER = timedelta(seconds=30)
SWEEPING = timedelta(minutes=10)
READING = timedelta(hours=6)

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


def send(step: SendStep, limit: timedelta, summary: str, queue: str | None = None) -> workflow.ActivityHandle[Outcome]:
    """Claim with a last look, act, confirm. `limit` ends with the window the message was decided for. `queue`: where
    it waits for a worker, None: where the workflow's own steps do. An attempt that is under way outlives a `cancel`."""
    return workflow.start_activity(
        "send",
        step,
        task_queue=queue,
        result_type=Outcome,
        start_to_close_timeout=MAILING,
        heartbeat_timeout=QUICK,
        schedule_to_close_timeout=max(timedelta(seconds=5), min(LOOK_LIMIT, limit)),
        retry_policy=OUTSIDE,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=summary,
    )


def refund(step: SendStep) -> workflow.ActivityHandle[Outcome]:
    """Give money back through the provider it came by: claim, act, confirm. Cancelled as `send` is."""
    return workflow.start_activity(
        "refund",
        step,
        result_type=Outcome,
        start_to_close_timeout=PROVIDER,
        heartbeat_timeout=QUICK,
        schedule_to_close_timeout=LOOK_LIMIT,
        retry_policy=OUTSIDE,
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary="Refund",
    )


async def checkout(step: CheckoutStep) -> Checkout:
    """Mint or reuse a page to pay on, while the customer waits."""
    said: Checkout = await workflow.execute_activity(
        "checkout",
        step,
        result_type=Checkout,
        start_to_close_timeout=PATIENCE / 2,
        schedule_to_close_timeout=PATIENCE,
        retry_policy=IMPATIENT,
        summary="Checkout of everything" if step.everything else "Checkout",
    )
    return said


def story(what: str, why: Why) -> str:
    """A line of the timeline. The reason of a hold is in a person's own words and stays out of the history's
    summaries, which a server may keep in the clear."""
    return (what if why.code == "on_hold" else f"{what}: {why.text}")[:200]


def reason(error: ActivityError) -> str:
    """Our own words for why an activity failed; nothing where they are another's."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ApplicationError):
        cause = cause.__cause__
    return cause.message[:200] if isinstance(cause, ApplicationError) and cause.type in OUTAGES else ""


def interrupted(error: ActivityError) -> bool:
    """Whether it ended because it was asked to: between two attempts, or when the one that was under way failed."""
    return error.retry_state is RetryState.CANCEL_REQUESTED


def waited(error: ActivityError) -> bool:
    """Whether the activity was never begun: no worker took it in time."""
    return isinstance(error.cause, TimedOut) and error.cause.type is TimeoutType.SCHEDULE_TO_START


async def payment_event(step: EventStep) -> Booked:
    """Read what the provider's event is about and book its state. Repeated for as long as the provider is away."""
    said: Booked = await workflow.execute_activity(
        "payment_event",
        step,
        result_type=Booked,
        start_to_close_timeout=PROVIDER,
        heartbeat_timeout=QUICK,
        retry_policy=BOOKS,
        summary=f"Read {step.hint.object}",
    )
    return said


async def lost_events(step: SweepStep) -> tuple[EventHint, ...]:
    """The provider's events that never reached us, oldest first."""
    said: list[EventHint] = await _sweep("lost_events", step, list[EventHint], "Events that were not delivered")
    return tuple(said)


async def source_read(step: SweepStep) -> tuple[str, ...]:
    """Notes how far the provider is read; answers the receivables that waited for it, a page of them."""
    said: list[str] = await _sweep("source_read", step, list[str], "Read through now")
    return tuple(said)


async def reconcile(step: SweepStep) -> Booked:
    """Compare the provider's account of our balance with the ledger."""
    said: Booked = await _sweep("reconcile", step, Booked, "Compare with the ledger")
    return said


async def _sweep(name: str, step: SweepStep, result: Any, summary: str) -> Any:
    return await workflow.execute_activity(
        name,
        step,
        result_type=result,
        start_to_close_timeout=SWEEPING,
        heartbeat_timeout=QUICK,
        retry_policy=BOOKS,
        summary=summary,
    )


async def tell(ids: Sequence[str]) -> None:
    """Says to these receivables that the books changed; a closed one that owes again is opened."""
    if ids:
        await workflow.execute_activity(
            "tell",
            list(ids),
            start_to_close_timeout=MAILING,
            heartbeat_timeout=QUICK,
            retry_policy=BOOKS,
            summary=f"Tell {len(ids)} receivables" if len(ids) > 1 else f"Tell {ids[0]}",
        )


async def read_statement(step: FileStep) -> Booked:
    """Read a statement file from the archive and keep its lines, or refuse it whole."""
    return await _statement("read_statement", step, "Read the statement file")


async def book_statement(step: FileStep) -> Booked:
    """Book the next of its lines; after the last one say that the source is read."""
    return await _statement("book_statement", step, "Book the lines of the statement")


async def _statement(name: str, step: FileStep, summary: str) -> Booked:
    said: Booked = await workflow.execute_activity(
        name,
        step,
        result_type=Booked,
        start_to_close_timeout=SWEEPING,
        heartbeat_timeout=QUICK,
        retry_policy=BOOKS,
        summary=summary,
    )
    return said


async def reread(step: SweepStep) -> Booked:
    """Read the day's part of the archive again; what is missing or changed is put before a person."""
    said: Booked = await workflow.execute_activity(
        "reread",
        step,
        result_type=Booked,
        start_to_close_timeout=READING,
        heartbeat_timeout=QUICK,
        retry_policy=BOOKS,
        summary="Read the archive again",
    )
    return said


async def sheets(step: SweepStep) -> Booked:
    """Mail the morning sheets that are due."""
    said: Booked = await _sweep("sheets", step, Booked, "Mail the morning sheets")
    return said
