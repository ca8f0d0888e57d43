"""Holidays by place, business days, local dates, clock changes and send windows."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import calendar
from domain.calendar import Window
from domain.errors import Invalid

OFFICE = Window(time(8), time(17), (1, 2, 3, 4, 5), holidays=False)
ZONES = [
    "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia", "UTC",
    "America/Santiago", "Africa/Casablanca",
]  # fmt: skip

zones = st.sampled_from(ZONES)
days = st.dates(date(2005, 1, 1), date(2035, 12, 31))
times = st.times()
instants = st.integers(0, 31 * 366 * 86_400).map(lambda s: datetime(2005, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
places = st.sampled_from([("DE", None), ("DE", "BY"), ("US", "NY"), ("GB", "SCT"), ("FR", None), ("XX", None)])


@st.composite
def windows(draw):
    start, end = sorted(draw(st.lists(times, min_size=2, max_size=2, unique=True)))
    weekdays = draw(st.sets(st.integers(1, 7), min_size=1))
    return Window(start, end, tuple(sorted(weekdays)), draw(st.booleans()))


@pytest.mark.parametrize(
    ("day", "country", "region", "open_"),
    [
        ("2026-11-20", "DE", None, True),  # a Friday
        ("2026-11-21", "DE", None, False),
        ("2026-12-25", "DE", None, False),
        ("2026-01-06", "DE", None, True),  # Epiphany is kept in Bavaria, not in Germany
        ("2026-01-06", "DE", "BY", False),
        ("2026-01-06", "DE", "nowhere", True),
        ("2026-07-14", "FR", None, False),
        ("2021-12-31", "US", None, False),  # New Year's Day 2022 was a Saturday, observed the day before
        ("2026-11-30", "GB", "SCT", False),
        ("2026-11-30", "GB", "ENG", True),
        ("2026-12-25", "XX", None, True),
        ("2026-11-21", "XX", None, False),
    ],
)
def test_business_days_by_country_and_region(day, country, region, open_):
    assert calendar.is_business_day(date.fromisoformat(day), country, region) is open_


def test_which_countries_are_known():
    assert all(calendar.known(country) for country in ("DE", "US", "JP", "BR"))
    assert not any(calendar.known(country) for country in ("XX", "", "de", "Germany"))


@given(days, st.integers(0, 12), places)
def test_business_days_are_counted_one_by_one(day, count, place):
    next_ = calendar.next_business_day(day, *place)
    assert calendar.is_business_day(next_, *place)
    assert next_ >= day
    assert not any(calendar.is_business_day(day + timedelta(d), *place) for d in range((next_ - day).days))
    if count:
        end = calendar.add_business_days(day, count, *place)
        passed = [day + timedelta(d) for d in range(1, (end - day).days + 1)]
        assert sum(calendar.is_business_day(each, *place) for each in passed) == count
        assert calendar.is_business_day(end, *place)


def test_the_local_date_is_the_zones():
    instant = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert calendar.local_date(instant, "Europe/Berlin") == date(2026, 11, 21)
    assert calendar.local_date(instant, "America/New_York") == date(2026, 11, 20)
    assert calendar.local_date(datetime(2024, 2, 29, 12, tzinfo=UTC), "UTC") == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("local", "tz", "utc"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:00"),  # the gap ends at 03:00 summer time
        ("2026-03-29T02:00", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-03-29T03:00", "Europe/Berlin", "2026-03-29T01:00"),
        ("2026-03-29T01:59", "Europe/Berlin", "2026-03-29T00:59"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30"),  # the first of the two
        ("2026-03-08T02:15", "America/New_York", "2026-03-08T07:00"),
        ("2026-10-04T02:10", "Australia/Lord_Howe", "2026-10-03T15:30"),  # a change of half an hour
        ("2011-12-30T09:00", "Pacific/Apia", "2011-12-30T10:00"),  # a whole day that never was
        ("2026-09-06T00:00", "America/Santiago", "2026-09-06T04:00"),  # midnight itself is skipped
        ("2028-02-29T12:00", "Asia/Kolkata", "2028-02-29T06:30"),
    ],
)
def test_clock_changes(local, tz, utc):
    wanted = datetime.fromisoformat(local)
    got = calendar.at(wanted.date(), wanted.time(), tz)
    assert got == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert got.utcoffset() == timedelta()


@given(days, times, zones)
def test_a_local_time_becomes_the_first_instant_that_shows_it_or_a_later_one(day, clock, tz):
    got, wanted = calendar.at(day, clock, tz), datetime.combine(day, clock)
    shown = got.astimezone(ZoneInfo(tz)).replace(tzinfo=None)
    just_before = (got - timedelta(microseconds=1)).astimezone(ZoneInfo(tz)).replace(tzinfo=None)
    assert shown >= wanted
    assert just_before < wanted
    if shown == wanted:
        for earlier in (timedelta(minutes=30), timedelta(hours=1)):
            assert (got - earlier).astimezone(ZoneInfo(tz)).replace(tzinfo=None) != wanted


@settings(max_examples=150)
@given(instants, windows(), zones, places)
def test_the_next_opening_is_open_and_nothing_before_it_is(instant, window, tz, place):
    opens = calendar.next_open(instant, window, tz, *place)
    assert opens >= instant
    assert calendar.window_open(opens, window, tz, *place)
    assert calendar.window_open(instant, window, tz, *place) is (opens == instant)
    assert calendar.window_end(opens, window, tz) > opens
    assert not calendar.window_open(calendar.window_end(opens, window, tz), window, tz, *place)
    for step in range(1, 20):
        between = instant + (opens - instant) * step // 20
        assert between == opens or not calendar.window_open(between, window, tz, *place)


def berlin(day: str, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(hour, minute), ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (berlin("2026-11-20", 9), berlin("2026-11-20", 9)),
        (berlin("2026-11-20", 7), berlin("2026-11-20", 8)),
        (berlin("2026-11-20", 17), berlin("2026-11-23", 8)),  # the end is outside; Friday to Monday
        (berlin("2026-12-24", 18), berlin("2026-12-28", 8)),  # over Christmas and a weekend
        (berlin("2026-03-27", 18), berlin("2026-03-30", 8)),  # over the change to summer time
        (berlin("2026-04-02", 17), berlin("2026-04-07", 8)),  # over Easter
    ],
)
def test_office_hours_in_berlin(now, opens):
    assert calendar.next_open(now, OFFICE, "Europe/Berlin", "DE", None) == opens


def test_a_window_may_include_holidays_and_weekends():
    christmas = berlin("2026-12-25", 9)
    always = Window(time(8), time(17), (1, 2, 3, 4, 5, 6, 7), holidays=True)
    assert calendar.next_open(christmas, always, "Europe/Berlin", "DE", None) == christmas
    assert not calendar.window_open(christmas, OFFICE, "Europe/Berlin", "DE", None)
    assert calendar.window_end(christmas, always, "Europe/Berlin") == berlin("2026-12-25", 17)


def test_a_window_that_a_clock_change_swallows_is_closed_that_day():
    night = Window(time(2), time(2, 45), (7,), holidays=True)
    assert calendar.next_open(berlin("2026-03-28", 12), night, "Europe/Berlin", "DE", None) == berlin("2026-04-05", 2)


def test_an_unknown_timezone_is_named():
    for tz in ("Mars/Olympus", "../etc/passwd", ""):
        with pytest.raises(Invalid, match="timezone"):
            calendar.local_date(datetime(2026, 1, 1, tzinfo=UTC), tz)


def test_a_naive_instant_is_refused_for_it_would_follow_this_machine():
    with pytest.raises(ValueError, match="timezone"):
        calendar.local_date(datetime(2026, 1, 1), "UTC")  # noqa: DTZ001 - the point of the test


@pytest.mark.parametrize(
    ("start", "end", "weekdays"), [(17, 8, (1,)), (8, 8, (1,)), (8, 17, ()), (8, 17, (0,)), (8, 17, (8,))]
)
def test_a_window_that_never_opens_cannot_be_made(start, end, weekdays):
    with pytest.raises(ValueError, match="window"):
        Window(time(start), time(end), weekdays, holidays=True)


def test_importing_the_calendar_does_not_import_holidays():
    code = "import sys, domain.calendar; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
