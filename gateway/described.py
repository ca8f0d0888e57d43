"""What the OpenAPI document says of every route: bodies from the models that check them, answers as they are given,
every status a route can answer with. It routes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from adapters.books.seed_models import Customer
from domain.audit import ACTOR_KINDS, TYPES
from domain.status import ONE, SEVERAL, SUMS
from gateway import problems
from schemas.commands import COMMANDS, EXAMPLES, Command
from schemas.request import Request
from schemas.stops import Stop

Schema = dict[str, Any]

STATES = (
    "invalid draft awaiting_approval rejected scheduled issued delivering collecting disputed payment_pending promised"
    " on_hold escalated in_collections paid credited written_off cancelled"
).split()
REF = "#/components/schemas/{model}"

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_OBJECTS: Schema = {"type": "array", "items": {"type": "object"}}
_AMOUNT: Schema = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
_INSTANT: Schema = {"type": "string", "format": "date-time"}
_HASH: Schema = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
FILE: Schema = {"type": "string", "format": "binary", "minLength": 1}
_CONTRACT: Schema = {"const": 1}

WORDS = {
    200: "Done.",
    201: "Stored.",
    202: "Taken; the Location, or the subject, says where it goes on.",
    303: "Go there.",
    400: "Not readable, or not from whom it claims to be.",
    401: "No valid key.",
    403: "The key does not allow this.",
    404: "There is no such thing.",
    409: "Understood and refused, with the reason.",
    413: "Too large.",
    415: "Not a kind of file that is taken.",
    422: "Malformed; every problem with its path.",
    503: "A part of the house does not answer; try again after Retry-After.",
}


def operation(
    summary: str,
    answers: Mapping[int, str],
    errors: Sequence[int] = (),
    *,
    body: str | Schema | None = None,
    example: Any = None,
    media: str = "application/json",
    also: Sequence[str] = (),
    open_to_all: bool = False,
) -> dict[str, Any]:
    """Keyword arguments of a FastAPI route. `answers`: schema names by status, the first is the usual one; `body`: a
    schema, or the name of one; `also`: media types of files that are taken in its place."""
    said = {
        status: _answer(status, {"$ref": REF.format(model=name)}, "application/json")
        for status, name in answers.items()
    }
    refs = {"$ref": REF.format(model="Problem")}
    said |= {status: _answer(status, refs, problems.MEDIA_TYPE) for status in sorted({*errors, 422, 503})}
    if not open_to_all:
        said |= {status: _answer(status, refs, problems.MEDIA_TYPE) for status in (401, 403)}
    extra: Schema = {} if open_to_all else {"security": [{"key": []}]}
    if body is not None:
        schema = {"$ref": REF.format(model=body)} if isinstance(body, str) else body
        content = {media: {"schema": schema, **({"example": example} if example is not None else {})}}
        content |= {other: {"schema": FILE} for other in also}
        extra["requestBody"] = {"required": True, "content": content}
        said |= {status: _answer(status, refs, problems.MEDIA_TYPE) for status in (400, 413)}
    return {
        "summary": summary,
        "status_code": next(iter(answers)),
        "responses": said,
        "response_class": JSONResponse,
        "response_model": None,
        "openapi_extra": extra,
    }


def _answer(status: int, schema: Schema, media: str) -> dict[str, Any]:
    said: dict[str, Any] = {"description": WORDS[status], "content": {media: {"schema": schema}}}
    if status == 503:
        said["headers"] = {"Retry-After": {"required": True, "schema": {"type": "string", "pattern": "^[0-9]+$"}}}
    return said


def describe(app: FastAPI) -> None:
    """The document at /openapi.json, made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            parts = made.setdefault("components", {})
            parts["schemas"] = {**parts.get("schemas", {}), **_schemas()}
            parts["securitySchemes"] = {
                "key": {"type": "http", "scheme": "bearer", "description": "Made by `duely key add`."}
            }
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the document


STOP = "customer_hold"
STOP_EXAMPLE = {**EXAMPLES["hold"], "kind": "hold"}


def command_schema(name: str) -> str:
    return f"Command.{name}"


def _schemas() -> dict[str, Schema]:
    commands: dict[str, type[Command]] = {**COMMANDS, STOP: Stop}
    models: list[type[BaseModel]] = [Request, Customer, *commands.values()]
    named, found = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    schemas: dict[str, Schema] = {**found["$defs"], **ANSWERS}
    for name, model in commands.items():
        said = deepcopy(_named(schemas, named[model, "validation"]))
        said["required"] = [field for field in said["required"] if field != "by"]
        said["properties"]["by"]["description"] = "Left out: the key's own person."
        schemas[command_schema(name)] = {**said, "examples": [{**EXAMPLES, STOP: STOP_EXAMPLE}[name]]}
    stored = deepcopy(_named(schemas, named[Customer, "validation"]))
    for field in ("sellers", "key"):
        del stored["properties"][field]
    schemas["StoredCustomer"] = stored
    pay = deepcopy(schemas[command_schema("pay")])
    pay["properties"]["invoice"] = {
        **_TEXT,
        "minLength": 1,
        "maxLength": 200,
        "description": "Id, number or reference.",
    }
    pay["required"].append("invoice")
    schemas["Payment"] = {**pay, "examples": [{**EXAMPLES["pay"], "invoice": "ORD-1042"}]}
    return schemas


