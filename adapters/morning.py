"""Writes and mails morning sheets: one mail per owner, seller and day, claimed before and confirmed after. What a sheet
says is the books' (`adapters/books/sheets.py`); this only words it and lets it go."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine

from adapters.books import sheets
from adapters.books.engine import read
from adapters.books.sheets import Claimed
from adapters.mail.port import Address, Mail, Message
from adapters.mail.render import render
from domain.errors import OutcomeUnknown, ProviderDown, Refused, Unavailable
from domain.sheets import Sheet
from schemas import tables as t

_log = logging.getLogger("duely.sheets")
SHOWN = 20
"""Of each kind in the mail; its page shows all."""


@dataclass(frozen=True, slots=True)
class Morning:
    """`link`: where the owner opens the sheet of that key; None for a sheet without one."""

    engine: Engine
    mail: Mail
    link: Callable[[str], str] | None = None

    def make_all(self, now: datetime, step: Callable[[], Any] = lambda: None) -> Counter[str]:
        """Every sheet that is due at `now`: how many were sent, and what became of the others. A sheet that could not
        leave is made with the next round, and one that a defect of ours keeps from being made costs nobody else theirs.
        `step` is told before each."""
        said: Counter[str] = Counter()
        for seller, owner, day in sheets.due(self.engine, now):
            step()
            try:
                said[self.make(seller, owner, day, now)] += 1
            except Unavailable:
                said["waiting"] += 1
            except Exception:  # noqa: BLE001 it is told, and comes again every hour until noon
                _log.exception("the sheet of %s for %s cannot be made", owner, seller)
                said["failed"] += 1
        return said

    def make(self, seller: str, owner: str, day: date, now: datetime) -> str:
        """One of sent, nothing (to say, or sent before), unknown, refused. Unavailable when a repeat can help: then the
        claim is free again."""
        claimed = sheets.claim(self.engine, seller, owner, day, now, self.mail.idempotent)
        if claimed is None:
            return "nothing"
        if claimed.resumed and not self.mail.idempotent:
            found = self.mail.find(claimed.key)
            state = "unknown" if found is None else "confirmed"
            sheets.end(self.engine, seller, claimed.key, now, state, found)
            return "unknown" if found is None else "sent"
        return self._sent(claimed, now)

    def _sent(self, claimed: Claimed, now: datetime) -> str:
        seller = claimed.sheet.seller
        try:
            letter = self._letter(claimed, now)
        except Exception:  # nothing has left, so nothing is unknown
            sheets.end(self.engine, seller, claimed.key, now, "released")
            raise
        try:
            provider_id = self.mail.send(letter)
        except OutcomeUnknown:
            sheets.end(self.engine, seller, claimed.key, now, "unknown")
            return "unknown"
        except (ProviderDown, Unavailable) as error:
            sheets.end(self.engine, seller, claimed.key, now, "released")
            raise Unavailable(str(error)) from None
        except Refused:
            sheets.end(self.engine, seller, claimed.key, now, "refused")
            return "refused"
        sheets.end(self.engine, seller, claimed.key, now, "confirmed", provider_id)
        return "sent"

    def _letter(self, claimed: Claimed, now: datetime) -> Message:
        with read(self.engine) as session:
            seller = session.get_one(t.Seller, claimed.sheet.seller)
            person = session.get_one(t.Person, claimed.sheet.owner)
        language = str(seller.profile.get("language", "en"))
        words = render("sheet", language, self._context(claimed, seller, person.name))
        return Message(
            key=claimed.key,
            kind="internal",
            invoice="",
            rung=None,
            sender=Address(seller.profile["name"], seller.profile["email"]),
            to=(Address(person.name, person.email or ""),),
            reply_to=seller.profile["email"],
            subject=words.subject,
            text=words.text,
            html=words.html,
            language=language,
            at=now,
        )

    def _context(self, claimed: Claimed, seller: t.Seller, name: str) -> dict[str, Any]:
        return {
            "seller": {k: seller.profile.get(k) for k in ("name", "email", "phone", "address", "vat_id")},
            "person": {"name": name},
            "reference": claimed.key,
            "currency": seller.currency,
            "sheet": shortened(claimed.sheet),
            "url": self.link(claimed.key) if self.link is not None else None,
        }


def shortened(sheet: Sheet) -> dict[str, Any]:
    """For the words of the mail: the first of each kind, with how many there are."""
    told = asdict(sheet)
    for name in ("asks", "would", "planned", "disputes", "tasks", "pending"):
        rows = told[name]
        told[f"{name}_count"] = len(rows) + sheet.more.get(name, 0)
        told[name] = rows[:SHOWN]
    return {**told, "withheld": sheet.withheld}
