"""Tables in the docs are what the results say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import tables
from rig import results
from rig.results import Measure


@pytest.mark.parametrize("path", list(tables.pages()), ids=lambda path: path.name)
def test_each_block_in_the_docs_is_what_the_script_writes(path: Path) -> None:
    text = path.read_text("utf-8")
    assert tables.written(text) == text, "run `python -m bench.tables`"


def test_there_are_blocks() -> None:
    assert {path.name for path in tables.pages()} >= {"benchmarks.md"}


def test_a_block_is_written_from_its_result(tmp_path: Path) -> None:
    rate = results.table(("measure", "median"), [["a | b", 12], ["c", "0.5"]])
    results.write(tmp_path / "some.json", results.results("some", {"rate": rate}, "a server"))
    page = "# T\n<!-- table: some.rate -->\nold\n<!-- end -->\nrest\n"
    written = tables.written(page, tmp_path)
    assert "| measure | median |\n| --- | --- |\n| a \\| b | 12 |\n| c | 0.5 |\n" in written
    assert "old" not in written
    assert written.endswith("a server.\n<!-- end -->\nrest\n")
    assert tables.written(written, tmp_path) == written


def test_a_table_that_the_result_lacks_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "some.json").write_text(json.dumps({"tables": {}}))
    with pytest.raises(KeyError):
        tables.written("<!-- table: some.rate -->\n<!-- end -->", tmp_path)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.8496, "0.85"), (3.14159, "3.14"), (31.4159, "31.4"), (314.159, "314"), (12345.6, "12,346")],
)
def test_three_digits_count(value: float, text: str) -> None:
    assert results.number(value) == text


def test_a_number_just_below_what_is_wanted_is_missed() -> None:
    """However it is rounded when shown."""
    assert Measure("ratio", "", (0.8499, 0.8499, 2.0), least=0.85).verdict == "missed"
    assert Measure("ratio", "", (0.1, 0.85, 2.0), least=0.85).verdict == "reached"
    assert Measure("seconds", "", (12.01,), most=12).verdict == "missed"
    assert Measure("seconds", "", (12.01,)).verdict == ""
