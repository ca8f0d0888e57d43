"""Addresses and bodies as they came: bytes first, JSON by our own reading, so that a key named twice or a float is
told as on the command line. It checks no field."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from domain.errors import Invalid, Problem
from gateway import limits
from gateway.problems import HttpProblem
from schemas.parsing import path_of, read_json


async def once(request: Request) -> None:
    """A query parameter given twice means two things: it is refused, not picked from."""
    names = [name for name, _ in request.query_params.multi_items()]
    twice = sorted({name for name in names if names.count(name) > 1})[:10]
    if twice:
        raise Invalid([Problem(path_of((name,)), "is given more than once") for name in twice])


async def json_body(request: Request) -> Any:
    """The JSON value of the body. 400 when there is none."""
    raw = await request.body()
    if len(raw) > limits.DEFAULT:
        raise HttpProblem(413, limits.detail(limits.DEFAULT))
    try:
        return read_json(raw.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        raise HttpProblem(400, "the body is not UTF-8") from None
    except ValueError as error:
        raise HttpProblem(400, f"the body is not JSON: {error}"[:300]) from None
