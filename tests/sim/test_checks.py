"""A planted defect makes the check fail that names it. Each of these tests breaks the product on purpose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters.books import messages, view
from adapters.books.books import Books
from adapters.books.tx import Tx
from domain import ledger
from domain.account import Account, Phase
from domain.policy import Policy
from schemas import tables as t
from schemas.steps import Answer
from sim.plan import DAY, Event, Fault, Plan
from sim.play import play
from tests.sim.plans import LATE, PAID, life, town

WHILE_SENDING = Event(at=0, what="provider_paid", via="outside", on_send=1)
"""The customer pays between the workflow's decision and the claim."""


def broken(plan: Plan) -> set[str]:
    return {breach.invariant for _, breach in play(plan).breaches}


def test_what_was_paid_just_now_is_not_asked_for() -> None:
    played = play(town(life(0, WHILE_SENDING)))
    assert played.breaches == []
    assert played.counts["withheld: closed"] == 1


def test_i3_a_last_look_that_sees_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    look, claim = view.read, messages.claim

    def blind(tx: Tx, row: t.Invoice) -> tuple[Account, Policy]:
        account, policy = look(tx, row)
        seen = replace(account, phase=Phase.OPEN, paid=0, notices=(), holds=(), disputes=(), promises=())
        return seen, policy

    def careless(tx: Tx, row: t.Invoice, key: str, idempotent: bool) -> messages.Claimed | None:
        with monkeypatch.context() as reminders:
            if "/D" in key:
                reminders.setattr(messages, "read", blind)
            return claim(tx, row, key, idempotent)

    monkeypatch.setattr(messages, "claim", careless)
    assert "I3" in broken(town(life(0, WHILE_SENDING)))
    disputed = Event(at=0, what="pause_all", body={"by": "sam"}, via="outside")
    assert "I3" in broken(town(life(0, LATE), events=(replace(disputed, at=26 * DAY),)))


def test_i2_a_claim_that_nobody_remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed worker's mail goes out again where the provider takes it twice."""

    def forget(tx: Tx, key: str) -> messages.Claimed:
        return messages.Claimed(key=key, resumed=False, shift_days=0)

    monkeypatch.setattr(messages, "_wait_for_the_earlier", forget)
    killed = Fault(attempt=3, kind="mail_killed_after")
    assert "I2" in broken(town(life(faults=(killed,)), mail="provider"))


def test_i5_postings_that_do_not_balance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "balanced", lambda entries: True)
    real = Tx.post

    def short(self: Tx, kind: str, entries: Any, **about: Any) -> None:
        real(self, kind, entries[:-1] if kind == "receipt" else entries, **about)

    monkeypatch.setattr(Tx, "post", short)
    assert "I5" in broken(town())


def test_i1_a_verdict_that_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    real = Books.command

    def forgetful(self: Books, step: Any) -> Answer:
        return real(self, replace(step, id="always the same"))

    monkeypatch.setattr(Books, "command", forgetful)
    note = Event(at=DAY, what="note", body={"by": "sam", "text": "called"}, via="signal")
    assert "I1" in broken(town(life(0, note, replace(note, at=2 * DAY), PAID)))


def test_i9_a_workflow_that_was_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from workflows.invoice import Invoice

    real = Invoice._take

    def deaf(self: Invoice, outcome: Any) -> None:
        if self.account is None or outcome.account is None or outcome.account.paid == 0:
            real(self, outcome)

    monkeypatch.setattr(Invoice, "_take", deaf)
    third = {**PAID.body, "amount": "$third"}
    assert "I9" in broken(town(life(0, replace(PAID, body=third)), days=25))
