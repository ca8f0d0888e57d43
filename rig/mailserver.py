"""A real SMTP server on loopback that can be stopped, started again on the same port, and told to misbehave."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from adapters.mail.smtp import Server, Smtp
from rig.ports import free_port


@dataclass
class MailServer:
    """`recipients`: answers to RCPT in turn, then 250. `slow`: seconds before it takes a content. `hangs_up`: it keeps
    the content and never answers."""

    recipients: list[str] = field(default_factory=list)
    slow: float = 0
    hangs_up: bool = False
    taken: list[EmailMessage] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.port = free_port()
        self._controller: Controller | None = None

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
        self._controller = None

    @property
    def adapter(self) -> Smtp:
        return Smtp(Server("127.0.0.1", self.port))

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def about(self, invoice: str, kind: str) -> list[EmailMessage]:
        return [mail for mail in self.taken if (mail["X-Duely-Invoice"], mail["X-Duely-Kind"]) == (invoice, kind)]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        if self.recipients:
            return self.recipients.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.taken.append(BytesParser(policy=default).parsebytes(envelope.original_content or b""))
        return await self.answer(server)

    async def answer(self, server: SMTP) -> str:
        """To a content that was taken."""
        if self.hangs_up and isinstance(server.transport, asyncio.Transport):
            server.transport.abort()
        await asyncio.sleep(self.slow)
        return "250 OK"
