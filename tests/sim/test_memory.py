"""The books in memory beside the real ones: the same scripted lives must get the same answers, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from adapters.books import by_hand, provider, stops
from adapters.books import tx as real_tx
from adapters.books.engine import read, write
from adapters.books.messages import Claimed
from adapters.books.verify import verify
from domain.actions import Send, Wait
from domain.delivery import MailEvent
from domain.errors import Refused, Unavailable
from domain.payments import DisputeState, PaymentState
from domain.statements import Line
from schemas import tables as t
from schemas.steps import CommandStep, SendStep
from schemas.stops import parse_stop
from sim.books import BOOKS
from sim.drawing import plan_of
from sim.memory import tx as tx_in_memory
from sim.memory.money import Incoming
from sim.memory.parties import Parties
from sim.play import play
from sim.watch import Complain
from tests.bank import IBAN, PAYER, Bank, line, reference, statement
from tests.sim.both import Both
from tests.sim.twins import Life, Twins, compared, copied, seeded_engine

Script = Callable[[Twins], None]
SCRIPTS: list[Script] = []


def script(told: Script) -> Script:
    SCRIPTS.append(told)
    return told


@pytest.fixture(scope="module")
def template() -> Iterator[Engine]:
    engine = seeded_engine()
    yield engine
    engine.dispose()


def issued(twins: Twins, reference: str = "A-1", customer: str = "globex", price: str = "1000.00", **more: Any) -> Life:
    """Drafted, approved, and its documents sent."""
    life = Life(twins, reference)
    life.start(customer, price, **more)
    life.run(0)
    if life.account.subjects:
        life.must("approve", "ana" if life.account.total <= 1_000_000 else "ben")
    if life.account.subjects:
        life.must("approve", "cho")
    life.run(0.1)
    return life


def paid(life: Life, amount: str, external_id: str, by: str = "ben", **more: Any) -> None:
    about = {"received_on": life.now.date().isoformat(), "method": "transfer", **more}
    life.must("pay", by, amount=amount, external_id=external_id, **about)


@script
def silence_until_collections(twins: Twins) -> None:
    life = issued(twins)
    assert life.run(120).phase == "escalated"
    life.must("hand_over", "ben", to="Inkasso AG", reason="silent for four months")
    life.must("note", "somebody outside", text="they have moved")
    assert life.say("hand_over", "ben", to="Inkasso AG", reason="again").result == "refused"
    paid(life, "1211.40", "B-1", method="cheque")
    life.run(5)
    assert life.account.phase == "paid"


@script
def parts_discount_and_credit(twins: Twins) -> None:
    life = issued(twins, terms="2/10 net 30")
    life.run(3)
    paid(life, "1000.00", "B-1")
    assert (
        life.say("pay", "ben", amount="1.00", received_on="2099-01-01", method="cash", external_id="X").result
        == "refused"
    )
    assert (
        life.say("pay", "ben", amount="2.00", received_on="2026-01-08", method="cash", external_id="B-1").result
        == "refused"
    )
    life.must(
        "pay", "ben", amount="1000.00", received_on=life.now.date().isoformat(), method="transfer", external_id="B-1"
    )
    life.run(2)
    paid(life, "187.17", "B-2")
    life.run(10)
    assert life.account.discounted
    again = issued(twins, "A-2", price="50.00")
    paid(again, "200.00", "B-3")
    again.run(1)
    assert again.account.customer_credit
    assert again.say("refund", "ben", amount="900.00", reason="too much").result == "refused"
    verdict = again.must("refund", "ben", amount="30.00", reason="paid too much")
    if verdict.subject:
        again.must("approve", "cho", subject=verdict.subject)
    again.run(3)


@script
def disputes_to_their_end(twins: Twins) -> None:
    life = issued(twins)
    life.run(5)
    life.must("dispute", "globex", reason="two hours too many", amount="100.00", code="quantity")
    life.must("dispute", "a clerk", reason="book is torn", lines=["2"], code="quality")
    assert life.say("dispute", "globex", reason="all", amount="5000.00").result == "refused"
    life.run(3)
    assert life.say("resolve", "ben", outcome="withdrawn").result == "refused"
    life.must("resolve", "ben", outcome="rejected", dispute="d1", comment="it was agreed")
    life.run(2)
    verdict = life.must("resolve", "ben", outcome="accepted", dispute="d2")
    if verdict.subject:
        assert life.say("approve", "ben", subject=verdict.subject).result == "refused"
        life.must("approve", "cho", subject=verdict.subject)
    life.run(4)
    life.must("dispute", "globex", reason="not ours")
    life.run(40)
    life.must("resolve", "cho", outcome="partly", credit="60.00")
    for subject in life.account.subjects:
        life.must("approve", "ben", subject=subject.id)
    life.run(30)
    life.must("dispute", "ben", reason="a slip of ours")
    life.must("resolve", "ben", outcome="withdrawn")
    life.run(20)


@script
def promises_kept_and_broken(twins: Twins) -> None:
    life = issued(twins)
    life.run(33)
    day = (life.now + timedelta(days=5)).date().isoformat()
    assert life.say("promise", "globex", date="2020-01-01").result == "refused"
    assert life.say("promise", "globex", date="2030-01-01").result == "refused"
    life.must("promise", "globex", date=day, amount="400.00")
    life.must("promise", "globex", date=day)
    life.run(15)
    life.must("promise", "globex", date=(life.now + timedelta(days=4)).date().isoformat(), amount="100.00")
    paid(life, "100.00", "B-1")
    life.run(10)
    life.say("promise", "globex", date=(life.now + timedelta(days=4)).date().isoformat())
    life.say("promise", "globex", date=(life.now + timedelta(days=4)).date().isoformat())
    life.run(30)


@script
def instalments(twins: Twins) -> None:
    life = issued(twins)
    life.run(40)
    days = [(life.now + timedelta(days=10 * n)).date().isoformat() for n in (1, 2, 3)]
    parts = [{"due": day, "amount": amount} for day, amount in zip(days, ("400.00", "400.00", "411.40"), strict=True)]
    assert life.say("plan", "ana", instalments=parts).result == "refused"
    assert life.say("plan", "ben", instalments=parts[:2]).result == "refused"
    assert life.say("accelerate", "ben", reason="too early").result == "refused"
    life.must("plan", "ben", instalments=parts)
    assert life.say("accelerate", "ben", reason="too early").result == "refused"
    life.run(9)
    paid(life, "400.00", "B-1")
    life.run(25)
    life.must("accelerate", "ben", reason="missed one")
    life.run(30)
    open_ = life.account.balance
    day = (life.now + timedelta(days=10)).date().isoformat()
    life.must("plan", "ben", instalments=[{"due": day, "amount": f"{open_ // 100}.{open_ % 100:02d}"}])
    paid(life, f"{open_ // 100}.{open_ % 100:02d}", "B-2")
    life.run(10)
    assert life.account.phase == "paid"


@script
def what_was_amended_is_amended_once(twins: Twins) -> None:
    for month, asked in (("01", True), ("02", False)):
        life = Life(twins, f"A-{month}")
        period = {"from": f"2026-{month}-01", "to": f"2026-{month}-28"}
        line = {"description": "Work", "quantity": "1", "unit_price": "50.00"}
        request = life.request("globex", "0", period=period, lines=[line])
        amended = [life.draft(request, by="sam").account for _ in range(2)]
        assert [len(each.subjects) for each in amended if each is not None] == [asked, asked]
        if asked:
            life.must("approve", "ana")
        life.run(1)
        assert life.account.number
        assert life.draft(request, by="sam").account is not None
        assert life.draft(life.request("globex", "60.00"), by="sam").account is None
    never, told = Life(twins, "A-4"), {"by": "ben", "reason": "cannot be read"}
    step = CommandStep(workflow_id=never.id, now=never.now, id="cancel/1", name="cancel", payload=told)
    for _ in range(2):
        assert twins.step("command", step).verdict.result == "done"
    never.start("globex", "10.00")
    assert twins.step("command", step).outcome.account.phase == "awaiting_approval"
    waits = Life(twins, "A-3")
    waits.draft(waits.request("globex", "30000.00"), by="sam")
    waits.must("approve", "ben")
    assert waits.draft(waits.request("globex", "31000.00"), by="sam").account is not None
    assert [subject.votes for subject in waits.account.subjects] == [()]


@script
def approvals_and_amendments(twins: Twins) -> None:
    life = Life(twins, "A-1")
    life.start("globex", "30000.00")
    life.run(1)
    assert life.say("approve", "sam").result == "refused"
    assert life.say("approve", "ana").result == "refused"
    assert life.say("approve", "ben", hash="sha256:" + "0" * 64).result == "refused"
    life.must("reject", "cho", reason="the wrong customer")
    life.run(1)
    assert life.say("amend", "nobody", request=life.request("initech", "20000.00")).result == "refused"
    assert life.say("amend", "sam", request={**life.request("initech", "1.00"), "reference": "B"}).result == "refused"
    assert life.say("amend", "sam", request={**life.request("initech", "1.00"), "owner": "none"}).result == "refused"
    life.must("amend", "sam", request=life.request("initech", "20000.00", issue_on="2026-02-01", metadata={"crm": "7"}))
    life.run(9)
    life.must("approve", "ben")
    life.must("amend", "sam", request=life.request("initech", "21000.00"))
    life.must("approve", "ben")
    life.must("approve", "cho")
    life.run(2)
    assert life.account.number
    assert life.say("amend", "sam", request=life.request("initech", "1.00")).result == "refused"
    gone = Life(twins, "A-2")
    gone.start("hooli", "10.00")
    gone.must("cancel", "ben", reason="a mistake")
    gone.look()
    assert gone.say("note", "sam", text="hello").result == "refused"
    gone.start("hooli", "11.00")
    gone.must("approve", "ana")
    gone.run(1)
    never = Life(twins, "A-3")
    never.draft(None)
    never.start("globex", "10.00", owner="nobody")
    never.start("globex", "10.00", policy="nothing")
    never.draft({"seller": "demo"})
    never.draft(never.request("globex", "10.00"), by="a stranger")
    assert never.look().account is None
    assert never.say("cancel", "ana", reason="nothing there").result == "refused"
    never.must("cancel", "ben", reason="nothing there")


@script
def credits_and_losses(twins: Twins) -> None:
    life = issued(twins)
    life.run(2)
    assert life.say("credit", "ben", reason="all of it", amount="9000.00").result == "refused"
    _through(life, life.must("credit", "ben", reason="goodwill", amount="20.00"))
    assert life.say("credit", "ben", reason="the book", lines=["9"]).result == "refused"
    _through(life, life.say("credit", "ben", reason="the book", lines=["2"]))
    life.must("write_off", "ben", amount="0.40", kind="bank_fee", reason="kept")
    _through(life, life.must("write_off", "ben", amount="11.00", kind="withholding_tax", reason="kept"))
    paid(life, "500.00", "B-1")
    life.run(40)
    _through(life, life.must("write_off", "ben", reason="they are gone"))
    life.run(5)
    assert life.account.phase == "written_off"
    _through(life, life.must("credit", "ben", reason="late goodwill", amount="100.00"))
    life.run(1)
    twice = issued(twins, "A-2", price="200.00")
    _through(twice, twice.must("credit", "ben", reason="half", amount="130.00"))
    first = twice.say("credit", "ben", reason="one", amount="129.40")
    second = twice.say("credit", "ben", reason="two", amount="129.40")
    for verdict in (first, second):
        if verdict.subject:
            twice.say("approve", "cho", subject=verdict.subject)
    twice.run(4)
    whole = issued(twins, "A-3", customer="initech")
    paid(whole, "700.00", "B-9")
    whole.must("dispute", "initech", reason="wrong price")
    _through(whole, whole.must("cancel", "ben", reason="billed twice"))
    whole.run(3)
    assert whole.account.customer_credit


@script
def money_that_comes_and_goes(twins: Twins) -> None:
    """With discounts, small differences, ids that were used before, and what is approved too late."""
    life = issued(twins, price="1000.00", terms="2/10 net 30", customer="globex")
    whole = life.account.balance
    less = f"{(whole * 98 // 100) // 100}.{(whole * 98 // 100) % 100:02d}"
    for n, back in enumerate((True, False)):
        paid(life, less, f"B-{n}")
        assert life.account.discounted
        if back:
            _unapplied(twins, life)
            assert (life.account.discounted, life.account.balance) == (0, whole)
            life.run(1)
    other = issued(twins, "A-2", price="300.00", customer="initech")
    for name in ("B-0", "B-1"):
        assert _paid_by_hand(other, less, name).result == "refused"
    assert _paid_by_hand(life, less, "B-0").result == "done"
    assert _paid_by_hand(life, less, "B-2").result == "refused"  # it is closed
    late = issued(twins, "A-3", price="8000.00", customer="initech")
    paid(late, "9000.00", "C-1")
    assert late.must("write_off", "ben", reason="the rest").result == "pending"
    _unapplied(twins, late)
    late.must("approve", "ana", subject="write_off-1")
    assert late.account.balance == 9000_00
    draft = Life(twins, "A-4")
    draft.start("initech", "100.00")
    with pytest.raises(Refused):
        compared(
            lambda ids: twins.memory.apply("demo", 3, ids, "ben", twins.now),
            lambda ids: by_hand.apply(twins.engine, 3, ids, None, "ben", twins.now), [draft.id],
        )  # fmt: skip
    gone = issued(twins, "A-6", price="100.00", customer="umbrella")
    gone.must("write_off", "ben", reason="lost")
    gone.run(1)
    paid(gone, "50.00", "D-1")
    paid(gone, "500.00", "D-2")
    assert (gone.account.bad_debt, gone.account.customer_credit > 0) == (0, True)
    again = issued(twins, "A-5", lines=[{**SAME, "revenue": "goods"}, SAME], customer="hooli")
    again.must("credit", "ben", reason="returned", lines=["1"])
    assert again.say("credit", "ben", reason="returned", lines=["1"]).result == "refused"
    again.must("dispute", "hooli", reason="never came", lines=["2"])
    again.must("credit", "ben", reason="never came", lines=["2"])
    assert again.say("resolve", "ben", outcome="accepted").result == "refused"
    again.run(2)
    odd = issued(twins, "A-7", lines=[{**SAME, "revenue": "goods"}, SAME, SAME], customer="hooli")
    _through(odd, odd.must("credit", "ben", reason="returned", lines=["1"]))
    _through(odd, odd.must("credit", "ben", reason="goodwill", amount="7.77"))
    _through(odd, odd.must("cancel", "ben", reason="all of it"))
    odd.run(2)
    half = issued(twins, "A-8", lines=[{**SAME, "unit_price": "10.50"}] * 2, customer="hooli")
    half.must("dispute", "hooli", reason="never came", lines=["2"])
    half.must("credit", "ben", reason="returned", lines=["1"])
    half.must("resolve", "ben", outcome="accepted")
    half.run(2)


SAME = {"description": "Work", "quantity": "1", "unit_price": "90.00", "tax": {"category": "S", "rate": "19"}}


def _paid_by_hand(life: Life, amount: str, name: str) -> Any:
    day = life.now.date().isoformat()
    return life.say("pay", "ben", amount=amount, received_on=day, method="cheque", external_id=name)


def _unapplied(twins: Twins, life: Life) -> None:
    assert compared(
        lambda: twins.memory.unapply(life.id, "ben", "another's", twins.now) and life.id,
        lambda: by_hand.unapply(twins.engine, _last(twins), "ben", "another's", twins.now),
    )
    life.look()


def _through(life: Life, verdict: Any) -> None:
    """What waits for approval is approved."""
    if verdict.subject:
        life.must("approve", "cho", subject=verdict.subject)


@script
def money_that_is_anothers(twins: Twins) -> None:
    """A payment of one customer turns out to be another's; what is left of it is that one's credit."""
    one = issued(twins, price="100.00", customer="globex")
    two = issued(twins, "A-2", price="50.00", customer="initech")
    whole = one.account.balance
    paid(one, f"{whole // 100 + 20}.{whole % 100:02d}", "B-1")
    said = partial(compared, lambda *given: twins.memory.apply("demo", *given), partial(_applied, twins))
    for reason in ("", "it is initech's"):
        with pytest.raises(Refused):
            said(1, [two.id], "ben", twins.now, reason)
    _unapplied(twins, one)
    with pytest.raises(Refused):
        said(1, [two.id], "ben", twins.now, "")
    said(1, [two.id], "ben", twins.now, "it is initech's")
    two.look()
    one.look()
    assert (one.account.balance, one.account.customer_credit, two.account.phase) == (whole, 0, "paid")
    one.run(10)
    two.must("refund", "ben", amount="20.00", reason="paid too much")
    two.run(1)


def _applied(twins: Twins, receipt: int, ids: list[str], by: str, now: datetime, reason: str) -> None:
    by_hand.apply(twins.engine, receipt, ids, None, by, now, reason)


@script
def holds_extensions_and_owners(twins: Twins) -> None:
    life = issued(twins)
    life.run(32)
    assert life.say("release", "sam").result == "refused"
    life.must("hold", "sam", reason="a talk", until=(life.now + timedelta(days=6)).date().isoformat())
    life.run(3)
    life.must("hold", "ben", reason="another talk")
    life.run(20)
    life.must("release", "ben")
    life.run(3)
    assert life.say("extend", "ben", due="2026-01-01", reason="late").result == "refused"
    for days in (20, 80):
        day = (life.now + timedelta(days=days)).date().isoformat()
        _through(life, life.must("extend", "ben", due=day, reason="asked"))
    life.run(10)
    life.must("dispute", "globex", reason="hm", amount="1.00")
    life.must("assign", "sam", owner="ana")
    assert life.say("assign", "sam", owner="nobody").result == "refused"
    life.must("escalate", "sam", reason="odd")
    life.must("resend", "sam")
    life.must("resend", "sam", to="other@globex.example")
    life.run(30)
    life.must("extend", "ben", due=(life.now + timedelta(days=90)).date().isoformat(), reason="asked")
    for subject in life.account.subjects:
        life.say("approve", "cho", subject=subject.id)
    life.run(90)


@script
def schedules_and_outages(twins: Twins) -> None:
    halves = {"schedule": [{"percent": "50", "due": "net 14"}, {"percent": "50", "due": "net 30"}]}
    life = issued(twins, terms=halves)
    life.run(10)
    twins.now += timedelta(days=33)
    life.run(3)
    twins.now += timedelta(days=12)
    life.run(60)
    short = issued(twins, "A-2", customer="hooli", price="77.77", terms="net 7")
    twins.now += timedelta(days=30)
    short.run(20)


@script
def a_contact_with_several_debts(twins: Twins) -> None:
    lives = [issued(twins, f"A-{n}", price=f"{n}00.00", terms=f"net {6 + n}") for n in (1, 2, 3)]
    for _ in range(7):
        for life in lives:
            life.run(0)
            life.run(1)
    paid(lives[1], "900.00", "B-1")
    for _ in range(3):
        for life in lives:
            life.run(1)


@script
def stops_of_every_kind(twins: Twins) -> None:
    life = issued(twins, terms="net 7")
    life.run(8)
    _stop(twins, "globex", "hold", kind="hold", until=(twins.now + timedelta(days=5)).date().isoformat())
    life.run(3)
    _stop(twins, "globex", "hold", kind="insolvent")
    life.run(9)
    _stop(twins, "globex", "release")
    life.run(2)
    _stop(twins, "globex", "hold", kind="no_contact")
    paid(life, "100.00", "B-1")
    life.run(2)
    life.must("resend", "sam")
    life.run(2)
    _stop(twins, "globex", "release")
    life.run(2)
    _stop(twins, None, "hold", kind="hold")
    life.run(4)
    _stop(twins, None, "note", text="a strike")
    _stop(twins, None, "release")
    compared(twins.memory.pause_all, partial(stops.pause_all, twins.engine), "ben", "a leak", twins.now)
    life.run(4)
    with pytest.raises(Refused):
        compared(twins.memory.pause_all, partial(stops.pause_all, twins.engine), "ben", "a leak", twins.now)
    compared(twins.memory.resume_all, partial(stops.resume_all, twins.engine), "ben", twins.now)
    life.run(20)


def _stop(twins: Twins, customer: str | None, name: str, **about: Any) -> None:
    if name == "hold":
        about |= {"reason": "a word with them"}
    said = parse_stop(name, {"by": "ben", **about})
    compared(twins.memory.stop, partial(stops.command, twins.engine), "demo", customer, said, twins.now)


@script
def mail_that_fails(twins: Twins) -> None:
    life = issued(twins, terms="net 7")
    for _ in range(4):
        step = _reminder(life)
        assert life.claim(step)[0] is not None
        twins.step("give_back", step)
        twins.step("release", replace(step, failure="the mail server is down"))
    step = _reminder(life)
    assert life.claim(step)[0] is not None
    resumed, _ = life.claim(step)
    assert resumed == Claimed(key=step.key, resumed=True, shift_days=0)
    twins.step("refuse", step, "mailbox unavailable")
    life.run(0)
    life.must("send", "sam")
    life.claim(step)
    twins.step("park", step)
    life.run(1)
    life.must("skip", "sam", reason="told by phone")
    twins.step("release", step)
    life.run(3)
    paid(life, "1211.40", "B-1")
    life.claim(life.step(f"{life.id}/1/1/D+14"))
    life.run(3)


def _reminder(life: Life) -> SendStep:
    """The next message that leaves by itself, at its time."""
    while not isinstance(action := life.look().action, Send):
        assert isinstance(action, Wait)
        life.twins.now = action.until or life.now
    return life.step(action.key)


@script
def a_provider_that_takes_twice(twins: Twins) -> None:
    twins.real = replace(twins.real, idempotent=False)
    twins.memory.idempotent = False
    life = issued(twins)
    life.must("resend", "sam")
    step = life.step(f"{life.id}/invoice#2")
    life.claim(step)
    with pytest.raises(Unavailable):
        life.claim(step)
    twins.step("release", step)
    life.run(1)
    life.must("send", "ben")
    life.run(1)


@script
def mails_that_come_back(twins: Twins) -> None:
    twins.real = replace(twins.real, reports=True)
    twins.memory.reports = True
    life = issued(twins, terms="net 7")
    first = f"{life.id}/invoice"
    _reported(twins, first, "deferred", "bounced")
    life.run(0)
    _reported(twins, f"{first}~2", "delivered")
    life.run(20)
    for message in life.account.messages:
        if message.kind == "reminder":
            _reported(twins, message.key, "bounced")
    life.run(2)
    for message in life.account.messages:
        if message.state == "accepted":
            _reported(twins, message.key, "delivered", "spam_report")
    life.run(8)
    life.must("resend", "sam", to="new@globex.example")
    life.run(1)
    _reported(twins, f"{first}#2", "dropped")
    life.run(9)


def _reported(twins: Twins, key: str, *words: str) -> None:
    events = [MailEvent(f"{key}/{word}", key, word, twins.now, "5.1.1") for word in words]
    twins.step("delivered", events, twins.now)
    twins.step("delivered", events, twins.now)


@script
def money_through_a_provider(twins: Twins) -> None:
    life = issued(twins)
    state = PaymentState(
        provider="stripe", id="pi-1", status="succeeded", currency="EUR", amount=121_140, paid=121_140, fee=236,
        method="card", seller="demo", invoice=life.id, tried_at=twins.now, at=twins.now,
    )  # fmt: skip
    _told(twins, state)
    life.run(2)
    _told(twins, state)
    due_by = twins.now + timedelta(days=7)
    taken = DisputeState(
        id="du-1", amount=50_000, status="open", taken=True, reason="fraudulent", at=twins.now, due_by=due_by
    )
    _told(twins, replace(state, disputes=(taken,)))
    life.run(3)
    life.must("release", "ben")
    life.run(30)
    assert compared(
        lambda: twins.memory.unapply(life.id, "ben", "another's", twins.now) and life.id,
        lambda: by_hand.unapply(twins.engine, _last(twins), "ben", "another's", twins.now),
    )
    life.run(3)


def _told(twins: Twins, state: PaymentState) -> None:
    compared(twins.memory.paid, partial(provider.book_payment, twins.engine), state, twins.now)


def _last(twins: Twins) -> int:
    with read(twins.engine) as session:
        live = select(t.Allocation).where(col(t.Allocation.released_at).is_(None))
        return max(each.id or 0 for each in session.exec(live))


@script
def a_bank_that_tells(twins: Twins) -> None:
    with write(twins.engine, "demo") as session:
        session.get_one(t.Seller, "demo").sources = ["bank"]
    twins.memory.parties = Parties.read(twins.engine)
    one, two, three = (issued(twins, f"A-{n}", price=f"{n}00.00", terms="net 7") for n in (1, 2, 3))
    one.run(14)
    numbers = [str(life.account.number) for life in (one, two, three)]
    account = {"name": "Globex GmbH", "iban": PAYER, "end_to_end": "E-1"}
    _statement(twins, line(50_00, _day(twins), reference=reference(numbers[0]), **account), {one.id: 50_00})
    one.run(1)
    both = two.account.balance + three.account.balance
    paid_both = {life.id: life.account.balance for life in (two, three)}
    _statement(twins, line(both, _day(twins), text=f"{numbers[1]} {numbers[2]}", name="Globex GmbH"), paid_both)
    two.run(1)
    _statement(twins, line(7_77, _day(twins), text="thanks", name="Globex GmbH"), {})
    one.run(8)
    apply = partial(by_hand.apply, twins.engine)
    compared(lambda *said: twins.memory.apply("demo", *said), lambda r, ids, by, now: apply(r, ids, None, by, now),
             3, [one.id], "ben", twins.now)  # fmt: skip
    one.run(5)
    back = line(-50_00, _day(twins), return_code="MD06", text="back", end_to_end="E-1", reference=reference(numbers[0]))
    _statement(twins, back, {})
    one.run(5)
    over = one.account.balance + 10_00
    _statement(twins, line(over, _day(twins), reference=reference(numbers[0]), name="Globex GmbH"), {one.id: over})
    one.run(5)
    for again in (1_00, 2_00):
        _statement(
            twins, line(again, _day(twins), reference=reference(numbers[0]), name="Globex GmbH"), {one.id: again}
        )
        one.run(1)
    one.must("note", "sam", text="all of it is a deposit")
    assert sorted(one.account.exceptions) == ["paid_twice"], "which of the two was read is not said"


def _day(twins: Twins) -> str:
    return twins.now.date().isoformat()


def _statement(twins: Twins, told: Line, parts: dict[str, int]) -> None:
    """One line in a statement; the books in memory are told what the real ones' matching made of it."""
    made = replace(statement(told, closed=_day(twins), created_at=twins.now), opening=None, closing=None)
    Bank(twins.engine, twins.now).file(made)
    line_ = made.lines[0]
    money = Incoming(
        source="bank", external_id=line_.key, amount=line_.amount, currency="EUR", received_on=line_.booked_on,
        account=f"bank/{IBAN}",
    )  # fmt: skip
    if parts:
        twins.memory.receive("demo", money, parts, twins.now)
    elif line_.amount > 0:
        with read(twins.engine) as session:
            maybe = frozenset(each.customer for each in session.exec(select(t.ReceiptCandidate)))
        twins.memory.receive_unknown("demo", money, maybe, twins.now)
    else:
        twins.memory.returned("demo", 1, line_.key, -line_.amount, line_.booked_on, line_.return_code, twins.now)
    through = twins.now.date() - timedelta(days=1)  # the statement has no balances, and the day is not over
    twins.memory.source_read("demo", "bank", through, twins.now, twins.now)


