"""What must hold when a town is quiet: nothing that was accepted is lost (1), the full check of the books (2 to 8),
workflow and books agree (9), every history replays (10)."""

from __future__ import annotations

from typing import Any

from domain import lifecycle, money
from sim.breach import Breach
from sim.kernel import Run
from sim.resident import Resident
from sim.town import Town

NOWHERE = frozenset({"invalid", "draft"})


def check(town: Town) -> None:
    for resident in town.residents:
        if not resident.broken:
            _answered(town, resident)
            _repeated(town, resident)
            _agrees(town, resident)
        for run in resident.runs:
            difference = run.replayed()
            if difference is not None:
                town.complain("I10", resident.id, f"{run.run_id}: {difference}")
            run.evict()
    for told in town.ledger.breaches():
        town.breaches.append(town_breach(told))


def town_breach(told: str) -> Breach:
    invariant, _, text = told.partition(" ")
    return Breach(invariant, -1, f"verify: {text}")


def _answered(town: Town, resident: Resident) -> None:
    """Invariant 1: each Update has its answer, each command a verdict in the books, each unreadable one is counted."""
    for run, id_ in resident.updates:
        if id_ not in run.answers:
            town.complain("I1", resident.id, f"{id_} was taken by {run.run_id} and never answered")
    judged = town.ledger.commands(resident.id)
    counted = not (resident.renewed or resident.life.fate == "unreadable" or town.ledger.freed(resident.id))
    if counted and judged is not None and judged != resident.said:
        town.complain("I1", resident.id, f"{resident.said} commands were taken and {judged} judged")
    if resident.runs:
        last = resident.runs[-1]
        told = last.query("status")["malformed"]
        if told != resident.malformed[last.run_id]:
            told = f"{resident.malformed[last.run_id]} unreadable signals were taken and {told} are told of"
            town.complain("I1", resident.id, told)


def _repeated(town: Town, resident: Resident) -> None:
    """Invariant 8: whoever says the same again hears the same again. Of a request that nobody can read nothing is
    kept, neither a verdict."""
    for first, later, id_ in resident.repeated:
        if id_ not in later.answers:
            town.complain("I1", resident.id, f"{id_} was taken again by {later.run_id} and never answered")
        elif resident.life.fate != "unreadable" and _heard(first, id_) != _heard(later, id_):
            told = f"{id_} got {_heard(first, id_)} from {first.run_id} and {_heard(later, id_)} from {later.run_id}"
            town.complain("I8", resident.id, told)


def _heard(run: Run, id_: str) -> dict[str, Any] | str:
    """An answer without the state, which has gone on."""
    answer = run.answers.get(id_)
    return {k: v for k, v in answer.items() if k != "state"} if isinstance(answer, dict) else str(answer)


def _agrees(town: Town, resident: Resident) -> None:
    """Invariant 9: what the workflow shows is what the books say."""
    if not resident.runs:
        return
    shown = resident.runs[-1].query("status")
    account = town.ledger.outcome(resident.id).account
    if account is None or shown["state"] in NOWHERE:
        return
    state, balance = lifecycle.state(account, resident.runs[-1].now), money.show(account.balance, account.currency)
    if (shown["state"], shown["balance"]) != (state, balance):
        told = f"the workflow shows {shown['state']} with {shown['balance']}, the books {state} with {balance}"
        town.complain("I9", resident.id, told)
