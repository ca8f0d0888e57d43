"""The verb `validate`: finished documents before independent judges, one line for each file and judge."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output
from cli.operating import PANEL
from cli.session import Json, settings

if TYPE_CHECKING:
    from adapters.judges.port import Judge, Verdict

_SHOWN = 5
"""Problems of one line; a broken file may have thousands."""


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(validate)


def validate(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders; default: the archive.", show_default=False),
    ] = None,
    json: Json = False,
) -> None:
    """Check documents against the official rules: exit 0 good, 1 refused."""
    from adapters.judges import panel
    from domain.errors import Invalid

    chosen = paths or [settings().archive]
    if absent := [path for path in chosen if not path.exists()]:
        raise Invalid.at(str(absent[0]), "no such file or folder")
    files = panel.files_in(chosen)
    if wrong := [file for file in files if file.suffix not in panel.SUFFIXES]:
        raise Invalid.at(str(wrong[0]), f"not judged: only {' and '.join(panel.SUFFIXES)} are")
    with _judges() as judges:
        found = panel.verdicts(files, judges)
    if json:
        output.as_json_array({**asdict(verdict), "ok": verdict.ok} for verdict in found)
    else:
        print("\n".join([*map(_line, found), _summary(len(files), found)]))
    if not all(verdict.ok for verdict in found):
        raise typer.Exit(output.REFUSED)


@contextmanager
def _judges() -> Iterator[Sequence[Judge]]:
    """Those in Java, or those in Python and a line that says why."""
    from adapters.judges import kit
    from domain.errors import Unavailable

    try:
        java = kit.ready(output.fail)
    except Unavailable as error:
        output.fail(f"{error}; those in Python stand in, which lack the rules of XRechnung and Peppol")
    else:
        yield [java]
        return
    if lacking := [name for name in ("page", "saxonche") if find_spec(name) is None]:
        raise Unavailable(f"no {' and no '.join(lacking)} either: pip install 'duely[validate]'")
    from adapters.judges.pages import PdfRules
    from adapters.judges.rules import XmlRules

    rules = XmlRules()
    try:
        yield [PdfRules(), rules]
    finally:
        rules.close()


def _line(verdict: Verdict) -> str:
    words = [f"failed: {'; '.join(verdict.problems[:_SHOWN])}" if verdict.problems else "ok"]
    if len(verdict.problems) > _SHOWN:
        words.append(f"and {len(verdict.problems) - _SHOWN} more")
    words += [f"warning: {text}" for text in verdict.warnings[:_SHOWN]]
    return " ".join(f"{verdict.file}  {verdict.judge}  {'; '.join(words)}".splitlines())


def _summary(files: int, found: Sequence[Verdict]) -> str:
    refused = {verdict.file for verdict in found if not verdict.ok}
    return f"validate: {_counted(files, 'file')}, {_counted(len(found), 'verdict')}, {len(refused)} refused"


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
