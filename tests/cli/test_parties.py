"""`duely customer` and `duely seller`: what they show, and stops from the command line."""

from __future__ import annotations

import json

import pytest

from adapters.books import by_hand
from tests.cli.conftest import Duely
from tests.story import Story

OWN = ("--seller", "demo")


def test_a_customer_is_shown_with_its_stops_and_open_items(seeded_duely: Duely, story: Story) -> None:
    stop = ("--hold", "insolvency announced", "--kind", "insolvent", "--until", "2199-01-01", "--by", "sam")
    assert seeded_duely("customer", "globex", *OWN, *stop).out == "hold: done, globex is held; no server answers\n"
    seeded_duely("seller", "demo", "--hold", "audit", "--by", "ben")
    shown = json.loads(seeded_duely("customer", "globex", *OWN, "--json").out)
    assert (shown["contract"], shown["name"], shown["email"]) == (1, "Globex GmbH", "ap@globex.example")
    assert [(each["scope"], each["kind"], each["by"], each["reason"]) for each in shown["stops"]] == [
        ("seller", "hold", "ben", "audit"),
        ("customer", "insolvent", "sam", "insolvency announced"),
    ]
    assert shown["stops"][1]["until"] == "2198-12-31T23:00:00Z"
    assert [(each["id"], each["balance"]) for each in shown["open"]] == [(story.id, "140.40")]
    told = seeded_duely("customer", "globex", *OWN).out
    for words in ("Globex GmbH", "insolvent of customer by sam", "ORD-1", "140.40 EUR"):
        assert words in told


def test_a_customer_is_shown_with_its_money_and_the_numbers_to_move_it_by(seeded_duely: Duely, story: Story) -> None:
    story.command("approve", "ana")
    story.run(0)
    day = story.now.date().isoformat()
    story.command("pay", "ben", amount="40.40", received_on=day, method="transfer", external_id="T-1")
    more = Story(story.books.engine, "demo", "ORD-2")
    more.start("globex", "50.00")
    more.command("approve", "ana")
    more.run(0)
    shown = json.loads(seeded_duely("customer", "globex", *OWN, "--json").out)
    assert (shown["owed"], shown["credit"]) == ({"EUR": "180.90"}, {})
    (receipt,) = shown["receipts"]
    assert (receipt["amount"], receipt["left"], receipt["pays"][0]["invoice"]) == ("40.40", "0.00", story.id)
    story.command("pay", "ben", amount="150.00", received_on=day, method="transfer", external_id="T-2")
    story.run(0)
    told = seeded_duely("customer", "globex", *OWN).out
    assert "80.90 EUR" in told
    shown = json.loads(seeded_duely("customer", "globex", *OWN, "--json").out)
    assert (shown["owed"], shown["credit"]) == ({"EUR": "80.90"}, {"EUR": "50.00"})
    assert [each["left"] for each in shown["receipts"]] == ["50.00", "0.00"]
    number = shown["receipts"][0]["receipt"]
    by_hand.apply(story.books.engine, number, [more.id], None, "ben", story.now)
    shown = json.loads(seeded_duely("customer", "globex", *OWN, "--json").out)
    allocation = shown["receipts"][0]["pays"][-1]
    assert (allocation["invoice"], allocation["amount"]) == (more.id, "50.00")


def test_a_stop_is_lifted_and_a_remark_kept(seeded_duely: Duely, story: Story) -> None:
    seeded_duely("seller", "demo", "--hold", "audit", "--by", "sam")
    noted = json.loads(seeded_duely("seller", "demo", "--note", "the auditor called", "--by", "sam", "--json").out)
    assert noted == {"contract": 1, "result": "done", "state": "held", "told": None}
    assert json.loads(seeded_duely("seller", "demo", "--release", "--by", "sam", "--json").out)["state"] == "free"
    shown = json.loads(seeded_duely("seller", "demo", "--json").out)
    assert (shown["seller"], shown["mode"], shown["stops"]) == ("demo", "auto", [])
    again = seeded_duely("seller", "demo", "--release", "--by", "sam")
    assert (again.code, again.err) == (1, "the seller is not on hold\n")


def test_a_customer_of_several_sellers_needs_its_seller(seeded_duely: Duely) -> None:
    ended = seeded_duely("customer", "globex")
    assert ended.code == 1
    assert "give --seller" in ended.err
    assert seeded_duely("customer", "nobody").code == 1
    assert seeded_duely("seller", "nobody").err == "there is no seller nobody\n"


@pytest.mark.parametrize(
    "flags",
    [
        ("--hold", "x"),
        ("--by", "sam"),
        ("--kind", "insolvent", "--by", "sam"),
        ("--hold", "x", "--kind", "bankrupt", "--by", "sam"),
        ("--hold", "x", "--release", "--by", "sam"),
    ],
)
def test_wrong_usage(seeded_duely: Duely, flags: tuple[str, ...]) -> None:
    assert seeded_duely("customer", "globex", *OWN, *flags).code == 2
    assert json.loads(seeded_duely("customer", "globex", *OWN, "--json").out)["stops"] == []


def test_who_may_not_stop(seeded_duely: Duely) -> None:
    ended = seeded_duely("customer", "globex", *OWN, "--hold", "x", "--by", "ana")
    assert ended.code == 1
    assert "needs a controller or owner" in ended.err
