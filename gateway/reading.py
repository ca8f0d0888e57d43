"""Request bodies as they came: bytes first, JSON by our own reading, so that a key named twice or a float is told as on
the command line. It checks no field."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from gateway.problems import HttpProblem
from schemas.parsing import read_json


async def json_body(request: Request) -> Any:
    """The JSON value of the body. 400 when there is none."""
    raw = await request.body()
    try:
        return read_json(raw.decode("utf-8").removeprefix("\ufeff"))
    except UnicodeDecodeError:
        raise HttpProblem(400, "the body is not UTF-8") from None
    except ValueError as error:
        raise HttpProblem(400, f"the body is not JSON: {error}"[:300]) from None
