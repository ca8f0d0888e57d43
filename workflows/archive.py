"""What a schedule does for the archive every day: a part of it is read again, so that rot is found while a backup still
holds the true copy."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from schemas.incoming import SweepStep
from workflows import steps


@workflow.defn(name="ArchiveReading")
class ArchiveReading:
    def __init__(self) -> None:
        self.outcome = "reading"

    @workflow.query(name="status", description="What the reading found.")
    def status(self, *_: Any) -> dict[str, Any]:
        return {"contract": 1, "outcome": self.outcome}

    @workflow.run
    async def run(self, *_: Any) -> dict[str, Any]:
        said = await steps.reread(SweepStep(now=workflow.now()))
        self.outcome = said.outcome
        workflow.set_current_details(self.outcome)
        return self.status()
