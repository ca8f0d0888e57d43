"""Every error Duely raises on purpose, in one tree. Temporal matches them by class name.

    DuelyError
    ├── Refused            a person's command cannot be done; the reason is for that person
    │   └── NotAllowed     ... because of who asks
    ├── Invalid            input is malformed; carries every problem with its path
    ├── NotFound           no such seller, customer, policy, receivable
    ├── Conflict           the same key was used before with other content
    └── Unavailable        the outside did not answer; a retry can help
        ├── ProviderDown   a mail server refused or timed out before it took the message
        ├── OutcomeUnknown the provider may have taken the message; never repeat blindly
        └── MissingKey     a payload of ours needs a key that this process was not given

`retryable` says whether a repeat of the same call can succeed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input: `path` as in `lines[0].tax.rate`, `message` names the fix."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class DuelyError(Exception):
    retryable = False


class Refused(DuelyError):
    """The command is understood and cannot be done now; the text tells the person why and what would help."""


class NotAllowed(Refused):
    """The command is refused because of who asks: unknown, inactive, without the role, or the same eyes."""


class Invalid(DuelyError):
    """Malformed input. `problems` lists every finding with its path."""

    def __init__(self, problems: Sequence[Problem]):
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)

    @classmethod
    def at(cls, path: str, message: str) -> Invalid:
        return cls([Problem(path, message)])


class NotFound(DuelyError):
    """A key names nothing."""


class Conflict(DuelyError):
    """The same key was used before with other content."""


FINAL = ("Refused", "NotAllowed", "Invalid", "NotFound", "Conflict")
"""Answers, not accidents, by the class name Temporal knows them under: no repeat can help."""


class Unavailable(DuelyError):
    """The outside did not answer."""

    retryable = True


class ProviderDown(Unavailable):
    """The provider certainly did not take the message. `retry_after_seconds`: how long it asked to be left alone."""

    def __init__(self, text: str, retry_after_seconds: int | None = None):
        super().__init__(text)
        self.retry_after_seconds = retry_after_seconds


class OutcomeUnknown(Unavailable):
    """The provider may have taken the message; only its own report can tell."""

    retryable = False


class MissingKey(Unavailable):
    """A payload of ours was written with a key that is not in DUELY_CODEC_KEYS here. Names the key, never its bytes."""
