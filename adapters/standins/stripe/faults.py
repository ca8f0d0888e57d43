"""What can go wrong between us and Stripe, on order. Every fault that struck is counted by name in `counts`."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

After = Literal["drop", "500", "hang"]


@dataclass(frozen=True, slots=True)
class Before:
    """A refusal ordered beforehand. `kept`: Stripe had begun, so that the answer is the key's answer for good."""

    status: int
    kept: bool


@dataclass
class Faults:
    latency: float = 0.0
    """Seconds that every request takes before it does its work."""
    counts: Counter[str] = field(default_factory=Counter)
    _before: list[Before] = field(default_factory=list)
    _after: list[tuple[After, float]] = field(default_factory=list)
    _down: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fail_next(self, n: int = 1, status: int = 500, *, kept: bool = False) -> None:
        """The next `n` requests fail before they do their work. With `kept` only POSTs with an Idempotency-Key
        count, and the failure is what the key replays from then on."""
        with self._lock:
            self._before += [Before(status, kept)] * n

    def fail_after(self, n: int = 1, how: Literal["drop", "500"] = "drop") -> None:
        """The next `n` POSTs do their work, keep the true answer under their key, and then the connection drops,
        or another machine on the way answers 500."""
        with self._lock:
            self._after += [(how, 0.0)] * n

    def hang_after(self, n: int = 1, seconds: float = 60.0) -> None:
        """The next `n` POSTs do their work, keep the true answer under their key, and answer so much later."""
        with self._lock:
            self._after += [("hang", seconds)] * n

    def down(self) -> None:
        """Every request is answered 500 and does nothing, until `up`."""
        self._down = True

    def up(self) -> None:
        self._down = False

    def before(self, *, keyed: bool) -> Before | None:
        """The fault that meets a request at the door. `keyed`: it is a POST with an Idempotency-Key."""
        with self._lock:
            if self._down:
                self.counts["down"] += 1
                return Before(500, kept=False)
            if not self._before or (self._before[0].kept and not keyed):
                return None
            self.counts["fail_next"] += 1
            return self._before.pop(0)

    def after(self) -> tuple[After, float] | None:
        """The fault that meets the answer of a POST on its way back."""
        with self._lock:
            if not self._after:
                return None
            found = self._after.pop(0)
            self.counts["hang_after" if found[0] == "hang" else "fail_after"] += 1
            return found
