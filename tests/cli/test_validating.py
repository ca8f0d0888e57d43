"""`duely validate`: one line for each file and judge, and exit codes a script can use. Without Java those in Python
answer; those in Java have tests of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.adapters.judges import papers, samples
from tests.cli.conftest import Duely


@pytest.fixture(autouse=True)
def without_java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "var" / "archive"
    folder.mkdir(parents=True)
    (folder / "a.pdf").write_bytes(papers.factur_x(samples.cii()))
    (folder / "b.xml").write_bytes(samples.ubl("XRechnung"))
    return folder


def test_the_archive_is_judged_by_default(duely: Duely, archive: Path) -> None:
    ended = duely("validate")
    assert ended.code == 0
    *lines, warned, summary = ended.out.splitlines()
    assert lines == [
        f"{archive}/a.pdf  Factur-X container  ok",
        f"{archive}/a.pdf  page PDF/A-3a  ok",
        f"{archive}/a.pdf  page PDF/UA-1  ok",
        f"{archive}/a.pdf  factur-x EN 16931 CII  ok",
    ]
    assert warned.startswith(f"{archive}/b.xml  factur-x XRechnung UBL Invoice  ok; warning: judged by EN 16931 alone")
    assert summary == "validate: 2 files, 5 verdicts, 0 refused"
    assert ended.err.count("\n") == 1
    assert ended.err.startswith("no java on PATH") or ended.err.startswith("no java and no mvn on PATH")
    assert "those in Python stand in" in ended.err


def test_a_refused_one_ends_with_1_and_says_why(duely: Duely, tmp_path: Path) -> None:
    (tmp_path / "bad.xml").write_bytes(samples.wrong_sum(samples.ubl()))
    ended = duely("validate", tmp_path / "bad.xml")
    assert ended.code == 1
    line, summary = ended.out.splitlines()
    assert line.startswith(f"{tmp_path}/bad.xml  factur-x EN 16931 UBL Invoice  failed: [BR-CO-16]")
    assert summary == "validate: 1 file, 1 verdict, 1 refused"


def test_json_is_an_array(duely: Duely, archive: Path) -> None:
    (archive / "c.xml").write_bytes(b"")
    ended = duely("validate", archive / "b.xml", archive / "c.xml", "--json")
    assert ended.code == 1
    good, bad = json.loads(ended.out)
    assert good["ok"] is True
    assert len(good["warnings"]) == 1
    assert (bad["file"], bad["judge"], bad["ok"]) == (f"{archive}/c.xml", "profile", False)
    assert bad["problems"][0].startswith("XML: not well-formed")


@pytest.mark.parametrize("name", ["absent", "note.txt"])
def test_what_cannot_be_judged_is_wrong_usage(duely: Duely, tmp_path: Path, name: str) -> None:
    (tmp_path / "note.txt").write_text("no invoice")
    ended = duely("validate", tmp_path / name)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"{tmp_path}/{name}: ")


def test_a_bank_statement_in_a_folder_is_passed_over(duely: Duely, archive: Path) -> None:
    statement = b'<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"/>'
    (archive / "c.xml").write_bytes(statement)
    assert duely("validate").out.splitlines()[-1] == "validate: 2 files, 5 verdicts, 0 refused"
    assert duely("validate", archive / "c.xml").code == 1


def test_an_empty_folder_has_nothing_wrong(duely: Duely, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert duely("validate", tmp_path / "empty").out == "validate: 0 files, 0 verdicts, 0 refused\n"
