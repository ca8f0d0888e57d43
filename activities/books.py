"""The database steps of a receivable. Each is one transaction of the books."""

from __future__ import annotations

from temporalio import activity

from activities.errors import mapped
from adapters.books.books import Books
from schemas.steps import Answer, CommandStep, DraftStep, Outcome, SendStep, Step


class BookActivities:
    def __init__(self, books: Books) -> None:
        self._books = books

    @activity.defn(name="draft")
    def draft(self, step: DraftStep) -> Outcome:
        with mapped():
            return self._books.draft(step)

    @activity.defn(name="command")
    def command(self, step: CommandStep) -> Answer:
        with mapped():
            return self._books.command(step)

    @activity.defn(name="look")
    def look(self, step: Step) -> Outcome:
        with mapped():
            return self._books.look(step)

    @activity.defn(name="issue")
    def issue(self, step: Step) -> Outcome:
        with mapped():
            return self._books.issue(step)

    @activity.defn(name="skip")
    def skip(self, step: Step) -> Outcome:
        with mapped():
            return self._books.skip(step)

    @activity.defn(name="escalate")
    def escalate(self, step: Step) -> Outcome:
        with mapped():
            return self._books.escalate(step)

    @activity.defn(name="release")
    def release(self, step: SendStep) -> Outcome:
        with mapped():
            return self._books.release(step)
