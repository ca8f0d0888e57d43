"""simulate --policy … --ledger …: facts of two policies side by side, a page, and what is wrong with a ledger."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Duely

PAST = Path(__file__).parents[2] / "docs" / "examples" / "past.csv"
TWO = ("simulate", "--policy", "standard", "--policy", "gentle", "--ledger")


def test_two_policies_side_by_side(seeded_duely: Duely, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    ended = seeded_duely(*TWO, PAST, "--plot", page, "--json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    standard, gentle = told["policies"]
    assert told["model"]["name"] == "first-reminder"
    assert (standard["policy"], gentle["policy"]) == ("standard", "gentle")
    assert standard["sent"]["reminder D-3"] == standard["reminded"] == 5
    assert "reminder D-3" not in gentle["sent"]
    assert standard["sent"]["invoice"] == gentle["sent"]["invoice"] == 5
    assert standard["exceptions"]["last_rung"] == 1  # the one that nobody ever paid
    assert {way["dso"] for way in standard["money"]["EUR"]} == {"79.8"}  # the recorded one moves nothing
    assert all(way["never_paid"] == "2500.00" for each in told["policies"] for way in each["money"]["EUR"])
    shown = page.read_text(encoding="utf-8")
    assert shown.count("<polyline") == 2
    assert "<script" not in shown


def test_a_policy_of_a_file_and_what_is_wrong(
    seeded_duely: Duely, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.toml").write_text('[mine]\n[[mine.ladder]]\nat = "D+10"\ntemplate = "reminder"\ntone = "friendly"\n')
    Path("past.csv").write_text("\n".join(PAST.read_text().splitlines()[:3]) + "\n")
    ended = seeded_duely("simulate", "--policy", "mine.toml", "--ledger", "past.csv")
    assert ended.code == 0, ended.err
    assert "reminder D+10" in ended.out

    Path("past.csv").write_text(PAST.read_text().replace("2026-02-11", "11.02.2026"))
    ended = seeded_duely(*TWO, "past.csv")
    assert (ended.code, ended.err.strip()) == (2, "rows[3].due_on: must be a day such as 2026-03-10")
    ended = seeded_duely("simulate", "--policy", "nobodys", "--ledger", "past.csv")
    assert ended.code == 1
    assert "known are" in ended.err
    assert seeded_duely(*TWO, "gone.csv").code == 2
    ended = seeded_duely(*TWO, "past.csv", "--plot", "none/page.html")
    assert (ended.code, "none is not a folder" in ended.err) == (2, True)
    assert seeded_duely("simulate", "--policy", "standard").code == 2
