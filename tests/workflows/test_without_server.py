"""The workflow on the simulator's kernel: what a server only shows by chance, at every place and within seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from temporalio.bridge.proto.workflow_activation import SignalWorkflow, WorkflowActivation, WorkflowActivationJob

from domain.status import status
from schemas.commands import COMMANDS, EXAMPLES
from schemas.incoming import Checkout
from schemas.steps import CommandStep
from sim.kernel import CONVERTER, Run
from tests.conftest import Databases
from tests.workflows import endings, malformed
from tests.workflows.life import request
from tests.workflows.stage import START, Acted, Stage, opened_stage, played
from workflows.bank_file import BankFile
from workflows.invoice import REOPEN


@pytest.fixture(scope="module")
def theatre(sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with opened_stage(sqlite_databases, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture
def life(theatre: Stage) -> Acted:
    found: Acted = played(theatre.issued("1000.00", terms="net 14"))
    return found


def test_no_signal_stops_a_receivable_and_each_is_in_the_audit(life: Acted) -> None:
    sent = [(name, body) for name in COMMANDS for body in malformed.BODIES.values()]
    for name, body in sent:
        life.run.signal(life.run.now, name, *body)
    life.settle()
    assert played(life.status())["malformed"] == len(sent)
    assert sum(int(entry.keys.get("count", "1")) for entry in life.audited("command.malformed")) == len(sent)
    assert played(life.do("note", by="ana", text="still here"))["result"] == "done"


class Hasty(Run):
    """The server wants a fresh run at every task."""

    def _activation(self, at: Any, *jobs: WorkflowActivationJob) -> WorkflowActivation:
        told = super()._activation(at, *jobs)
        told.continue_as_new_suggested = True
        return told


@pytest.mark.parametrize("how", ["signal", "update"])
def test_a_command_that_crosses_a_continuation_is_answered(theatre: Stage, life: Acted, how: str) -> None:
    """The second comes while the first is judged."""
    payloads = CONVERTER.to_payloads([CARRIED])
    run = Hasty(life.run.kind, life.id, "again", life.run.now, tuple(payloads), continued="before")
    again = Acted(life.handle, life.client, life.skipper, life.engine, life.outbox, run=run, theatre=theatre.theatre)
    run.start()
    run.update(run.now, "first", "note", {"by": "ana", "text": "first"})
    if how == "signal":
        run.signal(run.now, "note", {"by": "ana", "text": "second"})
    else:
        run.update(run.now, "second", "note", {"by": "ana", "text": "second"})
    again.settle()
    assert len(again.audited("invoice.noted")) == 2
    assert {"first", *(["second"] if how == "update" else [])} == set(run.answers)


CARRIED = {"problems": [], "refusals": [], "malformed": 0}
NEARLY_CARRIED = [
    (), (None,), ({},), (CARRIED, CARRIED), ({**CARRIED, "more": 1},), ({**CARRIED, "problems": [["a"]]},),
    ({**CARRIED, "problems": [[1, 2]]},), ({**CARRIED, "refusals": [{}]},), ({**CARRIED, "malformed": True},),
    ({**CARRIED, "malformed": -1},),
]  # fmt: skip


@pytest.mark.parametrize("given", NEARLY_CARRIED, ids=range(len(NEARLY_CARRIED)))
def test_what_follows_a_run_without_what_is_carried_is_a_start(life: Acted, given: tuple[Any, ...]) -> None:
    """A cron schedule repeats whatever it was given; what is not a request says so."""
    run = Run(life.run.kind, life.id, "again", life.run.now, tuple(CONVERTER.to_payloads(given)), continued="before")
    run.start()
    assert run.query("status")["state"] == "invalid"
    assert run.query("status")["problems"] != []


@pytest.mark.parametrize("more", [(), (5,), (5, None), (True, ""), (-2, ""), (2**40, ""), (5, "\0"), (5, "", "")])
def test_a_bank_file_that_follows_without_what_is_carried_is_a_start(more: tuple[Any, ...]) -> None:
    file = {"seller": "demo", "object": f"sha256:{'1' * 64}", "format": "mt940"}
    given = tuple(CONVERTER.to_payloads((file, *more)))
    run = Run(BankFile, f"bank-demo-{'1' * 64}", "again", START, given, continued="before")
    run.start()
    if more:
        assert run.query("status")["outcome"] == "refused: unreadable"
    else:
        assert [call.name for call in run.calls.values()] == ["read_statement"]


class Crossing(Run):
    """A command reaches the server together with the answer of a `send`: one workflow task has both."""

    crosses = False

    def _activation(self, at: Any, *jobs: WorkflowActivationJob) -> WorkflowActivation:
        told = super()._activation(at, *jobs)
        if self.crosses and any(job.HasField("resolve_activity") for job in jobs):
            self.crosses = False
            said = SignalWorkflow(signal_name="note", input=CONVERTER.to_payloads([{"by": "ana", "text": "hello"}]))
            told.jobs.insert(0, WorkflowActivationJob(signal_workflow=said))
        return told


def test_a_command_that_crosses_the_answer_of_a_send_loses_neither(theatre: Stage) -> None:
    life: Acted = played(theatre.start("1000.00"))
    run = Crossing(life.run.kind, life.id, "crossing", life.run.now, tuple(CONVERTER.to_payloads([REOPEN])))
    again = Acted(life.handle, life.client, life.skipper, life.engine, life.outbox, run=run, theatre=theatre.theatre)
    run.start()
    again.settle()
    run.update(run.now, "approve", "approve", {"by": "ana"})
    while "send" not in {call.name for call in run.calls.values()}:
        seq, call = next(iter(run.calls.items()))
        run.resolve(run.now, seq, theatre.theatre.act(call))
    run.crosses = True
    again.settle()
    assert run.unwanted
    assert len(again.mails("invoice")) == len(again.audited("invoice.noted")) == 1
    assert run.replayed() is None


@pytest.mark.parametrize("name", ["disputed_then_paid", "invalid_then_amended"])
def test_the_workflow_says_what_the_books_say(theatre: Stage, name: str) -> None:
    life = played(endings.ENDINGS[name](theatre))
    agree(life, theatre)


def test_what_another_program_books_is_known_after_the_hint(theatre: Stage, life: Acted) -> None:
    told = {"by": "ben", "amount": "1190.00", "received_on": START.date().isoformat(), "method": "cash"}
    step = CommandStep(
        workflow_id=life.id, now=life.run.now, id="beside", name="pay", payload={**told, "external_id": "beside"}
    )
    assert theatre.theatre.sender.books.command(step).verdict.result == "done"
    life.run.signal(life.run.now, "books_changed")
    life.settle()
    agree(life, theatre)
    assert played(life.result())["state"] == "paid"


def test_what_upstream_keeps_with_it_is_echoed_over_amendments_and_runs(theatre: Stage) -> None:
    life: Acted = played(theatre.start("1000.00", metadata={"crm_id": "4711"}))
    assert played(life.status())["metadata"] == {"crm_id": "4711"}
    played(life.do("note", by="ana", text="keeps it"))
    assert played(life.status())["metadata"] == {"crm_id": "4711"}
    seller = life.id.split("-")[1]
    played(life.do("amend", by="crm", request=request(seller, "ORD-1", metadata={"crm_id": "4712", "lot": "7"})))
    agree(life, theatre)
    run = Run(life.run.kind, life.id, "again", life.run.now, tuple(CONVERTER.to_payloads([REOPEN])))
    again = Acted(life.handle, life.client, life.skipper, life.engine, life.outbox, run=run, theatre=theatre.theatre)
    run.start()
    again.settle()
    assert played(again.status())["metadata"] == {"crm_id": "4712", "lot": "7"}
    played(again.do("amend", by="crm", request=request(seller, "ORD-1")))
    assert played(again.status())["metadata"] == {}


def at_the_till(life: Acted) -> None:
    """The customer's page takes its time; meanwhile all else that is asked for is done."""
    while seqs := [seq for seq, call in life.run.calls.items() if call.name != "checkout"]:
        life.run.resolve(life.run.now, seqs[0], life.theatre.act(life.run.calls[seqs[0]]))


