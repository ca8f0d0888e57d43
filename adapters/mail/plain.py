"""The text of a mail that is HTML only: what a reader sees, quoted passages marked with `>` as in plain mails. It runs
nothing and fetches nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

UNSEEN = frozenset({"script", "style", "title", "template"})
BLOCKS = frozenset(
    """address article aside blockquote body br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr
    html li main nav ol p pre section table td th tr ul""".split()
)
DEEPEST_QUOTE = 5


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = [""]
        self._quotes = 0
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in UNSEEN
        if tag in BLOCKS:
            self._line(+1 if tag == "blockquote" else 0)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in BLOCKS:
            self._line(0)

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(0, self._unseen - (tag in UNSEEN))
        if tag in BLOCKS:
            self._line(-1 if tag == "blockquote" else 0)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.lines[-1] += re.sub(r"\s+", " ", data)

    def _line(self, quotes: int) -> None:
        self._quotes = max(0, self._quotes + quotes)
        mark = "> " * min(self._quotes, DEEPEST_QUOTE)
        if self.lines[-1].strip(" >") or not self.lines[-1]:
            self.lines.append(mark)
        else:
            self.lines[-1] = mark


def plain(html: str) -> str:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    kept = (line.rstrip() if line.startswith(">") else line.strip() for line in reader.lines)
    return "\n".join(line for line in kept if line.strip(" >"))
