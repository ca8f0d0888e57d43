"""Every error as `application/problem+json` (RFC 9457), in the words of the error itself; to a browser on a page of
people as a page. It never shows what was sent, nor anything of the inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from domain.errors import Conflict, DuelyError, Invalid, NotAllowed, NotFound, Problem, Refused, Unavailable
from gateway import refusals
from gateway.templates import html, plain
from schemas.parsing import path_of

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 5
"""When whoever met a 503 may try again."""

STATUS: tuple[tuple[type[DuelyError], int], ...] = (
    (Invalid, 422),
    (NotFound, 404),
    (NotAllowed, 403),
    (Refused, 409),
    (Conflict, 409),
    (Unavailable, 503),
)
"""The first that fits."""


PROGRAMS = ("/v1", "/webhooks", "/healthz", "/readyz", "/metrics", "/openapi")
"""Paths that nobody opens in a browser."""

PAGES = {403: "old_form", 404: "unknown", 413: "too_large", 429: "too_many"}


class HttpProblem(Exception):
    """An answer other than the one asked for; `detail` names the fix. `refused`: why whoever asks may not, for the
    audit; of a 403 it is the detail."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None, refused: str = ""):
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, dict(headers or {})
        self.refused = refused or (detail if status == 403 else "")


def problem(
    status: int, detail: str, problems: Sequence[Problem] = (), headers: Mapping[str, str] | None = None
) -> Response:
    body: dict[str, Any] = {
        "contract": 1,
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if problems:
        body["problems"] = [{"path": each.path, "message": each.message} for each in problems]
    return JSONResponse(body, status, {**_retry(status), **(headers or {})}, MEDIA_TYPE)


def _retry(status: int) -> Mapping[str, str]:
    return {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}


def answer(request: Request, status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as whoever asks can read it."""
    if _is_program(request):
        return problem(status, detail, headers=headers)
    return html(plain(PAGES.get(status, "unavailable" if status >= 500 else "wrong")), status, headers)


def _is_program(request: Request) -> bool:
    return request.url.path.startswith(PROGRAMS) or "text/html" not in request.headers.get("accept", "")


def of(error: DuelyError) -> Response:
    """The answer that an error of ours means."""
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    if isinstance(error, Invalid):
        return problem(status, "the request has problems", error.problems)
    return problem(status, str(error))


def register(app: FastAPI) -> None:
    app.add_exception_handler(DuelyError, _ours)
    app.add_exception_handler(HttpProblem, _http)
    app.add_exception_handler(HTTPException, _starlette)
    app.add_exception_handler(RequestValidationError, _parameters)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, DuelyError)
    if isinstance(error, NotAllowed):
        await refusals.note(request, str(error))
    said = of(error)
    return said if _is_program(request) else answer(request, said.status_code, "", _retry(said.status_code))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HttpProblem)
    if error.refused:
        await refusals.note(request, error.refused)
    return answer(request, error.status, error.detail, headers=error.headers)


async def _starlette(request: Request, error: Exception) -> Response:
    """What the router says by itself: no such path, no such method."""
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = methods_of(request.app.state.routes, request.url.path) | _named(error.headers)
        return problem(405, "this path does not take that method", headers={"Allow": ", ".join(sorted(allowed))})
    said = {404: "there is nothing here"}
    return answer(request, error.status_code, said.get(error.status_code, str(error.detail)), headers=error.headers)


def methods_of(routes: Sequence[BaseRoute], path: str) -> set[str]:
    """Every method that a path takes: the router itself names those of the first route only (RFC 9110, 10.2.1)."""
    fitting = (each for each in routes if isinstance(each, Route) and each.path_regex.match(path))
    return {method for each in fitting for method in each.methods or ()}


def _named(headers: Mapping[str, str] | None) -> set[str]:
    return {each.strip() for each in (headers or {}).get("Allow", "").split(",") if each.strip()}


async def _parameters(request: Request, error: Exception) -> Response:
    """Wrong path or query parameters, as FastAPI finds them."""
    assert isinstance(error, RequestValidationError)
    found = [Problem(path_of(each["loc"][1:]), each["msg"]) for each in error.errors()]
    return problem(422, "the request has problems", found)
