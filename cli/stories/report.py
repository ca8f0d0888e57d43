"""Shows the demo: a live table in a terminal or one line a turn, and at the end who received what and why. It prints
and writes JSON; it judges nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.table import Table

from cli import output
from cli.stories.playing import Result, archived, files
from cli.stories.post import TO_CUSTOMERS, label
from cli.stories.scene import Scene
from cli.stories.stage import Stage
from domain.status import CONTRACT, instant
from domain.calendar import local_date

BEFORE_ALL = ("story", "day", "date", "state", "balance>", "what happened", "next")


class Screen:
    """`told` is called after every turn of a scene."""

    def __init__(self, live: bool):
        self.scenes: Sequence[Scene] = ()
        self._live = live

    def told(self, scene: Scene) -> None:
        """Without a terminal every turn is a line."""
        if not self._live and scene.turns and not getattr(scene, "ended", False):
            self._line(scene)

    @contextmanager
    def showing(self) -> Iterator[None]:
        if not self._live:
            yield
            return
        with Live(get_renderable=self._table, console=output.console(), refresh_per_second=8):
            yield

    def _table(self) -> Table:
        return output.table(BEFORE_ALL, (_row(scene) for scene in self.scenes))

    def _line(self, scene: Scene) -> None:
        print(scene)
