"""The list of mutants is kept up to date with the code, and its runner works. All of them: `make mutants`."""

from __future__ import annotations

import pytest
from rich.console import Console

from tests import invariants
from tests.mutants.__main__ import ROOT, Mutant, Verdict, judged, mutants

FAST = ("dispute_chased", "beyond_the_receipt")


@pytest.mark.parametrize("mutant", mutants(), ids=lambda mutant: mutant.name)
def test_each_can_be_planted_and_its_check_holds_its_invariant(mutant: Mutant) -> None:
    source = (ROOT / mutant.file).read_text("utf-8")
    assert mutant.planted(source) != source
    held = invariants.held_by(mutant.check)
    assert any(title.startswith(f"{mutant.invariant} ") for title in held), (
        f"docs/invariants.md: {mutant.check}: {held}"
    )


def test_each_invariant_has_one() -> None:
    assert {mutant.invariant for mutant in mutants()} == {f"I{number}" for number in range(1, 11)}


def test_some_are_caught_and_the_invariant_is_named() -> None:
    chosen = [mutant for mutant in mutants() if mutant.name in FAST]
    harmless = Mutant("harmless", "I7", chosen[0].file, chosen[0].old, chosen[0].old, chosen[0].check)
    found = {mutant.name: verdict for mutant, verdict in judged([*chosen, harmless], Console(quiet=True))}
    assert {name: verdict.caught for name, verdict in found.items()} == {**dict.fromkeys(FAST, True), "harmless": False}
    assert isinstance(found["harmless"], Verdict)
    assert found["harmless"].said == "survives"
