from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Invalid
from schemas.commands import COMMANDS, EXAMPLES, Dispute, Pay, Plan, parse_command
from schemas.values import Undecodable

CONTRACT = (
    "approve reject amend cancel dispute resolve promise plan accelerate extend hold release credit write_off pay "
    "refund hand_over send skip resend assign escalate note"
).split()


def problems(name: str, *payloads: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as invalid:
        parse_command(name, payloads)
    return {problem.path: problem.message for problem in invalid.value.problems}


def test_every_command_of_the_contract_has_a_model_and_an_example() -> None:
    assert list(COMMANDS) == CONTRACT
    assert EXAMPLES.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", CONTRACT)
def test_examples_parse_and_survive_json(name: str) -> None:
    command = parse_command(name, (EXAMPLES[name],))
    assert command.name == name
    assert "by" not in command.payload()
    again = json.loads(json.dumps({"by": command.by, **command.payload()}))
    assert parse_command(name, (again,)) == command


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize("key", ["by", "every other field"])
def test_examples_are_minimal(name: str, key: str) -> None:
    keys = ["by"] if key == "by" else [field for field in EXAMPLES[name] if field != "by"]
    for field in keys:
        less = {name_: value for name_, value in EXAMPLES[name].items() if name_ != field}
        if field in ("reason", "amount") and name == "credit" and field == "amount":
            assert "either" in problems(name, less)[""]
        else:
            assert problems(name, less) == {field: "is required"}


@pytest.mark.parametrize("name", CONTRACT)
@pytest.mark.parametrize(
    "payloads",
    [
        (),
        (None,),
        ([],),
        ("x",),
        (1,),
        ({},),
        (Undecodable("text/plain"),),
        (b"x",),
        ({"by": "a\x00"},),
        ({"by": 1},),
        ({"by": "ana", "colour": "red"},),
        ({"by": "ana\n"},),
        ({"by": "x" * 201},),
        ({"by": ["ana"]},),
    ],
    ids=repr,
)
def test_malformed_payloads_are_refused(name: str, payloads: tuple[Any, ...]) -> None:
    assert problems(name, *payloads)


def test_messages() -> None:
    example = EXAMPLES["hold"]
    assert problems("hold") == {"": "expects one JSON object, got none"}
    assert problems("hold", example, example) == {"": "expects one JSON object, got 2 payloads"}
    assert "'x-enc' cannot be read, send JSON" in problems("hold", Undecodable("x-enc"))[""]
    assert problems("hold", {**example, "untill": "x"})["untill"] == "is not a known field; did you mean until?"
    assert "no command hodl" in problems("hodl", example)[""]


@pytest.mark.parametrize(
    ("name", "more", "at", "words"),
    [
        ("approve", {"hash": "abc"}, "hash", "sha256:"),
        ("dispute", {"code": "ugly"}, "code", "must be one of price, quantity"),
        ("dispute", {"amount": 10.0}, "amount", "text"),
        ("dispute", {"amount": "0"}, "amount", "more than zero"),
        ("dispute", {"amount": "-1"}, "amount", "more than zero"),
        ("dispute", {"amount": "1", "lines": ["1"]}, "", "not both"),
        ("dispute", {"lines": []}, "lines", "at least one"),
        ("dispute", {"lines": ["1", "1"]}, "lines", "each once"),
        ("dispute", {"lines": [1]}, "lines[0]", "text"),
        ("resolve", {"outcome": "partly"}, "", "needs `credit`"),
        ("resolve", {"outcome": "rejected", "credit": "1"}, "", "no `credit`"),
        ("promise", {"date": "tomorrow"}, "date", "YYYY-MM-DD"),
        ("plan", {"instalments": []}, "", "at least one"),
        ("plan", {"instalments": [{"due": "2026-01-01"}]}, "instalments[0].amount", "is required"),
        ("write_off", {"kind": "gift"}, "kind", "bad_debt"),
        ("pay", {"method": "shell"}, "method", "cheque, cash, transfer"),
        ("resend", {"to": "x"}, "to", "mail address"),
        ("credit", {"lines": ["1"]}, "", "either"),
        ("amend", {"request": {"seller": "demo"}}, "request.lines", "is required"),
        ("amend", {"request": 1}, "request", "one JSON object"),
    ],
)
def test_one_problem(name: str, more: dict[str, Any], at: str, words: str) -> None:
    found = problems(name, {**EXAMPLES[name], **more})
    assert words in found[at]


def test_fields_are_typed() -> None:
    pay = parse_command("pay", ({**EXAMPLES["pay"], "amount": "10.50"},))
    assert isinstance(pay, Pay)
    assert (pay.amount, pay.received_on) == (Decimal("10.5"), date(2026, 12, 1))
    dispute = parse_command("dispute", ({"by": "ana", "reason": "x", "lines": ["1", "b"], "code": "quality"},))
    assert isinstance(dispute, Dispute)
    assert dispute.payload() == {"reason": "x", "lines": ["1", "b"], "code": "quality"}
    plan = parse_command("plan", (EXAMPLES["plan"],))
    assert isinstance(plan, Plan)
    assert plan.instalments[0].due == date(2026, 12, 1)


fields = sorted({field for model in COMMANDS.values() for field in model.model_fields})
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200)
@given(st.sampled_from(CONTRACT), st.dictionaries(st.sampled_from(fields), json_values, max_size=4))
def test_any_payload_is_a_command_or_invalid(name: str, noise: dict[str, Any]) -> None:
    try:
        command = parse_command(name, ({**EXAMPLES[name], **noise},))
    except Invalid as invalid:
        found = invalid.problems
    else:
        assert parse_command(name, ({"by": command.by, **command.payload()},)) == command
        return
    assert found