def _named(schemas: Mapping[str, Schema], ref: Mapping[str, Any]) -> Schema:
    return schemas[str(ref["$ref"]).rpartition("/")[2]]


def _object(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, closed: bool = True
) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": not closed,
    }


ANSWERS: dict[str, Schema] = {
    "Problem": _object(
        {"contract": _CONTRACT, "type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
        {"problems": {"type": "array", "items": _object({"path": _TEXT, "message": _TEXT})}},
    ),
    "Started": _object({"contract": _CONTRACT, "id": _TEXT, "created": {"type": "boolean"}}),
    "Status": _object(
        {
            "contract": _CONTRACT,
            "id": _TEXT,
            "state": {"enum": STATES},
            "policy": {"type": "object"},
            "metadata": {"type": "object", "additionalProperties": _TEXT},
            "next": {"type": "object"},
            **dict.fromkeys(("seller", "reference", "request_hash", "waits_for", *ONE), _TEXT_OR_NULL),
            **{name: {**_AMOUNT, "type": ["string", "null"]} for name in (*SUMS, "customer_credit")},
            "einvoice": {"type": ["object", "null"]},
            **dict.fromkeys(("problems", "commands", *SEVERAL), _OBJECTS),
            "flags": _TEXTS,
            "exceptions": _TEXTS,
        },
        closed=False,
    ),
    "Listed": _object(
        {
            "contract": _CONTRACT,
            "invoices": {
                "type": "array",
                "items": _object(
                    {
                        "id": _TEXT,
                        "seller": _TEXT,
                        "reference": _TEXT,
                        "number": _TEXT_OR_NULL,
                        "state": {"enum": STATES},
                        "customer": _TEXT,
                        "name": _TEXT_OR_NULL,
                        "currency": _TEXT,
                        "total": _AMOUNT,
                        "balance": _AMOUNT,
                        "due_on": _TEXT_OR_NULL,
                        "next_at": _TEXT_OR_NULL,
                        "owner": _TEXT,
                        "updated_at": _INSTANT,
                    }
                ),
            },
            "next": {**_TEXT_OR_NULL, "description": "`cursor` of the next page; null at the end."},
        }
    ),
    "Answer": _object(
        {"contract": _CONTRACT, "result": {"enum": ["done", "pending"]}},
        {"state": _TEXT, "subject": _TEXT, "dispute": _TEXT},
    ),
    "CustomerStored": _object(
        {"contract": _CONTRACT, "seller": _TEXT, "key": _TEXT, "result": {"enum": ["created", "changed", "unchanged"]}}
    ),
    "CustomerShown": _object({"contract": _CONTRACT, "seller": _TEXT, "key": _TEXT, "name": _TEXT}, closed=False),
    "FileStored": _object({"contract": _CONTRACT, "file": _HASH}),
    "BankFileTaken": _object({"contract": _CONTRACT, "id": _HASH, "workflow": _TEXT}),
    "Decided": _object({"contract": _CONTRACT, "result": {"const": "done"}}),
    "Exceptions": _object({"contract": _CONTRACT, "exceptions": _OBJECTS}),
    "Events": _object(
        {
            "contract": _CONTRACT,
            "events": {
                "type": "array",
                "items": _object(
                    {
                        "seller": _TEXT,
                        "seq": {"type": "integer", "minimum": 1},
                        "at": _INSTANT,
                        "type": {"enum": sorted(TYPES)},
                        "actor": {**_TEXT, "description": "A key of ours; a salted hash for anybody else."},
                        "actor_kind": {"enum": sorted(ACTOR_KINDS)},
                        "keys": {"type": "object", "additionalProperties": _TEXT},
                        "previous": {**_TEXT, "description": "The digest before; empty for a seller's first."},
                        "digest": _HASH,
                    }
                ),
            },
            "after": {"type": "integer", "minimum": 0, "description": "Where to go on."},
        }
    ),
    "EventTaken": _object(
        {"contract": _CONTRACT, "received": {"const": True}, "result": {"enum": ["taken", "known", "ignored"]}}
    ),
    "Healthy": _object({"contract": _CONTRACT, "status": {"const": "ok"}}),
}
