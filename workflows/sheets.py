"""What a schedule does every hour: the morning sheets of those sellers whose morning it is."""

from __future__ import annotations

from typing import Any

from temporalio import workflow

from schemas.incoming import SweepStep
from workflows import steps


@workflow.defn(name="Sheets")
class Sheets:
    def __init__(self) -> None:
        self.outcome = "making"

    @workflow.query(name="status", description="How many sheets were sent.")
    def status(self, *_: Any) -> dict[str, Any]:
        return {"contract": 1, "outcome": self.outcome}

    @workflow.run
    async def run(self, *_: Any) -> dict[str, Any]:
        said = await steps.sheets(SweepStep(now=workflow.now()))
        self.outcome = said.outcome
        workflow.set_current_details(self.outcome)
        return self.status()
