"""Plays a plan: one heap of events in virtual time over several lives that share the production books, activities and
workflows. It knows when things happen and how a server repeats and gives up; what people do is `sim/doings.py`, what
must hold `sim/truth.py`, `sim/watch.py` and `sim/ends.py`."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.receivable import Receivable
from adapters.mail.port import Message
from schemas.steps import Answer, CommandStep, Outcome, SendStep
from sim.books import Between, Keep, database
from sim.breach import Breach
from sim.calls import Call
from sim.kernel import CONVERTER, Run, Wedged
from sim.plan import Plan
from sim.post import Killed, Post
from sim.resident import Attempt, Resident
from sim.truth import Owing, Truth

MINUTE = timedelta(minutes=1)
BEAT = timedelta(seconds=5)
"""A dead worker's attempt is repeated so much later (`QUICK` in workflows/steps.py)."""
PATIENCE = timedelta(seconds=60)
"""... and one whose result was lost (`MAILING` there)."""
MANY = 2_000
"""Workflow tasks that no life needs."""
RUNG = re.compile(r"/D[+-][0-9]+")
"""In the key of a message of the ladder."""


@dataclass
class Town:
    plan: Plan
    keep: Keep = database
    breaches: list[Breach] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    truth: Truth = field(default_factory=Truth)
    calm: bool = False
    """Nothing breaks any more: the end is near."""
    attempt: Attempt | None = None

    def __post_init__(self) -> None:
        ours = self.plan.mail == "outbox"
        self.now = self.plan.start
        self.residents = [Resident(life) for life in self.plan.lives]
        self.by_id = {resident.id: resident for resident in self.residents}
        self.ledger = self.keep(ours, self.complain, lambda: self.clock)
        between = Between(self.ledger.books, self._books_fault, self._booked)
        self.post = Post(ours, self._mail_fault, self._has_claimed, self.complain, self._arrived, not ours)
        steps = Receivable(self.ledger.sender(between, self.post))
        self._activities: dict[str, tuple[Callable[..., Any], list[type]]] = {}
        for step in (steps.draft, steps.command, steps.look, steps.send, steps.release):
            found = activity._Definition.must_from_callable(step)
            self._activities[found.name or ""] = (step, found.arg_types or [])
        self._environment = ActivityEnvironment()
        self._heap: list[tuple[datetime, int, bool, Callable[..., None], tuple[Any, ...]]] = []
        self._pushed = 0
        self.arrivals: Callable[[Resident, Message], None] = lambda resident, message: None
        self.before_send: Callable[[Resident], None] = lambda resident: None
        self.seen: Callable[[Resident], None] = lambda resident: None
        for resident in self.residents:
            self.truth.owing[resident.id] = Owing(str(resident.life.request["currency"]), resident.life.gross)

    @property
    def clock(self) -> datetime:
        """What the server believes."""
        return self.now + self._wrong_by(self.now)

    def _wrong_by(self, at: datetime) -> timedelta:
        minutes = 0
        for begins, wrong in self.plan.clock:
            if at >= self.plan.start + begins * MINUTE:
                minutes = wrong
        return minutes * MINUTE

    def push(self, at: datetime, what: Callable[..., None], *arguments: Any, worker: bool = False) -> None:
        """`worker`: it needs one, so it waits for the end of an outage."""
        self._pushed += 1
        heapq.heappush(self._heap, (max(at, self.now), self._pushed, worker, what, arguments))

    def run_until(self, end: datetime) -> None:
        for begins, _ in self.plan.clock:
            self.push(self.plan.start + begins * MINUTE, self._clock_turned)
        while self._heap and self._heap[0][0] <= end:
            at, _, worker, what, arguments = heapq.heappop(self._heap)
            self.now = at
            back = self._back(at) if worker else None
            if back is not None:
                self.counts["fault: waited for a worker"] += 1
                self.push(back, what, *arguments, worker=True)
            else:
                what(*arguments)

    def quiet(self) -> None:
        """What was begun is finished, without a fault; no timer fires any more."""
        self.calm = True
        while self._heap:
            at, _, _, what, arguments = heapq.heappop(self._heap)
            if what == self._attempted:
                self.now = max(self.now, at)
                what(*arguments)

    def _back(self, at: datetime) -> datetime | None:
        for begins, ends in self.plan.outages:
            if self.plan.start + begins * MINUTE <= at < self.plan.start + ends * MINUTE and not self.calm:
                return self.plan.start + ends * MINUTE
        return None

    def complain(self, invariant: str, invoice: str, text: str) -> None:
        resident = self.by_id.get(invoice)
        number = resident.life.number if resident is not None else -1
        self.breaches.append(Breach(invariant, number, f"{text} ({self.clock:%Y-%m-%d %H:%M} UTC)"))

    def tell(self, resident: Resident, run: Run, say: Callable[[datetime], None]) -> None:
        """One workflow task, and what it asks for."""
        if resident.broken or run.end is not None:
            return
        resident.tasks += 1
        if resident.tasks in resident.life.evictions and not self.calm and run.script:
            self.counts["fault: evicted and replayed"] += 1
            run.evict()
        if resident.tasks in resident.life.continues and not self.calm:
            self.counts["fault: history grew long"] += 1
            run.long = True
        try:
            say(self.clock)
        except Wedged as error:
            resident.broken = True
            self.complain("I10" if "on replay" in str(error) else "I1", resident.id, f"wedged: {error}")
            return
        if resident.tasks > MANY:
            resident.broken = True
            self.complain("I1", resident.id, f"the loop spins: {resident.tasks} workflow tasks")
        self._take(resident, run)

    def _take(self, resident: Resident, run: Run) -> None:
        if run.end is not None and run.end.continued is not None:
            following = resident.go_on(self.clock, run)
            self.tell(resident, following, lambda at: following.start())
            return
        for seq, call in run.calls.items():
            if (run.run_id, seq) not in resident.asked:
                resident.asked.add((run.run_id, seq))
                self.push(self.now, self._attempted, resident, run, call, 1, worker=True)
        waiting = [seq for seq in run.calls if seq in run.unwanted and (run.run_id, seq) not in resident.lost]
        for seq in waiting:
            self.counts["fault: interrupted by a command"] += 1
            self.tell(resident, run, partial(run.cancel, seq=seq))
        for seq, at in run.timers.items():
            if resident.timed.get((run.run_id, seq)) != at:
                resident.timed[run.run_id, seq] = at
                self.push(at - self._wrong_by(self.now), self._fired, resident, run, seq, worker=True)

    def _fired(self, resident: Resident, run: Run, seq: int) -> None:
        at = run.timers.get(seq)
        if at is None or run.end is not None:
            return
        if at > self.clock:
            self.push(at - self._wrong_by(self.now), self._fired, resident, run, seq, worker=True)
            return
        self.tell(resident, run, lambda now: run.fire(now, seq))

    def _clock_turned(self) -> None:
        self.counts["fault: clock stepped"] += 1
        for resident in self.residents:
            run = resident.run
            for seq, at in run.timers.items() if run is not None else ():
                self.push(at - self._wrong_by(self.now), self._fired, resident, run, seq, worker=True)

    def _attempted(self, resident: Resident, run: Run, call: Call, number: int, late: bool = False) -> None:
        if call.seq not in run.calls or run.end is not None or resident.broken:
            return
        if not late:
            resident.attempts += 1
            delay = 0 if self.calm else resident.life.delays.get(resident.attempts, 0)
            if delay:
                self.counts["fault: attempt delayed"] += 1
                self.push(self.now + delay * MINUTE, self._attempted, resident, run, call, number, True, worker=True)
                return
        resident.lost.discard((run.run_id, call.seq))
        if call.seq in run.unwanted:
            self.counts["fault: interrupted by a command"] += 1
            unheard = ApplicationError("heartbeat timeout", type="TimeoutError")
            self.tell(resident, run, lambda now: run.fail(now, call.seq, unheard))
            return
        if call.limit is not None and self.clock - call.asked > call.limit:
            late_error = ApplicationError("activity ScheduleToClose timeout", type="TimeoutError")
            self.tell(resident, run, lambda now: run.fail(now, call.seq, late_error))
            return
        self.attempt = Attempt(resident, None if self.calm else resident.fault())
        try:
            said = self._execute(resident, call, number)
        except Killed:
            self._again(resident, run, call, number, BEAT, ApplicationError("heartbeat timeout", type="TimeoutError"))
        except ApplicationError as error:
            self._again(resident, run, call, number, error.next_retry_delay or call.pause(number), error)
        except Exception as error:  # noqa: BLE001 a server would repeat it for ever: that is what must be found
            resident.broken = True
            self.complain("step", resident.id, f"{call.name} raises {type(error).__name__}: {str(error)[:500]}")
        else:
            self._resolved(resident, run, call, number, said)
        finally:
            self.attempt = None

    def _execute(self, resident: Resident, call: Call, number: int) -> Any:
        step, types = self._activities[call.name]
        arguments: list[Any] = [CONVERTER.from_payload(p, kind) for p, kind in zip(call.arguments, types, strict=True)]
        step_, fresh = arguments[0], number == 1 and not self.calm
        if fresh and call.name == "send" and isinstance(step_, SendStep) and RUNG.search(step_.key):
            resident.reminders += 1
            self.before_send(resident)
        self.counts[f"activity {call.name}"] += 1
        self._environment.info = replace(self._environment.info, attempt=number)
        return self._environment.run(step, *arguments)

    def _resolved(self, resident: Resident, run: Run, call: Call, number: int, said: Any) -> None:
        attempt = self.attempt
        if attempt is not None and attempt.fault is not None and attempt.fault.kind == "result_lost":
            self.counts["fault: result_lost"] += 1
            self._again(resident, run, call, number, PATIENCE, ApplicationError("timeout", type="TimeoutError"))
            return
        payload = CONVERTER.to_payload(said)
        outcome = said.outcome if isinstance(said, Answer) else said
        if isinstance(outcome, Outcome) and outcome.account is not None:
            resident.account = outcome.account
            self.seen(resident)
        self.tell(resident, run, lambda now: run.resolve(now, call.seq, payload))

    def _again(
        self, resident: Resident, run: Run, call: Call, number: int, pause: timedelta, error: ApplicationError
    ) -> None:
        """As the server: repeated, unless no repeat is allowed or one would come too late."""
        spent = bool(call.attempts) and number >= call.attempts
        late = call.limit is not None and self.clock + pause > call.asked + call.limit
        if error.non_retryable or error.type in call.final or spent or late:
            self.tell(resident, run, lambda now: run.fail(now, call.seq, error))
        else:
            self.counts["activity repeated"] += 1
            if error.type == "TimeoutError":
                resident.lost.add((run.run_id, call.seq))
            self.push(self.now + pause, self._attempted, resident, run, call, number + 1, worker=True)

    def _books_fault(self) -> str:
        attempt = self.attempt
        if attempt is None:
            return ""
        attempt.calls += 1
        fault = attempt.fault
        if fault is None or fault.kind not in {"database_down", "killed_before", "killed_after"}:
            return ""
        return self._taken(attempt) if fault.call == attempt.calls else ""

    def _mail_fault(self) -> str:
        attempt = self.attempt
        if attempt is None or attempt.fault is None or not attempt.fault.kind.startswith("mail_"):
            return ""
        return self._taken(attempt)

    def _taken(self, attempt: Attempt) -> str:
        assert attempt.fault is not None
        kind, attempt.fault = attempt.fault.kind, None
        self.counts[f"fault: {kind}"] += 1
        return kind

    def _has_claimed(self, key: str) -> bool:
        return self.attempt is not None and key in self.attempt.claimed

    def _booked(self, name: str, arguments: tuple[Any, ...], said: Any) -> None:
        step = arguments[0]
        if name == "command" and isinstance(step, CommandStep):
            self.truth.booked(step, said.verdict)
            if step.name == "send" and said.verdict.result == "done":
                key = str(step.payload.get("message"))
                self.post.again[key] = self.post.taken[key]
        if name == "claim" and said[0] is not None and said[0].wanted and self.attempt is not None:
            self.attempt.claimed.add(step.key)
            kind, _, amount = self.ledger.about(step.key)
            if kind == "reminder":
                customer = str(self.by_id[step.workflow_id].life.request["customer"])
                why = self.truth.may_ask(step.workflow_id, customer, amount, step.now)
                if why is not None:
                    self.complain("I3", step.workflow_id, f"{step.key} is let through although {why}")

    def _arrived(self, message: Message) -> None:
        self.counts[f"sent: {message.kind} {message.rung or ''}".strip()] += 1
        self.arrivals(self.by_id[message.invoice], message)
