from __future__ import annotations

import gc
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.reading import Found, nested, read
from cli.starting import IN_FLIGHT, bounded, requests
from domain.errors import Problem, Unavailable

HEADER = "seller,reference,customer.name,line.description,line.quantity,line.unit_price,line.tax.rate\n"
ROWS = 100_000


def found(text: str, name: str) -> list[Found]:
    return list(read(io.StringIO(text), name))


def csv(*rows: str) -> list[Found]:
    return found(HEADER + "\n".join(rows) + "\n", "o.csv")


def said(one: Found) -> list[str]:
    return [one.place(problem) for problem in one.problems]


def test_consecutive_rows_of_a_reference_are_one_request() -> None:
    first, second = csv("demo,A,Globex,Work,1,10.00,19", "demo,A,Globex,Travel,2,5.00,", "demo,B,Initech,Work,1,1.00,7")
    assert first.body == {
        "seller": "demo",
        "reference": "A",
        "customer": {"name": "Globex"},
        "lines": [
            {"description": "Work", "quantity": "1", "unit_price": "10.00", "tax": {"rate": "19"}},
            {"description": "Travel", "quantity": "2", "unit_price": "5.00"},
        ],
    }
    assert (first.line, first.lines, second.line) == (2, (2, 3), 4)


def test_a_problem_of_a_line_item_is_told_at_its_row() -> None:
    (one,) = csv("demo,A,Globex,Work,1,10.00,19", 'demo,A,,"Travel,\nby train",2,5.00,', "demo,A,,Food,1,1.00,")
    assert one.place(Problem("lines[2].quantity", "is wrong")) == "o.csv:5 line.quantity: is wrong"
    assert one.place(Problem("customer.email", "is wrong")) == "o.csv:2 customer.email: is wrong"


def test_rows_of_one_reference_must_agree() -> None:
    (one,) = csv("demo,A,Globex,Work,1,10.00,19", "demo,A,Other,Travel,2,5.00,")
    assert one.body is None
    assert said(one) == ["o.csv:2 customer.name: line 3 says 'Other', line 2 'Globex'"]


def test_a_broken_row_spoils_its_neighbours_too_because_it_may_be_theirs() -> None:
    before, broken, after, last = csv("demo,A,G,W,1,1,19", "demo,A,G,W,1", "demo,B,G,W,1,1,19", "demo,C,G,W,1,1,19")
    assert said(broken) == ["o.csv:3 has 5 cells, the header has 7"]
    assert said(before) == ["o.csv:2 line 3 cannot be read and may belong to it"]
    assert said(after) == ["o.csv:4 line 3 cannot be read and may belong to it"]
    assert not last.problems


def test_rows_of_a_reference_that_lie_apart_are_not_billed_in_part() -> None:
    first, between, second = csv("demo,A,G,W,1,1,19", "demo,B,G,W,1,1,19", "demo,A,G,W,2,1,19")
    assert said(first) == ["o.csv:2 reference: has rows elsewhere in the file: put them together"]
    assert said(second) == ["o.csv:4 reference: has rows elsewhere in the file: put them together"]
    assert not between.problems


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "o.csv:1 is empty: the first line names the fields, such as seller,reference,customer.name"),
        ("seller,,reference\n", "o.csv:1 '' is no field name; write a path such as line.tax.rate"),
        ("seller,seller\n", "o.csv:1 names seller twice"),
        ("x" * 140_000 + ",seller\n", "o.csv:1 cannot be read as CSV: field larger than field limit (131072)"),
        (
            HEADER + "x" * 140_000 + ",A,G,W,1,1,19",
            "o.csv:2 cannot be read as CSV from here on: field larger than field limit (131072)",
        ),
        (HEADER + '"demo,A', "o.csv:2 cannot be read as CSV from here on: unexpected end of data"),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_said(text: str, told: str) -> None:
    assert [line for one in found(text, "o.csv") for line in said(one)] == [told]


def test_semicolons_byte_order_marks_and_empty_rows_are_usual() -> None:
    (one,) = found("\ufeffseller;reference;line.description\n\ndemo;A;Work, hard\n;;\n", "o.csv")
    assert one.body == {"seller": "demo", "reference": "A", "lines": [{"description": "Work, hard"}]}
    assert one.line == 3


