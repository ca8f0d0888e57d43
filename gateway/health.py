"""`/healthz`: the process lives. `/readyz`: the books and Temporal answer, or which does not. `/metrics`: counters, and
the books in figures."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from adapters.books import views
from domain.errors import Problem, Unavailable
from gateway import metrics
from gateway.described import operation
from gateway.house import House, house_of
from gateway.problems import problem

router = APIRouter(tags=["health"])
SECONDS = 3


@router.get("/healthz", **operation("Does the process live?", {200: "Healthy"}, open_to_all=True))
async def healthz() -> Response:
    return JSONResponse({"contract": 1, "status": "ok"})


@router.get("/readyz", **operation("Does everything it needs answer?", {200: "Healthy"}, open_to_all=True))
async def readyz(request: Request) -> Response:
    house = house_of(request)
    asked = {"database": asyncio.to_thread(views.sellers, house.engine), "temporal": house.link.client()}
    said = await asyncio.gather(*(_problem(name, answer) for name, answer in asked.items()))
    away = [each for each in said if each is not None]
    if away:
        return problem(503, f"not ready: {', '.join(each.path for each in away)}", away)
    return JSONResponse({"contract": 1, "status": "ok"})


async def _problem(name: str, answer: Awaitable[Any]) -> Problem | None:
    try:
        await asyncio.wait_for(answer, SECONDS)
    except Unavailable as error:
        return Problem(name, str(error))
    except TimeoutError:
        return Problem(name, f"does not answer within {SECONDS} s")
    return None


@router.get("/metrics", include_in_schema=False)
async def counters(request: Request) -> Response:
    """Requests for whoever asks; amounts only for whoever may see them."""
    house = house_of(request)
    text = house.metrics.text()
    if _may_see_amounts(request, house):
        text += await house.board.text(house.now(), await house.link.client_if_any())
    return Response(text, headers={"Content-Type": metrics.CONTENT_TYPE})


def _may_see_amounts(request: Request, house: House) -> bool:
    """Whoever shows DUELY_METRICS_KEY; without one everybody, as long as the gateway is not public."""
    key = house.settings.metrics_key
    if key is None:
        return "public_url" not in house.settings.model_fields_set
    shown = request.headers.get("authorization", "").encode()
    return hmac.compare_digest(shown, f"Bearer {key.get_secret_value()}".encode())