def paid_at_the_till(theatre: Stage, life: Acted) -> None:
    """A run that would have ended, but for the checkout that is at work."""
    life.run.update(life.run.now, "checkout", "checkout", {})
    told = {"by": "ben", "amount": "1190.00", "received_on": START.date().isoformat(), "method": "cash"}
    step = CommandStep(
        workflow_id=life.id, now=life.run.now, id="beside", name="pay", payload={**told, "external_id": life.id}
    )
    assert theatre.theatre.sender.books.command(step).verdict.result == "done"
    life.run.signal(life.run.now, "books_changed")
    at_the_till(life)
    assert played(life.status())["state"] == "paid"
    assert life.run.end is None


def leaves_the_till(life: Acted) -> None:
    ((seq, _),) = life.run.calls.items()
    life.run.resolve(life.run.now, seq, CONVERTER.to_payloads([Checkout(state="nothing_owed")])[0])


def test_what_is_taken_back_while_a_customer_is_at_the_till_is_owed_again(theatre: Stage, life: Acted) -> None:
    paid_at_the_till(theatre, life)
    played(endings.take_back(life))
    life.run.signal(life.run.now, "books_changed")
    at_the_till(life)
    leaves_the_till(life)
    assert life.run.end is None
    agree(life, theatre)
    assert life.run.replayed() is None
    played(endings.pay(life))
    assert played(life.result())["state"] == "paid"


@pytest.mark.parametrize("name", ["credit", "note"])
def test_a_command_while_a_customer_is_at_the_till_is_carried_out_to_its_end(
    theatre: Stage, life: Acted, name: str
) -> None:
    """The credit note leaves before the run does, and what could not be read is in the audit."""
    paid_at_the_till(theatre, life)
    if name == "credit":
        life.run.update(life.run.now, name, name, {"by": "ben", "amount": "100.00", "reason": "goodwill"})
    else:
        life.run.signal(life.run.now, name, {"text": "no by"})
    at_the_till(life)
    leaves_the_till(life)
    assert played(life.result())["state"] == "paid"
    agree(life, theatre)
    assert len(life.mails("credit_note")) == (name == "credit")
    assert len(life.audited("command.malformed")) == (name == "note")
    assert life.run.replayed() is None


def test_a_run_that_hears_nothing_at_the_till_has_no_marker(theatre: Stage, life: Acted) -> None:
    paid_at_the_till(theatre, life)
    leaves_the_till(life)
    assert played(life.result())["state"] == "paid"
    assert life.run.patches == {}


def agree(life: Acted, theatre: Stage) -> None:
    """I9: the workflow and the database tell the same."""
    books = theatre.theatre.sender.books.outcome(life.id)
    told = status(
        books.account, books.policy, books.action, life.run.now, life.id, (), EXAMPLES, metadata=books.metadata
    )
    said = played(life.status())
    assert {key: said[key] for key in told if key != "commands"} == {
        key: each for key, each in told.items() if key != "commands"
    }
