"""What a story is, and how a module of stories collects its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cli.stories.dealing import Dealing

CLOCK, BANK, SHADOW = "clock", "bank", "shadow"
"""Sellers by the first letters of their keys: those of the demo's seed, and those of templates/seed/stories.toml."""

Telling = Callable[[Dealing], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Story:
    """`slug` is the reference upstream gave: capital letters. `sellers`: which ones it is played with."""

    title: str
    slug: str
    tell: Telling
    sellers: str = CLOCK


def into(stories: list[Story], of: str) -> Callable[..., Callable[[Telling], Telling]]:
    """The mark `@story(title, slug)` of a module: it puts the story into this list. `sellers`: others than the module's
    own."""

    def story(title: str, slug: str, sellers: str = of) -> Callable[[Telling], Telling]:
        def mark(tell: Telling) -> Telling:
            stories.append(Story(title, slug, tell, sellers))
            return tell

        return mark

    return story
