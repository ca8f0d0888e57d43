"""The import fence of the design, section 3: layers point down only, workflows stay clean, no circles."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERS = ("cli", "gateway", "workers", "sim", "activities", "adapters", "workflows", "schemas", "domain")
"""From top to bottom."""
BESIDE = ("rig", "chaos", "bench")
"""What measures and breaks the product; the product knows nothing of it."""
SETTINGS = frozenset({"cli", "gateway", "workers"})
"""Who may read settings; everybody else is given values."""
DOMAIN_LIBRARIES = frozenset({"holidays", "rapidfuzz"})
FORBIDDEN_BELOW_WORKFLOWS = frozenset("sqlmodel sqlalchemy jinja2 stripe sendgrid typst alembic schemas.tables".split())
MODULE_LINES, FUNCTION_LINES = 300, 50


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(ROOT.glob("*.py")) + [p for layer in LAYERS for p in sorted((ROOT / layer).rglob("*.py"))]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def imports(module: str) -> tuple[tuple[str, bool], ...]:
    """(what is imported, whether as soon as the module is), wherever it stands; names of ours down to the module."""
    tree = tree_of(module)
    late = {id(node) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)}  # fmt: skip
    return tuple(
        (name, id(node) not in late) for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)
        for name in _named(node)
    )  # fmt: skip


def _named(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, f"relative import in line {node.lineno}: say where from"
    origin = node.module or ""
    for alias in node.names:
        yield f"{origin}.{alias.name}" if f"{origin}.{alias.name}" in MODULES else origin


def top(name: str) -> str:
    return name.partition(".")[0]


def test_the_fence_sees_the_house() -> None:
    assert {top(module) for module in MODULES} >= set(LAYERS) - {"cli", "gateway"}
    assert ("domain.account", True) in imports("workflows.invoice")
    assert len(MODULES) > 80


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_point_down(layer: str) -> None:
    above = {*LAYERS[: LAYERS.index(layer)], *BESIDE, "tests", "migrations"}
    wrong = [(m, name) for m in MODULES if top(m) == layer for name, _ in imports(m) if top(name) in above]
    assert wrong == []


def test_only_the_wiring_reads_settings() -> None:
    wrong = [m for m in MODULES for name, _ in imports(m) if top(name) == "settings" and top(m) not in SETTINGS]
    assert wrong == []


def test_workflows_import_rules_and_messages_only() -> None:
    allowed = {"domain", "schemas", "workflows", "temporalio", "google", *sys.stdlib_module_names}
    wrong = [
        (m, name) for m in MODULES if top(m) == "workflows" for name, _ in imports(m)
        if top(name) not in allowed or name.startswith("schemas.tables")
    ]  # fmt: skip
    assert wrong == []


def test_messages_know_no_tables() -> None:
    wrong = [
        (m, name) for m in MODULES if top(m) == "schemas" and not m.startswith("schemas.tables")
        for name, _ in imports(m) if name.startswith(("schemas.tables", "sqlmodel", "sqlalchemy"))
    ]  # fmt: skip
    assert wrong == []


def test_the_domain_is_pure() -> None:
    libraries = {
        (top(name), early) for m in MODULES if top(m) == "domain" for name, early in imports(m)
        if top(name) not in {"domain", *sys.stdlib_module_names}
    }  # fmt: skip
    assert libraries == {(name, False) for name in DOMAIN_LIBRARIES}


def test_rules_and_workflows_touch_no_world() -> None:
    """`workflows` is passed through the sandbox, which therefore does not look: this does."""
    outside = set("os io random secrets socket subprocess time asyncio threading uuid pathlib".split())
    pure = {"domain", "workflows"}
    assert [(m, name) for m in MODULES if top(m) in pure for name, _ in imports(m) if top(name) in outside] == []


def test_rules_and_workflows_read_no_clock() -> None:
    asked = [
        (m, node.attr) for m in MODULES if top(m) in {"domain", "workflows"} for node in ast.walk(tree_of(m))
        if isinstance(node, ast.Attribute) and node.attr in {"now", "today", "utcnow"}
        and isinstance(node.value, ast.Name) and node.value.id in {"datetime", "date"}
    ]  # fmt: skip
    assert asked == []


@pytest.mark.parametrize("layer", LAYERS)
def test_no_circles_inside_a_layer(layer: str) -> None:
    inside = {m for m in MODULES if top(m) == layer}
    graph = {m: {name for name, early in imports(m) if early and name in inside and name != m} for m in inside}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"circle: {' → '.join(error.args[1])}")


def test_modules_and_functions_stay_small() -> None:
    beside = [path for folder in BESIDE for path in sorted((ROOT / folder).rglob("*.py"))]
    long = [
        (str(path.relative_to(ROOT)), n) for path in [*MODULES.values(), *beside]
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES
    ]  # fmt: skip
    functions = [
        (f"{m}.{node.name}", n) for m in MODULES for node in ast.walk(tree_of(m))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (n := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]  # fmt: skip
    assert (long, functions) == ([], [])


def test_importing_the_workflows_loads_no_database_and_no_vendor() -> None:
    program = (
        "import sys, pkgutil, importlib, workflows\n"
        "for found in pkgutil.walk_packages(workflows.__path__, 'workflows.'):\n"
        "    importlib.import_module(found.name)\n"
        "print('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "workflows.invoice" in loaded
    assert loaded.isdisjoint(FORBIDDEN_BELOW_WORKFLOWS)
