"""What Stripe answers when it refuses (docs.stripe.com/api/errors)."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
"""One of Stripe's objects as it goes over the wire."""


class Wrong(Exception):
    """A request, or an act of the world, that Stripe would not take. `param` is spelled as in the form."""

    def __init__(
        self,
        message: str,
        *,
        param: str = "",
        code: str = "",
        kind: str = "invalid_request_error",
        status: int = 400,
    ):
        super().__init__(message)
        self.message, self.param, self.code, self.kind, self.status = message, param, code, kind, status

    @property
    def body(self) -> Json:
        named = {"code": self.code, "param": self.param}
        return {"error": {"message": self.message, "type": self.kind, **{k: v for k, v in named.items() if v}}}


def missing(thing: str, found: str, param: str = "id") -> Wrong:
    return Wrong(f"No such {thing}: '{found}'", param=param, code="resource_missing", status=404)
