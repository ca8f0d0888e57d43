"""Claim, act, confirm. Every attempt begins with a last look inside the claim; what cannot be known is parked."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import activity

from activities.errors import mapped
from adapters.books.books import Books
from adapters.books.engine import read
from adapters.books.messages import Claimed
from adapters.letters import Composer, Letter
from adapters.mail.port import Mail
from domain.errors import OutcomeUnknown, ProviderDown, Refused, Unavailable
from schemas.steps import Outcome, SendStep

BEAT_SECONDS = 1


class SendActivity:
    def __init__(self, books: Books, mail: Mail, composer: Composer) -> None:
        self._books, self._mail, self._composer = books, mail, composer

    @activity.defn(name="send")
    def send(self, step: SendStep) -> Outcome:
        with mapped(), heartbeats():
            claimed, outcome = self._books.claim(step)
            if claimed is None:
                return outcome
            return self._act(step, claimed)

    def _act(self, step: SendStep, claimed: Claimed) -> Outcome:
        """Between claim and confirm; an attempt that certainly sent nothing gives its claim back."""
        if claimed.resumed:
            found = self._mail.find(step.key)
            return self._books.confirm(step, claimed, found, None) if found else self._books.park(step)
        try:
            letter = self._compose(step)
            provider_id = self._mail.send(letter.message)
        except OutcomeUnknown:
            return self._books.park(step)
        except (ProviderDown, Unavailable):
            self._books.give_back(step)
            raise
        except Refused as error:
            return self._books.refuse(step, str(error))
        return self._books.confirm(step, claimed, provider_id, letter.object_key)

    def _compose(self, step: SendStep) -> Letter:
        with read(self._books.engine) as session:
            return self._composer.compose(session, step.key, step.now)


@contextmanager
def heartbeats() -> Iterator[None]:
    """Tells the server that the attempt lives, so that a dead worker's is repeated within seconds."""
    done = threading.Event()
    context = contextvars.copy_context()

    def beat() -> None:
        while not done.wait(BEAT_SECONDS):
            context.run(activity.heartbeat)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
