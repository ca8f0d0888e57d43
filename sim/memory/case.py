"""What the handlers of commands in memory are given: one command on one receivable. It carries nothing out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Generic, TypeVar

from domain import approval, keys, money, roles
from domain.account import Account, Person, Subject
from domain.errors import Invalid, Refused
from schemas.commands import Command
from schemas.steps import Verdict
from sim.memory.rows import Receivable
from sim.memory.tx import Tx

C = TypeVar("C", bound=Command)
DONE = Verdict(result="done")


@dataclass
class Case(Generic[C]):
    """`account`: the books before the command; `approved`: the amount that was granted, where it had to be."""

    tx: Tx
    row: Receivable
    account: Account
    said: C
    approved: int | None = None
    of: str = ""

    @property
    def by(self) -> str:
        return self.said.by

    @property
    def today(self) -> date:
        return self.tx.today

    @property
    def person(self) -> Person | None:
        return self.tx.person(self.by)

    def minor(self, amount: Decimal, path: str = "amount") -> int:
        try:
            return money.parse(format(amount, "f"), self.account.currency, path)
        except Invalid as error:
            raise Refused(str(error)) from None

    def issued(self) -> None:
        """Refuses what only an issued, open receivable can have."""
        if self.row.before_issue:
            raise Refused(f"{self.said.name} needs an issued invoice; this one is {self.account.phase.value}")
        self.alive()

    def alive(self) -> None:
        if self.account.closed:
            raise Refused(f"the receivable is closed: {self.account.phase.value}")

    def within(self, amount: int, limit: int, path: str, of: str) -> int:
        if amount > limit:
            shown, most = (money.show(each, self.account.currency) for each in (amount, limit))
            raise Refused(f"{path}: {shown} is more than {of}, {most} {self.account.currency}")
        return amount

    def as_approved(self, amount: int) -> int:
        limit = amount if self.approved is None else self.approved
        return self.within(amount, limit, "amount", "what was approved; reject it and ask again")

    def audit(self, type_: str, **about: str) -> None:
        self.tx.audit(type_, self.by, self.row, **about)

    def pending(self, kind: str, amount: int, extended_days: int = 0, of: str = "") -> Verdict | None:
        """Opens money going out for approval; None when its tier asks nobody."""
        outcome = getattr(self.said, "outcome", None)
        before = self.row.before_issue
        if self.person is None or not roles.money_out(
            kind, self.person, before_issue=before, outcome=outcome, extended_days=extended_days
        ):
            return None
        tier = approval.tier_for(self.row.policy, self.account.currency, amount, warned=kind == "pay")
        if tier.approvers == 0:
            return None
        count = self.row.asked_for.get(kind, 0) + 1
        self.row.asked_for[kind] = count
        subject = f"{kind}-{count}"
        command: dict[str, Any] = {"name": self.said.name, **self.said.as_json(), **({"of": of} if of else {})}
        content = keys.digest("duely/subject/1", {"of": self.row.hash, "amount": amount, "command": command})
        self.row.subjects[subject] = Subject(
            id=subject, kind=kind, amount=amount, hash=content, approvers=tier.approvers, roles=tier.roles,
            creators=(self.by,), opened_at=self.tx.now, command=command,
        )  # fmt: skip
        self.audit(f"{kind}.requested", subject=subject, amount=str(amount))
        self.audit("approval.requested", subject=subject, amount=str(amount), hash=content)
        return Verdict(result="pending", subject=subject)
