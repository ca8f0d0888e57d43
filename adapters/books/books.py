"""The books as the activities use them: each method one transaction, from a step to what the books then say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, select

from adapters.books import commands, drafting, load, messages, outcomes, refunds, reports
from adapters.books.engine import read
from adapters.books.messages import Claimed
from adapters.books.papers import Filed
from adapters.books.seen import find
from adapters.books.settle import settle
from adapters.books.tx import SYSTEM, Tx, booking
from adapters.books.view import read as read_account
from domain import lifecycle, roles
from domain.actions import Refund, Send, Wait
from domain.delivery import MailEvent
from domain.errors import Invalid, NotFound, Problem, Refused
from domain.keys import parse_workflow_id
from domain.payments import RefundState
from schemas import tables as t
from schemas.commands import Command, parse_command
from schemas.request import is_content, parse_request
from schemas.steps import Answer, CommandStep, DraftStep, Outcome, SendStep, Step, Verdict

ENDED = "invoice.cancelled"


@dataclass(frozen=True, slots=True)
class Books:
    """`idempotent`: whether the mail adapter itself holds a second message under the same key back. `reports`: whether
    its provider reports later what became of a message. `private`: what Temporal keeps is encrypted, and what it cannot
    encrypt must hold no amount. `split`: messages wait in task queues of their own."""

    engine: Engine
    idempotent: bool
    reports: bool = False
    private: bool = False
    split: bool = False

    def draft(self, step: DraftStep) -> Outcome:
        """Drafts the request, or loads what these books already hold under the workflow's id."""
        parsed = parse_workflow_id(step.workflow_id)
        if parsed is None:
            return problem("reference", "the workflow id must be invoice-{seller}-{reference}")
        try:
            with booking(self.engine, parsed[0], step.now) as tx:
                _notes(tx, step)
                row = find(tx.session, t.Invoice, step.workflow_id)
                if row is None or row.freed or _amends(step, row):
                    if step.request is None:
                        return problem("reference", f"{parsed[1]} is not in the books of {parsed[0]}")
                    refused = self._may_amend(tx, step, row)
                    if refused is not None:
                        return refused
                    row = _drafted(tx, step)
                return replace(self._rest(tx, row), metadata=_metadata(row))
        except NotFound as error:
            return problem("seller", str(error))
        except Invalid as error:
            return Outcome(account=None, policy=None, problems=error.problems)

    def command(self, step: CommandStep) -> Answer:
        """Judges and carries out one command; a receivable that was never drafted can only be cancelled."""
        said = parse_command(step.name, (step.payload,))
        parsed = parse_workflow_id(step.workflow_id)
        if parsed is None:
            return Answer(verdict=_nowhere(said.name), outcome=_nothing())
        try:
            with booking(self.engine, parsed[0], step.now) as tx:
                _notes(tx, step)
                row = find(tx.session, t.Invoice, step.workflow_id)
                if row is None or (row.freed and not _known(tx, row, step)):
                    return Answer(verdict=_without_row(tx, step, said.name, said.by), outcome=_nothing())
                verdict, new = _once(tx, row, step, said)
                outcome = self._rest(tx, row)
                if said.name == "amend":
                    outcome = replace(outcome, metadata=_metadata(row))
                if new and step.interrupts:
                    outcomes.interrupted(tx, outcome, step.interrupts)
                return Answer(verdict=verdict, outcome=outcome)
        except NotFound:
            return Answer(verdict=_nowhere(said.name), outcome=_nothing())

    def look(self, step: Step) -> Outcome:
        """Reads the books and settles what time alone has changed."""
        return self._step(step, lambda tx, row: None)

    def claim(self, step: SendStep) -> tuple[Claimed | None, Outcome]:
        """The right to send, taken together with the last look."""
        claimed: list[Claimed | None] = []

        def act(tx: Tx, row: t.Invoice) -> None:
            claimed.append(messages.claim(tx, row, step.key, self.idempotent))

        outcome = self._step(step, act)
        return claimed[0] if claimed else None, outcome

    def confirm(self, step: SendStep, claimed: Claimed, provider_id: str, filed: Filed | None) -> Outcome:
        return self._step(step, lambda tx, row: outcomes.confirm(tx, row, claimed, provider_id, filed, self.reports))

    def give_back(self, step: SendStep) -> None:
        self._step(step, lambda tx, row: outcomes.give_back(tx, step.key))

    def refuse(self, step: SendStep, reason: str) -> Outcome:
        def act(tx: Tx, row: t.Invoice) -> None:
            account, policy = read_account(tx, row)
            outcomes.refuse(tx, row, account, policy, step.key, reason)

        return self._step(step, act)

    def park(self, step: SendStep, filed: Filed | None = None) -> Outcome:
        def act(tx: Tx, row: t.Invoice) -> None:
            account, policy = read_account(tx, row)
            letter = tx.session.get_one(t.Message, step.key)
            outcomes.park(tx, row, account, policy, letter, filed)

        return self._step(step, act)

    def withhold(self, step: SendStep) -> Outcome:
        return self._step(step, lambda tx, row: outcomes.withhold(tx, row, step.key))

    def release(self, step: SendStep) -> Outcome:
        def act(tx: Tx, row: t.Invoice) -> None:
            reversal = tx.session.get(t.Reversal, step.key)
            if reversal is not None:
                refunds.retry_later(tx, reversal)
            else:
                outcomes.retry_later(tx, row, step.key, self.idempotent, step.failure, step.waited)

        return self._step(step, act)

    def claim_refund(self, step: SendStep) -> tuple[refunds.Claim | None, Outcome]:
        """The right to ask the provider for a refund that was granted."""
        claimed: list[refunds.Claim | None] = []
        outcome = self._step(step, lambda tx, row: claimed.append(refunds.claim(tx, row, step.key)))
        return claimed[0] if claimed else None, outcome

    def confirm_refund(self, step: SendStep, state: RefundState) -> Outcome:
        return self._step(step, lambda tx, row: refunds.confirm(tx, row, step.key, state))

    def spend_key(self, step: SendStep, asked: str) -> None:
        self._step(step, lambda tx, row: refunds.spend(tx, step.key, asked))

    def fail_refund(self, step: SendStep, reason: str) -> Outcome:
        return self._step(step, lambda tx, row: refunds.fail(tx, row, step.key, reason))

    def delivered(self, events: Sequence[MailEvent], now: datetime) -> tuple[str, ...]:
        """Books what the mail provider reports, each event once, whatever their order; those of messages that are not
        ours are passed over. Answers the receivables whose workflows are to be told `mail_event`. One transaction per
        seller; a provider's time later than `now` counts as `now`."""
        return reports.delivered(self.engine, events, now)

    def _step(self, step: Step, act: Callable[[Tx, t.Invoice], None]) -> Outcome:
        """One transaction on one receivable: notes, the act, and the books at rest again."""
        parsed = parse_workflow_id(step.workflow_id)
        if parsed is None:
            return _nothing()
        try:
            with booking(self.engine, parsed[0], step.now) as tx:
                _notes(tx, step)
                row = find(tx.session, t.Invoice, step.workflow_id)
                if row is None or row.freed:
                    return _nothing()
                act(tx, row)
                return self._rest(tx, row)
        except NotFound:
            return _nothing()

    def _rest(self, tx: Tx, row: t.Invoice) -> Outcome:
        rest = settle(tx, row)
        return Outcome(
            account=rest.account,
            policy=rest.policy,
            action=rest.action,
            then=rest.then,
            private=self.private,
            split=self.split,
        )

    def _may_amend(self, tx: Tx, step: DraftStep, row: t.Invoice | None) -> Outcome | None:
        """Whoever repairs a request that could not be read must be somebody who may amend. The books may hold an issued
        receivable under the same id."""
        if not step.by:
            return None
        person = tx.session.get(t.Person, step.by)
        try:
            roles.check("amend", step.by, load.person_of(person) if person is not None else None, True)
        except Refused as error:
            return problem("by", str(error))
        if row is not None and row.number is not None:
            return problem("reference", f"{row.number} is issued; credit it and send a new one")
        return None

    def reading(self) -> AbstractContextManager[Session]:
        """What these books hold, to read only, for whoever composes a message."""
        return read(self.engine)

    def outcome(self, workflow_id: str) -> Outcome:
        """What the books say, without changing them: for closed receivables and for programs beside the workflow."""
        with read(self.engine) as session:
            row = session.get(t.Invoice, workflow_id)
            return _nothing() if row is None else _seen(session, row)


