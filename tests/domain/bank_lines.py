"""Any statement a bank could make: single entries, twins, returns, reversals, batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from domain.statements import Entry, Line, Statement, keyed

ACCOUNT = "DE89370400440532013000"
OTHERS = ("DE02120300000000202051", "DE02500105170137075030", "AT611904300234573201", "NL91ABNA0417164300")
DAY = date(2026, 1, 15)

days = st.integers(0, 3).map(lambda n: DAY + timedelta(days=n))
plain = st.text(alphabet="ABCDEFGHabcdefgh0123456789 .-/", max_size=60).map(lambda t: " ".join(t.split()))
# What is left of a text that was cleaned: one line, nothing that controls or formats.
words = st.text(st.characters(exclude_categories=("C", "Zl", "Zp")), max_size=400).map(lambda t: " ".join(t.split()))
references = st.text(alphabet="ABCDEF0123456789-", min_size=4, max_size=16).filter(lambda t: t.strip("0") != "")
minors = st.integers(-(10**9), 10**9)


def line(**changed: Any) -> Line:
    made = Line(
        key="", booked_on=DAY, value_on=DAY, amount=119_00, currency="EUR", name="Alba Ltd", iban=OTHERS[0],
        text="Rechnung RE-2026-00017",
    )  # fmt: skip
    return replace(made, **changed)


def statement(entries: Sequence[Entry | Line] = (), **changed: Any) -> tuple[Statement, list[Entry]]:
    """Adds up unless told otherwise."""
    told = [entry if isinstance(entry, Entry) else Entry(whole=entry) for entry in entries]
    opening = changed.pop("opening", 100_00)
    made = Statement(
        account=ACCOUNT, currency="EUR", id="ST-1", number="1", opening=opening,
        closing=opening + sum(e.whole.amount for e in told), opened_on=DAY, closed_on=DAY,
        created_at=datetime(2026, 1, 15, 20, tzinfo=UTC),
    )  # fmt: skip
    return replace(made, **changed), told


def keys(*told: tuple[Statement, Sequence[Entry]]) -> list[str]:
    return [line.key for statement in keyed(told) for line in statement.lines]


@st.composite
def lines(draw: st.DrawFn, texts: st.SearchStrategy[str] = words, structured: bool = True) -> Line:
    amount = draw(minors)
    return Line(
        key="",
        booked_on=draw(days),
        value_on=draw(st.none() | days),
        amount=amount,
        currency="EUR",
        name=draw(texts)[:54].strip(),
        iban=draw(st.sampled_from(["", *OTHERS])),
        text=draw(texts)[:300].strip(),
        reference=draw(st.just("") | references) if structured else "",
        end_to_end=draw(st.just("") | references),
        bank_reference=draw(st.just("") | references),
        return_code=draw(st.sampled_from(["", "", "", "AM04", "MD06"])),
        reversal=draw(st.booleans()),
        charges=draw(st.sampled_from([0, 0, 1, 350])) if structured else 0,
    )


@st.composite
def entries(draw: st.DrawFn, texts: st.SearchStrategy[str] = words, structured: bool = True) -> Entry:
    """A single entry, or a batch whose parts sum to it, in one direction as versions before .001.04 need it."""
    if draw(st.integers(0, 3)):
        return Entry(whole=draw(lines(texts, structured)))
    first = draw(lines(texts, structured))
    sign = -1 if first.amount < 0 else 1
    shared: dict[str, Any] = {
        "booked_on": first.booked_on, "value_on": first.value_on, "bank_reference": first.bank_reference,
        "reversal": first.reversal,
    }  # fmt: skip
    more = draw(st.lists(lines(texts, structured), min_size=1, max_size=3))
    parts = tuple(replace(p, **shared, amount=sign * (abs(p.amount) + 1)) for p in (first, *more))
    whole = Line(key="", amount=sum(p.amount for p in parts), currency="EUR", **shared)
    return Entry(whole=whole, parts=parts)


@st.composite
def statements(draw: st.DrawFn, texts: st.SearchStrategy[str] = words, structured: bool = True) -> Statement:
    told = draw(st.lists(entries(texts, structured), max_size=5))
    told += draw(st.lists(st.sampled_from(told), max_size=2)) if told else []
    opening = draw(minors)
    made, told = statement(told, opening=opening, pending=draw(st.integers(0, 2)))
    return keyed([(made, told)])[0]
