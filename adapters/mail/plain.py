"""The text of a mail that is HTML only: what a reader sees, quoted passages marked with `>` as in plain mails. It runs
nothing and fetches nothing. The standard library's reader is not used: there is HTML on which it raises, or takes
minutes."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lxml import etree

UNSEEN = frozenset({"script", "style", "title", "template"})
BLOCKS = frozenset(
    """address article aside blockquote body br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr
    html li main nav ol p pre section table td th tr ul""".split()
)
DEEPEST_QUOTE = 5


class _Reader:
    """What lxml calls while it reads; an element that the writer left open is closed for us."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._mark = ""
        self._said: list[str] = []
        self._quotes = 0
        self._unseen = 0

    def start(self, tag: str, _attributes: object) -> None:
        self._unseen += tag in UNSEEN
        if tag in BLOCKS:
            self._line(+1 if tag == "blockquote" else 0)

    def end(self, tag: str) -> None:
        self._unseen -= tag in UNSEEN
        if tag in BLOCKS:
            self._line(-1 if tag == "blockquote" else 0)

    def data(self, data: str) -> None:
        if not self._unseen:
            self._said.append(data)

    def close(self) -> None:
        self._line(0)

    def _line(self, quotes: int) -> None:
        said = " ".join("".join(self._said).split())
        if said.strip(" >"):
            self.lines.append(self._mark + said)
        self._said = []
        self._quotes = max(0, self._quotes + quotes)
        self._mark = "> " * min(self._quotes, DEEPEST_QUOTE)


def plain(html: str) -> str:
    reader = _Reader()
    target: Any = reader  # the stubs ask for what lxml leaves to choice
    parser = etree.HTMLParser(target=target, encoding="utf-8", no_network=True)
    with suppress(etree.LxmlError):  # what was read until then counts
        etree.fromstring(html.encode(), parser)
    return "\n".join(reader.lines)