def problem(path: str, message: str) -> Outcome:
    return Outcome(account=None, policy=None, problems=(Problem(path, message),))


def _nothing() -> Outcome:
    return Outcome(account=None, policy=None)


def _seen(session: Session, row: t.Invoice) -> Outcome:
    seller = session.get_one(t.Seller, row.seller)
    policy = load.policy_of(session, seller, row.policy, row.policy_version)
    account = load.account_of(session, seller, row, policy, row.updated_at)
    action = lifecycle.next_action(account, policy, row.updated_at)
    rest = action if isinstance(action, Wait | Send | Refund) else None
    return Outcome(account=account, policy=policy, action=rest, metadata=_metadata(row))


def _metadata(row: t.Invoice) -> dict[str, str]:
    return dict(row.request.get("metadata", {}))


def _amends(step: DraftStep, row: t.Invoice) -> bool:
    """Whether somebody sends other content than the books hold; a repeat of the step finds its own there."""
    return bool(step.by) and (step.request is None or not is_content(parse_request(step.request), row.request_hash))


def _drafted(tx: Tx, step: DraftStep) -> t.Invoice:
    with tx.session.begin_nested():
        return drafting.draft(tx, step.workflow_id, parse_request(step.request), step.by)


def _known(tx: Tx, row: t.Invoice, step: CommandStep) -> bool:
    """Whether this is the command that freed the row, told again, and not one to whoever uses its reference next."""
    return tx.session.get(t.CommandDone, (row.id, step.id)) is not None


