"""A ledger of another program that is taken over and run in shadow: what a story needs for it beside the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from adapters.books import judgements, sheets
from adapters.morning import Morning
from cli.stories.clock import Clock, net_days
from cli.stories.dealing import Dealing
from cli.stories.scene import SELLERS_ZONE
from domain import calendar
from domain.account import Place
from domain.sheets import Sheet, sheet_key
from domain.trust import Evidence
from workers import client as receivables
from workers.wiring import sheet_of

OWNER = "sam"
MORNING = time(7)
ISSUED_DAYS_BEFORE = 30


async def adopt(s: Dealing, customer: str, number: str, total: str, *, net: int, paid: str = "0") -> None:
    """Takes over an invoice issued elsewhere, due on the first quiet Monday at least `net` days ahead."""
    s.customer, s.net = customer, net
    place = await asyncio.to_thread(s._place)
    now = datetime.now(UTC)
    today = calendar.local_date(now, SELLERS_ZONE)
    due = today + timedelta(days=net_days(today, net, place))
    s.request = {
        "seller": s.seller,
        "reference": f"{s.slug}-{s.stage.run}",
        "customer": {"key": customer},
        "currency": "EUR",
        "adopt": {
            "number": number,
            "issued_on": str(min(today, due - timedelta(days=ISSUED_DAYS_BEFORE))),
            "due_on": str(due),
            "total": total,
            "paid": paid,
        },
    }
    await receivables.start(s.stage.client, s.stage.engine, s.request)
    s._clock = Clock(s.stage.skipper, s.handle, place, now)
    await s._turn(f"{number} of {customer} is taken over, {total} with {paid} paid")


async def morning(s: Dealing, day: date) -> Sheet | None:
    """The owner's sheet of that day as the schedule makes it; None when there is none."""
    made = Morning(s.stage.engine, s.stage.post, lambda key: sheet_of(s.stage.settings, key))
    at = calendar.at(day, MORNING, SELLERS_ZONE)
    due = await asyncio.to_thread(sheets.due, s.stage.engine, at)
    if (s.seller, OWNER, day) not in due:
        return None
    if await asyncio.to_thread(made.make, s.seller, OWNER, day, at) != "sent":
        return None
    return await asyncio.to_thread(sheets.build, s.stage.engine, s.seller, OWNER, day, at)


async def judge(s: Dealing, sheet: Sheet, agreed: Sequence[str], vetoed: Sequence[str], reason: str) -> None:
    """The owner opens the sheet by its link and says what they think of each message."""
    key = sheet_key(sheet.seller, sheet.owner, sheet.day)
    page = await s.stage.outside.sheet(key)
    s.check(all(item.number in page for item in sheet.would), "the sheet shows every message")
    if agreed:
        await s.stage.outside.decide(key, "yes", agreed)
    if vetoed:
        await s.stage.outside.decide(key, "no", vetoed, reason)


async def day_on(s: Dealing, day: date) -> None:
    """Noon of that day for every receivable that is still open."""
    noon = calendar.at(day, time(12), SELLERS_ZONE)
    for each in s.every:
        if (await each.settled())["waits_for"] != "closed":
            await each.clock.until(noon)


async def agreement(s: Dealing) -> list[Evidence]:
    """Rung by rung, as `duely simulate --agreement` counts it."""
    return await asyncio.to_thread(judgements.agreement, s.stage.engine, s.seller, None)


def totals(found: Sequence[Evidence]) -> tuple[int, int]:
    """How often anybody agreed, and how often somebody vetoed."""
    return sum(each.agreed for each in found), sum(each.vetoed for each in found)


def place_of(s: Dealing) -> Place:
    return s.clock.place


def euros(text: str) -> Decimal:
    return Decimal(text)
