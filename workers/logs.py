"""Where the log goes and what a line of it may hold; set up here for worker, gateway and command line.

A line has ids: workflow, run, seller, activity, request. It has no personal data: an error shows its kind and its
place, never its text, which may quote what was sent; of what other packages log only the words of their source stay.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

from temporalio import activity
from temporalio.exceptions import ApplicationError

from domain.keys import parse_workflow_id

OURS = "duely"
ACCESS = logging.getLogger("duely.access")
"""A line a request; the gateway writes them."""
STEPS = logging.getLogger("duely.steps")
"""A line an attempt of an activity; the worker writes them."""

OUTAGES = frozenset({"Unavailable", "ProviderDown", "OutcomeUnknown"})
"""Kinds of error whose words are our own."""

Format = Literal["text", "json"]

_request: ContextVar[str] = ContextVar("request", default="")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+(\.\d+)?")
_PERSONAL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b")
"""Mail addresses and account numbers, wherever they stand."""
_PLACE = re.compile(r"%[-.\d]*[a-zA-Z]")
_WORDS = 200


def set_up(form: Format, *verbose: logging.Logger) -> None:
    """Warnings of everybody to standard error, and each line of `verbose`. As JSON, for a machine that keeps them, each
    line of this house."""
    handler = logging.StreamHandler()
    handler.setFormatter(Line(form))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.raiseExceptions = False  # else an error of logging would print what was to be logged
    for logger in (*verbose, *([ACCESS, STEPS] if form == "json" else [])):
        logger.setLevel(logging.INFO)


@contextmanager
def request(id_: str) -> Iterator[None]:
    """Lines written in this block belong to that request."""
    token = _request.set(id_)
    try:
        yield
    finally:
        _request.reset(token)


class Line(logging.Formatter):
    """One record as one line: `{time, level, logger, message, …ids, error, at}`."""

    def __init__(self, form: Format):
        super().__init__()
        self._json = form == "json"

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
        }
        more = {**_ids(record), **_error(record)}
        if self._json:
            return json.dumps({**said, **more}, ensure_ascii=False)
        return " ".join([*said.values(), *(f"{name}={value}" for name, value in more.items())])


def _message(record: logging.LogRecord) -> str:
    if record.name.partition(".")[0] == OURS:
        return _PERSONAL.sub("…", record.getMessage())
    words = str(record.msg).partition("\n")[0]
    if isinstance(record.args, tuple):
        shown = iter(record.args)
        words = _PLACE.sub(lambda _: _shown(next(shown, "")), words)
    return _PERSONAL.sub("…", words.partition(": ")[0])[:_WORDS]


def _shown(value: object) -> str:
    """Numbers and the ids that Temporal makes are nobody's."""
    return str(value) if _ID.fullmatch(str(value)) else "…"


def _ids(record: logging.LogRecord) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if activity.in_activity():
        info = activity.info()
        found = {"workflow": info.workflow_id, "run": info.workflow_run_id, "activity": info.activity_type,
                 "attempt": info.attempt}  # fmt: skip
    core = getattr(record, "temporal_log", None)  # what the SDK's core tells, in fields of its own
    if core is not None:
        fields = core.fields
        found |= {
            ours: fields[name] for name, ours in (("workflow_id", "workflow"), ("run_id", "run")) if name in fields
        }
    parsed = parse_workflow_id(str(found.get("workflow") or ""))
    if parsed is not None:
        found["seller"] = parsed[0]
    if _request.get():
        found["request"] = _request.get()
    return found


def _error(record: logging.LogRecord) -> dict[str, Any]:
    """Its kind and its place. The words of an outage are our own and hold no data."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        return {}
    frames = traceback.extract_tb(error.__traceback__)
    kind = (error.type if isinstance(error, ApplicationError) else None) or type(error).__name__
    found: dict[str, Any] = {
        "error": kind,
        "at": [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames],
    }
    return found | ({"reason": _PERSONAL.sub("…", str(error))} if kind in OUTAGES else {})