def test_paths_with_positions_become_lists() -> None:
    cells = {"customer.contacts[1].email": "b@x.example", "customer.contacts[0].email": "a@x.example", "notes": "x"}
    assert nested(cells) == {
        "customer": {"contacts": [{"email": "a@x.example"}, {"email": "b@x.example"}]},
        "notes": "x",
    }


@pytest.mark.parametrize("order", [1, -1])
def test_a_field_is_a_text_or_has_fields(order: int) -> None:
    cells = dict([("customer", "globex"), ("customer.name", "Globex")][::order])
    with pytest.raises(ValueError, match="cannot both be filled"):
        nested(cells)


def test_json_lines_say_which_line_is_wrong() -> None:
    one, two, three = found('{"a": 1}\n\n{"a": \n{"a": 1, "a": 2}\n', "o.jsonl")
    assert (one.body, one.line) == ({"a": 1}, 1)
    assert said(two)[0].startswith("o.jsonl:3 is not JSON: ")
    assert said(three) == ["o.jsonl:4 is not JSON: has the key 'a' twice"]


def test_json_is_one_request_or_a_list() -> None:
    assert [one.body for one in found('{\n "a": 1\n}', "o.json")] == [{"a": 1}]
    assert [one.file for one in found('[{"a": 1}, {"b": 2}]', "o.json")] == ["o.json[1]", "o.json[2]"]
    (deep,) = found("[" * 100_000, "o.json")
    assert said(deep) == ["o.json is not JSON: is nested too deeply"]


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ('{\n "a": 1}', [{"a": 1}]),
        ('\n[{"a": 1}]', [{"a": 1}]),
        ("seller,reference,line.item\ndemo,A,x\n", [{"seller": "demo", "reference": "A", "lines": [{"item": "x"}]}]),
    ],
)
def test_the_form_of_standard_input_is_seen_from_its_beginning(text: str, bodies: list[Any]) -> None:
    assert [one.body for one in found(text, "-")] == bodies


@pytest.mark.parametrize("name", ["o.csv", "o.jsonl", "o.json", "-"])
def test_a_file_that_is_not_utf8_is_an_answer_not_an_accident(name: str) -> None:
    broken = io.TextIOWrapper(io.BytesIO(b"\xff\xfe{}"), encoding="utf-8")
    assert "is not UTF-8 text" in said(list(read(broken, name))[-1])[0]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_hundred_thousand_rows_stream(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"o.{suffix}"
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER if suffix == "csv" else "")
        for n in range(ROWS):
            row = f"demo,R{n // 2},Globex,Work {n},1,10.00,19\n"
            file.write(row if suffix == "csv" else f'{{"seller": "demo", "reference": "R{n}", "text": "Work {n}"}}\n')
    gc.collect()
    before, most, good = len(gc.get_objects()), 0, 0
    with path.open(encoding="utf-8", newline="") as file:
        for n, one in enumerate(requests([(path.name, file)], lambda _: pytest.fail("no e-invoice"))):
            good += not one.problems
            if n % 5_000 == 0:
                most = max(most, len(gc.get_objects()) - before)
    assert good == (ROWS // 2 if suffix == "csv" else ROWS)
    assert most < 2_000, "requests that were read are kept"


async def test_no_more_are_read_than_are_in_flight() -> None:
    read_, ended, most = 0, 0, 0

    def items() -> Iterator[int]:
        nonlocal read_
        for n in range(1_000):
            read_ += 1
            yield n

    async def work(_: int) -> None:
        nonlocal ended, most
        most = max(most, read_ - ended)
        ended += 1

    await bounded(items(), work)
    assert (read_, ended) == (1_000, 1_000)
    assert most <= IN_FLIGHT


async def test_after_an_error_no_other_begins() -> None:
    begun: list[int] = []

    async def work(n: int) -> None:
        begun.append(n)
        if n == 3:
            raise Unavailable("gone")

    with pytest.raises(Unavailable, match="gone"):
        await bounded(range(1_000), work, at_once=4)
    assert len(begun) <= 8
