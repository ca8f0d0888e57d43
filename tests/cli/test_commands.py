from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from cli.commands import HELP, flag, payload_of
from cli.main import app
from domain.errors import Invalid
from schemas.commands import COMMANDS, EXAMPLES
from tests.cli.conftest import Duely

VERBS = typer.main.get_group(app).commands
CONTRACT = """approve reject amend cancel dispute resolve promise plan accelerate extend hold release credit write_off
pay refund hand_over send skip resend assign escalate note init seed demo up worker start list show apply unapply why
queue verify pause-all resume-all bank gateway validate export customer simulate""".split()
BESIDES = {"key", "archive", "absent", "seller", "decide", "codec", "link", "sheet"}
"""Not in the contract: keys of programs, the archive, who is away, a whole seller, a word that settles an exception."""


def test_the_verbs_are_those_of_the_contract() -> None:
    assert sorted(name for name, verb in VERBS.items() if not verb.hidden) == sorted({*CONTRACT, *BESIDES})
    assert {name for name, verb in VERBS.items() if verb.hidden} == {"write-off", "hand-over"}
    assert set(HELP) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_field_of_a_command_has_its_flag(name: str) -> None:
    options = {flag for parameter in VERBS[name].params for flag in parameter.opts}
    assert options >= {flag(field) for field in COMMANDS[name].model_fields} | {"--seller", "--json"}
    required = {field for field, info in COMMANDS[name].model_fields.items() if info.is_required()}
    assert {p.name for p in VERBS[name].params if p.required} == required | {"id"}


@pytest.mark.parametrize("name", sorted(set(CONTRACT) - {"up", "worker", "demo"}))
def test_every_verb_prints_json_when_asked(name: str) -> None:
    assert any("--json" in parameter.opts for parameter in VERBS[name].params)


@pytest.mark.parametrize("name", COMMANDS)
def test_flags_say_what_the_contracts_example_says(name: str, tmp_path: Path) -> None:
    given: dict[str, Any] = dict.fromkeys(COMMANDS[name].model_fields) | EXAMPLES[name]
    if name == "amend":
        given["request"] = tmp_path / "request.json"
        given["request"].write_text(json.dumps(EXAMPLES[name]["request"]), encoding="utf-8")
    if name == "plan":
        given["instalments"] = ["2026-12-01=50.00"]
    assert payload_of(COMMANDS[name], given) == EXAMPLES[name]


def test_a_wrong_flag_is_named_as_a_flag() -> None:
    given = {"by": "ben", "amount": "10,00", "received_on": "yesterday", "method": "gold", "external_id": "X"}
    with pytest.raises(Invalid) as caught:
        payload_of(COMMANDS["pay"], given)
    assert [problem.path for problem in caught.value.problems] == ["--amount", "--received-on", "--method"]


def test_instalments_are_due_and_amount() -> None:
    with pytest.raises(Invalid, match="--instalments: 'soon' is not DUE=AMOUNT"):
        payload_of(COMMANDS["plan"], {"by": "ben", "instalments": ["soon"]})


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("pay", "ORD-1", "--by", "ben"), 2, "--amount"),
        (("nonsense",), 2, "nonsense"),
        (("resolve", "ORD-1", "--by", "ana", "--outcome", "maybe"), 2, "--outcome: must be one of withdrawn"),
        (("amend", "ORD-1", "--by", "crm", "--request", "/nowhere.json"), 2, "--request: /nowhere.json cannot be read"),
    ],
)
def test_wrong_usage_ends_with_two(duely: Duely, arguments: tuple[str, ...], code: int, said: str) -> None:
    ended = duely(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert said in ended.err
    assert "Traceback" not in ended.err


def test_a_request_that_is_nested_without_end_is_wrong_usage(duely: Duely, tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    ended = duely("amend", "ORD-1", "--by", "crm", "--request", tmp_path / "deep.json")
    assert ended.code == 2
    assert ended.err.endswith("cannot be read as JSON: is nested too deeply\n")


@pytest.mark.parametrize("host", ["", " "])
def test_the_gateway_listens_everywhere_only_where_told_so(duely: Duely, host: str) -> None:
    ended = duely("gateway", "--host", host)
    assert (ended.code, "--host" in ended.err) == (2, True)


@pytest.mark.parametrize("address", ["a:b:c", "[::1", "host:99999999"])
def test_an_address_that_is_none_is_told_in_a_line(
    seeded_duely: Duely, story: object, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", address)
    ended = seeded_duely("approve", "ORD-1", "--by", "ana")
    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert f"no Temporal server answers at {address}: " in ended.err


@pytest.mark.parametrize(
    "url", ["postgresql://u:hunter2@h:port/db", "postgresql://u:p@h:hunter2/in@h/db", "postgresql://h/db?hunter2=1"]
)
def test_a_database_that_cannot_be_meant_is_told_without_its_password(
    duely: Duely, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("DUELY_DATABASE_URL", url)
    ended = duely("list")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert "postgresql://USER:PASSWORD@HOST/NAME" in ended.err
    assert "hunter2" not in ended.err


def test_a_command_needs_a_server_and_says_how_to_get_one(seeded_duely: Duely, story: object) -> None:
    ended = seeded_duely("approve", "ORD-1", "--by", "ana", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.count("\n") == 1
    assert "run `duely up`, or set TEMPORAL_ADDRESS" in ended.err
