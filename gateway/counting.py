"""What every webhook does around its own work: its verdict is counted, and said."""

from __future__ import annotations

from collections.abc import Awaitable

from fastapi import Response
from fastapi.responses import JSONResponse

from domain.errors import Unavailable
from gateway.house import House
from gateway.problems import HttpProblem


async def counted(house: House, provider: str, work: Awaitable[str]) -> Response:
    """200 with what became of it. A failure is counted and goes on."""
    try:
        result = await work
    except HttpProblem as error:
        house.metrics.webhook(provider, "unavailable" if error.status == 503 else "refused")
        raise
    except Unavailable:
        house.metrics.webhook(provider, "unavailable")
        raise
    except Exception:
        house.metrics.webhook(provider, "failed")
        raise
    house.metrics.webhook(provider, result)
    return JSONResponse({"contract": 1, "received": True, "result": result})
