"""The books in memory as the workflow's activities use them: the methods of `adapters.books.books.Books`, each from a
step to what the books then say; and the same few beside the workflow (money, sources, stops).

Left out, and refused where somebody asks for it: prepayments, invoices issued elsewhere, files, signed links, pages
to pay on, refunds through a provider, disputes that are won there, changes of contact, replies by mail. No wall clock
is read: a lease counts on `technical`, the clock of whoever plays, else on the step's `now`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import date, datetime

from adapters.books.checks.finding import Breach
from adapters.books.messages import Claimed
from adapters.books.papers import Filed
from domain import roles
from domain.account import Hold
from domain.delivery import MailEvent
from domain.errors import Invalid, NotFound, Problem, Refused
from domain.keys import parse_workflow_id
from domain.payments import PaymentState
from schemas import commands as c
from schemas.request import is_content, parse_request
from schemas.steps import Answer, CommandStep, DraftStep, Outcome, SendStep, Step, Verdict
from sim.memory import bank, checks, commands, drafting, messages, outcomes, provider, stops
from sim.memory.money import Incoming
from sim.memory.rows import House, Kept, Letter, Receivable
from sim.memory.settle import settle
from sim.memory.tx import SYSTEM, Tx

NOTHING = Outcome(account=None, policy=None)
UNREAD = Verdict(result="refused", reason="the request cannot be read; amend or cancel it")


class Books(Kept):
    """Many receivables of many sellers. `idempotent`: whether the mail adapter itself holds a second message under the
    same key back, `reports` whether what became of one is reported later."""

    def draft(self, step: DraftStep) -> Outcome:
        """Drafts the request, or loads what these books already hold under the workflow's id."""
        parsed = parse_workflow_id(step.workflow_id)
        if parsed is None:
            return problem("reference", "the workflow id must be invoice-{seller}-{reference}")
        try:
            tx = self._tx(parsed[0], step)
            row = tx.house.rows.get(step.workflow_id)
            if row is None or row.freed or _amends(step, row):
                if step.request is None:
                    return problem("reference", f"{parsed[1]} is not in the books of {parsed[0]}")
                if step.by:
                    roles.check("amend", step.by, tx.person(step.by), True)
                if step.by and row is not None and row.number is not None:
                    return problem("reference", f"{row.number} is issued; credit it and send a new one")
                row = drafting.draft(tx, step.workflow_id, parse_request(step.request), step.by)
            return replace(self._rest(tx, row), metadata=row.metadata)
        except NotFound as error:
            return problem("seller", str(error))
        except Refused as error:
            return problem("by", str(error))
        except Invalid as error:
            return Outcome(account=None, policy=None, problems=error.problems)

    def command(self, step: CommandStep) -> Answer:
        """Judges and carries out one command, once however often its step is repeated."""
        said = c.parse_command(step.name, (step.payload,))
        parsed = parse_workflow_id(step.workflow_id)
        if parsed is None or parsed[0] not in self.parties.sellers:
            return Answer(verdict=Verdict(result="done") if said.name == "cancel" else UNREAD, outcome=NOTHING)
        tx = self._tx(parsed[0], step)
        row = tx.house.rows.get(step.workflow_id)
        known = row.verdicts.get(step.id) if row is not None else None
        if row is None or (row.freed and known is None):
            return Answer(verdict=_without_row(tx, step, said), outcome=NOTHING)
        new = known is None and not _ended(tx, step)
        if known is None:
            known = commands.judge(tx, row, said) if new else Verdict(result="done")
            row.verdicts[step.id] = known
        outcome = self._rest(tx, row)
        if said.name == "amend":
            outcome = replace(outcome, metadata=row.metadata)
        if new and step.interrupts and outcome.account is not None and outcome.action is not None:
            messages.interrupted(tx, row, outcome.account, step.interrupts, outcome.action)
        return Answer(verdict=known, outcome=outcome)

    def look(self, step: Step) -> Outcome:
        """Reads the books and settles what time alone has changed."""
        return self._step(step, lambda tx, row: None)

    def claim(self, step: SendStep) -> tuple[Claimed | None, Outcome]:
        """The right to send, taken together with the last look."""
        claimed: list[Claimed | None] = []
        outcome = self._step(step, lambda tx, row: claimed.append(messages.claim(tx, row, step.key)))
        return claimed[0] if claimed else None, outcome

    def confirm(self, step: SendStep, claimed: Claimed, provider_id: str, filed: Filed | None) -> Outcome:
        return self._step(step, lambda tx, row: outcomes.confirm(tx, row, claimed, filed, self.reports))

    def give_back(self, step: SendStep) -> None:
        self._step(step, lambda tx, row: outcomes.give_back(tx, row, step.key))

    def refuse(self, step: SendStep, reason: str) -> Outcome:
        return self._step(step, lambda tx, row: outcomes.refuse(tx, row, step.key, reason))

    def park(self, step: SendStep, filed: Filed | None = None) -> Outcome:
        return self._step(step, lambda tx, row: outcomes.park(tx, row, step.key, filed))

    def withhold(self, step: SendStep) -> Outcome:
        return self._step(step, lambda tx, row: outcomes.unwanted(tx, row, step.key))

    def release(self, step: SendStep) -> Outcome:
        return self._step(step, lambda tx, row: outcomes.retry_later(tx, row, step.key, step.failure))

    def reading(self) -> AbstractContextManager[Books]:
        """Themselves, for whoever composes a message."""
        return nullcontext(self)

    def letter(self, key: str) -> tuple[Receivable, Letter] | None:
        """The letter of that key, and whose it is."""
        row = self.row(key.partition("/")[0])
        return (row, row.letters[key]) if row is not None and key in row.letters else None

    def outcome(self, workflow_id: str) -> Outcome:
        """What the books say, without changing them."""
        row = self.row(workflow_id)
        return NOTHING if row is None else checks.seen(Tx(self, self.houses[row.seller.key], row.updated_at), row)

    def receive(
        self, seller: str, told: Incoming, parts: Mapping[str, int], now: datetime, kept: int = 0
    ) -> tuple[str, ...]:
        """`bank.receive`; the workflows of those that it answers are to be told."""
        with self._beside(seller, now) as tx:
            return bank.receive(tx, told, parts, kept)

    def receive_unknown(self, seller: str, told: Incoming, maybe: frozenset[str], now: datetime) -> int | None:
        """`bank.receive_unknown`: the receipt's id, None when it is booked already."""
        with self._beside(seller, now) as tx:
            receipt = bank.receive_unknown(tx, told, maybe)
            return receipt.id if receipt is not None else None

    def apply(self, seller: str, receipt: int, ids: Sequence[str], by: str, now: datetime, reason: str = "") -> None:
        with self._beside(seller, now) as tx:
            bank.apply(tx, bank.receipt_of(tx, receipt), ids, by, reason)

    def returned(
        self, seller: str, receipt: int, external_id: str, amount: int, on: date, code: str, now: datetime,
        fee: int = 0,
    ) -> list[str]:  # fmt: skip
        with self._beside(seller, now) as tx:
            return bank.returned(tx, bank.receipt_of(tx, receipt), external_id, amount, on, code, fee)

    def paid(self, state: PaymentState, now: datetime) -> tuple[str, ...]:
        """`provider.paid`. NotFound when the payment names no receivable of these books."""
        row = self.row(state.invoice)
        if row is None:
            raise NotFound(f"payment {state.id} names {state.invoice}, which is not in the books")
        with self._beside(row.seller.key, now) as tx:
            return provider.paid(tx, row, state)

    def unapply(self, workflow_id: str, by: str, reason: str, now: datetime) -> int:
        row = self.row(workflow_id)
        if row is None:
            raise NotFound(f"there is no invoice {workflow_id}")
        with self._beside(row.seller.key, now) as tx:
            return bank.unapply(tx, row, by, reason)

    def delivered(self, events: Sequence[MailEvent], now: datetime) -> tuple[str, ...]:
        """What a mail provider reports, each event once. Answers the receivables whose workflows are to be told."""
        theirs: dict[str, list[MailEvent]] = {}
        for event in events:
            theirs.setdefault(event.key.partition("/")[0], []).append(event)
        told = []
        for id_, found in sorted(theirs.items()):
            row = self.row(id_)
            if row is not None and not row.freed:
                with self._beside(row.seller.key, now) as tx:
                    told += [id_] if outcomes.delivered(tx, row, found) else []
        return tuple(told)

    def source_read(self, seller: str, source: str, through: date, read_at: datetime, now: datetime) -> tuple[str, ...]:
        with self._beside(seller, now) as tx:
            return bank.source_read(tx, source, through, read_at)

    def stop(self, seller: str, customer: str | None, said: c.Command, now: datetime) -> str:
        """hold, release or note on a customer, or on the whole seller; answers `held` or `free`."""
        with self._beside(seller, now) as tx:
            stored = tx.seller.customers.get(customer) if customer is not None else None
            if customer is not None and stored is None:
                raise NotFound(f"{seller} has no stored customer {customer}")
            roles.check(said.name, said.by, tx.person(said.by), before_issue=False)
            zone = stored.timezone if stored is not None and stored.timezone else tx.seller.facts.timezone
            return stops.command(tx, customer, said, zone)

    def pause_all(self, by: str, reason: str, now: datetime) -> None:
        roles.check("hold", by, self.parties.people.get(by), False)
        if self.stops:
            raise Refused("everything is paused already; `duely resume-all` lifts it")
        self.stops.append(Hold(scope="all", by=by, reason=reason, until=None, ref=self.next_stop()))
        for house in self.houses.values():
            Tx(self, house, now).audit("stop.set", by, scope="all")

    def resume_all(self, by: str, now: datetime) -> None:
        roles.check("release", by, self.parties.people.get(by), False)
        if not self.stops:
            raise Refused("nothing is paused")
        self.stops.clear()
        for house in self.houses.values():
            Tx(self, house, now).audit("stop.lifted", by, scope="all")

    def check(self) -> list[Breach]:
        """Invariants 2 and 4 to 8 on all that is kept, and what the steps found before."""
        return [*self.breaches, *checks.everything(self)]

    def _step(self, step: Step, act: Callable[[Tx, Receivable], object]) -> Outcome:
        row = self.row(step.workflow_id)
        if row is None or row.freed:
            return NOTHING
        tx = self._tx(row.seller.key, step)
        act(tx, row)
        return self._rest(tx, row)

    def _rest(self, tx: Tx, row: Receivable) -> Outcome:
        outcome = settle(tx, row)
        self.breaches += checks.touched(tx, row, outcome)
        return outcome

    @contextmanager
    def _beside(self, seller: str, now: datetime) -> Iterator[Tx]:
        """A change that no workflow makes; what it moved is looked at as after a step."""
        tx = Tx(self, self._house(seller), now)
        yield tx
        self.breaches += checks.receipts(self)

    def _tx(self, seller: str, step: Step) -> Tx:
        tx = Tx(self, self._house(seller), step.now)
        for note in step.notes:
            about = {"command": note.command, "problem": tx.text(note.problem), "seen": note.at.isoformat()}
            tx.audit("command.malformed", SYSTEM, tx.house.rows.get(step.workflow_id), **about)
        return tx

    def _house(self, seller: str) -> House:
        if seller not in self.houses:
            if seller not in self.parties.sellers:
                raise NotFound(f"there is no seller {seller}; `duely seed FILE` loads one")
            self.houses[seller] = House(self.parties.sellers[seller])
        return self.houses[seller]

    def row(self, workflow_id: str) -> Receivable | None:
        parsed = parse_workflow_id(workflow_id)
        house = self.houses.get(parsed[0]) if parsed is not None else None
        return house.rows.get(workflow_id) if house is not None else None


