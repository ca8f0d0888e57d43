"""Stripe's idempotency store (docs.stripe.com/api/idempotent_requests): the first answer to a key is its answer for
good, a 500 too. What never began (refused by the judge, or by the key itself) is not kept."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from adapters.standins.stripe.errors import Json, Wrong


@dataclass(slots=True)
class _Entry:
    asked: tuple[str, Any]
    answer: tuple[int, Json] | None = None
    """None while the first request is under way."""


class Keys:
    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def claim(self, key: str, path: str, given: Any) -> tuple[int, Json] | None:
        """The answer kept for the key; None when the caller is the first and must `keep` or `release`."""
        if len(key) > 255:
            raise Wrong("Idempotency keys can have up to 255 characters.", kind="idempotency_error")
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self._entries[key] = _Entry((path, given))
                return None
            if entry.asked != (path, given):
                raise Wrong(
                    "Keys for idempotent requests can only be used with the same parameters they were first used "
                    f"with. Try using a key other than '{key}' if you meant to execute a different request.",
                    kind="idempotency_error",
                )
            if entry.answer is None:
                raise Wrong(
                    f"There is currently another in-progress request using this Idempotent Key: {key}.",
                    kind="idempotency_error",
                    code="idempotency_key_in_use",
                    status=409,
                )
            return entry.answer

    def keep(self, key: str, status: int, body: Json) -> None:
        with self._lock:
            self._entries[key].answer = (status, body)

    def release(self, key: str) -> None:
        with self._lock:
            del self._entries[key]
