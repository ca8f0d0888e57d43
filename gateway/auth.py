"""Who calls `/v1`: a bearer key, its scopes, its seller. 401 never says which part of a key was wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request

from adapters.books.api_keys import Caller
from domain import roles
from domain.errors import Invalid
from domain.keys import parse_workflow_id
from gateway.house import house_of
from gateway.problems import HttpProblem

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="duely"'}


def needs(scope: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency: the caller, who has this scope. 401 without a good key, 403 without the scope."""

    async def caller_of(request: Request) -> Caller:
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        caller = await house_of(request).caller(key.strip()) if kind.lower() == "bearer" else None
        if caller is None:
            raise HttpProblem(401, "needs a valid key: Authorization: Bearer dk_…", _CHALLENGE)
        request.state.caller = caller
        if scope not in caller.scopes:
            raise HttpProblem(403, f"this key lacks the scope {scope}")
        return caller

    return caller_of


def seller_of(caller: Caller, asked: str | None) -> str:
    """The one seller this call is about. Invalid when it must be named, 403 when it is not the key's."""
    if caller.seller is None and asked is None:
        raise Invalid.at("seller", "is required: this key may act for every seller")
    return sellers_of(caller, asked) or ""


def sellers_of(caller: Caller, asked: str | None) -> str | None:
    """The same for lists, where None means every seller."""
    if caller.seller is not None and asked not in (None, caller.seller):
        raise HttpProblem(403, f"this key acts for {caller.seller} only")
    return caller.seller or asked


def check_own(caller: Caller, workflow_id: str, name: str) -> None:
    """Another seller's receivable does not exist for this key."""
    parsed = parse_workflow_id(workflow_id)
    if caller.seller is not None and (parsed is None or parsed[0] != caller.seller):
        said = f"no receivable of {caller.seller} is called {name}: give a workflow id, a number or a reference"
        raise HttpProblem(404, said, refused=f"belongs to another seller than {caller.seller}")


def with_by(caller: Caller, command: str, body: Any) -> Any:
    """The command with who says it: the key's own person when `by` is left out. Another one is a claim, which only
    dispute, promise and note take; for everything else 403."""
    if not isinstance(body, dict):
        return body
    if "by" not in body:
        return {**body, "by": caller.by}
    said = body["by"]
    if said != caller.by and isinstance(said, str) and command not in roles.ANYONE:
        raise HttpProblem(403, f"this key acts as {caller.by}: leave `by` out, or use a key of that person")
    return body