def problem(path: str, message: str) -> Outcome:
    return Outcome(account=None, policy=None, problems=(Problem(path, message),))


def _amends(step: DraftStep, row: Receivable) -> bool:
    """Whether somebody sends other content than is held; a repeat of the step finds its own."""
    return bool(step.by) and (step.request is None or not is_content(parse_request(step.request), row.request_hash))


def _ended(tx: Tx, step: CommandStep) -> bool:
    """Whether this very command has ended a run that had drafted nothing. Who took the reference since is not meant."""
    told = (entry.keys.get("command") for entry in tx.house.chain if entry.type == "invoice.cancelled")
    return step.name == "cancel" and step.id in told


def _without_row(tx: Tx, step: CommandStep, said: c.Command) -> Verdict:
    """A receivable that was never drafted can only be cancelled."""
    if _ended(tx, step):
        return Verdict(result="done")
    if said.name != "cancel":
        return UNREAD
    try:
        roles.check("cancel", said.by, tx.person(said.by), True)
    except Refused as error:
        return Verdict(result="refused", reason=str(error))
    parsed = parse_workflow_id(step.workflow_id) or ("", "")
    tx.house.intake.pop(parsed[1], None)
    tx.audit("invoice.cancelled", said.by, command=step.id)
    return Verdict(result="done")
