"""Any mail adapter, with each attempt counted by its outcome. It changes nothing of what that adapter does or says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.mail.port import Mail, Message
from domain.errors import OutcomeUnknown, ProviderDown, Refused

OUTCOMES = ("taken", "down", "unknown", "refused", "failed")
"""`failed`: a defect, of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Counted:
    mail: Mail
    count: Callable[[str], None]

    @property
    def idempotent(self) -> bool:
        return self.mail.idempotent

    @property
    def reports(self) -> bool:
        return self.mail.reports

    def send(self, message: Message) -> str:
        outcome = "failed"
        try:
            taken = self.mail.send(message)
            outcome = "taken"
        except ProviderDown:
            outcome = "down"
            raise
        except OutcomeUnknown:
            outcome = "unknown"
            raise
        except Refused:
            outcome = "refused"
            raise
        else:
            return taken
        finally:
            self.count(outcome)

    def find(self, key: str) -> str | None:
        return self.mail.find(key)
