"""Keys that programs show at the HTTP interface: made once, told once, kept as a hash. It decides whose key it is and
what it opens; the gateway decides what a route needs.

`dk_<id>_<secret>`: the id finds the row, the secret has 256 bits, so one SHA-256 keeps it as well as a slow hash would.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from adapters.books.engine import read, write
from adapters.books.tx import SYSTEM, Tx, booking
from domain.errors import Invalid, NotFound, Problem, Refused
from domain.status import instant
from schemas import tables as t

SCOPES: dict[str, str] = {
    "invoices:write": "start invoices",
    "invoices:read": "list and read invoices",
    "commands": "give commands to invoices",
    "payments": "book money received by hand",
    "bank_files": "hand in statement files",
    "customers": "store, read, hold and release customers",
    "files": "upload attachments",
    "exceptions:read": "list what waits for a person",
    "events:read": "follow a seller's audit chain",
    "codec": "read encrypted payloads of every seller in Temporal's Web UI and command line",
}
"""The closed list, and what each opens."""

_PREFIX = "dk"
_NOBODY = hashlib.sha256(b"nobody").hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who shows a good key. `by`: the person or machine it acts as. `seller`: the only one it may touch, None = any."""

    id: str
    by: str
    machine: bool
    scopes: frozenset[str]
    seller: str | None


def add(engine: Engine, by: str, scopes: Sequence[str], seller: str | None, now: datetime) -> str:
    """A new key in full, which nobody can read again. Invalid for unknown scopes, NotFound for an unknown person or
    seller, Refused for somebody who is no longer active."""
    unknown = [
        Problem("scope", f"there is no scope {s}; known are {', '.join(SCOPES)}") for s in set(scopes) - {*SCOPES}
    ]
    if unknown or not scopes:
        raise Invalid(unknown or [Problem("scope", f"needs at least one of {', '.join(SCOPES)}")])
    id_, secret = secrets.token_hex(6), secrets.token_hex(32)
    with write(engine, None) as session:
        person = session.get(t.Person, by)
        if person is None:
            raise NotFound(f"there is no person or machine {by}; seed it first")
        if not person.active:
            raise Refused(f"{by} is no longer active")
        if seller is not None and session.get(t.Seller, seller) is None:
            raise NotFound(f"there is no seller {seller}")
        row = t.ApiKey(id=id_, digest=_digest(secret), by=by, scopes=sorted(set(scopes)), seller=seller, made_at=now)
        session.add(row)
        _tell(session, "key.added", row, now)
    return f"{_PREFIX}_{id_}_{secret}"


def revoke(engine: Engine, id_: str, now: datetime) -> None:
    """NotFound when there is no such key, Refused when it was revoked before."""
    with write(engine, None) as session:
        row = session.get(t.ApiKey, id_)
        if row is None:
            raise NotFound(f"there is no key {id_}; `duely key list` names them")
        if row.revoked_at is not None:
            raise Refused(f"key {id_} was revoked on {row.revoked_at.date()}")
        row.revoked_at = now
        session.add(row)
        _tell(session, "key.revoked", row, now)


def listed(engine: Engine) -> list[dict[str, Any]]:
    """Every key, the oldest first, without anything that opens a door."""
    with read(engine) as session:
        rows = session.exec(select(t.ApiKey).order_by(col(t.ApiKey.made_at), col(t.ApiKey.id))).all()
    return [
        {
            "id": row.id,
            "by": row.by,
            "scopes": list(row.scopes),
            "seller": row.seller,
            "made_at": instant(row.made_at),
            "revoked_at": instant(row.revoked_at),
        }
        for row in rows
    ]


def check(engine: Engine, key: str) -> Caller | None:
    """Whose key this is; None for one that was never made, is misspelt or revoked, or whose owner has left. It takes
    the same time for all of them, so that nobody learns which."""
    prefix, _, rest = key.partition("_")
    id_, _, secret = rest.partition("_")
    with read(engine) as session:
        row = session.get(t.ApiKey, id_) if id_.isalnum() and id_.isascii() else None
        person = session.get(t.Person, row.by) if row is not None else None
    good = hmac.compare_digest(row.digest if row is not None else _NOBODY, _digest(secret))
    return _caller(row, person) if good and prefix == _PREFIX else None


def known(engine: Engine, id_: str) -> Caller | None:
    """Whose key has this id, for whoever has shown it before; None once it is revoked or its owner has left."""
    with read(engine) as session:
        row = session.get(t.ApiKey, id_)
        return _caller(row, session.get(t.Person, row.by) if row is not None else None)


def _caller(row: t.ApiKey | None, person: t.Person | None) -> Caller | None:
    if row is None or person is None or row.revoked_at is not None or not person.active:
        return None
    return Caller(id=row.id, by=row.by, machine=person.machine, scopes=frozenset(row.scopes), seller=row.seller)


def refused(engine: Engine, caller: Caller, seller: str | None, what: str, why: str, now: datetime) -> None:
    """The chain of the seller that was asked for tells that this key may not do this; nobody's when there is none."""
    if seller is None:
        return
    with suppress(NotFound), booking(engine, seller, now) as tx:
        about = {"key": caller.id, "command": what, "reason": tx.text(why)}
        tx.audit("command.refused", caller.by, tx.actor_kind(caller.by), **about)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _tell(session: Session, type_: str, row: t.ApiKey, now: datetime) -> None:
    """The chain of every seller that the key opens tells it."""
    query = select(t.Seller).order_by(col(t.Seller.key))
    for seller in session.exec(query if row.seller is None else query.where(t.Seller.key == row.seller)).all():
        Tx(session, seller, now).audit(type_, SYSTEM, key=row.id, by=row.by, scopes=" ".join(row.scopes))
