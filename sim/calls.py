"""An activity as a workflow asked for it: what a server would know of it. It only reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.converter import PayloadConverter


@dataclass(frozen=True, slots=True)
class Call:
    """An activity that the workflow asked for."""

    seq: int
    name: str
    arguments: tuple[Payload, ...]
    asked: datetime
    limit: timedelta | None  # schedule to close
    final: frozenset[str]  # error types that no repeat can help
    attempts: int  # at most so many, 0: no bound
    pauses: tuple[timedelta, timedelta, int]  # before the first repeat, the longest, how fast they grow
    summary: str

    def pause(self, attempt: int) -> timedelta:
        """How long after the failure of this attempt, the first being 1, the next one begins."""
        first, longest, growth = self.pauses
        return min(longest, first * int(growth ** min(attempt - 1, 20)))


def called(command: WorkflowCommand, at: datetime, converter: PayloadConverter) -> Call:
    asked, policy = command.schedule_activity, command.schedule_activity.retry_policy
    first, longest = policy.initial_interval.ToTimedelta(), policy.maximum_interval.ToTimedelta()
    limit = asked.schedule_to_close_timeout.ToTimedelta()
    return Call(
        seq=asked.seq,
        name=asked.activity_type,
        arguments=tuple(asked.arguments),
        asked=at,
        limit=limit or None,
        final=frozenset(policy.non_retryable_error_types),
        attempts=policy.maximum_attempts,
        pauses=(first, longest, int(policy.backoff_coefficient)),
        summary=converter.from_payload(command.user_metadata.summary) if command.user_metadata.ByteSize() else "",
    )
