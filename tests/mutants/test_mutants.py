"""The list of mutants is kept up to date with the code, and its runner works. All of them: `make mutants`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import invariants
from tests.mutants.__main__ import ROOT, Mutant, copied, mutants, tried


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


def test_one_is_caught_and_the_invariant_is_named(tmp_path: Path) -> None:
    """Its check, which is green without it, fails and says what is broken."""
    copied(tmp_path)
    planted = next(mutant for mutant in mutants() if mutant.name == "dispute_chased")
    caught, survived = (tried(each, tmp_path) for each in (planted, replace(planted, new=planted.old)))
    assert (caught.caught, caught.said) == (True, "breaks I3 A last look in every attempt")
    assert (survived.caught, survived.said) == (False, "survives")
