"""The archive, read again. Thin; what it finds is the books' to keep."""

from __future__ import annotations

from sqlalchemy import Engine
from temporalio import activity

from activities.beats import going, heartbeats
from activities.receivable import mapped
from adapters.books import rereading
from adapters.documents.store import Store
from schemas.incoming import Booked, SweepStep


class Keeper:
    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine, self._store = engine, store

    @activity.defn(name="reread", no_thread_cancel_exception=True)
    def reread(self, step: SweepStep) -> Booked:
        with mapped(), heartbeats():
            part = rereading.part_of(self._engine, step.now)
            found = rereading.reread(self._engine, self._store, step.now, part, lambda _: going())
            return Booked(outcome=str(found))