def _once(tx: Tx, row: t.Invoice, step: CommandStep, said: Command) -> tuple[Verdict, bool]:
    """The verdict on a command, the same one however often its step is repeated; and whether it is new."""
    known = find(tx.session, t.CommandDone, row.id, step.id)
    if known is not None:
        return Verdict(**known.verdict), False
    if _ended(tx, step):
        return Verdict(result="done"), False
    verdict = commands.judge(tx, row, said)
    tx.session.add(t.CommandDone(invoice=row.id, id=step.id, name=step.name, verdict=asdict(verdict), at=tx.now))
    return verdict, True


def _notes(tx: Tx, step: Step) -> None:
    """Commands that could not be read: they change nothing, and they do not vanish."""
    for note in step.notes:
        tx.audit(
            "command.malformed",
            SYSTEM,
            invoice=step.workflow_id,
            command=note.command,
            problem=tx.text(note.problem),
            seen=note.at.isoformat(),
            **({"count": str(note.count)} if note.count > 1 else {}),
        )


def _nowhere(name: str) -> Verdict:
    """Under an id that no seller owns there is nothing to keep: it may end."""
    if name == "cancel":
        return Verdict(result="done")
    return Verdict(result="refused", reason="the request cannot be read; amend or cancel it")


def _ended(tx: Tx, step: CommandStep) -> bool:
    """Whether this very command has ended a run that had drafted nothing. Who took the reference since is not meant."""
    query = select(t.AuditEntry.keys).where(t.AuditEntry.invoice == step.workflow_id, t.AuditEntry.type == ENDED)
    return step.name == "cancel" and any(keys.get("command") == step.id for keys in tx.session.exec(query))


def _without_row(tx: Tx, step: CommandStep, name: str, by: str) -> Verdict:
    if name != "cancel" or _ended(tx, step):
        return _nowhere(name)
    person = tx.session.get(t.Person, by)
    try:
        roles.check("cancel", by, load.person_of(person) if person is not None else None, True)
    except Refused as error:
        return Verdict(result="refused", reason=str(error))
    seller, reference = parse_workflow_id(step.workflow_id) or ("", "")
    claimed = tx.session.get(t.Intake, (seller, reference))
    if claimed is not None:
        tx.session.delete(claimed)
    tx.audit(ENDED, by, tx.actor_kind(by), step.workflow_id, command=step.id)
    return Verdict(result="done")
