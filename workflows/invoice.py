"""One receivable, from its request to its end: `draft → approval → issue → deliver → collect → close`.

Signals and Updates record, the loop acts: it answers commands, reads the books when told that they changed, and else
does what `lifecycle.next_action` decides. The books are the truth; this workflow keeps only what it last read there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError

from domain import lifecycle, queues
from domain.account import Account
from domain.actions import Refund, Rest, Send, Wait
from domain.details import details
from domain.dunning import LOOK_LIMIT
from domain.errors import Invalid, Problem
from domain.keys import digest, parse_workflow_id
from domain.policy import Policy
from domain.status import status
from schemas.commands import EXAMPLES
from schemas.request import request_hash_of
from schemas.steps import CommandStep, DraftStep, Outcome, SendStep, Step, Verdict
from workflows import attributes, payloads, steps
from workflows.checkout import checkout
from workflows.commands import Inbox, Ticket, command

REOPEN = {"reopen": True}


@workflow.defn(name="Invoice")
class Invoice:
    approve, approve_signal = command("approve")
    reject, reject_signal = command("reject")
    amend, amend_signal = command("amend")
    cancel, cancel_signal = command("cancel")
    dispute, dispute_signal = command("dispute")
    resolve, resolve_signal = command("resolve")
    promise, promise_signal = command("promise")
    plan, plan_signal = command("plan")
    accelerate, accelerate_signal = command("accelerate")
    extend, extend_signal = command("extend")
    hold, hold_signal = command("hold")
    release, release_signal = command("release")
    credit, credit_signal = command("credit")
    write_off, write_off_signal = command("write_off")
    pay, pay_signal = command("pay")
    refund, refund_signal = command("refund")
    hand_over, hand_over_signal = command("hand_over")
    send, send_signal = command("send")
    skip, skip_signal = command("skip")
    resend, resend_signal = command("resend")
    assign, assign_signal = command("assign")
    escalate, escalate_signal = command("escalate")
    note, note_signal = command("note")
    checkout = checkout()

    def __init__(self) -> None:
        self.inbox = Inbox()
        self.at_till = False
        self.asked: tuple[Any, ...] = ()
        self.metadata: dict[str, str] = {}
        self.account: Account | None = None
        self.policy: Policy | None = None
        self.problems: tuple[Problem, ...] = ()
        self.action: Rest | None = None
        self.then: Send | None = None
        self.private = False
        self.split = False
        self.stale = False
        self.interrupted = ""
        self.ended = False
        self.answered = 0
        self.shown: attributes.Shown = {}

    @workflow.signal(name="books_changed", description="A hint: read the books again. Its content is ignored.")
    def books_changed(self, *_: Any) -> None:
        self.stale = True

    @workflow.signal(name="mail_event", description="A hint: a mail was delivered or bounced. Its content is ignored.")
    def mail_event(self, *_: Any) -> None:
        self.stale = True

    @workflow.query(name="status", description="Where the receivable stands, what is next and why.")
    def status(self, *_: Any) -> dict[str, Any]:
        return self._status()

    @workflow.run
    async def run(self, body: Any = None, *extra: Any) -> dict[str, Any]:
        await self._open((body, *extra))
        while not self.ended or await self._called_back():
            if self.inbox.tickets:
                await self._answer(self.inbox.tickets.pop(0))
            elif self.stale or self.inbox.notes:
                self.stale = False
                self._take(await steps.look(self._step()))
            elif self.account is None or self.action is None:
                await workflow.wait_condition(self._woken)
            else:
                await self._advance(self.account, self.action)
            await self._continue()
        return self._status()

    async def _open(self, given: tuple[Any, ...]) -> None:
        """Draft what was asked for; after a continuation or a reopening load what the books hold."""
        request: dict[str, Any] | None = None
        try:
            if (told := payloads.of_invoice(given)) is not None:
                self.problems = told.problems
                self.inbox.refusals, self.inbox.malformed = told.refusals, told.malformed
            elif given != (REOPEN,):
                self.asked = given
                request = payloads.read_request(given)
        except Invalid as error:
            self.problems = error.problems
        if self.problems:
            self._show()
            return
        self._take(await steps.draft(DraftStep(**self._where(), request=request)))

    async def _advance(self, account: Account, action: Rest) -> None:
        """Carry out what was decided on the books as they were last read."""
        match action:
            case Wait() if lifecycle.finished(account, action):
                self.ended = True
            case Wait():
                await self._rest(action)
            case Send():
                await self._send(action)
            case Refund():
                await self._refund(action)

    async def _rest(self, wait: Wait) -> None:
        """Sleep until something happens or the time has come; then do what was foreseen, or look."""
        if wait.until is None:
            await workflow.wait_condition(self._woken)
            return
        timeout = max(wait.until - workflow.now(), timedelta(milliseconds=1))
        summary = steps.story(f"{wait.until:%Y-%m-%d %H:%M} UTC, {wait.what}", wait.why)
        try:
            await workflow.wait_condition(self._woken, timeout=timeout, timeout_summary=summary)
        except TimeoutError:
            self.action, self.stale = self.then or wait, self.then is None

    def _woken(self) -> bool:
        return bool(self.inbox.tickets or self.inbox.notes or self.stale)

    async def _send(self, action: Send) -> None:
        """A look goes stale: past its limit the claim is given back and the loop decides again."""
        self.interrupted = ""
        limit = action.not_after - workflow.now() if action.not_after is not None else LOOK_LIMIT
        step = SendStep(**self._where(), key=action.key)
        summary = steps.story(f"{action.kind.replace('_', ' ')} {action.rung}".strip(), action.why)
        try:
            self._take(await self._unless_told(steps.send(step, limit, summary, self._queue(action))))
        except ActivityError as error:
            if steps.interrupted(error):
                self.interrupted = action.key if action.rung else ""
                return
            failure, waited = steps.reason(error), steps.waited(error)
            given_up = SendStep(**self._where(), key=action.key, failure=failure, waited=waited)
            self._take(await steps.release(given_up))

    def _queue(self, action: Send) -> str | None:
        """Where the message waits for a worker. A replay asks no setting: the books said whether it is split."""
        return queues.named(workflow.info().task_queue, queues.kind_of(action.kind)) if self.split else None

    async def _refund(self, action: Refund) -> None:
        """Repeated under the same key until the provider answers; then the loop decides again."""
        step = SendStep(**self._where(), key=action.key)
        try:
            self._take(await self._unless_told(steps.refund(step)))
        except ActivityError as error:
            if not steps.interrupted(error):
                self._take(await steps.release(step))

    async def _unless_told(self, attempts: workflow.ActivityHandle[Outcome]) -> Outcome:
        """A command does not wait for a provider that is away, and is known to the books before the next attempt looks
        at them. An attempt that is under way finishes first."""
        await workflow.wait_condition(lambda: attempts.done() or bool(self.inbox.tickets))
        # Asked only here, so that nothing else is new in a history.
        if not attempts.done() and workflow.patched("commands-interrupt"):
            attempts.cancel()
        return await attempts

    async def _answer(self, ticket: Ticket) -> None:
        command = ticket.command
        if command.name == "amend" and self.account is None:
            ticket.verdict = await self._amend_invalid(command.by, command.payload())
        else:
            self.answered += 1
            step = CommandStep(
                **self._where(),
                notes=self.inbox.take_notes(),
                id=self._id_of(ticket),
                name=command.name,
                payload=command.as_json(),
                interrupts=self.interrupted,
            )
            answer = await steps.command(step)
            if command.name == "cancel" and self.account is None and answer.verdict.result == "done":
                self.ended = True
            ticket.verdict = answer.verdict
            if answer.verdict.result == "refused" and not ticket.update:
                self.inbox.show(command.name, answer.verdict.reason)
            self._take(answer.outcome)
            if not isinstance(self.action, Send) or self.action.key != self.interrupted:
                self.interrupted = ""
        ticket.state = self.state()

    def _id_of(self, ticket: Ticket) -> str:
        """An Update's own, so that whoever repeats it under the same id, also in a later run, gets the first answer.
        Hashed: callers choose ids as they like, and no database takes all of them. A Signal's is of the
        run that had it first: a reset gives it once more."""
        if ticket.update:
            return f"{ticket.command.name}/{digest('duely/update/1', ticket.update)}"
        return f"{workflow.info().original_execution_run_id}/{self.answered}"

    async def _amend_invalid(self, by: str, payload: dict[str, Any]) -> Verdict:
        """The first readable request of a receivable that started with an unreadable one."""
        try:
            request = payloads.read_request((payload["request"],))
        except Invalid as error:
            return Verdict(result="refused", reason=str(error)[:2000])
        outcome = await steps.draft(DraftStep(**self._where(), request=request, by=by))
        if outcome.account is None:
            return Verdict(result="refused", reason="; ".join(map(str, outcome.problems))[:2000])
        self._take(outcome)
        return Verdict(result="done")

    def _status(self) -> dict[str, Any]:
        where, now = workflow.info().workflow_id, workflow.now()
        asked = request_hash_of(self.asked[0]) if self.account is None and len(self.asked) == 1 else None
        known = (self.account, self.policy, self.action)
        said = status(*known, now, where, self.problems, EXAMPLES, asked, self.metadata, self.ended)
        return {**said, "state": self.state(), "malformed": self.inbox.malformed}

    def state(self) -> str:
        if self.account is None:
            return "cancelled" if self.ended else "invalid" if self.problems else "draft"
        return lifecycle.state(self.account, workflow.now())

    def _where(self) -> dict[str, Any]:
        return {"workflow_id": workflow.info().workflow_id, "now": workflow.now()}

    def _step(self) -> Step:
        return Step(**self._where(), notes=self.inbox.take_notes())

    def _take(self, outcome: Outcome) -> None:
        """What the books said last is all this workflow knows. Where they hold nothing, it stays as it was."""
        if outcome.account is not None or outcome.problems:
            self.account, self.policy, self.problems = outcome.account, outcome.policy, outcome.problems
            self.asked = () if outcome.account is not None else self.asked
            self.action, self.then = outcome.action, outcome.then
            self.private, self.split = outcome.private, outcome.split
            self.metadata = self.metadata if outcome.metadata is None else outcome.metadata
        self._show()

    def _show(self) -> None:
        """Search attributes once a transition, those that changed; the details, which cost nothing, always."""
        now = workflow.now()
        parsed = parse_workflow_id(workflow.info().workflow_id)
        seller = parsed[0] if parsed else ""
        shown = attributes.shown(self.account, self.action, now, self.state(), seller, self.private)
        if updates := attributes.updates(self.shown, shown):
            self.shown = shown
            workflow.upsert_search_attributes(updates)
        where, refusals = workflow.info().workflow_id, self.inbox.refusals
        workflow.set_current_details(
            details(self.account, self.policy, self.action, now, where, self.problems, EXAMPLES, refusals, self.ended)
        )

    async def _unanswered(self) -> bool:
        """Whether a command still waits, once every handler has had its say."""
        await workflow.wait_condition(lambda: bool(self.inbox.tickets) or workflow.all_handlers_finished())
        return bool(self.inbox.tickets)

    async def _called_back(self) -> bool:
        """Whether a run that came to its end has to go on: a handler may be at work for a while yet, and what comes in
        the meantime counts as at any other time."""
        account, action = self.account, self.action
        reopened = account is not None and action is not None and not lifecycle.finished(account, action)
        await workflow.wait_condition(lambda: reopened or self._woken() or workflow.all_handlers_finished())
        # Asked only here: runs of before took commands alone, and one that meets nothing else has no marker.
        if (reopened or self.stale or self.inbox.notes) and workflow.patched("heard-at-the-end"):
            self.ended = self.ended and not reopened
            return True
        return await self._unanswered()

    async def _continue(self) -> None:
        """A fresh run before the history grows long; the books carry everything but what could not be read."""
        if not workflow.info().is_continue_as_new_suggested() or self.ended or await self._unanswered():
            return
        if self.inbox.notes or self.stale:
            return
        left = payloads.Carried(self.problems, self.inbox.refusals, self.inbox.malformed)
        workflow.continue_as_new(left.told())
