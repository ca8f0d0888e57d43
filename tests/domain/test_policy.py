"""A policy file is read whole, with defaults for what it leaves out and every mistake at its path."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from datetime import time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.policy import DEFAULTS, AfterOutage, Policy, Tier, mode_of, parse_policy

SEED = Path(__file__).parents[2] / "templates" / "seed" / "policies.toml"


def parsed(toml: str) -> Policy:
    return parse_policy("test", 1, tomllib.loads(toml))


def problems(data) -> dict[str, str]:
    with pytest.raises(Invalid) as error:
        parse_policy("test", 1, data)
    return {problem.path: problem.message for problem in error.value.problems}


def seeded(name: str) -> Policy:
    return parse_policy(name, 1, tomllib.loads(SEED.read_text(encoding="utf-8"))[name])


def test_the_defaults_are_the_contracts_standard():
    policy = parse_policy("standard", 1, {})
    assert [(r.id, r.offset, r.to, str(r.after_outage)) for r in policy.ladder] == [
        ("D-3", -3, "billing", "skip"),
        ("D+1", 1, "billing", "collapse"),
        ("D+7", 7, "billing", "collapse"),
        ("D+14", 14, "owner", "collapse"),
        ("D+30", 30, "billing", "collapse"),
    ]
    assert policy.tiers["EUR"] == (
        Tier(below=250_00, approvers=0),
        Tier(below=10_000_00, approvers=1),
        Tier(below=None, approvers=2, roles=("controller",)),
    )
    assert policy.mode == "auto"
    assert (policy.gap_per_invoice, policy.max_age) == (timedelta(days=2), timedelta(hours=26))
    assert (policy.small_difference, policy.chase_minimum) == ({"EUR": 5}, {"EUR": 500})
    assert (policy.window.start, policy.window.end) == (time(8), time(17))


def test_standard_in_the_seed_spells_out_the_defaults():
    assert seeded("standard") == parse_policy("standard", 1, {})


def test_the_seeded_ladders():
    assert [rung.id for rung in seeded("gentle").ladder] == ["D+7", "D+14", "D+30"]
    assert seeded("none").ladder == ()
    dense = seeded("dense")
    assert [(rung.id, rung.to) for rung in dense.ladder] == [
        ("D+1", "billing"),
        ("D+2", "billing"),
        ("D+3", "billing"),
    ]
    assert {rung.after_outage for rung in dense.ladder} == {AfterOutage.COLLAPSE}
    assert dense.gap_per_invoice < timedelta(days=1)


def test_every_field_of_a_policy_has_a_key_with_a_default():
    assert {field.name for field in fields(Policy)} - {"name", "version"} == set(DEFAULTS)


def test_a_given_key_replaces_its_default_whole_but_the_window_by_field():
    policy = parsed(
        """
        interest = "statutory"
        sources = ["bank", "stripe"]
        small_difference = { JPY = "10" }
        [window]
        end = "12:30"
        [[tiers.USD]]
        approvers = 1
        [[ladder]]
        at = "D+5"
        template = "late"
        tone = "firm"
        [[ladder]]
        at = "D0"
        template = "today"
        tone = "friendly"
        to = "escalation"
        channel = "post"
        after_outage = "shift"
        """
    )
    assert set(policy.tiers) == {"USD"}
    assert [(rung.id, rung.offset, rung.channel) for rung in policy.ladder] == [
        ("D0", 0, "post"),
        ("D+5", 5, "email"),
    ]
    assert (policy.window.start, policy.window.end) == (time(8), time(12, 30))
    assert policy.small_difference == {"JPY": 10}
    assert (policy.interest, policy.sources) == ("statutory", ("bank", "stripe"))


@pytest.mark.parametrize(
    ("toml", "path", "message"),
    [
        ('gap_per_invoise = "2d"', "gap_per_invoise", "did you mean gap_per_invoice?"),
        ("colour = 1", "colour", "known are tiers, window"),
        ('gap_per_invoice = "2 days"', "gap_per_invoice", '"15m", "20h" or "3d"'),
        ("gap_per_invoice = 2", "gap_per_invoice", "must be a duration"),
        ('max_age = "0h"', "max_age", "longer than nothing"),
        ('approver_silence = "0d"', "approver_silence", "longer than nothing"),
        ('mode = "automatic"', "mode", "one of ask, auto, shadow"),
        ('unmatched = "drop"', "unmatched", "one of hold, net, ignore"),
        ("per_contact_per_day = 0", "per_contact_per_day", "from 1 to"),
        ("per_contact_per_day = true", "per_contact_per_day", "whole number"),
        ("settlement_days = 1.5", "settlement_days", "whole number"),
        ("consumer = 1", "consumer", "true or false"),
        ("interest = 9.0", "interest", "in quotes"),
        ('sources = "bank"', "sources", "must be a list of names"),
        ('sources = ["bank", "bank"]', "sources", "twice"),
        ('small_difference = "0.05"', "small_difference", "table by currency"),
        ("small_difference = { EUR = 0.05 }", "small_difference.EUR", "in quotes"),
        ('small_difference = { EUR = "0.055" }', "small_difference.EUR", ""),
        ('small_difference = { EUR = "-1.00" }', "small_difference.EUR", ""),
        ('small_difference = { EURO = "1.00" }', "small_difference.EURO", "ISO 4217"),
        ("window = 8", "window", "must be a table"),
        ('window = { begin = "08:00" }', "window.begin", "start"),
        ('window = { start = "8" }', "window.start", '"08:00"'),
        ('window = { start = "18:00" }', "window.end", "later than start"),
        ("window = { days = [0, 1] }", "window.days", "1 (Monday) to 7"),
        ("window = { days = [] }", "window.days", "weekdays"),
        ('ladder = "none"', "ladder", "[[ladder]]"),
        ("ladder = [1]", "ladder[0]", "must be a table"),
        ('[[ladder]]\nat = "7"\ntemplate = "a"\ntone = "b"', "ladder[0].at", '"D-3", "D0" or "D+7"'),
        ('[[ladder]]\nat = "D+07"\ntemplate = "a"\ntone = "b"', "ladder[0].at", "offset"),
        ('[[ladder]]\nat = "D+7"\ntone = "b"', "ladder[0].template", "is missing"),
        ('[[ladder]]\nat = "D+7"\ntemplate = "../etc"\ntone = "b"', "ladder[0].template", "must be a name"),
        (
            '[[ladder]]\nat = "D+7"\ntemplate = "a"\ntone = "b"\nto = "boss"',
            "ladder[0].to",
            "billing, escalation, owner",
        ),
        (
            '[[ladder]]\nat = "D+7"\ntemplate = "a"\ntone = "b"\n' * 2,
            "ladder[1].at",
            "one rung a day",
        ),
        ("[tiers]\nEUR = []", "tiers.EUR", "at least one"),
        ("[tiers]\nXXY = []", "tiers.XXY", "ISO 4217"),
        ("tiers = 3", "tiers", "table by currency"),
        ('[[tiers.EUR]]\nbelow = "1.00"\napprovers = 0', "tiers.EUR[0].below", "left out in the last"),
        ("[[tiers.EUR]]\napprovers = 0\n[[tiers.EUR]]\napprovers = 1", "tiers.EUR[0].below", "is missing"),
        ('[[tiers.EUR]]\napprovers = 0\nroles = ["controller"]', "tiers.EUR[0].roles", "more roles than"),
        ("[[tiers.EUR]]\napprovers = 9", "tiers.EUR[0].approvers", "from 0 to 5"),
        ("[[tiers.EUR]]\napproves = 1", "tiers.EUR[0].approves", "did you mean approvers?"),
        (
            '[[tiers.EUR]]\nbelow = "1.00"\napprovers = 2\n[[tiers.EUR]]\napprovers = 1',
            "tiers.EUR[1].approvers",
            "fewer than",
        ),
        (
            '[[tiers.EUR]]\nbelow = "2.00"\napprovers = 0\n' * 2 + "[[tiers.EUR]]\napprovers = 1",
            "tiers.EUR[1].below",
            "higher than",
        ),
    ],
)
def test_a_mistake_is_named_at_its_path(toml, path, message):
    found = problems(tomllib.loads(toml))
    assert path in found
    assert message in found[path]


def test_a_malformed_time_is_one_mistake():
    assert set(problems({"window": {"end": "late"}})) == {"window.end"}
    assert "must be a time" in problems({"window": {"end": "late"}})["window.end"]


def test_all_mistakes_come_at_once():
    found = problems(
        {
            "mod": "ask",
            "max_hold": "soon",
            "window": {"days": [8]},
            "ladder": [{"at": "D+1", "template": "a", "tone": "b"}, {"at": 3, "template": "a", "tone": "b"}],
            "tiers": {"EUR": [{"below": 5, "approvers": 0}, {"approvers": "two"}]},
        }
    )
    assert set(found) == {
        *("mod", "max_hold", "window.days", "ladder[1].at", "tiers.EUR[0].below", "tiers.EUR[1].approvers")
    }


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text("aEUR+-0.:dD\0", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["EUR", "at", "below", "approvers", "start", "", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*DEFAULTS, "oops"]), anything, max_size=4))
def test_anything_at_all_is_a_policy_or_problems_with_paths(data):
    try:
        policy = parse_policy("test", 1, data)
    except Invalid:
        assert all(problems(data))
        return
    assert "oops" not in data
    assert policy.window.start < policy.window.end


@given(st.integers(1, 9999), st.sampled_from("mhd"), st.integers(-999, 999))
def test_durations_and_offsets_are_read_as_written(count, unit, days):
    at = f"D{days:+d}" if days else "D0"
    policy = parse_policy(
        "test", 1, {"max_hold": f"{count}{unit}", "ladder": [{"at": at, "template": "a", "tone": "b"}]}
    )
    assert policy.max_hold == count * {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}[unit]
    assert (policy.ladder[0].id, policy.ladder[0].offset) == (at, days)


def test_a_rung_may_have_a_mode_of_its_own():
    rungs = [
        {"at": "D+1", "template": "a", "tone": "firm", "mode": "auto"},
        {"at": "D+7", "template": "b", "tone": "firm"},
    ]
    found = parse_policy("own", 1, {"mode": "ask", "ladder": rungs})
    assert [mode_of(found, name) for name in ("D+1", "D+7", "")] == ["auto", "ask", "ask"]
    with pytest.raises(Invalid, match=r"ladder\[0\]\.mode: must be one of ask, auto, shadow"):
        parse_policy("own", 1, {"ladder": [{**rungs[0], "mode": "loud"}]})
