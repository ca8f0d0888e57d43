"""Each attempt at a mail is counted by its outcome, and goes on as it would have."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.mail.counted import OUTCOMES, Counted
from adapters.mail.outbox import Outbox
from adapters.mail.port import Address, Mail, Message
from domain.errors import OutcomeUnknown, ProviderDown, Refused

MAIL = Message(
    key="k",
    kind="invoice",
    invoice="invoice-demo-ORD-1",
    rung=None,
    sender=Address("Demo", "ar@example.org"),
    to=(Address("Globex", "ap@example.org"),),
    reply_to="ar@example.org",
    subject="s",
    text="t",
    html="<p>t</p>",
    language="en",
    at=datetime(2026, 1, 7, tzinfo=UTC),
)


class Failing:
    """A provider that does not take it, in the way it is told."""

    idempotent, reports = False, True

    def __init__(self, error: Exception):
        self.error = error

    def send(self, message: Message) -> str:
        raise self.error

    def find(self, key: str) -> str | None:
        return f"found {key}"


def test_taken(tmp_path: Path) -> None:
    told: list[str] = []
    inner: Mail = Outbox(tmp_path / "outbox")
    mail = Counted(inner, told.append)
    assert mail.send(MAIL) == mail.find("k")
    assert (mail.idempotent, mail.reports, told) == (inner.idempotent, inner.reports, ["taken"])


@pytest.mark.parametrize(
    ("error", "outcome"),
    [(ProviderDown("x"), "down"), (OutcomeUnknown("x"), "unknown"), (Refused("x"), "refused"), (OSError(), "failed")],
)
def test_not_taken(error: Exception, outcome: str) -> None:
    told: list[str] = []
    mail = Counted(Failing(error), told.append)
    with pytest.raises(type(error)):
        mail.send(MAIL)
    assert told == [outcome]
    assert outcome in OUTCOMES
    assert (mail.find("k"), mail.idempotent, mail.reports) == ("found k", False, True)
