"""Maps our errors to Temporal's: the class name is the type, and `retryable` says whether a repeat can help."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError

from domain.errors import DuelyError


@contextmanager
def mapped() -> Iterator[None]:
    """Everything else that is raised is a defect: Temporal repeats it with growing gaps until it is mended."""
    try:
        yield
    except DuelyError as error:
        raise ApplicationError(
            str(error), type=type(error).__name__, non_retryable=not error.retryable
        ) from None
