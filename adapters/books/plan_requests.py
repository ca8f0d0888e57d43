"""A customer's wish to pay in parts, put before a person with the instalments and the command that agrees on them. It
agrees on nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Engine

from adapters.books.settle import settle
from adapters.books.tx import booking
from adapters.books.view import read
from domain import offers, plans
from domain.errors import Invalid, Refused
from domain.money import show
from domain.plans import Part
from schemas import tables as t

KIND = "plan_requested"


def ask(engine: Engine, seller: str, workflow_id: str, parts: Sequence[Part], by: str, now: datetime) -> None:
    """One wish at a time; the workflow is to be told. Refused when there is nothing that could be paid in parts."""
    with booking(engine, seller, now) as tx:
        row = tx.session.get_one(t.Invoice, workflow_id)
        tx.now = max(now, row.updated_at)
        account, policy = read(tx, row)
        if not offers.offers(account, policy, tx.now, tx.today).parts:
            raise Refused("nothing is open that could be paid in parts now")
        found = plans.problems(parts, plans.coverable(account), account.currency, policy, tx.today)
        if found:
            raise Invalid(found)
        wanted = [{"due": day.isoformat(), "amount": show(amount, account.currency)} for day, amount in parts]
        flags = " ".join(f"--instalments {each['due']}={each['amount']}" for each in wanted)
        command = f"duely plan {row.id} --by … {flags}"
        tx.open_exception(KIND, row.id, row.owner, row.id, instalments=wanted, command=command)
        about = {"instalments": str(len(parts)), "last": wanted[-1]["due"]}
        tx.audit("plan.requested", tx.actor(by), tx.actor_kind(by), row.id, **about)
        settle(tx, row)
