"""Plays stories side by side, and holds every one of them to the house's own rules when it has ended: the workflow and
the books agree, every mail is one file with its reason, no reminder left outside the customer's hours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email import message_from_binary_file, policy
from pathlib import Path
from typing import Any

from adapters.books.books import Books
from adapters.books.verify import verify
from adapters.mail.port import Message
from cli.stories.dealing import Dealing
from cli.stories.post import label
from cli.stories.scene import Scene
from cli.stories.stage import Stage
from cli.stories.story import Story
from domain import calendar
from domain.errors import DuelyError
from domain.money import show
from workers import agreement

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Result:
    """`stories`: one scene each, those of further receivables within. `books`: what is wrong with them as a whole.
    `seconds` of real time, the server's start included. `dossier`: a zip that an auditor can check."""

    stories: Sequence[Dealing]
    books: list[str]
    seconds: float
    dossier: Path | None = None

    @property
    def scenes(self) -> list[Dealing]:
        return every(self.stories)

    @property
    def breaches(self) -> int:
        return len(self.books) + sum(len(scene.breaches) for scene in self.scenes)


def every(stories: Sequence[Dealing]) -> list[Dealing]:
    """One scene a receivable."""
    return [scene for first in stories for scene in first.every]


def scenes(stage: Stage, stories: Sequence[Story], told: Callable[[Scene, str], None]) -> list[Dealing]:
    free = {prefix: iter(sellers) for prefix, sellers in stage.sellers.items()}
    return [Dealing(stage, story.title, story.slug, next(free[story.sellers]), told) for story in stories]


async def play(stories: Sequence[Story], told_in: Sequence[Dealing]) -> None:
    """All of them, some at a time, from the last on: the long ones are told last. A story that breaks off is a breach
    of its own; the others go on."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(story: Story, scene: Dealing) -> None:
        async with gate:
            try:
                await story.tell(scene)
                for each in scene.every:
                    await _rules(each)
            except DuelyError as error:
                scene.breach(f"it plays to its end, but: {error}")
            except Exception as error:  # noqa: BLE001 - whatever breaks one story must not end the others
                scene.breach(f"it plays to its end, but: {type(error).__name__}: {error}")
            for each in scene.every:
                each.ended = True

    pairs = list(zip(stories, told_in, strict=True))
    await asyncio.gather(*(one(story, scene) for story, scene in reversed(pairs)))


async def books(stage: Stage, played: Sequence[Dealing]) -> list[str]:
    """The invariants on the books of this run, and their agreement with its workflows."""
    found = [str(breach) for breach in await asyncio.to_thread(verify, stage.engine, stage.settings.archive)]
    ours = {scene.id for scene in every(played)}
    async for id_, text in agreement.disagreements(stage.client, stage.engine):
        if id_ in ours:
            found.append(f"I9 {id_}: {text}")
    return found


async def _rules(scene: Scene) -> None:
    """What holds at the end of every story, whatever it was about."""
    status = await scene.settled()
    description = await scene.handle.describe()
    scene.run_id = description.run_id
    scene.check(status["waits_for"] == "closed", f"the receivable is closed at the end (it is {status['state']})")
    account, rules = await asyncio.to_thread(_booked, scene)
    booked = (account.phase.value, show(account.balance, account.currency), account.number)
    told = (status["state"], status["balance"], status["number"])
    scene.check(booked == told, f"the workflow {told} and the books {booked} agree")
    reasons = {why["message"] for why in await scene.reasons() if why["verdict"] == "sent"}
    place = account.customer_place
    for mail in scene.stage.post.sent[scene.id]:
        found = await asyncio.to_thread(files, scene.stage.settings.outbox, mail)
        scene.check(len(found) == 1, f"mail {label(mail)} is one file in the outbox")
        scene.check(mail.key in reasons, f"mail {label(mail)} has a why-record")
        if mail.kind == "reminder":
            within = calendar.window_open(mail.at, rules.window, place.timezone, place.country, place.region)
            scene.check(within, f"reminder {label(mail)} of {mail.at:%Y-%m-%d %H:%M} UTC left in the customer's hours")
    for paper in own_papers(status):
        scene.check(paper["xml"] is not None, f"{paper['number']} has its data as XML")
        for path in archived(scene, paper):
            scene.check(path.is_file(), f"{path.suffix} of {paper['number']} lies in the archive")


def own_papers(status: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The documents that were issued here: the invoice of an adopted receivable was not."""
    taken_over = "adopted" in status.get("flags", ())
    return [each for each in status.get("documents", ()) if not (taken_over and each["kind"] == "invoice")]


def _booked(scene: Scene) -> tuple[Any, Any]:
    outcome = Books(scene.stage.engine, idempotent=True).outcome(scene.id)
    return outcome.account, outcome.policy


def archived(scene: Scene, paper: dict[str, Any]) -> list[Path]:
    """The paper of a document, then its data."""
    keys = [(str(paper["hash"]), "pdf"), (str(paper["xml"]), "xml")]
    return [scene.stage.settings.archive / f"{key.removeprefix('sha256:')}.{suffix}" for key, suffix in keys]


def files(outbox: Path, mail: Message) -> list[Path]:
    """The .eml files of this mail: there must be one. Their names begin with the time of the claim."""
    return [path for path in sorted(outbox.glob(f"{mail.at:%Y%m%dT%H%M%SZ}-*.eml")) if _key(path) == mail.key]


def _key(path: Path) -> str:
    with path.open("rb") as file:
        return str(message_from_binary_file(file, policy=policy.default)["X-Duely-Key"])
