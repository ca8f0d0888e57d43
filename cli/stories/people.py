"""Stories of people in the loop: who is asked, who answers, and what happens when nobody does. They play like those of
`told.py`, with what `dealing.py` knows of the world outside."""

from __future__ import annotations

from cli.stories.story import CLOCK, Story, into

STORIES: list[Story] = []
story = into(STORIES, CLOCK)
