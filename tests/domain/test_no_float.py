"""No binary fraction comes near money: nothing in domain/ can make one.

A float is born of a literal, of the name `float`, of `/` between ints, of `int ** -n`, of `math`, of
`total_seconds()` or `timestamp()`; `round()` of a Decimal is half-even. Each is forbidden; `/` is allowed
where both sides are Decimal by their declared type (mypy sees that the result is used as one), as listed.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

DOMAIN = Path(__file__).parents[2] / "domain"

DECIMAL_DIVISIONS = {
    ("document.py", "_priced"),  # quantity × price ÷ price_base
    ("document.py", "_resolved"),  # base × percent ÷ 100
    ("settlement.py", "permitted"),  # base × percent ÷ 100
    ("trust.py", "lower_bound"),  # a share of decisions
    ("trust.py", "share"),  # a share of decisions
    ("watched.py", "days_sales_outstanding"),  # an amount × days ÷ an amount
    ("warnings.py", "_prices"),  # price ÷ price_base
    ("warnings.py", "_repeated"),  # price ÷ price_base
}
FORBIDDEN_NAMES = {"float", "complex"}
FORBIDDEN_MODULES = {"math", "statistics", "random", "numbers"}
FORBIDDEN_METHODS = {"total_seconds", "timestamp", "fromtimestamp", "from_float"}


def findings(source: str, name: str) -> tuple[list[str], set[tuple[str, str]]]:
    """What is forbidden in a module, and which of the allowed divisions it uses."""
    found: list[str] = []
    divided: set[tuple[str, str]] = set()

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef):
            function = node.name
        fault = _fault(node)
        if fault == "/" and (name, function) in DECIMAL_DIVISIONS:
            divided.add((name, function))
        elif fault:
            found.append(f"{name}:{getattr(node, 'lineno', 0)} in {function or 'module'}: {fault}")
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(source), "")
    return found, divided


def _fault(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
        return f"literal {node.value}"
    if isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
        return node.id
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "round":
        return "round()"
    if isinstance(node, ast.Attribute) and node.attr in FORBIDDEN_METHODS:
        return f".{node.attr}"
    if isinstance(node, ast.BinOp | ast.AugAssign):
        exponent = node.right if isinstance(node, ast.BinOp) else node.value
        if isinstance(node.op, ast.Div):
            return "/"
        if isinstance(node.op, ast.Pow) and not isinstance(exponent, ast.Constant):
            return "** with an exponent that may be negative"
        return None
    if isinstance(node, ast.Import):
        modules = {alias.name.partition(".")[0] for alias in node.names}
    else:
        modules = {(node.module or "").partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()
    bad = modules & FORBIDDEN_MODULES
    return f"import {', '.join(sorted(bad))}" if bad else None


def test_no_float_in_the_domain():
    found, divided = [], set()
    modules = sorted(DOMAIN.rglob("*.py"))
    assert len(modules) > 10
    for module in modules:
        more, used = findings(module.read_text(encoding="utf-8"), module.name)
        found += more
        divided |= used
    assert found == []
    assert divided == DECIMAL_DIVISIONS, "an allowed division is gone; take it off the list"


@pytest.mark.parametrize(
    "line",
    [
        "x = 0.5", "x = 1e3", "x = 2j", "x = float(y)", "def f(x: float): ...", "x = a / b",
        "x /= 2", "x = a ** b", "x = 10 ** -2", "x = round(y, 2)", "import math", "from math import floor",
        "import statistics as s", "x = delta.total_seconds()", "x = now.timestamp()",
        "x = Decimal.from_float(y)",
    ],
)  # fmt: skip
def test_the_rule_sees_each_way_to_a_float(line):
    assert findings(line, "some.py")[0]


@pytest.mark.parametrize("line", ["x = a // b", "x = 10**15", "x = Decimal('0.5')", "x = 'a/b'", "from x import y"])
def test_the_rule_lets_whole_numbers_be(line):
    assert findings(line, "some.py")[0] == []
