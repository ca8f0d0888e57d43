"""Stops of a customer or of a whole seller, in memory: set and lifted, each told in the chain. Who may, is asked
before."""

from __future__ import annotations

from datetime import time

from domain import calendar
from domain.account import Hold
from domain.errors import Refused
from schemas import commands as c
from schemas.stops import Stop
from sim.memory.tx import Tx


def command(tx: Tx, customer: str | None, said: c.Command, zone: str) -> str:
    """Carries out hold, release or note; answers `held` or `free`. Refused with the reason."""
    group, scope = ("seller", "seller") if customer is None else ("customer", "customer")
    about: dict[str, str] = {"customer": customer} if customer is not None else {"scope": "seller"}
    match said:
        case Stop():
            if said.until is not None and said.until <= tx.today:
                raise Refused(f"until: {said.until} is not after today, {tx.today}")
            until = calendar.at(said.until, time(0), zone) if said.until is not None else None
            told = {"by": said.by, "reason": said.reason, "kind": said.kind, "ref": tx.books.next_stop()}
            tx.house.stops.append((customer, Hold(scope=scope, until=until, **told)))
            tx.audit("stop.set" if customer is None else "customer.held", said.by, None, **about)
        case c.Release():
            lifted = _in_force(tx, customer)
            if not lifted:
                raise Refused(f"the {group} is not on hold")
            tx.house.stops = [each for each in tx.house.stops if each not in lifted]
            tx.audit("stop.lifted" if customer is None else "customer.released", said.by, None, **about)
        case c.Note():
            tx.audit(f"{group}.noted", said.by, None, **about, text=tx.text(said.text))
        case _:
            raise Refused(f"hold, release and note are taken here, not {said.name}")
    return "held" if _in_force(tx, customer) else "free"


def _in_force(tx: Tx, customer: str | None) -> list[tuple[str | None, Hold]]:
    own = [each for each in tx.house.stops if each[0] == customer]
    return [each for each in own if each[1].until is None or tx.now < each[1].until]
