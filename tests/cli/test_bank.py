"""The verb `bank` as its users call it: what is refused before anything starts, and whose file it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from adapters.books.engine import write
from adapters.standins.bank import camt053, csv
from schemas import tables as t
from tests.bank import Bank, line, statement
from tests.cli.conftest import Duely
from tests.story import Story

OTHER = "DE02120300000000202051"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "statement.xml"
    path.write_bytes(camt053(statement(line(1_00), account=OTHER)))
    return path


def test_a_file_that_is_too_large_is_refused_before_it_is_read(seeded_duely: Duely, tmp_path: Path) -> None:
    path = tmp_path / "huge.xml"
    with path.open("wb") as huge:
        huge.truncate(200 * 1024**2)
    ended = seeded_duely("bank", path)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == f"{path} is larger than 64 MiB; split it by statement\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7", "file: is a PDF; banks offer the same statement as camt.053 or MT940"),
        (b"", "statement.xml is empty"),
        (b"<Document><BkToCstmrStmt>", "is no well-formed XML from line 1 on"),
        (b"<!DOCTYPE html><html></html>", "file: is a web page"),
        (b":20:X\r\n:25:Y\r\n", ""),
    ],
)
def test_what_is_no_statement_says_so_in_a_line(seeded_duely: Duely, tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "statement.xml"
    path.write_bytes(content)
    ended = seeded_duely("bank", path)
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert said in ended.err


def test_whose_file_it_is_follows_from_the_account_or_is_asked_for(
    seeded_duely: Duely, seeded: Engine, file: Path
) -> None:
    assert seeded_duely("bank", file).err == "no seller has the account of this file: give --seller\n"
    file.write_bytes(camt053(statement(line(1_00))))
    assert seeded_duely("bank", file).err == "41 sellers have the account of this file: give --seller\n"
    assert "there is no seller nobody" in seeded_duely("bank", file, "--seller", "nobody").err
    file.write_bytes(camt053(statement(line(1_00), account=OTHER)))
    with write(seeded, "clock07") as session:
        seller = session.get_one(t.Seller, "clock07")
        seller.profile = {**seller.profile, "bank": {"iban": OTHER}}
    assert "no Temporal server answers" in seeded_duely("bank", file).err  # found; only then is a server asked for
    file.write_bytes(csv(statement(line(1_00))))
    assert seeded_duely("bank", file).err == "a CSV does not say whose it is: give --seller\n"


def test_flags_that_cannot_be_read_are_wrong_usage(seeded_duely: Duely, file: Path) -> None:
    assert seeded_duely("bank", file, "--columns", "{").code == 2
    deep = seeded_duely("bank", file, "--columns", "[" * 100_000)
    assert (deep.code, deep.err) == (2, "--columns: is not JSON: is nested too deeply\n")
    assert "object of texts" in seeded_duely("bank", file, "--columns", '{"amount": 1}').err
    assert "must be one of camt.053, mt940, csv" in seeded_duely("bank", file, "--format", "pdf").err
    assert seeded_duely("bank", file.parent / "missing").code == 2


def test_apply_says_what_of_a_return_is_the_receipts_and_whose_money_it_is(seeded_duely: Duely, seeded: Engine) -> None:
    one, two = Story(seeded, "demo", "A"), Story(seeded, "demo", "B")
    for story, customer in ((one, "globex"), (two, "initech")):
        story.start(customer, "100.00")
        story.command("approve", "ana")
        story.run(0.1)
    bank = Bank(seeded, datetime(2026, 1, 21, 9, tzinfo=UTC))
    number = one.look().number
    bank.send(line(140_40, text=number, name="Globex GmbH"))
    seeded_duely("unapply", 1, "--reason", "another's", "--by", "ben")
    moved = ("apply", 1, "B", "--by", "ben")
    assert "give a reason to make it initech's" in seeded_duely(*moved).err
    assert "no Temporal server answers" in seeded_duely(*moved, "--reason", "they called").err  # the books have it
    assert (one.look().balance, two.look().balance) == (140_40, 0)
    back = statement(line(-143_90, "2026-01-21", text=number, return_code="AM04"), closed="2026-01-21")
    bank.file(back)
    seeded_duely("apply", back.lines[0].key, 1, "--amount", "140.40", "--by", "ben")
    assert (one.look().balance, two.look().balance) == (140_40, 140_40)
