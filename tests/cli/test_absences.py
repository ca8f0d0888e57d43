"""`duely absent`: away, and back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tests.cli.conftest import Duely

UNTIL = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()


def test_away_and_back(seeded_duely: Duely) -> None:
    said = seeded_duely("absent", "ana", "--until", UNTIL, "--delegate", "ben", "--by", "ana")
    assert (said.code, said.out) == (0, f"ana is away until {UNTIL}\n")
    back = seeded_duely("absent", "ana", "--back", "--by", "ben", "--json")
    assert (back.code, json.loads(back.out)["absent"]) == (0, False)
    again = seeded_duely("absent", "ana", "--back", "--by", "ben")
    assert (again.code, again.err) == (1, "ana is not away\n")


def test_what_is_missing_or_wrong_is_named(seeded_duely: Duely) -> None:
    assert seeded_duely("absent", "ana", "--by", "ana").err == "--until: is needed, or --back\n"
    wrong = seeded_duely("absent", "ana", "--until", "soon", "--by", "ana")
    assert (wrong.code, wrong.err.startswith("--until: must be a date as YYYY-MM-DD")) == (2, True)
    both = seeded_duely("absent", "ana", "--until", UNTIL, "--back", "--by", "ana")
    assert (both.code, both.err) == (2, "--back: goes with no days and no delegate\n")
    other = seeded_duely("absent", "ana", "--until", UNTIL, "--by", "sam")
    assert (other.code, other.err) == (1, "sam may not: ana says so, or a controller\n")
