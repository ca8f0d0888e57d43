from __future__ import annotations

import io
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from adapters.books import intake
from cli.output import age, when
from domain.errors import Conflict, NotFound
from schemas import tables as t
from schemas.request import parse_request
from tests.cli.conftest import CONTENT, Duely
from tests.story import Story

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)


def lines(path: Path, *bodies: object) -> Path:
    path.write_text("".join(f"{json.dumps(body)}\n" for body in bodies), encoding="utf-8")
    return path


def test_the_first_content_under_a_reference_owns_it(seeded: Engine) -> None:
    request = parse_request(CONTENT)
    assert intake.claim(seeded, request, NOW).new
    again = intake.claim(seeded, request, NOW)
    assert (again.new, again.drafted, again.closed) == (False, False, False)
    assert not intake.claim(seeded, parse_request({**CONTENT, "created_by": "sam"}), NOW).new  # through another channel
    other = parse_request({**CONTENT, "purchase_order": "4711"})
    with pytest.raises(Conflict, match="reference ORD-1 of demo was used before with other content"):
        intake.claim(seeded, other, NOW)
    with pytest.raises(Conflict):
        intake.check(seeded, other)
    with Session(seeded) as session:
        assert len(session.exec(select(t.Intake)).all()) == 1


def test_the_same_reference_of_another_seller_is_another(seeded: Engine) -> None:
    assert intake.claim(seeded, parse_request(CONTENT), NOW).new
    assert intake.claim(seeded, parse_request({**CONTENT, "seller": "clock01", "notes": "x"}), NOW).new
    with pytest.raises(NotFound, match="there is no seller nobody"):
        intake.claim(seeded, parse_request({**CONTENT, "seller": "nobody"}), NOW)


def test_a_draft_cancelled_before_issue_frees_its_reference(seeded: Engine, story: Story) -> None:
    story.command("cancel", "ben", reason="ordered twice")
    known = intake.claim(seeded, parse_request({**CONTENT, "notes": "other"}), NOW)
    assert (known.new, known.drafted, known.freed, known.closed) == (True, True, True, False)


def test_a_closed_receivable_is_known_and_closed(seeded: Engine, story: Story) -> None:
    story.command("approve", "ana")
    story.run(0)
    story.command("pay", "ben", amount="140.40", received_on="2026-01-07", method="cheque", external_id="C-1")
    story.run(0)
    with Session(seeded) as session:
        request = parse_request(session.get_one(t.Invoice, story.id).request)
    known = intake.claim(seeded, request, NOW)
    assert (known.new, known.freed, known.closed) == (False, False, True)


def test_nothing_starts_while_one_is_bad(seeded_duely: Duely, tmp_path: Path) -> None:
    bad = {**CONTENT, "reference": "B", "currncy": "EUR"}
    ended = seeded_duely("start", lines(tmp_path / "o.jsonl", CONTENT, bad, {**CONTENT, "seller": "nobody"}))
    assert (ended.code, ended.out) == (1, "")
    first, second, last = ended.err.splitlines()
    assert first == f"{tmp_path}/o.jsonl:2 currncy: is not a known field; did you mean currency?"
    assert second == f"{tmp_path}/o.jsonl:3 seller: there is no seller nobody; `duely seed FILE` loads one"
    assert last == "nothing was started: 2 of 3 are bad; repair them or give --skip-bad"


def test_other_content_under_a_reference_is_bad_before_anything_starts(
    seeded_duely: Duely, seeded: Engine, tmp_path: Path
) -> None:
    intake.claim(seeded, parse_request({**CONTENT, "notes": "first"}), NOW)
    ended = seeded_duely("start", lines(tmp_path / "o.jsonl", {**CONTENT, "reference": "NEW"}, CONTENT))
    assert ended.code == 1
    assert "o.jsonl:2 reference ORD-1 of demo was used before with other content" in ended.err
    with Session(seeded) as session:
        assert session.get(t.Intake, ("demo", "NEW")) is None


def test_more_than_a_hundred_problems_are_counted(seeded_duely: Duely, tmp_path: Path) -> None:
    ended = seeded_duely("start", lines(tmp_path / "o.jsonl", *({"a": n} for n in range(60))))
    told = ended.err.splitlines()
    assert len(told) == 102
    assert told[-2].startswith("and ")
    assert told[-1].startswith("nothing was started: 60 of 60 are bad")


def test_standard_input_is_a_file_too(seeded_duely: Duely, monkeypatch: pytest.MonkeyPatch) -> None:
    given = io.TextIOWrapper(io.BytesIO(b"seller,reference\ndemo,A\n"))
    monkeypatch.setattr(sys, "stdin", given)
    ended = seeded_duely("start", "-")
    assert ended.code == 1
    assert "-:2 currency: is required" in ended.err


def test_without_a_server_nothing_is_started(seeded_duely: Duely, tmp_path: Path) -> None:
    ended = seeded_duely("start", lines(tmp_path / "o.jsonl", CONTENT))
    assert (ended.code, ended.out) == (1, "")
    assert "no Temporal server answers" in ended.err


def test_a_file_that_is_not_there_is_wrong_usage(duely: Duely, tmp_path: Path) -> None:
    ended = duely("start", tmp_path / "none.json")
    assert (ended.code, ended.err) == (2, f"{tmp_path}/none.json: cannot be read: No such file or directory\n")


def test_instants_for_people() -> None:
    assert when("2026-11-21T09:00:00Z") == "21 Nov 2026 09:00 UTC"
    assert when("2026-11-01T00:30:00+01:00") == "31 Oct 2026 23:30 UTC"
    assert [age(at, NOW) for at in ("2026-02-26T08:00:00Z", "2026-03-01T04:00:00Z", "2026-03-01T08:48:00Z")] == [
        "3 d",
        "5 h",
        "12 min",
    ]
