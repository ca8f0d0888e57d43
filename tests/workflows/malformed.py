"""Payloads no program should send, and some programs will: for Signals, Updates and the start input alike."""

from __future__ import annotations

from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from schemas.commands import EXAMPLES


def encoded(encoding: str, data: bytes) -> RawValue:
    """A payload as another program's converter would send it."""
    return RawValue(Payload(metadata={"encoding": encoding.encode()}, data=data))


Payloads = tuple[Any, ...]

BODIES: dict[str, Payloads] = {
    "none": (),
    "empty": ({},),
    "null": (None,),
    "list": ([],),
    "list of objects": ([{"by": "ana"}],),
    "number": (7,),
    "text": ("by ana",),
    "json in a text": ('{"by": "ana"}',),
    "true": (True,),
    "by missing": ({"reason": "no reason"},),
    "by null": ({"by": None},),
    "by number": ({"by": 5},),
    "by list": ({"by": ["ana"]},),
    "by object": ({"by": {"name": "ana"}},),
    "by empty": ({"by": ""},),
    "by with NUL": ({"by": "a\x00na"},),
    "by with escape": ({"by": "a\x1b[31mna"},),
    "by with a line": ({"by": "ana\nben"},),
    "by too long": ({"by": "x" * 201},),
    "lone surrogate": (encoded("json/plain", b'{"by": "\\ud800"}'),),
    "unknown field": ({"by": "ana", "zzz": 1},),
    "unknown field with markup": ({"by": "ana", "<b>[x](http://evil.example)`": 1},),
    "prototype": ({"by": "ana", "__proto__": {}, "__class__": "Invoice"},),
    "two payloads": ({"by": "ana"}, {"by": "ana"}),
    "three payloads": (None, None, None),
    "text/plain": (encoded("text/plain", b"by ana"),),
    "binary/foo": (encoded("binary/foo", b"\x00\x01"),),
    "binary/plain": (encoded("binary/plain", b"\x00\x01"),),
    "binary/null": (encoded("binary/null", b""),),
    "no encoding": (RawValue(Payload(data=b'{"by": "ana"}')),),
    "bad protobuf": (encoded("json/protobuf", b'{"by": "ana"}'),),
    "encrypted": (encoded("binary/encrypted", b"\x8f" * 64),),
    "not utf-8": (encoded("json/plain", b'{"by": "\xff\xfe"}'),),
    "half a json": (encoded("json/plain", b'{"by": "ana"'),),
    "NaN": (encoded("json/plain", b'{"by": NaN}'),),
    "huge number": (encoded("json/plain", b'{"by": ' + b"9" * 5000 + b"}"),),
    "deep": (encoded("json/plain", b"[" * 5000 + b"]" * 5000),),
    "deep object": (encoded("json/plain", b'{"by":' * 900 + b"1" + b"}" * 900),),
    "forged problems": ({"problems": [["reference", "forged"]]},),
    "forged problems, odd": ({"problems": 5},),
    "forged reopening": ({"reopen": True},),
    "forged account": ({"account": {"phase": "paid"}, "policy": None},),
}

BIG: dict[str, Payloads] = {
    "1 MB": ({"by": "ana", "reason": "x" * 1_000_000, "text": "y"},),
    "100,000 fields": ({"by": "ana", **{f"f{number}": 0 for number in range(100_000)}},),
}

_AMOUNTS: dict[str, Any] = {
    "float": 1.5,
    "negative": "-1.00",
    "zero": "0.00",
    "exponent": "1e2",
    "comma": "1,50",
    "infinite": "Infinity",
    "list": ["1.00"],
    "blank": " 1.00",
    "endless": "0." + "1" * 60,
    "too large": "9" * 16,
}
_DATES: dict[str, Any] = {"day 31": "2026-11-31", "German": "30.11.2026", "instant": "2026-11-30T10:00:00Z", "int": 5}

_AMOUNT_FIELDS = (("dispute", "amount"), ("promise", "amount"), ("resolve", "credit"), ("credit", "amount"),
                  ("write_off", "amount"), ("pay", "amount"), ("refund", "amount"))  # fmt: skip
_DATE_FIELDS = (("promise", "date"), ("extend", "due"), ("hold", "until"), ("pay", "received_on"))


def fields() -> list[tuple[str, str, Payloads]]:
    """(command, what is wrong, payloads): a good command with one wrong amount, date, word or list."""
    found: list[tuple[str, str, Payloads]] = []
    for name, field in _AMOUNT_FIELDS:
        base = {**EXAMPLES[name], **({"outcome": "partly"} if name == "resolve" else {})}
        found += [(name, f"{field} {what}", ({**base, field: value},)) for what, value in _AMOUNTS.items()]
    for name, field in _DATE_FIELDS:
        found += [(name, f"{field} {what}", ({**EXAMPLES[name], field: value},)) for what, value in _DATES.items()]
    words = {"dispute": "code", "resolve": "outcome", "write_off": "kind", "pay": "method"}
    found += [(name, f"unknown {field}", ({**EXAMPLES[name], field: "zzz"},)) for name, field in words.items()]
    found += [
        ("dispute", "lines and amount", ({**EXAMPLES["dispute"], "lines": ["1"], "amount": "1.00"},)),
        ("dispute", "no lines", ({**EXAMPLES["dispute"], "lines": []},)),
        ("dispute", "same line twice", ({**EXAMPLES["dispute"], "lines": ["1", "1"]},)),
        ("credit", "neither", ({"by": "ben", "reason": "x"},)),
        ("approve", "hash of another kind", ({"by": "ana", "hash": "md5:00"},)),
        ("resend", "no address", ({"by": "sam", "to": "not an address"},)),
        ("resend", "header injection", ({"by": "sam", "to": "a@b.example\nBcc: c@d.example"},)),
        ("amend", "request is text", ({"by": "crm", "request": "text"},)),
        ("note", "control characters", ({"by": "ana", "text": "a\x07b"},)),
        ("note", "too long", ({"by": "ana", "text": "x" * 2001},)),
    ]
    return found


def requests(good: dict[str, Any]) -> dict[str, Payloads]:
    """Start inputs with one thing wrong."""
    line = good["lines"][0]

    def lines(**changed: Any) -> Payloads:
        return ({**good, "lines": [{**line, **changed}]},)

    return {
        "float price": lines(unit_price=1.5),
        "float quantity": lines(quantity=0.1),
        "price with comma": lines(unit_price="1,50"),
        "control character": lines(description="a\x00b"),
        "no lines": ({**good, "lines": []},),
        "lines object": ({**good, "lines": {}},),
        "unknown currency": ({**good, "currency": "EURO"},),
        "unknown field": ({**good, "zzz": 1},),
        "unknown tax category": lines(tax={"category": "Q", "rate": "19"}),
        "negative total": lines(quantity="-1"),
        "impossible date": ({**good, "issue_on": "2026-02-30"},),
        "unknown terms": ({**good, "terms": "some day"},),
        "seller is a list": ({**good, "seller": ["demo"]},),
        "another reference": ({**good, "reference": "OTHER"},),
        "unknown customer": ({**good, "customer": "nobody-knows"},),
        "unknown policy": ({**good, "policy": "nobody-knows"},),
        "unknown owner": ({**good, "owner": "nobody-knows"},),
        "bad timezone": ({**good, "customer": {"name": "X", "country": "DE", "timezone": "Mars/Olympus"}},),
        "request and more": (good, good),
        "1 MB": ({**good, "notes": "x" * 1_000_000},),
    }
