"""What every command handler is given, and the answers they give."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Generic, TypeVar

from sqlmodel import func, select

from adapters.books import load
from adapters.books.tx import Tx
from domain import approval, keys, money, roles
from domain.account import BEFORE_ISSUE, Account, Person
from domain.errors import Invalid, Refused
from domain.policy import Policy
from schemas import tables as t
from schemas.commands import Command
from schemas.steps import Verdict

C = TypeVar("C", bound=Command)
DONE = Verdict(result="done")


@dataclass
class Case(Generic[C]):
    """One command on one receivable. `said` is the checked command, `account` the books before it. `approved`: the
    amount that was granted, where it had to be; `of`: what of it was asked for, where that may be something else by
    then."""

    tx: Tx
    row: t.Invoice
    account: Account
    policy: Policy
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
    def before_issue(self) -> bool:
        return self.account.phase in BEFORE_ISSUE

    def person(self) -> Person | None:
        found = self.tx.person(self.by)
        return load.person_of(found) if found is not None else None

    def minor(self, amount: Decimal, path: str = "amount") -> int:
        """The amount in minor units. Refused for a precision the currency does not have."""
        try:
            return money.parse(format(amount, "f"), self.account.currency, path)
        except Invalid as error:
            raise Refused(str(error)) from None

    def issued(self) -> None:
        """Refuses what only an issued, open receivable can have."""
        if self.before_issue:
            raise Refused(f"{self.said.name} needs an issued invoice; this one is {self.account.phase.value}")
        self.alive()

    def alive(self) -> None:
        if self.account.closed:
            raise Refused(f"the receivable is closed: {self.account.phase.value}")

    def within(self, amount: int, limit: int, path: str, of: str) -> None:
        if amount > limit:
            currency = self.account.currency
            shown = money.show(amount, currency)
            raise Refused(f"{path}: {shown} is more than {of}, {money.show(limit, currency)} {currency}")

    def as_approved(self, amount: int) -> int:
        """What was approved is what is done. Refused where the books have moved and it would be more."""
        if self.approved is not None:
            self.within(amount, self.approved, "amount", "what was approved; reject it and ask again")
        return amount

    def audit(self, type_: str, **about: str) -> None:
        self.tx.audit(type_, self.tx.actor(self.by), self.tx.actor_kind(self.by), self.row.id, **about)

    def pending(self, kind: str, amount: int, extended_days: int = 0, of: str = "") -> Verdict | None:
        """Opens money going out for approval; None when its tier asks nobody and it may be carried out now."""
        person = self.person()
        if person is None or not roles.money_out(
            kind,
            person,
            before_issue=self.before_issue,
            outcome=getattr(self.said, "outcome", None),
            extended_days=extended_days,
        ):
            return None
        tier = approval.tier_for(self.policy, self.account.currency, amount, warned=kind == "pay")
        if tier.approvers == 0:
            return None
        subject = f"{kind}-{self._count(kind) + 1}"
        command = {"name": self.said.name, **self.said.as_json(), **({"of": of} if of else {})}
        content = keys.digest("duely/subject/1", {"of": self.row.hash, "amount": amount, "command": command})
        self.tx.session.add(
            t.ApprovalSubject(
                invoice=self.row.id,
                id=subject,
                kind=kind,
                amount=amount,
                hash=content,
                approvers=tier.approvers,
                roles=list(tier.roles),
                creators=[self.by],
                command=command,
                opened_at=self.tx.now,
            )
        )
        self.audit(f"{kind}.requested", subject=subject, amount=str(amount))
        self.audit("approval.requested", subject=subject, amount=str(amount), hash=content)
        return Verdict(result="pending", subject=subject)

    def _count(self, kind: str) -> int:
        query = select(func.count()).where(t.ApprovalSubject.invoice == self.row.id, t.ApprovalSubject.kind == kind)
        return int(self.tx.session.exec(query).one())
