"""Stories of people in the loop: who is asked, who answers, and what happens when nobody does. They play like those of
`told.py`, with what `dealing.py` knows of the world outside."""

from __future__ import annotations

from cli.stories.dealing import Dealing
from cli.stories.story import CLOCK, Story, into

STORIES: list[Story] = []
story = into(STORIES, CLOCK)


@story("a reply that promises a date", "REPLY")
async def reply_that_promises(s: Dealing) -> None:
    await s.bill("umbrella", {"Shredders, two": "600.00"}, net=52)
    await s.tell("approve", by="ana")
    await s.to("D+1")
    await s.expect(state="collecting", received=["invoice", "D-3", "D+1"])
    await s.answers("D+1", f"Sorry, we are late. We will pay on {s.day('D+9')}.")
    await s.expect(state="collecting", exceptions=["reply"])
    s.check([p["kind"] for p in s.status["pauses"]] == ["reply"], "the ladder rests until a person has read it")
    # The machine has understood, and only prepares: a person gives the command.
    promise = (await s.ready("reply"))[0]
    s.check(f"--date {s.day('D+9')}" in promise, f"the day is filled in ({promise})")
    await s.paste(promise)
    await s.expect(state="promised", exceptions=[], flags=["promised"])
    await s.to("D+8")
    await s.expect(state="promised", received=["invoice", "D-3", "D+1"])
    await s.pays("600.00")
    await s.expect(state="paid", balance="0.00", received=["invoice", "D-3", "D+1", "receipt"])
    s.check([p["outcome"] for p in s.status["promises"]] == ["kept"], "the promise is kept")
