"""A signed link votes once, for its person, its subject, its content, in its time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import approval
from domain.account import Subject, Vote
from domain.asked import Asked, Facts, Standing, parse, standing, unfinished
from domain.lifecycle import tag
from tests.domain.test_approval import ANA, BEN, CRM, NOW, SAM, subject

VALID = timedelta(days=14)
HASH, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
ASKED = Asked("invoice-demo-1", "draft", "a" * 12, "ana", 1)
WAITS = subject(hash=HASH)
GOOD = Facts(asked_at=NOW, subject=WAITS, outcome=None, person=ANA)


def at(facts: Facts = GOOD, days: float = 1, **more: Any) -> Standing:
    return standing(ASKED, replace(facts, **more), VALID, NOW + timedelta(days=days), "EUR")


def voted(by: str, hash_: str = HASH) -> Subject:
    return replace(WAITS, hash=hash_, approvers=2, votes=(Vote(by=by, at=NOW),))


def test_the_key_of_a_message_names_everything() -> None:
    assert parse("invoice-demo-ORD.1_a/approval/draft@aaaaaaaaaaaa/ana/2") == Asked(
        "invoice-demo-ORD.1_a", "draft", "a" * 12, "ana", 2
    )
    assert parse("invoice-demo-1/approval/write_off-12@aaaaaaaaaaaa/b.c/1") == Asked(
        "invoice-demo-1", "write_off-12", "a" * 12, "b.c", 1
    )


@pytest.mark.parametrize(
    "key",
    [
        "",
        "invoice-demo-1/invoice",
        "invoice-demo-1/approval/draft@aaaaaaaaaaaa/ana",
        "x/approval/draft@aaaaaaaaaaaa/a/1",
    ],
)
def test_other_keys_ask_for_no_approval(key: str) -> None:
    assert parse(key) is None


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({}, "open"),
        ({"used_at": NOW}, "open"),  # the answer never got through
        ({"used_at": NOW, "subject": voted("ana")}, "used"),
        ({"subject": voted("ana")}, "used"),  # by another link, or a command
        ({"used_at": NOW, "outcome": "rejected"}, "used"),
        ({"used_at": NOW, "subject": replace(WAITS, hash=OTHER)}, "used"),
        ({"used_at": NOW - timedelta(days=1)}, "used"),  # rejected, then put forward again as it was
        ({"subject": voted("ben")}, "open"),
        ({"revoked": True, "used_at": NOW, "person": None}, "revoked"),
        ({"person": None}, "foreign"),
        ({"person": replace(ANA, active=False), "subject": voted("ana")}, "foreign"),
        ({"person": SAM}, "foreign"),
        ({"person": CRM}, "foreign"),
        ({"person": replace(ANA, limits={"EUR": 1})}, "foreign"),
        ({"subject": replace(WAITS, creators=("ana",))}, "foreign"),
        ({"subject": replace(WAITS, hash=OTHER)}, "stale"),
        ({"subject": replace(WAITS, hash=OTHER), "outcome": "granted"}, "stale"),
        ({"outcome": "granted"}, "decided"),
        ({"outcome": "void"}, "decided"),
    ],
)
def test_where_a_link_stands(more: dict[str, Any], found: str) -> None:
    assert at(**more) == found


def test_a_link_ends_with_its_time() -> None:
    assert at(days=13.99) is Standing.OPEN
    assert at(days=14) is Standing.EXPIRED
    assert at(days=14, subject=replace(WAITS, hash=OTHER)) is Standing.EXPIRED, "then it tells nothing of the content"


facts = st.builds(
    Facts,
    asked_at=st.just(NOW),
    subject=st.builds(
        subject,
        hash=st.sampled_from([HASH, OTHER]),
        amount=st.sampled_from([1, 20_000_00]),
        approvers=st.just(2),
        creators=st.sampled_from([("crm",), ("ana",)]),
        votes=st.sampled_from([(), (Vote(by="ana", at=NOW),), (Vote(by="ben", at=NOW),)]),
    ),
    outcome=st.sampled_from([None, "granted", "rejected", "void"]),
    person=st.sampled_from([None, ANA, replace(ANA, active=False), SAM, replace(BEN, key="ana")]),
    used_at=st.none() | st.sampled_from([NOW - VALID, NOW]),
    revoked=st.booleans(),
)


@given(facts, st.integers(0, 20))
def test_an_open_link_is_one_whose_vote_the_books_would_take(given_: Facts, days: int) -> None:
    if at(given_, days) is Standing.OPEN:
        approval.judge(given_.subject, given_.person, "ana", HASH, "EUR")
        assert (given_.outcome, given_.revoked, tag(given_.subject)) == (None, False, ASKED.tag)
        assert days < VALID.days
        assert given_.used_at is None or unfinished(ASKED, given_)
