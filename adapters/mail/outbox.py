"""A folder of real mails, one .eml each: what the demo, the tests and a first run send to. Never talks to a
network.

Idempotent by a claim: `.keys/<sha256 of key>` is a symbolic link to the name of the mail. Making a link is
atomic, exclusive and carries its content, so whoever comes second, or comes back after a crash, finds the
name the first one chose. The mail itself appears under that name complete, or not at all.
"""

from __future__ import annotations

import re
from datetime import UTC
from email import policy
from email.parser import BytesParser
from hashlib import sha256
from pathlib import Path

from adapters.files import write_atomically
from adapters.mail.mime import as_bytes, build
from adapters.mail.port import Message
from domain.errors import ProviderDown


class Outbox:
    idempotent = True
    reports = False

    def __init__(self, folder: Path):
        self._folder = folder
        self._keys = folder / ".keys"

    def send(self, message: Message) -> str:
        mail = build(message)
        try:
            self._keys.mkdir(parents=True, exist_ok=True)
            name = self._claim(message)
            if not (self._folder / name).exists():
                write_atomically(self._folder / name, as_bytes(mail))
        except OSError as error:
            raise ProviderDown(f"outbox {self._folder.name}: {error.strerror}; free space or rights") from error
        return self.find(message.key) or str(mail["Message-ID"])

    def find(self, key: str) -> str | None:
        try:
            name = (self._keys / _digest(key)).readlink()
            with (self._folder / name).open("rb") as file:
                return str(BytesParser(policy=policy.default).parse(file, headersonly=True)["Message-ID"])
        except FileNotFoundError:
            return None

    def read(self, key: str) -> bytes | None:
        """The mail under this key, as it was written; None when there is none."""
        try:
            return (self._folder / (self._keys / _digest(key)).readlink()).read_bytes()
        except OSError:
            return None

    def _claim(self, message: Message) -> str:
        digest = _digest(message.key)
        slug = re.sub(r"[^a-z0-9]+", "-", message.kind.lower()).strip("-")
        name = f"{message.at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{slug}-{digest[:12]}.eml"
        try:
            (self._keys / digest).symlink_to(name)
        except FileExistsError:
            return str((self._keys / digest).readlink())
        return name


def _digest(key: str) -> str:
    return sha256(key.encode()).hexdigest()
