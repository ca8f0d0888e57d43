"""A scene with the world outside: the customer pays online, the bank sends its statements, the mail provider reports.
Each goes the product's own way in: a page, a file, a signed webhook."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage

from adapters.books import views
from adapters.books.engine import read
from adapters.mail.mime import message_id
from cli.stories.clock import Clock, net_days
from cli.stories.post import TO_CUSTOMERS, label
from cli.stories.scene import SELLERS_ZONE, Scene
from domain import calendar, money
from domain.statements import Line, Statement
from schemas import tables as t
from workers import client as receivables

ISSUED_BEFORE = timedelta(days=60)
PAYERS_IBAN = "DE75512108001245126199"


@dataclass
class Dealing(Scene):
    """`others` are further receivables of the story. `_checkout` is the last one paid at Stripe, `_dispute` what became
    of it there, `_balance` the seller's at the bank."""

    others: list[Dealing] = field(default_factory=list)
    _checkout: str = ""
    _dispute: str = ""
    _balance: int = 0

    @property
    def every(self) -> list[Dealing]:
        return [self, *self.others]

    @property
    def number(self) -> str:
        return str(self.status["number"])

    def another(self) -> Dealing:
        """One more receivable of the same seller, with a clock of its own beside this one."""
        number = len(self.others) + 2
        other = Dealing(self.stage, f"{self.title}, {number}", f"{self.slug}{number}", self.seller, self.told)
        self.others.append(other)
        return other

    async def adopt(self, customer: str, number: str, total: str, *, net: int, paid: str = "0") -> None:
        """Takes over an invoice issued elsewhere, due on the first quiet Monday at least `net` days ahead."""
        self.customer, self.net = customer, net
        place = await asyncio.to_thread(self._place)
        now = datetime.now(UTC)  # where every virtual clock begins
        today = calendar.local_date(now, SELLERS_ZONE)
        due = today + timedelta(days=net_days(today, net, place))
        dates = {"issued_on": (due - ISSUED_BEFORE).isoformat(), "due_on": due.isoformat()}
        self.request = {
            "seller": self.seller,
            "reference": f"{self.slug}-{self.stage.run}",
            "customer": {"key": customer},
            "currency": "EUR",
            "adopt": {"number": number, **dates, "total": total, "paid": paid},
        }
        await receivables.start(self.stage.client, self.stage.engine, self.request)
        self._clock = Clock(self.stage.skipper, self.handle, place, now)
        await self._turn(f"{number} of {customer} is taken over, {paid} of {total} paid")

    def by_sendgrid(self) -> None:
        """Its mails leave through SendGrid, which reports what becomes of them."""
        self.upstream = self.stage.by_sendgrid

    async def pays_online(self, method: str) -> None:
        """The customer opens the invoice's link now and pays by `card` or `sepa_debit`."""
        self._checkout = await self.stage.outside.pay(self.id, method)
        await self._heard(f"the customer pays by {method.replace('_', ' ')} through the link")

    async def debit_fails(self) -> None:
        """The customer's bank does not honour the debit: Stripe says so now."""
        at = await self.clock.read()
        await asyncio.to_thread(self.stage.outside.stripe.fail, self._checkout, at)
        await self._heard("the debit fails: insufficient funds")

    async def charged_back(self, days: int) -> None:
        """So many days after the receivable was closed the cardholder takes the money back."""
        at = await self.clock.read() + timedelta(days=days)
        stripe = self.stage.outside.stripe
        paid = stripe.state.get("checkout.session", self._checkout)["payment_intent"]
        self._dispute = (await asyncio.to_thread(stripe.dispute, paid, at=at))["id"]
        await self.stage.outside.told()
        # The run that it opened begins in real time, which is long past for this receivable.
        await self.clock.until(at)
        await self._turn(f"{days} days after closing: chargeback")

    async def chargeback_lost(self) -> None:
        at = await self.clock.read()
        await asyncio.to_thread(self.stage.outside.stripe.close_dispute, self._dispute, "lost", at)
        await self._heard("the chargeback is lost")

    async def bank_file(self, transfers: Mapping[str, str] | None = None) -> None:
        """The statement until now, as camt.053: remittance text -> amount of each transfer that came in since the last
        one. That it is refused, or that a person is asked about it, is a breach."""
        account = (await asyncio.to_thread(views.accounts, self.stage.engine))[self.seller][0]
        payer = await asyncio.to_thread(self._payer)
        now = await self.clock.read()
        today = calendar.local_date(now, SELLERS_ZONE)
        lines = tuple(
            Line(
                key="",
                booked_on=today,
                value_on=today,
                amount=money.parse(amount, "EUR", "amount"),
                currency="EUR",
                name=payer,
                iban=PAYERS_IBAN,
                text=text,
                bank_reference=f"{self.slug}{today:%y%m%d}{position}",
            )
            for position, (text, amount) in enumerate((transfers or {}).items(), 1)
        )
        opening, self._balance = self._balance, self._balance + sum(line.amount for line in lines)
        statement = Statement(
            account=account,
            currency="EUR",
            id=f"{self.slug}-{today:%Y%m%d}",
            number=f"{today:%j}",
            opening=opening,
            closing=self._balance,
            opened_on=today,
            closed_on=today,
            created_at=now.replace(microsecond=0),
            lines=lines,
        )
        said = await self.stage.outside.bank_file(self.seller, statement)
        self.check(said["state"] == "done" and not said["exceptions"], f"the bank file is booked: {said['outcome']}")
        came_in = " ".join((transfers or {}).values()) or "nothing"
        for each in self.every:
            await each._turn(f"bank file of {today}: {came_in}")

    async def arrives(self, mail: str) -> None:
        """SendGrid reports that the last mail of that name was delivered."""
        sendgrid, key = self.stage.outside.sendgrid, self._last(mail)
        await self.stage.outside.report(sendgrid.process, key)
        await self.stage.outside.report(sendgrid.deliver, key)
        await self._turn(f"{mail} is delivered")

    async def bounces(self, mail: str) -> None:
        """SendGrid reports that the last mail of that name came back."""
        key = self._last(mail)
        await self.stage.outside.report(self.stage.outside.sendgrid.bounce, key)
        self.stage.post.came_back(key)
        await self._turn(f"{mail} bounces")

    async def answers(self, mail: str, text: str) -> None:
        """Whoever got the last mail of that name answers it: a mail file in the drop folder, as a mail server leaves
        one there."""
        asked = next(m for m in reversed(self.stage.post.received(self.id)) if label(m) == mail)
        reply = EmailMessage(policy=policy.SMTP)
        reply["From"], reply["To"] = f"{asked.to[0].name} <{asked.to[0].email}>", asked.reply_to
        reply["Subject"] = f"Re: {asked.subject}"
        reply["In-Reply-To"] = message_id(asked.key, asked.sender)
        reply["Message-ID"] = (
            f"<{self.slug}-{self.stage.run}-{len(self.turns)}@{asked.to[0].email.partition('@')[2]}>".lower()
        )
        quoted = "\n".join(f"> {line}" for line in asked.text.splitlines())
        reply.set_content(f"{text}\n\nOn {asked.at:%d %b %Y}, {asked.sender.name} wrote:\n{quoted}\n")
        await self.stage.outside.mail(f"{self.slug}-{len(self.turns)}.eml", reply.as_bytes())
        await self._turn(f"the customer answers {mail}: {text}")

    async def ready(self, kind: str) -> list[str]:
        """The commands that are ready to paste for an exception of that kind, as `duely queue` shows them."""
        every = await asyncio.to_thread(views.exceptions, self.stage.engine, self.seller)
        found = [each["evidence"]["ready"] for each in every if (each["invoice"], each["kind"]) == (self.id, kind)]
        return list(found[0]) if found else []

    async def paste(self, line: str) -> None:
        """Somebody of ours runs a ready command."""
        _, verb, _, *flags = shlex.split(line)
        said = {name.removeprefix("--"): value for name, value in zip(flags[::2], flags[1::2], strict=True)}
        await self.tell(verb, said.pop("by"), **said)

    async def expect_to(self, mail: str, *addresses: str) -> None:
        """Where the mails of that name went, in order."""
        found = [m.to[0].email for m in self.stage.post.received(self.id) if label(m) == mail]
        if found != list(addresses):
            self.breach(f"{mail} went to {list(addresses)}, but it was {found}")

    async def deliveries(self) -> list[str]:
        """What `duely show` says became of each mail to the customer, in order."""
        shown = await receivables.status_of(None, self.stage.engine, self.id)
        return [m["delivery"] for m in shown["messages"] if m["kind"] in TO_CUSTOMERS]

    async def deadline(self, kind: str) -> str | None:
        """By which day a person must decide an exception of that kind; None when there is none."""
        every = await asyncio.to_thread(views.exceptions, self.stage.engine, self.seller)
        found = [each["deadline"] for each in every if (each["invoice"], each["kind"]) == (self.id, kind)]
        return str(found[0])[:10] if found else None

    async def note(self, text: str) -> None:
        """Something to read in the story that changes nothing."""
        await self._turn(text)

    async def _heard(self, text: str) -> None:
        await self.stage.outside.told()
        await self._turn(text)

    def _last(self, mail: str) -> str:
        return next(m.key for m in reversed(self.stage.post.received(self.id)) if label(m) == mail)

    def _payer(self) -> str:
        with read(self.stage.engine) as session:
            return session.get_one(t.Customer, (self.seller, self.customer)).name
