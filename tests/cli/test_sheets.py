"""sheet, simulate --agreement, and `start` with a list of open items."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import Engine

from adapters.books import judgements
from adapters.books.tx import booking
from cli.reading import read
from schemas.request import parse_request
from schemas.steps import DraftStep
from tests.adapters.test_adopting import _pass, adopted, mode
from tests.adapters.test_credit_notes import whole
from tests.cli.conftest import Duely
from tests.story import Story

OPEN_ITEMS = Path(__file__).parents[2] / "docs" / "examples" / "open-items.csv"
NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)


def test_the_example_of_open_items_is_taken_over(seeded: Engine) -> None:
    with OPEN_ITEMS.open(encoding="utf-8", newline="") as file:
        found = list(read(file, OPEN_ITEMS.name))
    totals = {}
    for each in found:
        request = parse_request(each.body)
        story = Story(seeded, request.seller, request.reference)
        outcome = story.books.draft(DraftStep(workflow_id=story.id, now=NOW, request=request.as_json()))
        assert outcome.account is not None, outcome.problems
        totals[outcome.account.number] = outcome.account.balance
    assert totals == {"ALT-4711": 1190_00, "ALT-4712": 395_00, "ALT-4713": 83_30, "ALT-4714": 2380_00}
    assert whole(seeded) == []


def test_open_items_start_or_say_per_line_what_is_wrong(seeded_duely: Duely, tmp_path: Path) -> None:
    """Nobody answers here, so all that can be seen is that the list itself is good, and what a bad one is told."""
    assert "no Temporal server answers" in seeded_duely("start", OPEN_ITEMS).err
    bad = tmp_path / "bad.csv"
    bad.write_text(OPEN_ITEMS.read_text("utf-8").replace("adopt.due_on", "adopt.due").replace("595.00", "59x"), "utf-8")
    ended = seeded_duely("start", bad)
    assert ended.code == 1
    assert f"{bad}:2 adopt.due" in ended.err
    assert f"{bad}:3 adopt.total" in ended.err


def test_a_sheet_says_what_waits_for_approval(seeded_duely: Duely, story: Story) -> None:
    for owner in ("sam", "ana"):
        told = seeded_duely("sheet", "--seller", "demo", "--owner", owner).out
        assert "waits for approval: 1" in told
        assert f"duely approve {story.id} --by ana --subject draft" in told


def test_a_sheet_is_printed(seeded_duely: Duely, seeded: Engine) -> None:
    mode(seeded, "ask")
    nothing = seeded_duely("sheet", "--seller", "demo", "--owner", "sam", "--day", "2026-03-11")
    assert (nothing.code, nothing.out) == (0, "nothing to say to sam on 2026-03-11\n")
    _pass(adopted(seeded), 0.5)
    ended = seeded_duely("sheet", "--seller", "demo", "--owner", "sam", "--day", "2026-03-11")
    assert "waits for your release: 1" in ended.out
    assert "ALT-4711" in ended.out
    found = json.loads(seeded_duely("sheet", "--seller", "demo", "--owner", "sam", "--day", "2026-03-11", "--json").out)
    assert (found["contract"], found["asks"][0]["rung"]) == (1, "D+7")
    assert seeded_duely("sheet", "--seller", "nobody", "--owner", "sam").code == 1
    for day in ("soon", "9999-12-31", "0001-01-01"):
        wrong = seeded_duely("sheet", "--seller", "demo", "--owner", "sam", "--day", day)
        assert (wrong.code, "--day" in wrong.err) == (2, True)


def test_agreement_rung_by_rung(seeded_duely: Duely, seeded: Engine) -> None:
    assert seeded_duely("simulate").code == 2
    assert "nothing was put before a person" in seeded_duely("simulate", "--agreement").out
    mode(seeded, "ask")
    story = adopted(seeded)
    _pass(story, 0.5)
    with booking(seeded, "demo", story.now) as tx:
        judgements.give(tx, f"{story.id}/1/1/D+7", story.id, "sam", "agree")
    (found,) = json.loads(seeded_duely("simulate", "--agreement", "--json").out)
    assert (found["rung"], found["decided"], found["agreed"], found["share"]) == ("D+7", 1, 1, "100.0")
    assert found["missing"].startswith("49 more decisions")
    ended = seeded_duely("simulate", "--agreement", "--seller", "demo", "--least", "1", "--bound", "20")
    assert "enough" in ended.out
    assert seeded_duely("simulate", "--agreement", "--bound", "100").code == 2
    assert json.loads(seeded_duely("simulate", "--agreement", "--since", str(date.max), "--json").out) == []
