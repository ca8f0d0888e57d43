"""The morning sheet as a page: what it shows, that a look changes nothing, and who may say what on it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import select
from temporalio.client import ScheduleOverlapPolicy

from adapters.books import sheets, views
from adapters.books.engine import read, write
from adapters.mail.outbox import Outbox
from adapters.morning import Morning
from domain import calendar, links
from domain.sheets import sheet_key
from gateway.sheets import mark
from schemas import tables as t
from tests.adapters.test_adopting import _pass, adopted, mode
from tests.gateway.conftest import Gateway, House
from tests.story import Story
from workers import client as receivables
from workers.connect import TASK_QUEUE
from workers.schedules import SHEETS, schedule_sheets

HOUR = timedelta(hours=1)


def token_of(gateway: Gateway, key: str, purpose: str = links.SHEET) -> str:
    return links.token(gateway.settings.signing_secret().get_secret_value(), purpose, key)


def made(gateway: Gateway, now: datetime, tmp: Path) -> str:
    """The token of today's sheet of sam."""
    day = now.date()
    assert Morning(gateway.engine, Outbox(tmp / "outbox"), None).make("demo", "sam", day, now) == "sent"
    return token_of(gateway, sheet_key("demo", "sam", day))


def field(page: str) -> str:
    found = re.search(r'name="form" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]


async def press(gateway: Gateway, token: str, what: str, *keys: str, reason: str = "") -> httpx.Response:
    page = await gateway.http.get(f"/s/{token}")
    body = {"form": field(page.text), "what": what, "reason": reason, "messages": [mark(key) for key in keys]}
    return await gateway.http.post(f"/s/{token}", data=body)


def verdicts(engine: Engine) -> list[tuple[str, str, str]]:
    with read(engine) as session:
        return [(j.message, j.verdict, j.comment) for j in session.exec(select(t.Judgement))]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def late(bare: Gateway) -> Story:
    """Taken over today, eight days overdue, of a seller in shadow: one message would have been sent."""
    mode(bare.engine, "shadow")
    return recorded(bare.engine, "OLD-1", "ALT-1", "<b>Globex</b>")


def recorded(engine: Engine, reference: str, number: str, name: str) -> Story:
    due = now().date() - timedelta(days=8)
    story = adopted(
        engine,
        reference,
        at=calendar.at(now().date(), datetime.min.time(), "UTC") - 10 * 24 * HOUR,
        number=number,
        issued_on=str(due - timedelta(days=30)),
        due_on=str(due),
        customer={"name": name, "country": "DE", "email": f"{reference}@x.example".lower()},
    )
    _pass(story, 9.9)
    return story


class TestShadow:
    async def test_a_look_shows_it_and_changes_nothing(self, bare: Gateway, late: Story, tmp_path: Path) -> None:
        token = made(bare, now(), tmp_path)
        assert (await bare.http.head(f"/s/{token}")).status_code == 200
        answer = await bare.http.get(f"/s/{token}")
        page = answer.text
        assert "&lt;b&gt;Globex&lt;/b&gt;" in page
        assert "Wäre verschickt worden" in page
        assert "form-action 'self'" in answer.headers["content-security-policy"]
        assert verdicts(bare.engine) == []

    async def test_agreeing_and_vetoing_several(self, bare: Gateway, late: Story, tmp_path: Path) -> None:
        recorded(bare.engine, "OLD-2", "ALT-2", "Initech")
        token = made(bare, now(), tmp_path)
        keys = [item.key for item in sheets.build(bare.engine, "demo", "sam", now().date(), now()).would]
        assert len(keys) > 1
        answer = await press(bare, token, "yes", *keys[:-1])
        assert answer.status_code == 200
        answer = await press(bare, token, "no", keys[-1], reason="they are moving")
        assert "abgelehnt" in answer.text
        assert sorted(verdicts(bare.engine)) == sorted(
            [*((key, "agree", "") for key in keys[:-1]), (keys[-1], "veto", "they are moving")]
        )

    @pytest.mark.parametrize(
        ("what", "ticked", "reason", "status", "told"),
        [
            ("yes", False, "", 422, "Es war nichts angekreuzt"),
            ("no", True, "", 422, "Ein Veto braucht einen Grund"),
            ("maybe", True, "", 422, ""),
        ],
    )
    async def test_what_the_form_lacks_is_said(
        self, bare: Gateway, late: Story, tmp_path: Path, what: str, ticked: bool, reason: str, status: int, told: str
    ) -> None:
        token = made(bare, now(), tmp_path)
        keys = [item.key for item in sheets.build(bare.engine, "demo", "sam", now().date(), now()).would]
        answer = await press(bare, token, what, *(keys if ticked else ()), reason=reason)
        assert answer.status_code == status
        assert told in answer.text
        assert verdicts(bare.engine) == []

    async def test_a_form_from_elsewhere_is_refused(self, bare: Gateway, late: Story, tmp_path: Path) -> None:
        token = made(bare, now(), tmp_path)
        page = (await bare.http.get(f"/s/{token}")).text
        body = {"form": field(page), "what": "yes", "messages": [mark("x")]}
        origin = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert (await bare.http.post(f"/s/{token}", data=body, headers=origin)).status_code == 403
        assert (await bare.http.post(f"/s/{token}", data={**body, "form": "0" * 64})).status_code == 403
        bare.http.cookies.clear()
        assert (await bare.http.post(f"/s/{token}", data=body)).status_code == 403

    async def test_no_other_link_opens_it(self, bare: Gateway, late: Story, tmp_path: Path) -> None:
        key = sheet_key("demo", "sam", now().date())
        token = made(bare, now(), tmp_path)
        tampered = token[:-1] + ("A" if token[-1] != "A" else "B")
        tomorrow = token_of(bare, sheet_key("demo", "sam", date(2030, 1, 1)))
        for wrong in (tampered, tomorrow, token_of(bare, key, links.CUSTOMER), bare.token(late.id)):
            assert (await bare.http.get(f"/s/{wrong}")).status_code == 404
            assert (await bare.http.post(f"/s/{wrong}", data={"form": "x"})).status_code == 404
        assert (await bare.http.get(f"/i/{token}")).status_code == 404
        with write(bare.engine, None) as session:
            session.get_one(t.Person, "sam").active = False
        assert (await bare.http.get(f"/s/{token}")).status_code == 404

    async def test_a_message_of_somebody_elses_sheet_is_not_decided_here(
        self, bare: Gateway, late: Story, tmp_path: Path
    ) -> None:
        other = recorded(bare.engine, "OLD-2", "ALT-2", "Initech")
        other.now = now()
        other.command("assign", "sam", owner="ben")
        token = made(bare, now(), tmp_path)
        await press(bare, token, "yes", f"{other.id}/1/1/D+7")
        assert verdicts(bare.engine) == []


ALWAYS = {
    "mode": "ask",
    "window": {"start": "00:00", "end": "23:59", "days": [1, 2, 3, 4, 5, 6, 7], "holidays": True},
    "ladder": [{"at": "D+1", "template": "reminder", "tone": "friendly"}],
}


async def overdue(house: House, number: str) -> tuple[str, str]:
    """A receivable taken over on a real server; its reminder waits for a release. (workflow id, message)"""
    due = now().date() - timedelta(days=8)
    adopt = {"number": number, "issued_on": str(due - timedelta(days=30)), "due_on": str(due), "total": "119.00"}
    customer = {"name": f"Globex {number}", "country": "DE", "email": f"{number.lower()}@x.example"}
    body = {"seller": "demo", "reference": number, "customer": customer, "currency": "EUR", "policy": "always"}
    started = await receivables.start(house.client, house.engine, {**body, "adopt": adopt})
    await until(lambda: "message_held" in asked(house.engine, started.workflow_id))
    return started.workflow_id, f"{started.workflow_id}/1/1/D+1"


def sheet_of(engine: Engine) -> t.Sheet:
    """Sam's of today."""
    with read(engine) as session:
        return session.get_one(t.Sheet, sheet_key("demo", "sam", now().date()))


def asked(engine: Engine, workflow_id: str) -> list[str]:
    return [each["kind"] for each in views.exceptions(engine) if each["invoice"] == workflow_id]


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if await asyncio.to_thread(holds):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not come to that")


async def test_a_release_and_a_veto_are_commands_in_the_owners_name(
    gateway: Gateway, sqlite_house: House, tmp_path: Path
) -> None:
    """On a real server, and the hourly workflow makes no second sheet."""
    with write(gateway.engine, None) as session:
        session.add(t.Policy(name="always", version=1, content=ALWAYS, digest="always"))
    (first, yes), (second, no) = [await overdue(sqlite_house, f"ALT-{n}") for n in range(2)]
    token = made(gateway, now(), tmp_path)
    assert "in Ihrem Namen angenommen" in (await press(gateway, token, "yes", yes)).text
    assert "in Ihrem Namen abgelehnt" in (await press(gateway, token, "no", no, reason="per Telefon geklärt")).text
    await until(lambda: [w["verdict"] for w in views.reasons(gateway.engine, first)][-1:] == ["sent"])
    assert views.reasons(gateway.engine, second)[-1]["reason"] == "skipped by sam: per Telefon geklärt"
    assert sorted(verdicts(gateway.engine)) == sorted([(yes, "agree", ""), (no, "veto", "per Telefon geklärt")])
    assert "message_held" not in (*asked(gateway.engine, first), *asked(gateway.engine, second))
    assert "Nichts wartet auf Ihr Wort" in (await gateway.http.get(f"/s/{token}")).text
    await schedule_sheets(sqlite_house.client)
    handle = sqlite_house.client.get_schedule_handle(SHEETS)
    assert (await handle.describe()).schedule.policy.overlap == ScheduleOverlapPolicy.SKIP
    await handle.delete()
    confirmed = sheet_of(gateway.engine).confirmed_at
    assert confirmed is not None
    run = sqlite_house.client.start_workflow("Sheets", id=f"sheets-{uuid4()}", task_queue=TASK_QUEUE)
    await (await run).result()  # in the morning it sends those of other tests' sellers
    assert sheet_of(gateway.engine).confirmed_at == confirmed
