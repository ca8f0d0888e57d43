"""Telling many receivables ends, however long one attempt may take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.telling import Teller
from domain.errors import Unavailable

IDS = [f"invoice-demo-{n}" for n in range(5)]


class Attempts:
    """Those of one step: each is given what the one before last said of itself. `away`: who cannot be reached."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.away: set[str] = set()
        self._details: Sequence[Any] = ()

    async def one(self, most: int = len(IDS)) -> None:
        """It is broken off after `most` of them."""
        env = ActivityEnvironment()
        env.info = replace(env.info, heartbeat_details=self._details)
        env.on_heartbeat = self._beat
        self.heard, self._most = [], most
        await env.run(Teller(self._tell).tell, IDS)

    async def _tell(self, id_: str) -> None:
        if id_ in self.away:
            raise Unavailable("no server answers")
        if len(self.heard) == self._most:
            raise TimeoutError
        self.heard.append(id_)

    def _beat(self, *details: Any) -> None:
        self._details = details


async def test_a_repeat_goes_on_where_the_attempt_before_was_broken_off() -> None:
    attempts, told = Attempts(), []
    for _ in range(2):
        with pytest.raises(TimeoutError):
            await attempts.one(most=2)
        told += attempts.heard
    await attempts.one(most=2)
    assert [*told, *attempts.heard] == IDS


async def test_one_that_cannot_be_reached_keeps_nobody_else_from_hearing_and_is_told_by_the_repeat() -> None:
    attempts = Attempts()
    attempts.away = {IDS[1], IDS[3]}
    with pytest.raises(ApplicationError, match="no server answers"):
        await attempts.one()
    assert attempts.heard == [IDS[0], IDS[2], IDS[4]]
    attempts.away = set()
    await attempts.one()
    assert attempts.heard == IDS[1:]
