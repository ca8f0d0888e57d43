"""What a run is given: the request of whoever starts it, or what the run before hands on by continuing as new.

A cron schedule or a retry policy of whoever started the workflow makes further runs as well, with the first one's
payloads: whatever is not exactly of the shape that is carried is a start like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from temporalio import workflow

from domain.errors import Invalid, Problem
from domain.keys import parse_workflow_id, workflow_id
from schemas.request import parse_request

MOST_LINES = 2**31


@dataclass(frozen=True, slots=True)
class Carried:
    """Of a receivable: only what could not be read. The books hold everything else."""

    problems: tuple[Problem, ...]
    refusals: list[str]
    malformed: int

    def told(self) -> dict[str, Any]:
        problems = [[p.path, p.message] for p in self.problems]
        return {"problems": problems, "refusals": self.refusals, "malformed": self.malformed}


def of_invoice(payloads: tuple[Any, ...]) -> Carried | None:
    if not _follows() or len(payloads) != 1:
        return None
    match payloads[0]:
        case {"problems": list(problems), "refusals": list(refusals), "malformed": int(malformed), **more} if not more:
            pairs = all(isinstance(said, list) and len(said) == 2 and _texts(said) for said in problems)
            if pairs and _texts(refusals) and type(malformed) is int and malformed >= 0:
                return Carried(tuple(Problem(*said) for said in problems), refusals, malformed)
    return None


def of_file(payloads: tuple[Any, ...]) -> tuple[int, str] | None:
    """How far an earlier run got with the file: the last line it has heard of, and whom it told last."""
    if not _follows() or len(payloads) != 3:
        return None
    _, position, after = payloads
    if type(position) is not int or not -1 <= position < MOST_LINES:
        return None
    known = isinstance(after, str) and (not after or parse_workflow_id(after) is not None)
    return (position, after) if known else None


def _follows() -> bool:
    return workflow.info().continued_run_id is not None


def _texts(said: list[Any]) -> bool:
    return all(isinstance(each, str) for each in said)


def read_request(payloads: tuple[Any, ...]) -> dict[str, Any]:
    """The request as checked JSON. Raises Invalid with every problem; the workflow id must say the same name."""
    if len(payloads) != 1:
        raise Invalid.at("", f"expects one JSON object, got {len(payloads)} payloads")
    request = parse_request(payloads[0], known=True)
    expected = workflow_id(request.seller, request.reference)
    if workflow.info().workflow_id != expected:
        raise Invalid.at("reference", f"the workflow id must be {expected}")
    body: dict[str, Any] = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return body
