"""The played policies as one page without script: what each did, and a picture of the cash by day with its range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import jinja2

from domain import money
from sim.cadence.figures import Money

WIDTH, HEIGHT, MARGIN = 960, 320, 40
COLOURS = ("#0b6e4f", "#b3541e", "#3d4fa1", "#7a3b69")
TEMPLATES = Path(__file__).parents[2] / "templates" / "simulate"


@dataclass(frozen=True, slots=True)
class Curve:
    """Points of the picture, ready to be drawn: the middle as a line, low to high as a band."""

    name: str
    colour: str
    line: str
    band: str


def page(**context: Any) -> str:
    """The page as HTML; the template escapes what it is given."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["amount"] = money.show
    return environment.get_template("page.html").render(width=WIDTH, height=HEIGHT, margin=MARGIN, **context)


def curves(named: Sequence[tuple[str, Sequence[Money]]]) -> tuple[list[Curve], date, date, int]:
    """A curve for each policy's (low, middle, high), on common axes: first day, last day, highest amount."""
    days = [day for _, ways in named for way in ways for day, _ in way.cash]
    first, last = min(days), max(days)
    most = max(come for _, ways in named for way in ways for _, come in way.cash)

    def point(day: date, come: int) -> str:
        across = MARGIN + (day - first).days * (WIDTH - 2 * MARGIN) // max(1, (last - first).days)
        return f"{across},{HEIGHT - MARGIN - come * (HEIGHT - 2 * MARGIN) // most}"

    def steps(way: Money) -> list[str]:
        points, come = [point(first, 0)], 0
        for day, more in way.cash:
            points += [point(day, come), point(day, more)]
            come = more
        return [*points, point(last, come)]

    drawn = []
    for at, (name, (low, middle, high)) in enumerate(named):
        band = steps(low) + steps(high)[::-1]
        drawn.append(Curve(name, COLOURS[at % len(COLOURS)], " ".join(steps(middle)), " ".join(band)))
    return drawn, first, last, most
