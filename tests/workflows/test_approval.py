"""Who approves what: tiers, four eyes, votes bound to the content, and a silent approver on a virtual clock."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.workflows.conftest import House
from tests.workflows.life import Life, Refusal, request


def asked(life: Life) -> list[str]:
    return [mail.to.partition("@")[0].rpartition("<")[2] for mail in life.mails("approval")]


async def test_a_small_usual_one_is_issued_without_anybody(house: House) -> None:
    seller = house.clock()
    await house.issued("100.00", seller=seller, reference="FIRST")
    life = await house.start("110.00", seller=seller, reference="SECOND")
    said = await life.state("collecting")
    assert (said["warnings"], said["number"] is not None) == ([], True)
    assert life.audited("approval.given") == []


async def test_a_small_one_with_a_warning_never_approves_itself(sqlite_house: House) -> None:
    life = await sqlite_house.start("100.00")
    said = await life.state("awaiting_approval")
    assert [warning["code"] for warning in said["warnings"]] == ["first_invoice"]
    assert said["pending"][0]["approvers"] == 1


async def test_up_to_ten_thousand_one_approver_within_limits(house: House) -> None:
    life = await house.start("8000.00")
    await life.state("awaiting_approval")
    for by, reason in (("crm", "machine"), ("sam", "needs an approver"), ("nobody", "not a person")):
        with pytest.raises(Refusal, match=reason):
            await life.do("approve", by=by)
    assert (await life.do("approve", by="ana"))["result"] == "done"


async def test_above_two_one_of_them_a_controller(house: House) -> None:
    life = await house.start("20000.00")
    said = await life.state("awaiting_approval")
    assert (said["pending"][0]["approvers"], said["pending"][0]["roles"]) == (2, ["controller"])
    with pytest.raises(Refusal, match="may approve up to EUR 10000"):
        await life.do("approve", by="ana")
    answer = await life.do("approve", by="ben")
    assert (answer["result"], answer["subject"], answer["state"]) == ("pending", "draft", "awaiting_approval")
    with pytest.raises(Refusal, match="has approved draft already"):
        await life.do("approve", by="ben")
    assert (await life.do("approve", by="cho"))["result"] == "done"
    assert (await life.state("collecting"))["number"]


async def test_four_eyes_hold_for_creator_and_amender(house: House) -> None:
    life = await house.start("1000.00", created_by="ben")
    await life.state("awaiting_approval")
    with pytest.raises(Refusal, match="four eyes"):
        await life.do("approve", by="ben")
    seller = life.id.split("-")[1]
    await life.do("amend", by="ana", request=request(seller, "ORD-1", price="1100.00", created_by="ben"))
    for by in ("ana", "ben"):
        with pytest.raises(Refusal, match="four eyes"):
            await life.do("approve", by=by)
    assert (await life.do("approve", by="cho"))["result"] == "done"


async def test_an_amendment_voids_the_votes(house: House) -> None:
    life = await house.start("20000.00")
    said = await life.state("awaiting_approval")
    old = said["hash"]
    await life.do("approve", by="ben", hash=old)
    seller = life.id.split("-")[1]
    await life.do("amend", by="crm", request=request(seller, "ORD-1", price="30000.00"))
    said = await life.status()
    assert said["hash"] != old
    assert said["pending"][0]["approved_by"] == []
    with pytest.raises(Refusal, match="has changed"):
        await life.do("approve", by="cho", hash=old)
    assert (await life.do("approve", by="cho"))["result"] == "pending"
    assert (await life.do("approve", by="ben", hash=said["hash"]))["result"] == "done"


async def test_a_wrong_hash_is_refused(sqlite_house: House) -> None:
    life = await sqlite_house.start("1000.00")
    await life.state("awaiting_approval")
    with pytest.raises(Refusal, match="has changed"):
        await life.do("approve", by="ana", hash="sha256:" + "0" * 64)
    assert life.audited("approval.given") == []


async def test_a_silent_approver_is_reminded_then_the_next_one_asked_then_a_person_hears(house: House) -> None:
    life = await house.start("1000.00")
    await life.until(lambda said: asked(life) == ["ana"])
    start = await life.now()
    await life.forward(1.9)
    assert asked(life) == ["ana"]
    await life.forward(0.2)
    assert asked(life) == ["ana", "ana"]
    await life.forward(2)
    assert asked(life) == ["ana", "ana", "ben"]
    said = await life.forward(9)
    assert asked(life) == ["ana", "ana", "ben", "ben", "cho", "cho"]
    assert said["exceptions"] == ["approval_stuck"]
    gaps = [(mail.at - start) / timedelta(days=1) for mail in life.mails("approval")]
    assert [round(gap) for gap in gaps] == [0, 2, 4, 6, 8, 10]
    assert (await life.do("approve", by="ana"))["result"] == "done"
    said = await life.state("collecting")
    assert said["exceptions"] == []
    assert await life.wedged() == []


async def test_two_approvers_are_asked_at_once(sqlite_house: House) -> None:
    life = await sqlite_house.start("20000.00")
    await life.until(lambda said: len(asked(life)) == 2)
    assert sorted(asked(life)) == ["ben", "cho"]
    await life.do("approve", by="ben")
    await life.forward(3)
    assert sorted(asked(life)) == ["ben", "cho", "cho"]


async def test_money_out_asks_within_its_tier(house: House) -> None:
    life = await house.issued("1000.00")
    assert (await life.do("credit", by="ben", amount="249.99", reason="below the tier"))["result"] == "done"
    answer = await life.do("credit", by="ben", amount="250.00", reason="at the tier")
    assert answer["result"] == "pending"
    with pytest.raises(Refusal, match="four eyes"):
        await life.do("approve", by="ben", subject=answer["subject"])
    said = await life.status()
    assert said["pending"][0]["subject"] == answer["subject"]
    assert said["credited"] == "249.99"
    seen = said["pending"][0]["hash"]
    assert (await life.do("approve", by="ana", subject=answer["subject"], hash=seen))["result"] == "done"
    assert (await life.status())["credited"] == "499.99"


async def test_votes_sent_at_once_issue_once(house: House) -> None:
    life = await house.start("1000.00")
    await life.state("awaiting_approval")
    said = await asyncio.gather(*(life.do("approve", by=by) for by in ("ana", "ben", "cho")), return_exceptions=True)
    assert [isinstance(one, Refusal) for one in said].count(False) == 1
    await life.state("collecting")
    assert len((await life.status())["documents"]) == 1
