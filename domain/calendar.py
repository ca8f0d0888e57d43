"""Business days, local dates and send windows. Instants are aware and in UTC, days are local to a named timezone.
Reads no clock: every function is told the instant it is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from domain.errors import Invalid

SATURDAY = 6
YEARS = range(1990, 2200)
"""Where the dates lie that others may name."""
LAST = date(YEARS[-1], 12, 31)
_MANY_DAYS = 400


@dataclass(frozen=True, slots=True)
class Window:
    """When messages may leave, in the recipient's timezone: from `start` until before `end`, on `days` (ISO weekdays
    1–7). Public holidays are closed unless `holidays`."""

    start: time
    end: time
    days: tuple[int, ...] = (1, 2, 3, 4, 5)
    holidays: bool = False

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError(f"a window must end after it starts, not {self.start}–{self.end}")
        if not self.days or not set(self.days) <= set(range(1, 8)):
            raise ValueError("a window needs weekdays from 1 (Monday) to 7 (Sunday)")


@cache
def _countries() -> dict[str, Any]:
    # Imported late: the library costs 0.1 s, and most programs never ask.
    import holidays

    return dict(holidays.list_supported_countries())


@lru_cache(maxsize=512)
def _public_holidays(country: str, region: str | None, year: int) -> frozenset[date]:
    import holidays

    if not known(country):
        return frozenset()
    subdivision = region if region in _countries()[country] else None
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))


def known(country: str) -> bool:
    """Whether public holidays of this ISO 3166 country are known; elsewhere only weekends count."""
    return country in _countries()


def is_holiday(day: date, country: str, region: str | None = None) -> bool:
    return day in _public_holidays(country, region, day.year)


def is_business_day(day: date, country: str, region: str | None = None) -> bool:
    """Monday to Friday and no public holiday of the country or its region."""
    return day.isoweekday() < SATURDAY and not is_holiday(day, country, region)


def next_business_day(day: date, country: str, region: str | None = None) -> date:
    """The day itself when it is one, else the next."""
    while not is_business_day(day, country, region):
        day += timedelta(days=1)
    return day


def add_business_days(day: date, count: int, country: str, region: str | None = None) -> date:
    """`count` ≥ 0 business days after `day`."""
    for _ in range(count):
        day = next_business_day(day + timedelta(days=1), country, region)
    return day


def later(day: date, days: int) -> date:
    """So many days after it. A day beyond `YEARS`, which older books may hold, counts as the last one: nothing can be
    reckoned at the end of the calendar."""
    return min(day, LAST) + timedelta(days=days)


@lru_cache(maxsize=256)
def _zone(tz: str) -> ZoneInfo:
    try:
        return ZoneInfo(tz)
    except (KeyError, ValueError, OSError):  # OSError: a folder such as "Europe"
        fault = f"must be an IANA timezone such as Europe/Berlin, not {tz[:40]!a}"
        raise Invalid.at("timezone", fault) from None


def local(instant: datetime, tz: str) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("an instant needs a timezone; a naive datetime would follow this machine's")
    return instant.astimezone(_zone(tz))


def local_date(instant: datetime, tz: str) -> date:
    return local(instant, tz).date()


@lru_cache(maxsize=4096)
def at(day: date, clock: time, tz: str) -> datetime:
    """The instant of a local time, in UTC. An ambiguous time (end of summer) takes the first; one that does not exist
    (begin of summer) moves to the first instant after the gap."""
    zone = _zone(tz)
    local = datetime.combine(day, clock, zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    early, late = (local.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    return _transition(min(early, late), max(early, late), zone)


def _transition(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first instant with the later offset, found by halving."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) // 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _open_day(day: date, window: Window, country: str, region: str | None) -> bool:
    return day.isoweekday() in window.days and (window.holidays or not is_holiday(day, country, region))


def window_open(instant: datetime, window: Window, tz: str, country: str, region: str | None = None) -> bool:
    day = local_date(instant, tz)
    if not _open_day(day, window, country, region):
        return False
    return at(day, window.start, tz) <= instant < at(day, window.end, tz)


@lru_cache(maxsize=4096)
def next_open(instant: datetime, window: Window, tz: str, country: str, region: str | None = None) -> datetime:
    """The instant itself while the window is open, else when it opens next."""
    first = local_date(instant, tz)
    for ahead in range(_MANY_DAYS):
        day = first + timedelta(days=ahead)
        earliest = max(instant, at(day, window.start, tz))
        # a clock change may swallow the whole window: then it starts and ends at the same instant
        if _open_day(day, window, country, region) and earliest < at(day, window.end, tz):
            return earliest
    raise ValueError("the window never opens")


def window_end(instant: datetime, window: Window, tz: str) -> datetime:
    """The end of the window of the instant's local day."""
    return at(local_date(instant, tz), window.end, tz)
