"""Where the mails of a run arrive: a mail server that may misbehave, or a folder. Either knows the key of every mail
that came, and keeps nothing else of it."""

from __future__ import annotations

from collections import Counter
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import default
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from rig.mailserver import MailServer

HEADERS = BytesHeaderParser(policy=default)


class Post(MailServer):
    """Thousands of mails with their documents would not fit into memory."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: Counter[str] = Counter()
        self.kinds: Counter[tuple[str, str]] = Counter()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        head = (envelope.original_content or b"").partition(b"\r\n\r\n")[0]
        mail = HEADERS.parsebytes(head)
        self.keys[str(mail["X-Duely-Key"])] += 1
        self.kinds[(str(mail["X-Duely-Invoice"]), str(mail["X-Duely-Kind"]))] += 1
        return await self.answer(server)


class Tray:
    """The outbox as a recipient sees it: read when asked. It never misbehaves."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def keys(self) -> Counter[str]:
        return Counter(str(mail["X-Duely-Key"]) for mail in self._heads())

    @property
    def kinds(self) -> Counter[tuple[str, str]]:
        return Counter((str(mail["X-Duely-Invoice"]), str(mail["X-Duely-Kind"])) for mail in self._heads())

    def _heads(self) -> list[Message]:
        return [HEADERS.parsebytes(path.read_bytes().partition(b"\n\n")[0]) for path in self._folder.glob("*.eml")]
