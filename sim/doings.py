"""What people and the outside do in a town: starts, commands, hints, money through a provider, stops, reports of mails.
Reaches workflows as a server lets them be reached: an ended one takes nothing, unless it is opened again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from adapters.mail.port import Message
from domain import money
from domain.delivery import MailEvent
from domain.payments import DisputeState, PaymentState
from sim.books import REFUSALS, lives
from sim.kernel import Run
from sim.people import reactions
from sim.plan import Event
from sim.resident import Resident
from sim.town import MINUTE, Town
from sim.truth import Owing

HINTS = frozenset({"books_changed", "mail_event"})
ON_CLOSED = frozenset({"credit", "refund", "note", "pay"})
"""As in workers/client.py: a run is opened for these."""


class Doings:
    def __init__(self, town: Town) -> None:
        self.town = town
        self._updates = 0
        town.arrivals, town.before_send, town.seen = self._mailed, self._before_send, self._react
        for resident in town.residents:
            begins = town.plan.start + resident.life.starts * MINUTE
            town.push(begins, self._start, resident, worker=True)
            for event in resident.life.events:
                if not event.on_send:
                    town.push(begins + event.at * MINUTE, self._play, resident, event)
        for event in town.plan.events:
            town.push(town.plan.start + event.at * MINUTE, self._stop, event)

    def _start(self, resident: Resident) -> None:
        body = dict(resident.life.request)
        if resident.life.fate == "unreadable":
            del body["lines"]
        run = resident.begin(self.town.clock, body)
        self.town.tell(resident, run, lambda at: run.start())

    def _react(self, resident: Resident) -> None:
        assert resident.account is not None
        for event in reactions(resident.life, resident.account, resident.answered):
            self.town.push(self.town.now + event.at * MINUTE, self._play, resident, event)

    def _before_send(self, resident: Resident) -> None:
        for number, event in enumerate(resident.life.events):
            if event.on_send and event.on_send <= resident.reminders and number not in resident.on_send:
                resident.on_send.add(number)
                self._outside(resident, event)

    def _play(self, resident: Resident, event: Event) -> None:
        for turn in range(event.times):
            at = self.town.now + turn * MINUTE
            if event.via == "outside":
                self.town.push(at, self._outside, resident, event)
            else:
                self.town.push(at, self._say, resident, event, worker=True)
        if event.times > 1:
            self.town.counts["fault: said twice"] += 1

    def _say(self, resident: Resident, event: Event) -> None:
        if event.what in HINTS:
            self.hint(resident, event.what)
            return
        body = self._filled(resident, event)
        if body is None:
            return
        run = self._reached(resident, event.what if event.via == "update" else "")
        if run is None:
            return
        read = resident.heard(event.what, body)
        self.town.counts[f"{event.via}s"] += 1
        if event.via == "signal":
            resident.malformed[run.run_id] += not read
            self.town.tell(resident, run, lambda at: run.signal(at, event.what, body))
            return
        self._updates += 1
        id_ = f"update-{self._updates}"
        resident.updates.append((run, id_))
        self.town.tell(resident, run, lambda at: run.update(at, id_, event.what, body))
        for number, after in resident.life.repeats:
            if number == len(resident.updates):
                then = self.town.now + after * MINUTE
                self.town.push(then, self._repeat, resident, run, id_, event.what, body, worker=True)

    def _repeat(self, resident: Resident, first: Run, id_: str, what: str, body: Any) -> None:
        """Under the same id. Within a run the server knows its Updates, and gives the first answer itself."""
        run = self._reached(resident, what)
        if run is None or run is first:
            return
        self.town.counts["fault: repeated to a later run"] += 1
        resident.repeated.append((first, run, id_))
        self.town.tell(resident, run, lambda at: run.update(at, id_, what, body))

    def _reached(self, resident: Resident, what: str) -> Run | None:
        """The open run; for an Update that closed receivables take, a new one where there is none."""
        run = resident.run
        if run is None and resident.runs and what in ON_CLOSED:
            run = self._opened(resident) if not self.town.ledger.freed(resident.id) else None
        if run is None:
            self.town.counts["said to nobody: it had ended"] += 1
        return run

    def hint(self, resident: Resident, name: str = "books_changed") -> None:
        """As `workers.client.tell`: an ended run that has something left to do is opened again."""
        run = resident.run
        if run is None:
            if not resident.runs or resident.broken or not lives(self.town.ledger.outcome(resident.id)):
                return
            run = self._opened(resident)
        self.town.tell(resident, run, lambda at: run.signal(at, name))

    def _opened(self, resident: Resident) -> Run:
        run = resident.reopen(self.town.clock)
        self.town.counts["opened again"] += 1
        self.town.tell(resident, run, lambda at: run.start())
        return run

    def _told(self, ids: tuple[str, ...], name: str = "books_changed") -> None:
        for id_ in ids:
            self.town.push(self.town.now + MINUTE, self.hint, self.town.by_id[id_], name, worker=True)

    def _start_again(self, resident: Resident) -> None:
        """Upstream starts the same again: one that runs stays as it is, a closed one too unless its name is free."""
        self.town.counts["fault: started twice"] += 1
        if resident.runs and resident.run is None and not resident.broken and self.town.ledger.freed(resident.id):
            self.town.truth.owing[resident.id] = Owing(str(resident.life.request["currency"]), resident.life.gross)
            resident.answered.clear()
            resident.renewed = True
            run = resident.begin(self.town.clock, resident.life.request)
            self.town.tell(resident, run, lambda at: run.start())

    def _outside(self, resident: Resident, event: Event) -> None:
        """Money as a provider tells of it, however often; and an assignment that is taken back."""
        if event.what == "start":
            self._start_again(resident)
            return
        owing = self.town.truth.owing[resident.id]
        if event.what == "unapply":
            taken = self.town.ledger.unapply(resident.id, self.town.clock)
            owing.settled -= taken
            self._told((resident.id,) if taken else ())
            return
        state, change = self._state(resident, event.what)
        if state is None:
            return
        try:
            told = self.town.ledger.paid(state, self.town.clock)
        except REFUSALS:
            return
        self.town.counts[f"provider: {event.what}"] += 1
        if state != resident.payment:
            resident.payment = state
            owing.settled += change
        self._told(told)

    def _state(self, resident: Resident, what: str) -> tuple[PaymentState | None, int]:
        """What the provider says of the payment from now on, and by how much more is settled."""
        account, known, at = resident.account, resident.payment, self.town.clock
        if what == "provider_paid":
            if known is not None:
                return known, 0
            if account is None or account.number is None or account.balance <= 0:
                return None, 0
            name = f"pi-{account.reference}"
            return PaymentState(
                provider="stripe", id=name, status="succeeded", currency=account.currency, amount=account.balance,
                paid=account.balance, method="card", seller=account.seller, invoice=resident.id, tried_at=at, at=at,
            ), account.balance  # fmt: skip
        if known is None:
            return None, 0
        if known.disputes:
            return known, 0
        returned = what == "provider_returned"
        taken = DisputeState(
            id=f"du-{known.id}", amount=known.paid, status="lost" if returned else "open", taken=True,
            reason="insufficient_funds" if returned else "fraudulent", at=at,
            due_by=None if returned else at + timedelta(days=7),
        )  # fmt: skip
        return replace(known, disputes=(taken,)), -known.paid

    def _stop(self, event: Event) -> None:
        """Set beside the workflows. Those of one customer hear of it; a pause of everything is for the last look."""
        town, by, customer = self.town, str(event.body["by"]), str(event.body.get("customer", ""))
        try:
            match event.what:
                case "pause_all":
                    town.ledger.pause_all(by, town.clock)
                    town.truth.paused = True
                case "resume_all":
                    town.ledger.resume_all(by, town.clock)
                    town.truth.paused = False
                case "stop_customer":
                    town.ledger.stop(customer, by, str(event.body["kind"]), town.clock)
                    town.truth.stops[customer] = str(event.body["kind"])
                case "free_customer":
                    town.ledger.free(customer, by, town.clock)
                    town.truth.stops.pop(customer, None)
        except REFUSALS:
            return
        town.counts[f"stops: {event.what}"] += 1
        theirs = [r.id for r in town.residents if not customer or r.life.request["customer"] == customer]
        if event.what != "pause_all":
            self._told(tuple(theirs))

    def _mailed(self, resident: Resident, message: Message) -> None:
        """A provider that reports says after a while what became of it."""
        if not self.town.post.reports:
            return
        resident.mails += 1
        kind = "bounced" if resident.mails in resident.life.bounces else "delivered"
        reason = "5.1.1" if kind == "bounced" else ""
        event = MailEvent(f"event-{message.key}", message.key, kind, self.town.clock, reason)
        self.town.push(self.town.now + 3 * MINUTE, self._reported, event)

    def _reported(self, event: MailEvent) -> None:
        self.town.counts[f"mail {event.type}"] += 1
        self._told(self.town.ledger.delivered(event, self.town.clock), "mail_event")

    def _filled(self, resident: Resident, event: Event) -> dict[str, Any] | None:
        """What is said, with today's amounts and dates; None when nothing is owed that could be paid."""
        account, life = resident.account, resident.life
        rest = account.balance if account is not None and account.balance > 0 else 0
        if event.what in {"pay", "plan"} and rest <= 0 and event.body.get("amount") != "$gross":
            return None
        about = rest or life.gross
        amounts = {"$rest": about, "$third": max(1, about // 3), "$half": max(1, about // 2), "$gross": life.gross,
                   "$other_half": about - max(1, about // 2), "$over": about + 1000}  # fmt: skip
        said: dict[str, Any] = _filled(event.body, self._values(life.request, amounts))
        return said

    def _values(self, request: dict[str, Any], amounts: dict[str, int]) -> dict[str, Any]:
        currency = str(request["currency"])
        amended = {**request, "notes": "as agreed by phone"}
        today = self.town.clock.date()
        days = {f"$day+{n}": (today + timedelta(days=n)).isoformat() for n in range(60)}
        shown = {name: money.show(amount, currency) for name, amount in amounts.items()}
        reference = {"$ref": str(request["reference"])}
        return {"$request": request, "$amended": amended, "$day": today.isoformat(), **days, **shown, **reference}


def _filled(value: Any, values: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, values) for item in value]
    if isinstance(value, str) and value.startswith("$"):
        if value.startswith("$ref-"):
            return values["$ref"] + value.removeprefix("$ref")
        return values[value]
    return value