@pytest.mark.parametrize("told", SCRIPTS, ids=lambda told: told.__name__)
def test_both_books_answer_alike(told: Script, template: Engine) -> None:
    twins = Twins(copied(template))
    told(twins)
    assert twins.memory.check() == []
    assert twins.steps > 10
    twins.engine.dispose()


UNTOLD: list[tuple[Script, str]] = [
    (promises_kept_and_broken, "promise.kept"),
    (promises_kept_and_broken, "promise.broken"),
    (promises_kept_and_broken, "promise.replaced"),
    (disputes_to_their_end, "dispute.resolved"),
    (disputes_to_their_end, "approval.granted"),
    (instalments, "plan.accelerated"),
    (instalments, "plan.kept"),
]


@pytest.mark.parametrize(("told", "type_"), UNTOLD, ids=[type_ for _, type_ in UNTOLD])
def test_both_name_an_end_that_was_not_told(
    told: Script, type_: str, template: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tx in (tx_in_memory.Tx, real_tx.Tx):
        monkeypatch.setattr(tx, "audit", forgetful(tx.audit, type_))
    twins = Twins(copied(template))
    told(twins)
    mine, theirs = (
        [each for each in found if each.invariant == 6] for found in (twins.memory.check(), verify(twins.engine))
    )
    assert mine
    assert {(each.row.split("/")[0], each.row.split("/")[2]) for each in mine} == {
        tuple(each.row.partition(" ")[2].split("/")) for each in theirs
    }
    twins.engine.dispose()


def forgetful(audit: Callable[..., None], forgotten: str) -> Callable[..., None]:
    def told(tx: object, type_: str, *about: Any, **keys: Any) -> None:
        if type_ != forgotten:
            audit(tx, type_, *about, **keys)

    return told


def test_a_town_with_faults_is_answered_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[Both] = []

    def both(idempotent: bool, complain: Complain, clock: Callable[[], datetime]) -> Both:
        kept.append(Both(idempotent, complain, clock))
        return kept[-1]

    monkeypatch.setitem(BOOKS, "both", both)
    assert play(plan_of(7, 0, 4), "both").breaches == []
    assert kept[0].books.compared > 50
