"""`duely key`: handed out once, listed without secrets, taken back."""

from __future__ import annotations

import json

from tests.cli.conftest import Duely


def test_a_key_is_printed_once_and_taken_back(seeded_duely: Duely) -> None:
    made = seeded_duely(
        "key", "add", "--by", "crm", "--scope", "commands", "--scope", "invoices:read", "--seller", "demo"
    )
    key = made.out.strip()
    assert (made.code, made.out) == (0, f"{key}\n")
    prefix, id_, secret = key.split("_")
    assert (prefix, len(secret)) == ("dk", 64)
    (listed,) = json.loads(seeded_duely("key", "list", "--json").out)
    assert (listed["id"], listed["by"], listed["seller"], listed["revoked_at"]) == (id_, "crm", "demo", None)
    assert secret not in seeded_duely("key", "list").out
    assert seeded_duely("key", "revoke", id_).out == f"key {id_} is revoked\n"
    again = seeded_duely("key", "revoke", id_)
    assert (again.code, again.err.startswith(f"key {id_} was revoked on")) == (1, True)


def test_a_wrong_key_is_not_made(seeded_duely: Duely) -> None:
    unknown = seeded_duely("key", "add", "--by", "crm", "--scope", "all")
    assert (unknown.code, unknown.err.startswith("scope: there is no scope all; known are")) == (2, True)
    nobody = seeded_duely("key", "add", "--by", "nobody", "--scope", "commands")
    assert (nobody.code, nobody.err) == (1, "there is no person or machine nobody; seed it first\n")


def test_help_names_every_scope(duely: Duely) -> None:
    from adapters.books.api_keys import SCOPES

    told = " ".join(duely("key", "add", "--help").out.replace("│", " ").split())
    assert [scope for scope in SCOPES if scope not in told] == []
