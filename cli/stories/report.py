"""Shows the demo: a live table in a terminal or one line a turn, and at the end who received what and why. It prints
and writes JSON; it judges nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from adapters.mail.port import Message
from cli import output
from cli.stories.dealing import Dealing
from cli.stories.playing import Result, archived, every, files, own_papers
from cli.stories.scene import Scene
from cli.stories.stage import LOG, Stage
from domain.calendar import local_date
from domain.status import CONTRACT, instant

WIDE = 300


class Screen:
    """`told` hears of every turn. In a terminal a table shows all stories at once, elsewhere each turn is a line."""

    def __init__(self) -> None:
        self.stories: Sequence[Dealing] = ()
        self.live = sys.stdout.isatty()

    def told(self, scene: Scene, text: str) -> None:
        if not self.live:
            turn = scene.turns[-1] if scene.turns else None
            where = f"{turn.at:%Y-%m-%d} {turn.day:>5}  {turn.state} {turn.balance}" if turn else ""
            print(f"{scene.slug:<10} {where}: {text}", flush=True)

    @contextmanager
    def playing(self) -> Iterator[None]:
        if not self.live:
            yield
            return
        with Live(get_renderable=self._table, console=output.console(), refresh_per_second=8):
            yield

    def _table(self) -> Table:
        columns = ("story~", "virtual date", "state", "balance>", "what is next~")
        return output.table(columns, (_row(scene) for scene in every(self.stories)))


def _row(scene: Scene) -> Sequence[str]:
    if not scene.turns:
        return (scene.title, "", "", "", "")
    turn, following = scene.turns[-1], scene.status.get("next") or {}
    at = f" on {following['at'][:10]}" if following.get("at") else ""
    upcoming = f"{following.get('what', '')}{at}"
    if scene.ended:
        upcoming = "BREACHED" if scene.breaches else "as expected"
    return (scene.title, f"{turn.at:%Y-%m-%d}", turn.state, turn.balance, upcoming)


def show(stage: Stage, result: Result) -> None:
    """What each customer received and why, what was not sent and why, where everything lies, and every breach."""
    console = _console()
    console.print("\nWhat each customer received, and why\n")
    console.print(_table(("story~", "date", "mail", "subject~", "to~", "why~"), _received(stage, result)))
    console.print("What was not sent, or not at once, and why\n")
    console.print(_table(("story~", "date", "mail", "verdict", "why~"), _withheld(result)))
    _lists(stage, result)
    _places(stage, result)
    for story, text in _breaches(result):
        console.print(f"BREACH {story}: {text}", markup=False)


def _console() -> Console:
    """A table written to a file is as wide as it needs to be."""
    return output.console() if sys.stdout.isatty() else Console(highlight=False, width=WIDE)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A story's name stands once."""
    shown: list[Sequence[str]] = []
    before = ""
    for row in rows:
        shown.append(("" if row[0] == before else row[0], *row[1:]))
        before = row[0]
    return output.table(columns, shown)


def _places(stage: Stage, result: Result) -> None:
    papers = sum(len(own_papers(scene.status)) for scene in result.scenes)
    mails = sum(len(stage.post.sent[scene.id]) for scene in result.scenes)
    rows = [
        ("documents", f"{papers} of this run in {stage.settings.archive}, each a PDF/A-3 and its XML"),
        ("mails", f"{mails} of this run in {stage.settings.outbox}, those to our own people included"),
        (
            "dossier",
            f"{result.dossier}, verified by its own script" if result.dossier else "none: nothing was disputed",
        ),
        ("worker's log", str(stage.settings.var / LOG)),
        ("verify", f"{len(result.books)} breaches; again: duely verify"),
        ("Web UI", stage.server.ui_url or f"that of the server at {stage.server.address}"),
        ("gateway", f"{stage.settings.public_url}, for as long as this runs"),
        ("seconds", f"{result.seconds:.0f}"),
    ]
    for name, value in rows:
        print(f"{name:<13} {value}")


