"""What a story needs beside the rest when a ledger runs in shadow: the owner's morning sheets, and what they say on
them, day by day on virtual clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, time
from functools import partial

from adapters.books import judgements, sheets
from adapters.morning import Morning
from cli.stories.dealing import Dealing
from cli.stories.scene import SELLERS_ZONE
from domain import calendar
from domain.sheets import Sheet, sheet_key
from workers.wiring import sheet_of

OWNER = "sam"
MORNING, NOON = time(7), time(12)


async def sheet_of_day(s: Dealing, day: date) -> Sheet | None:
    """The owner's sheet, made and mailed as the schedule makes it; None on a day without one."""
    if not calendar.is_business_day(day, "DE", "BE"):
        return None
    made = Morning(s.stage.engine, s.stage.post, partial(sheet_of, s.stage.settings))
    at = calendar.at(day, MORNING, SELLERS_ZONE)
    said = [await asyncio.to_thread(made.make, s.seller, OWNER, day, at) for _ in range(2)]
    s.check(said[1] == "nothing", "a sheet leaves once")
    if said[0] != "sent":
        return None
    return await asyncio.to_thread(sheets.build, s.stage.engine, s.seller, OWNER, day, at)


async def judge(s: Dealing, sheet: Sheet, vetoes: str, reason: str) -> None:
    """The owner opens the sheet by its link, vetoes what is for the receivable `vetoes`, and agrees with the rest."""
    key = sheet_key(sheet.seller, sheet.owner, sheet.day)
    page = await s.stage.outside.sheet(key)
    s.check(all(item.number in page for item in sheet.would), "the sheet shows every message")
    vetoed = [item.key for item in sheet.would if item.number == vetoes]
    agreed = [item.key for item in sheet.would if item.number != vetoes]
    for what, messages in (("yes", agreed), ("no", vetoed)):
        if messages:
            await s.stage.outside.decide(key, what, messages, "" if what == "yes" else reason)


async def noon(scenes: Sequence[Dealing], day: date) -> None:
    """Noon of that day for every receivable that is still open; weekends and holidays are passed over."""
    if not calendar.is_business_day(day, "DE", "BE"):
        return
    at = calendar.at(day, NOON, SELLERS_ZONE)

    async def move(each: Dealing) -> None:
        await each.clock.until(at)
        await each.settled()

    await asyncio.gather(*(move(each) for each in scenes if each.status["waits_for"] != "closed"))


async def agreement(s: Dealing) -> dict[str, tuple[int, int, int]]:
    """Rung -> decided, agreed, vetoed, as `duely simulate --agreement` counts them."""
    found = await asyncio.to_thread(judgements.agreement, s.stage.engine, s.seller, None)
    return {each.rung: (each.decided, each.agreed, each.vetoed) for each in found}
