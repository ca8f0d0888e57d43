"""The books in memory beside the real ones: the same scripted lives must get the same answers, step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.sim.twins import Life, Twins, copied, seeded_engine

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
    life.must("amend", "sam", request=life.request("initech", "20000.00", issue_on="2026-02-01"))
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


def _through(life: Life, verdict: Any) -> None:
    """What waits for approval is approved."""
    if verdict.subject:
        life.must("approve", "cho", subject=verdict.subject)


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
    for _ in range(14):
        for life in lives:
            life.run(0)
            life.run(1)
    paid(lives[1], "900.00", "B-1")
    for _ in range(3):
        for life in lives:
            life.run(1)


@pytest.mark.parametrize("told", SCRIPTS, ids=lambda told: told.__name__)
def test_both_books_answer_alike(told: Script, template: Engine) -> None:
    twins = Twins(copied(template))
    told(twins)
    assert twins.memory.check() == []
    assert twins.steps > 10
    twins.engine.dispose()
