"""What `duely queue` prints: what was asked, and lines that do what they say when they are pasted."""

from __future__ import annotations

import shlex
from datetime import timedelta
from typing import Any

import pytest

from adapters.books import plan_requests, replies, views
from adapters.documents.shelf import Shelf
from adapters.mail.incoming import parse
from cli.commands import payload_of
from cli.queueing import paste, told
from schemas.commands import COMMANDS, parse_command
from tests.adapters.test_replies import address, mail
from tests.cli.conftest import Duely
from tests.story import Story


def lines(story: Story) -> list[list[str]]:
    """The command lines of everything that waits, in their parts."""
    people = views.people(story.books.engine)
    printed = [line for item in views.exceptions(story.books.engine) for line in told(item, people)]
    return [shlex.split(line) for line in printed if line.startswith("   duely")]


def collecting(story: Story) -> Story:
    story.command("approve", "ana")
    story.run(1)
    return story


def test_each_reply_has_a_line_that_settles_it_and_no_other(seeded_duely: Duely, story: Story) -> None:
    engine = collecting(story).books.engine
    for text in ("We will pay on 2026-01-28.", "This was paid last week."):
        raw = mail(address(engine, story), text)
        replies.received(engine, Shelf(), raw, parse(raw), story.now)
    by_word = [line for line in lines(story) if line[1] in ("note", "decide")]
    assert [line[1] for line in by_word] == ["decide", "decide"]
    assert by_word[0][-1] == "read the mail and answered it"
    numbers = [item["id"] for item in views.exceptions(engine)]
    assert [int(line[2]) for line in by_word] == numbers
    assert seeded_duely(*by_word[1][1:]).code == 0
    assert [item["id"] for item in views.exceptions(engine)] == numbers[:1]


def test_a_wish_for_instalments_is_pasted_as_it_was_wished(seeded_duely: Duely, story: Story) -> None:
    collecting(story)
    days = [story.now.date() + timedelta(days=each) for each in (30, 50)]
    plan_requests.ask(story.books.engine, "demo", story.id, [(days[0], 100_00), (days[1], 40_40)], "Erika", story.now)
    plan, word = lines(story)
    wanted = [f"--instalments={day}={amount}" for day, amount in zip(days, ("100.00", "40.40"), strict=True)]
    assert plan == ["duely", "plan", story.id, "--by", "ben", *(part for each in wanted for part in each.split("=", 1))]
    assert word[1] == "decide"
    out = seeded_duely("queue").out
    assert f"instalments {days[0]} 100.00, {days[1]} 40.40" in out
    parts = [dict(zip(("due", "amount"), each.split("="), strict=True)) for each in plan[6::2]]
    story.command("plan", "ben", instalments=parts)
    assert views.exceptions(story.books.engine) == []


def test_no_line_says_what_nobody_did(story: Story) -> None:
    collecting(story)
    day = story.now.date().isoformat()
    story.command("pay", "ben", amount="150.00", received_on=day, method="transfer", external_id="T-1")
    story.command("refund", "ben", amount="9.60", reason="paid too much")
    found = {item["kind"] for item in views.exceptions(story.books.engine)}
    assert found == {"refund_to_pay"}
    assert [line[1:2] + line[-1:] for line in lines(story)] == [["decide", "…"]]


def test_what_waits_for_approval_stands_below_with_the_line_that_gives_it(seeded_duely: Duely, story: Story) -> None:
    told = seeded_duely("queue").out
    assert "0 waiting, 0 overdue" in told
    assert "1 waiting for approval" in told
    assert f"duely approve {story.id} --by ana --subject draft" in told
    assert seeded_duely("queue", "--owner", "ana").out.count("duely approve") == 1
    assert seeded_duely("queue", "--owner", "sam").out.count("duely approve") == 1, "it is of a receivable of sam's"
    for narrower in (("--seller", "clock01"), ("--kind", "dispute"), ("--overdue",)):
        assert "approve" not in seeded_duely("queue", *narrower).out
    assert seeded_duely("queue", "--json").out == "[]\n", "what /v1/exceptions has"
    story.command("approve", "ana")
    assert "waiting for approval" not in seeded_duely("queue").out
    more = Story(story.books.engine, "demo", "ORD-2")
    more.start("globex", "1000.00")
    collecting(more).command("write_off", "ben", reason="insolvent")
    told = seeded_duely("queue").out
    assert f"duely approve {more.id} --by ana --subject write_off-1" in told
    assert "1211.40 EUR" in told


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"amend", "note"}))
def test_every_line_has_the_form_of_its_command(name: str) -> None:
    item: dict[str, Any] = {
        "id": 1, "kind": "rung", "key": "invoice-demo-A/d1", "invoice": "invoice-demo-A", "owner": "sam",
        "evidence": {"amount": "12.00"},
    }  # fmt: skip
    _, verb, where, *flags = shlex.split(paste(name, item, ()))
    said: dict[str, Any] = dict.fromkeys(COMMANDS[name].model_fields)
    for flag, value in zip(flags[::2], flags[1::2], strict=True):
        field = flag.removeprefix("--").replace("-", "_")
        said[field] = [value] if field == "instalments" else value
    assert (verb, where) == (name, "invoice-demo-A")
    assert parse_command(name, (payload_of(COMMANDS[name], said),)).by == "sam"
