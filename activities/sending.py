"""Claim, act, confirm. Every attempt begins with a last look inside the claim; what cannot be known is parked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from adapters.books.books import Books
from adapters.books.messages import Claimed
from adapters.letters import Composer, Letter
from adapters.mail.port import Mail
from domain import lifecycle
from domain.actions import Send
from domain.errors import OutcomeUnknown, ProviderDown, Refused, Unavailable
from schemas.steps import Outcome, SendStep, Step


@dataclass(frozen=True, slots=True)
class Sender:
    """One attempt at one message, and what a step leaves to be told at once."""

    books: Books
    mail: Mail
    composer: Composer
    before: Callable[[SendStep], None] | None = None
    """Books what the payment provider knows, so that the last look sees it. Raises Unavailable when it cannot."""

    def attempt(self, step: SendStep) -> Outcome:
        """Raises Unavailable when a repeat can help; the claim is free again then."""
        if self.before is not None:
            self.before(step)
        claimed, outcome = self.books.claim(step)
        return outcome if claimed is None else self._act(step, claimed)

    def tell(self, step: Step, outcome: Outcome) -> Outcome:
        """Sends what a step decided to ask people of ours or to tell the customer, so that no further step is needed;
        what the step booked is booked, and a mail server that is down never fails it."""
        last = outcome
        while isinstance(last.action, Send) and lifecycle.at_once(last.action):
            news = SendStep(workflow_id=step.workflow_id, now=step.now, key=last.action.key)
            try:
                last = self.attempt(news)
            except Unavailable:
                last = self.books.release(news)
                break
        return replace(last, metadata=outcome.metadata)

    def _act(self, step: SendStep, claimed: Claimed) -> Outcome:
        """Between claim and confirm; an attempt that certainly sent nothing gives its claim back, unless that is over:
        what became of the message since is another's to say."""
        if claimed.resumed and not claimed.wanted:
            return self._find_out(step, claimed)
        letter: Letter | None = None
        try:
            letter = self._compose(step, claimed)
            if claimed.over:
                raise Unavailable("the claim ran out before the message could leave")
            provider_id = self.mail.send(letter.message)
        except OutcomeUnknown:
            return self.books.park(step, letter.filed if letter is not None else None)
        except (ProviderDown, Unavailable):
            self._give_back(step, claimed)
            raise
        except Refused as error:
            return self.books.refuse(step, str(error))
        return self.books.confirm(step, claimed, provider_id, letter.filed)

    def _find_out(self, step: SendStep, claimed: Claimed) -> Outcome:
        """An earlier attempt may have got it out, and this one must not: what became of it?"""
        found = self.mail.find(step.key)
        if found is not None:
            return self.books.confirm(step, claimed, found, self._compose(step, claimed).filed)
        return self.books.withhold(step) if self.mail.idempotent else self.books.park(step)

    def _compose(self, step: SendStep, claimed: Claimed) -> Letter:
        try:
            with self.books.reading() as books:
                return self.composer.compose(books, step.key, step.now)
        except (Refused, Unavailable):
            raise
        except Exception:
            # A defect of ours, or a document that is not what it was: nothing has left, so nothing is unknown.
            self._give_back(step, claimed)
            raise

    def _give_back(self, step: SendStep, claimed: Claimed) -> None:
        if not claimed.over:
            self.books.give_back(step)
