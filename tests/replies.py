"""The rows of tests/domain/replies.toml as mails."""

from __future__ import annotations

import tomllib
from email import policy
from email.message import EmailMessage
from email.utils import parseaddr
from hashlib import sha256
from pathlib import Path
from typing import Any

EXAM = Path(__file__).parent / "domain" / "replies.toml"
_READ: dict[str, Any] = tomllib.loads(EXAM.read_text(encoding="utf-8"))
TODAY, ROWS = _READ["today"], _READ["reply"]
NUMBER = "2026-00017"
TOKEN, KEY, ID = "ar-0123456789ab@reply.demo.example", "invoice-demo-ORD-1/1/1/D+1", "<0123@demo.example>"


def raw_of(row: dict[str, Any], token: str = TOKEN, key: str = KEY, id_: str = ID, number: str = NUMBER) -> bytes:
    """The row as the mail that comes in, an answer to our address `token`, about our message; the number of the invoice
    that it names is `number`."""
    row = {name: value.replace(NUMBER, number) if isinstance(value, str) else value for name, value in row.items()}
    if "raw" in row:
        text = str(row["raw"]).lstrip("\n").replace("{token}", token).replace("{key}", key).replace("{id}", id_)
        return text.replace("\n", "\r\n").encode()
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = row.get("from", "Gerda Groß <ap@globex.example>")
    mail["To"] = token
    mail["Subject"] = row.get("subject", "Re: Payment reminder: invoice 2026-00017")
    mail["Message-ID"] = (
        f"<{sha256(row['name'].encode()).hexdigest()[:12]}@{parseaddr(str(mail['From']))[1].partition('@')[2]}>"
    )
    mail["In-Reply-To"] = id_
    for name, value in row.get("headers", {}).items():
        mail[name] = value
    if "html" in row:
        mail.set_content(row["html"], subtype="html")
    else:
        mail.set_content(row["text"])
    return mail.as_bytes()
