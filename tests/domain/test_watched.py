"""The closed lists that labels come from are the words that the rules really give; days sales outstanding."""

from __future__ import annotations

import ast
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from domain import watched

ROOT = Path(__file__).parents[2]


def codes() -> set[str]:
    """The literal codes of every reason that domain and books give."""
    found = set()
    for path in [*(ROOT / "domain").glob("*.py"), *(ROOT / "adapters").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Why" and node.args:
                first = node.args[0]
                found |= {first.value} if isinstance(first, ast.Constant) and isinstance(first.value, str) else set()
    return found


def test_every_reason_that_is_given_may_be_a_label() -> None:
    assert len(codes()) > 40
    assert codes() - watched.REASONS == set()


def test_states_are_those_of_the_contract() -> None:
    from gateway.described import STATES

    assert {"invalid", *watched.STATES} == set(STATES)
    assert set(watched.OPEN) | {"paid", "credited", "written_off", "cancelled"} == set(watched.STATES)


def test_other_words_are_no_labels() -> None:
    assert watched.known("reminder", watched.KINDS) == "reminder"
    assert watched.known("Zaphod", watched.KINDS) == "other"


@pytest.mark.parametrize(
    ("hours", "name"), [(-5, "under_1d"), (23, "under_1d"), (24, "1d_to_3d"), (72, "3d_to_7d"), (168, "over_7d")]
)
def test_age(hours: int, name: str) -> None:
    assert watched.age(timedelta(hours=hours)) == name


@pytest.mark.parametrize(
    ("receivables", "sales", "days"),
    [(100_00, 300_00, "30.0"), (0, 300_00, "0.0"), (300_00, 300_00, "90.0"), (1, 7, "12.9"), (500_00, 100_00, "450.0")],
)
def test_days_sales_outstanding(receivables: int, sales: int, days: str) -> None:
    assert watched.days_sales_outstanding(receivables, sales) == Decimal(days)


@pytest.mark.parametrize("sales", [0, -5])
def test_without_sales_there_is_no_such_figure(sales: int) -> None:
    assert watched.days_sales_outstanding(100, sales) is None
