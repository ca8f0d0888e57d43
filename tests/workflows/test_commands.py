"""Every command of the contract once, on the way it is meant for: its answer, and what it does."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from tests.workflows.conftest import House
from tests.workflows.life import PATIENCE, Life, Refusal, request


async def day_of(life: Life) -> date:
    said = await life.status()
    return date.fromisoformat(said["documents"][0]["date"])


def done(state: str, **more: Any) -> dict[str, Any]:
    return {"contract": 1, "result": "done", "state": state, **more}


async def test_reject_then_amend_then_approve_with_the_new_hash(house: House) -> None:
    life = await house.start("1000.00")
    said = await life.state("awaiting_approval")
    assert await life.do("reject", by="ana", reason="wrong price") == done("rejected")
    with pytest.raises(Refusal, match="nothing waits"):
        await life.do("approve", by="ana")
    seller = life.id.split("-")[1]
    body = request(seller, "ORD-1", price="900.00")
    assert await life.do("amend", by="sam", request=body) == done("awaiting_approval")
    with pytest.raises(Refusal, match="must stay"):
        await life.do("amend", by="crm", request=request(seller, "OTHER"))
    with pytest.raises(Refusal, match="the content of draft has changed"):
        await life.do("approve", by="ana", hash=said["hash"])
    new = (await life.status())["hash"]
    assert (await life.do("approve", by="ana", hash=new, subject="draft", comment="fine"))["result"] == "done"
    said = await life.state("collecting")
    assert (said["total"], said["hash"]) == ("1071.00", new)


async def test_cancel_before_issue_ends_and_after_issue_credits_all(house: House) -> None:
    draft = await house.start()
    await draft.state("awaiting_approval")
    assert await draft.do("cancel", by="ben", reason="ordered twice") == done("cancelled")
    assert (await draft.result())["documents"] == []

    life = await house.issued("1000.00")
    answer = await life.do("cancel", by="ben", reason="ordered twice")
    assert (answer["result"], answer["subject"]) == ("pending", "cancel-1")
    answer = await life.do("approve", by="ana", subject="cancel-1")
    assert answer["result"] == "done"
    said = await life.result()
    assert (said["state"], said["credited"], said["balance"]) == ("credited", "1190.00", "0.00")
    assert [paper["kind"] for paper in said["documents"]] == ["invoice", "credit_note"]
    assert [mail.kind for mail in life.mails("invoice", "credit_note")] == ["invoice", "credit_note"]


async def test_dispute_resolve_each_outcome(house: House) -> None:
    life = await house.issued("1000.00")
    assert await life.do("dispute", by="globex", reason="damaged") == done("disputed", dispute="d1")
    with pytest.raises(Refusal, match="nothing is left"):
        await life.do("dispute", by="globex", reason="again")
    assert (await life.status())["disputed"] == "1190.00"
    assert await life.do("resolve", by="ana", outcome="withdrawn") == done("collecting")
    answer = await life.do("dispute", by="globex", reason="price", code="price", amount="100.00")
    assert answer == done("collecting", dispute="d2")
    assert (await life.status())["flags"] == ["part_disputed"]
    answer = await life.do("dispute", by="globex", reason="line", lines=["1"])
    assert answer == done("disputed", dispute="d3")
    with pytest.raises(Refusal, match="name one"):
        await life.do("resolve", by="ana", outcome="rejected")
    assert (await life.do("resolve", by="ana", outcome="rejected", dispute="d3"))["state"] == "collecting"
    answer = await life.do("resolve", by="ana", outcome="partly", credit="40.00")
    assert (answer["result"], answer["state"]) == ("done", "collecting")
    said = await life.until(lambda said: said["waits_for"] is not None)
    assert (said["credited"], said["balance"], said["disputed"]) == ("40.00", "1150.00", "0.00")
    assert [d["outcome"] for d in said["disputes"]] == ["withdrawn", "partly", "rejected"]
    await life.do("dispute", by="globex", reason="all of it")
    answer = await life.do("resolve", by="ben", outcome="accepted")
    assert answer["result"] == "pending"
    await life.do("approve", by="cho", subject=answer["subject"])
    assert (await life.result())["state"] == "credited"


async def test_promise_hold_release_extend(house: House) -> None:
    life = await house.issued("1000.00")
    today = await day_of(life)
    soon = (today + timedelta(days=10)).isoformat()
    assert await life.do("promise", by="globex", date=soon, amount="190.00") == done("collecting")
    assert await life.do("promise", by="globex", date=soon) == done("promised")
    assert [p["outcome"] for p in (await life.status())["promises"]] == ["replaced", "open"]
    assert await life.do("hold", by="sam", reason="clearing", until=soon) == done("on_hold")
    assert [p["kind"] for p in (await life.status())["pauses"]] == ["on_hold", "promised"]
    assert await life.do("release", by="sam") == done("promised")
    due = date.fromisoformat((await life.status())["dues"][0]["due_on"])
    week = (due + timedelta(days=7)).isoformat()
    assert (await life.do("extend", by="ben", due=week, reason="agreed"))["result"] == "done"
    answer = await life.do("extend", by="ben", due=(due + timedelta(days=60)).isoformat(), reason="agreed")
    assert (answer["result"], answer["subject"]) == ("pending", "extend-1")
    await life.do("approve", by="ana")
    assert (await life.status())["dues"][0]["due_on"] == (due + timedelta(days=60)).isoformat()


async def test_pay_by_controller_books_and_by_owner_waits(house: House) -> None:
    life = await house.issued("1000.00")
    today = (await day_of(life)).isoformat()
    part = {"amount": "190.00", "received_on": today, "method": "cheque", "external_id": "CHQ-1"}
    assert (await life.do("pay", by="ben", **part))["result"] == "done"
    assert (await life.do("pay", by="ben", **part))["result"] == "done"
    said = await life.status()
    assert (said["paid"], said["balance"], said["flags"]) == ("190.00", "1000.00", ["part_paid"])
    with pytest.raises(Refusal, match="another amount"):
        await life.do("pay", by="ben", **{**part, "amount": "191.00"})
    answer = await life.do("pay", by="sam", **{**part, "amount": "1100.00", "external_id": "CHQ-2"})
    assert (answer["result"], answer["subject"]) == ("pending", "pay-1")
    assert (await life.do("approve", by="ana"))["result"] == "done"
    said = await life.result()
    assert (said["state"], said["paid"], said["customer_credit"]) == ("paid", "1190.00", "100.00")


async def test_credit_by_lines_and_amount_and_write_off_kinds(house: House) -> None:
    life = await house.issued("1000.00")
    assert (await life.do("credit", by="ben", amount="100.00", reason="goodwill"))["result"] == "done"
    answer = await life.do("write_off", by="ben", amount="0.40", kind="bank_fee", reason="their bank")
    assert answer["result"] == "done"
    answer = await life.do("write_off", by="ben", amount="19.60", kind="withholding_tax", reason="certificate")
    assert answer["result"] == "done"
    said = await life.at_rest()
    assert (said["credited"], said["written_off"], said["withheld"]) == ("100.00", "0.40", "19.60")
    assert said["balance"] == "1070.00"
    with pytest.raises(Refusal, match="more than what was invoiced"):
        await life.do("credit", by="ben", lines=["1"], reason="all")
    answer = await life.do("write_off", by="ben", reason="gone")
    assert (answer["result"], answer["subject"]) == ("pending", "write_off-1")
    assert (await life.do("reject", by="ana", subject="write_off-1", reason="not yet"))["result"] == "done"
    assert (await life.status())["balance"] == "1070.00"
    await life.do("write_off", by="ben", reason="gone")
    assert (await life.do("approve", by="cho"))["result"] == "done"
    assert (await life.result())["state"] == "written_off"


async def test_hand_over_escalate_assign_note_resend(house: House) -> None:
    life = await house.issued("1000.00")
    assert await life.do("note", by="anybody", text="called them") == done("collecting")
    assert await life.do("assign", by="sam", owner="ana") == done("collecting")
    assert (await life.status())["owner"] == "ana"
    assert (await life.do("resend", by="sam"))["result"] == "done"
    assert (await life.do("resend", by="sam", to="other@globex.example"))["result"] == "done"
    await life.until(lambda said: len(life.mails("invoice")) == 3)
    assert "other@globex.example" in life.mails("invoice")[2].to
    assert await life.do("escalate", by="sam", reason="no answer") == done("escalated")
    assert await life.do("hand_over", by="ben", to="Collect Ltd", reason="silent") == done("in_collections")
    today = (await day_of(life)).isoformat()
    await life.do("pay", by="ben", amount="1190.00", received_on=today, method="cash", external_id="C-1")
    assert (await life.result())["state"] == "paid"


async def test_send_and_skip_settle_what_waits_in_mode_ask(house: House) -> None:
    life = await house.start(policy="careful")
    await life.state("awaiting_approval")
    await life.do("approve", by="ana")
    said = await life.until(lambda said: "message_held" in said.get("exceptions", []))
    assert said["next"]["why"]
    assert life.mails("invoice") == []
    assert (await life.do("send", by="sam"))["result"] == "done"
    await life.state("collecting")
    assert len(life.mails("invoice")) == 1
    assert (await life.status())["exceptions"] == []

    other = await house.start(policy="careful", price="200.00")
    await other.state("awaiting_approval")
    await other.do("approve", by="ana")
    await other.until(lambda said: "message_held" in said.get("exceptions", []))
    assert (await other.do("skip", by="ana", reason="handed over in person"))["result"] == "done"
    said = await other.at_rest()
    assert other.mails("invoice") == []
    assert said["exceptions"] == []


async def test_signals_do_what_updates_do(house: House) -> None:
    life = await house.start("1000.00")
    await life.state("awaiting_approval")
    await life.handle.signal("approve", {"by": "ana"})
    await life.state("collecting")
    await life.handle.signal("dispute", {"by": "globex", "reason": "damaged"})
    await life.state("disputed")
    await life.handle.signal("resolve", {"by": "ana", "outcome": "withdrawn"})
    await life.state("collecting")
    assert (await life.status())["malformed"] == 0


@pytest.mark.parametrize("id_", ["a\0b", "\U0001f600" * 250, "x" * 1000], ids=["NUL", "wide", "long"])
async def test_whatever_an_update_is_called_it_is_answered_once(house: House, id_: str) -> None:
    life = await house.issued()
    body = {"by": "sam", "text": "called"}
    asked = [life.handle.execute_update("note", body, id=id_, result_type=dict) for _ in range(2)]
    said = await asyncio.wait_for(asyncio.gather(*asked), PATIENCE)
    assert said == [done(said[0]["state"])] * 2
    assert len(life.audited("invoice.noted")) == 1


async def test_a_reset_gives_no_command_twice(sqlite_house: House) -> None:
    """It hands the new run every Signal and Update that the one before had."""
    life = await sqlite_house.issued()
    await life.handle.signal("credit", {"by": "ben", "reason": "late", "amount": "10.00"})
    await life.until(lambda said: said["credited"] == "10.00")
    await life.do("credit", by="ben", reason="later", amount="1.00")
    history = await life.handle.fetch_history()
    begun = next(e.event_id for e in history.events if e.HasField("workflow_task_completed_event_attributes"))
    reset = ResetWorkflowExecutionRequest(
        namespace=sqlite_house.client.namespace,
        workflow_execution=WorkflowExecution(workflow_id=life.id, run_id=history.run_id),
        reason="an operator's",
        workflow_task_finish_event_id=begun,
        request_id=str(uuid4()),
    )
    await sqlite_house.client.workflow_service.reset_workflow_execution(reset)
    assert (await life.do("note", by="sam", text="after all that came before"))["result"] == "done"
    assert (await life.status())["credited"] == "11.00"
