"""I10: the commands that a fresh life gives today are those in `tests/golden/commands.txt`, a workflow task a line.

A change of them may be right, but never unawares: open receivables replay on the same code. The file is written anew
together with golden histories, by DUELY_TEST_GOLDEN=<name>.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from schemas.incoming import PAGE, Booked, EventHint, FileHint, file_workflow_id
from sim.kernel import CONVERTER, Run
from tests.conftest import Databases
from tests.workflows import commands, golden
from tests.workflows.endings import ENDINGS
from tests.workflows.stage import START, Stage, opened_stage, played
from workflows.archive import ArchiveReading
from workflows.bank_file import BankFile
from workflows.payment_event import PaymentEvent
from workflows.sheets import Sheets
from workflows.sweep import PaymentSweep

PATH = golden.FOLDER / "commands.txt"
HEAD = "# The commands of a fresh life, a workflow task a line. Written by tests/workflows/test_fingerprints.py.\n"
ADVICE = """
I10 Replay: {name} gives other commands than before, so receivables that are open now would not replay.
{difference}
Reproduce:  .venv/bin/python -m pytest tests/workflows/test_fingerprints.py -k {name}
What to do (docs/changing-workflows.md):
  1. Not meant? Undo it. A rule that only decides differently belongs to domain/ or adapters/.
  2. Meant? Put the new order behind `if workflow.patched("what-changed"):` and keep the old one in `else:`, until
     `.venv/bin/python -m pytest tests/workflows/test_golden.py` is green.
  3. Record both anew; old histories stay, and so does the old branch until no open history needs it:
     DUELY_TEST_GOLDEN=<name> .venv/bin/python -m pytest tests/workflows/test_endings.py \\
         tests/workflows/test_fingerprints.py"""

FRESH = ("adopted", "cancelled_before_issue", "collections_paid", "invalid_then_amended", "invalid_then_cancelled",
         "nothing_to_pay", "paid", "paid_after_dunning", "promise_broken", "reassigned_and_extended",
         "rejected_then_cancelled", "signalled", "written_off")  # fmt: skip
"""Between them the loop goes every way; the other endings differ in what is decided, not in what is commanded."""

HINT = EventHint(provider="stripe", id="evt_1", type="payment_intent.succeeded", object="pi_1")
FILE = FileHint(seller="demo", object=f"sha256:{'1' * 64}", format="mt940")
TOLD = Booked(outcome="booked", told=("invoice-demo-1",))
NOTHING = Booked(outcome="nothing")
SIBLINGS: dict[str, tuple[type, str, tuple[Any, ...], dict[str, list[Any]]]] = {
    "payment_event": (PaymentEvent, "payment-stripe-evt_1", (HINT,), {"payment_event": [TOLD], "tell": [None]}),
    "payment_event_unreadable": (PaymentEvent, "payment-odd", ({"id": 5},), {}),
    "payment_sweep_events": (PaymentSweep, "sweep", ("events",), {
        "lost_events": [[]], "source_read": [["invoice-demo-1"]], "tell": [None]}),
    "payment_sweep_in_pages": (PaymentSweep, "sweep", ("events",), {
        "lost_events": [[]], "source_read": [[f"invoice-demo-{n}" for n in range(PAGE)], ["invoice-demo-more"]],
        "tell": [None, None]}),
    "payment_sweep_lost": (PaymentSweep, "sweep", ("events",), {
        "lost_events": [[HINT, HINT]], "payment_event": [TOLD, NOTHING], "tell": [None]}),
    "payment_sweep_balance": (PaymentSweep, "sweep", ("balance",), {"reconcile": [TOLD], "tell": [None]}),
    "bank_file": (BankFile, file_workflow_id(FILE), (FILE,), {
        "read_statement": [NOTHING], "book_statement": [replace(TOLD, more=True), NOTHING], "tell": [None]}),
    "bank_file_refused": (BankFile, "bank-other", (FILE,), {}),
    "archive_reading": (ArchiveReading, "archive", (), {"reread": [NOTHING]}),
    "sheets": (Sheets, "sheets", (), {"sheets": [NOTHING]}),
}  # fmt: skip
"""What each is started with, and what its steps answer in turn."""


@pytest.fixture(scope="module")
def theatre(sqlite_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with opened_stage(sqlite_databases, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


def lines_of(run: Run) -> list[str]:
    """A line for each task that asked the server for something."""
    accepted: set[str] = set()
    tasks = [
        [commands.line_of(WorkflowCommand.FromString(each), accepted) for each in given] for _, given in run.script
    ]
    return [", ".join(named) for task in tasks if (named := [line for line in task if line])]


def known() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in PATH.read_text(encoding="utf-8").splitlines() if PATH.exists() else []:
        if line.startswith("  "):
            found[next(reversed(found))].append(line.strip())
        elif line and not line.startswith("#"):
            found[line] = []
    return found


def compare(name: str, lines: list[str]) -> None:
    if os.environ.get("DUELY_TEST_GOLDEN"):
        every = known() | {name: lines}
        body = "".join(f"\n{key}\n" + "".join(f"  {line}\n" for line in every[key]) for key in sorted(every))
        PATH.write_text(HEAD + body, encoding="utf-8")
    elif parted := commands.difference(known().get(name, []), lines, (f"before: {PATH.name}", "now")):
        pytest.fail(ADVICE.format(name=name, difference=parted), pytrace=False)


@pytest.mark.parametrize("name", FRESH)
def test_a_receivable(theatre: Stage, name: str) -> None:
    run = played(ENDINGS[name](theatre)).run
    compare(name, lines_of(run))
    assert run.replayed() is None, f"I10 Replay: {name} does not replay to its own commands"


@pytest.mark.parametrize("name", SIBLINGS)
def test_a_sibling(name: str) -> None:
    kind, id_, given, answers = SIBLINGS[name]
    run = Run(kind, id_, "run", START, tuple(CONVERTER.to_payloads(given)))
    run.start()
    while run.calls:
        seq, call = next(iter(run.calls.items()))
        run.resolve(run.now + timedelta(seconds=1), seq, CONVERTER.to_payloads([answers[call.name].pop(0)])[0])
    assert run.end is not None
    assert not any(answers.values()), f"{name}: {answers} was not asked for"
    compare(name, lines_of(run))
    assert run.replayed() is None, f"I10 Replay: {name} does not replay to its own commands"
