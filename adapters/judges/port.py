"""What a judge is asked and what it answers. A judge never shares code with what wrote the document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Part:
    """What is judged: a PDF, or an XML that stands alone or was taken out of one; the suffix of `path` says which.
    `file` is the name a person knows it by."""

    file: str
    path: Path


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `judge` says about `file`. `problems` are why it is refused, each as `rule: text`; `warnings` are what the
    judge dislikes or could not look at."""

    file: str
    judge: str
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.problems


class Judge(Protocol):
    def judge(self, parts: Sequence[Part]) -> list[Verdict]:
        """One verdict or more for each part it knows the kind of; nothing for the others."""
