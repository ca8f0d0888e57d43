"""The morning sheets. Thin; what they say and how they leave is `adapters/morning.py`."""

from __future__ import annotations

from temporalio import activity

from activities.beats import going, heartbeats
from activities.receivable import mapped
from adapters.morning import Morning
from schemas.incoming import Booked, SweepStep


class Mornings:
    def __init__(self, morning: Morning) -> None:
        self._morning = morning

    @activity.defn(name="sheets", no_thread_cancel_exception=True)
    def sheets(self, step: SweepStep) -> Booked:
        with mapped(), heartbeats():
            said = self._morning.make_all(step.now, going)
            told = [f"{count} {what}" for what, count in sorted(said.items()) if what != "nothing"]
            return Booked(outcome=", ".join(told) or "no sheet is due")
