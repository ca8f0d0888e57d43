"""A breach is named with its invariant, said how to play again, made small and kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest

from activities.sending import Sender
from adapters.books import messages
from schemas.steps import Outcome, SendStep
from sim import __main__ as program
from sim import plan as plans
from sim import shrink
from sim.drawing import plan_of
from sim.plan import Fault, Plan
from sim.post import Post
from tests.sim.plans import life, town


def test_what_a_plan_fails_without_is_left_out() -> None:
    """Plays nothing: the plan fails for as long as the one fault is in it."""
    guilty = Fault(attempt=3, kind="mail_down")
    plan = plan_of(5, 0)
    lives = (*plan.lives[:6], life(6, faults=(Fault(attempt=1, kind="result_lost"), guilty)), *plan.lives[7:])

    def fails(smaller: Plan) -> bool:
        return any(guilty in each.faults for each in smaller.lives)

    left = shrink.shrunk(plans.read(plans.written(town(*lives, clock=((5, 5), (9, 0))))), fails)
    (only,) = left.lives
    assert (only.number, only.faults, only.events) == (6, (guilty,), ())
    assert (left.clock, left.outages, left.events) == ((), (), ())


def test_a_breach_is_told_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every mail leaves twice, whatever the adapter holds back."""
    real = Sender._act

    def twice(self: Sender, step: SendStep, claimed: messages.Claimed) -> Outcome:
        cast(Post, self.mail).idempotent = False
        self.mail.send(self._compose(step, claimed).message)
        return real(self, step, claimed)

    monkeypatch.setattr(Sender, "_act", twice)
    monkeypatch.setattr(program, "kept", lambda plan, name: shrink.kept(plan, name, tmp_path))
    monkeypatch.setattr(program, "shrunk", lambda plan, fails: shrink.shrunk(plan, fails, most=6))
    assert program.main(["--lives", "3", "--books", "memory", "--processes", "1"]) == 1
    told = capsys.readouterr().out
    assert re.search(r"breach: I2 life \d+: .* reaches its recipient 2 times", told)
    assert "again: python -m sim --seed 1 --life" in told
    assert re.fullmatch(r"sim: 3 lives, \d+ breaches", told.splitlines()[-1])
    (path,) = tmp_path.glob("i2-1-0.json")
    assert len(plans.read(path.read_bytes()).lives) == 1
