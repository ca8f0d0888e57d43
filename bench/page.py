"""One self-contained page of a benchmark's results: its tables, and a plot for each measure with every run as a dot,
the median as a bar and what was wanted as a line. Drawn from the results alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from rig.results import Measure, number

WIDTH, HEIGHT, LEFT, RIGHT = 360, 34, 8, 352

STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: .5rem 0 1.5rem } .missed { color: #b00020; font-weight: 600 }
td, th { padding: .15rem .7rem; border-bottom: 1px solid #ddd; text-align: left }
td.n { text-align: right; font-variant-numeric: tabular-nums }
svg { display: block } .dot { fill: #1f4e79; fill-opacity: .55 } .bar { stroke: #1f4e79; stroke-width: 3 }
.want { stroke: #b00020; stroke-dasharray: 3 2 } .axis { stroke: #bbb } text { font-size: 10px; fill: #666 }
"""


def page(said: Mapping[str, Any], measures: Sequence[Measure]) -> str:
    made, machine = said["made"], said["made"]["machine"]
    head = ", ".join([
        made["at"], f"commit {made['commit']}", f"{machine['cores']} cores", f"Python {machine['python']}",
        machine["server"],
    ])  # fmt: skip
    parts = [f"<!doctype html><meta charset=utf-8><title>Duely: benchmark</title><style>{STYLE}</style>",
             f"<h1>Benchmark</h1><p>{escape(head)}</p>", _measures(measures)]  # fmt: skip
    for name, table in said["tables"].items():
        if name != "measures":
            parts += [f"<h2>{escape(name)}</h2>", _table(table)]
    return "\n".join(parts) + "\n"


def _measures(measures: Sequence[Measure]) -> str:
    rows = []
    for each in measures:
        cells = "".join(f"<td>{escape(str(cell))}</td>" for cell in each.row()[:-1])
        rows.append(f"<tr>{cells}<td class={each.verdict or 'none'}>{each.verdict}</td><td>{_plot(each)}</td></tr>")
    return "<table><tr><th>measure<th>unit<th>median<th>range<th>wanted<th><th></tr>" + "".join(rows) + "</table>"


def _plot(measure: Measure) -> str:
    wanted = measure.least if measure.least is not None else measure.most
    most = max([*measure.values, wanted or 0.0]) * 1.05 or 1.0

    def at(value: float) -> str:
        return f"{LEFT + (RIGHT - LEFT) * value / most:.1f}"

    middle = HEIGHT / 2 - 4
    dots = "".join(f'<circle class=dot cx="{at(value)}" cy="{middle}" r="4"/>' for value in measure.values)
    line = f'<line class=want x1="{at(wanted)}" x2="{at(wanted)}" y1="2" y2="24"/>' if wanted is not None else ""
    bar = f'<line class=bar x1="{at(measure.median)}" x2="{at(measure.median)}" y1="5" y2="21"/>'
    axis = f'<line class=axis x1="{LEFT}" x2="{RIGHT}" y1="25" y2="25"/><text x="{LEFT}" y="34">0</text>'
    end = f'<text x="{RIGHT}" y="34" text-anchor="end">{number(most)}</text>'
    return f'<svg width="{WIDTH}" height="{HEIGHT}" role=img>{axis}{end}{line}{dots}{bar}</svg>'


def _table(table: Mapping[str, Any]) -> str:
    head = "".join(f"<th>{escape(str(column))}" for column in table["columns"])
    rows = "".join(
        "<tr>"
        + "".join(f"<td class={'n' if at else 't'}>{escape(str(cell))}</td>" for at, cell in enumerate(row))
        + "</tr>"
        for row in table["rows"]
    )
    return f"<table><tr>{head}</tr>{rows}</table>"
