"""The steps of a receivable. Thin: each calls the books or the sender, beats while it works, and maps errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.beats import heartbeats
from activities.sending import Sender
from domain.errors import DuelyError, ProviderDown
from schemas.steps import Answer, CommandStep, DraftStep, Outcome, SendStep, Step

SHOWN_FIRST = frozenset({"dispute"})
"""What stops the ladder is to be seen at once: its mails leave in a step of their own."""
LONGEST_WAIT = timedelta(minutes=15)
"""A look lasts no longer: a provider that asks for more is asked again by the next one."""
FIRST_PAUSE, GROWTH, LONGEST_PAUSE = timedelta(seconds=1), 4, timedelta(minutes=5)
"""Between attempts at a provider that is away and does not say for how long."""


class Receivable:
    def __init__(self, sender: Sender) -> None:
        self._sender, self._books = sender, sender.books

    @activity.defn(name="draft", no_thread_cancel_exception=True)
    def draft(self, step: DraftStep) -> Outcome:
        with mapped(), heartbeats():
            return self._sender.tell(step, self._books.draft(step))

    @activity.defn(name="command", no_thread_cancel_exception=True)
    def command(self, step: CommandStep) -> Answer:
        with mapped(), heartbeats():
            answer = self._books.command(step)
            if step.name in SHOWN_FIRST:
                return answer
            return Answer(verdict=answer.verdict, outcome=self._sender.tell(step, answer.outcome))

    @activity.defn(name="look", no_thread_cancel_exception=True)
    def look(self, step: Step) -> Outcome:
        with mapped(), heartbeats():
            return self._sender.tell(step, self._books.look(step))

    @activity.defn(name="send", no_thread_cancel_exception=True)
    def send(self, step: SendStep) -> Outcome:
        with mapped(final=True, gently=True), heartbeats():
            return self._sender.tell(step, self._sender.attempt(step))

    @activity.defn(name="release", no_thread_cancel_exception=True)
    def release(self, step: SendStep) -> Outcome:
        with mapped():
            return self._books.release(step)


@contextmanager
def mapped(final: bool = False, gently: bool = False) -> Iterator[None]:
    """Our errors as Temporal's: the class name is the type. A step of the books answers refusals as values, so whatever
    it raises is the database or a defect: Temporal repeats it with growing gaps until it is mended, because a step that
    failed for good would take the receivable with it. `final` marks the step whose failure the loop handles: there an
    error that no repeat can help ends the attempts. A provider that said when to come back is taken at its word, and
    with `gently` one that said nothing is left more time by each attempt. An attempt whose worker died says nothing
    either: it is repeated by the step's policy, within seconds."""
    try:
        yield
    except DuelyError as error:
        raise ApplicationError(
            str(error),
            type=type(error).__name__,
            non_retryable=final and not error.retryable,
            next_retry_delay=_pause(error, gently),
        ) from None


def _pause(error: DuelyError, gently: bool) -> timedelta | None:
    if not isinstance(error, ProviderDown):
        return None
    if error.retry_after_seconds is not None:
        return min(timedelta(seconds=max(1, error.retry_after_seconds)), LONGEST_WAIT)
    return min(FIRST_PAUSE * GROWTH ** min(activity.info().attempt - 1, 9), LONGEST_PAUSE) if gently else None
