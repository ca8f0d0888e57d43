"""A receivable's own virtual clock on a real server: moves one workflow through weeks in seconds, its neighbours stay.

Days are named from the due date, `D-5` or `D+9`, and mean noon where the customer is. Never moves a closed workflow
(the server refuses) and never waits without an end (a stuck activity would hold a skip for ever).
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from temporalio.client import WorkflowHandle
from temporalio.testing import TimeSkipper

from domain import calendar
from domain.account import Place
from domain.errors import Refused, Unavailable
from schemas.steps import Outcome

SKIP_SECONDS = 120
NOON = time(12)
MONDAY = 1
DAY = re.compile(r"D([+-]\d+)")


@dataclass
class Clock:
    """`due_on` is known once the invoice is issued. `now` is the virtual instant it was last read at."""

    skipper: TimeSkipper
    handle: WorkflowHandle[Outcome, Outcome]
    place: Place
    now: datetime
    due_on: date | None = None

    @property
    def today(self) -> date:
        return calendar.local_date(self.now, self.place.timezone)

    def at(self, day: str, hour: time = NOON) -> datetime:
        """The instant of a day such as `D+9`."""
        named = DAY.fullmatch(day)
        if named is None or self.due_on is None:
            raise ValueError(f"{day}: write D-5 or D+9, after the invoice was issued")
        return calendar.at(self.due_on + timedelta(days=int(named[1])), hour, self.place.timezone)

    async def to(self, day: str) -> None:
        """On to noon of that day. Refused when it is past, or when the receivable closes on the way."""
        await self._forward(self.at(day) - await self.read(), day)

    async def until(self, at: datetime) -> None:
        """On to this instant."""
        await self._forward(at - await self.read(), f"{at:%Y-%m-%d %H:%M} UTC")

    async def days(self, count: int) -> None:
        await self._forward(timedelta(days=count), f"{count} days on")

    async def read(self) -> datetime:
        self.now = await self.skipper.get_current_time(self.handle)
        return self.now

    async def _forward(self, span: timedelta, goal: str) -> None:
        if span <= timedelta(0):
            raise Refused(f"{goal} is past: it is {self.now:%Y-%m-%d %H:%M} UTC")
        try:
            arrived = await asyncio.wait_for(self.skipper.fast_forward(self.handle, span), SKIP_SECONDS)
        except TimeoutError:
            raise Unavailable(f"the clock did not reach {goal} within {SKIP_SECONDS} s") from None
        if not arrived:
            raise Refused(f"the receivable closed before {goal}")
        await self.read()


def net_days(today: date, least: int, place: Place) -> int:
    """Days until the first Monday that is at least `least` days away, with no holiday from the Thursday before to the
    Friday after: so that a story reads the same on whichever day it is played."""
    days = least
    while not _quiet_monday(today + timedelta(days=days), place):
        days += 1
    return days


def _quiet_monday(day: date, place: Place) -> bool:
    around = (day + timedelta(days=offset) for offset in range(-4, 5))
    return day.isoweekday() == MONDAY and not any(
        calendar.is_holiday(each, place.country, place.region) for each in around
    )
