"""A mail adapter whose server is down for a known while of business time: for the demo's stories and fault
tests. Outside that window it is the adapter it wraps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from adapters.mail.port import Mail, Message
from domain.errors import ProviderDown


@dataclass(frozen=True, slots=True)
class Outage:
    inner: Mail
    start: datetime
    end: datetime

    @property
    def idempotent(self) -> bool:
        return self.inner.idempotent

    @property
    def reports(self) -> bool:
        return self.inner.reports

    def send(self, message: Message) -> str:
        if self.start <= message.at < self.end:
            raise ProviderDown(f"mail: the server is out of order until {self.end.isoformat()}")
        return self.inner.send(message)

    def find(self, key: str) -> str | None:
        return self.inner.find(key)