def _lists(stage: Stage, result: Result) -> None:
    """Links and paths one a line, never broken: they are copied."""
    print("Each story in the Web UI, its documents and the customer's mails\n")
    for scene in result.scenes:
        print(f" {scene.title}\n   {scene.link() or scene.id}")
        papers = [path for paper in own_papers(scene.status) for path in archived(scene, paper)]
        mails = [path for mail in stage.post.received(scene.id) for path in files(stage.settings.outbox, mail)]
        for path in (*papers, *mails):
            print(f"   {_near(path)}")
    print()


def _near(path: Path) -> Path:
    """From here, when it lies below."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _received(stage: Stage, result: Result) -> Iterator[Sequence[str]]:
    for scene in result.scenes:
        for mail in stage.post.received(scene.id):
            day = local_date(mail.at, scene.clock.place.timezone)
            yield scene.title, str(day), stage.post.named(mail), mail.subject, mail.to[0].email, _why(scene, mail)


def _why(scene: Scene, mail: Message) -> str:
    sent = [why for why in scene.whys if why["message"] == mail.key and why["verdict"] == "sent"]
    return str(sent[-1]["reason"]) if sent else ""


def _withheld(result: Result) -> Iterator[Sequence[str]]:
    """The same verdict on the same mail is one line with its count and the last reason."""
    for scene in result.scenes:
        others = [why for why in scene.whys if why["verdict"] != "sent"]
        for (mail, verdict), group in groupby(others, key=lambda why: (why["rung"] or why["kind"], why["verdict"])):
            same = list(group)
            times = f" {len(same)} times" if len(same) > 1 else ""
            yield scene.title, same[0]["at"][:10], mail, f"{verdict}{times}", same[-1]["reason"]


def _breaches(result: Result) -> Iterator[tuple[str, str]]:
    for scene in result.scenes:
        for text in scene.breaches:
            yield scene.title, text
    for text in result.books:
        yield "the books", text


def as_json(stage: Stage, result: Result) -> dict[str, Any]:
    """Everything that was shown, and more."""
    return {
        "contract": CONTRACT,
        "run": stage.run,
        "seconds": round(result.seconds, 1),
        "server": stage.server.address,
        "web_ui": stage.server.ui_url,
        "database": stage.engine.url.render_as_string(hide_password=True),
        "stories": [_story(stage, scene) for scene in result.stories],
        "verify": result.books,
        "breaches": [{"story": story, "expectation": text} for story, text in _breaches(result)],
    }


def _story(stage: Stage, scene: Dealing) -> dict[str, Any]:
    """`beside`: the story's further receivables, each as the first one."""
    return {**_scene(stage, scene), "beside": [_scene(stage, other) for other in scene.others]}


def _scene(stage: Stage, scene: Scene) -> dict[str, Any]:
    papers = own_papers(scene.status)
    return {
        "title": scene.title,
        "workflow_id": scene.id,
        "web_ui": scene.link(),
        "customer": scene.customer,
        "turns": [turn.as_json() for turn in scene.turns],
        "status": scene.status,
        "mails": [_mail(stage, scene, mail) for mail in stage.post.sent[scene.id]],
        "whys": scene.whys,
        "documents": [{**paper, "files": [str(path) for path in archived(scene, paper)]} for paper in papers],
        "breaches": scene.breaches,
    }


def _mail(stage: Stage, scene: Scene, mail: Message) -> dict[str, Any]:
    return {
        "at": instant(mail.at),
        "name": stage.post.named(mail),
        "kind": mail.kind,
        "to": [address.email for address in mail.to],
        "subject": mail.subject,
        "files": [str(path) for path in files(stage.settings.outbox, mail)],
        "why": _why(scene, mail),
    }


def write(file: Path, told: dict[str, Any]) -> None:
    file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
