"""What a customer says on the page, carried out by a real worker: it pauses what it should, and mails leave."""

from __future__ import annotations

import asyncio
import re
from datetime import date, timedelta
from typing import Any

import httpx
from sqlmodel import select

from adapters.books.engine import read
from domain.calendar import add_business_days
from schemas import tables as t
from tests.gateway.conftest import Gateway
from tests.workflows.conftest import House

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


async def send(gateway: Gateway, id_: str, action: str, data: dict[str, Any], **more: Any) -> httpx.Response:
    path = f"/i/{gateway.token(id_)}"
    page = (await gateway.http.get(path)).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', page))
    said = await gateway.http.post(f"{path}/{action}", data={**fields, **data}, **more)
    assert said.status_code == 303, said.text
    shown = await gateway.http.get(said.headers["Location"])
    assert shown.status_code == 200
    return shown


async def test_a_dispute_pauses_at_once_and_keeps_its_evidence(gateway: Gateway, sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00")
    files = [
        ("files", ("../../etc/passwd", b"two hours, not ten", "text/plain")),
        ("files", ("C:\\photos\\<i>box.exe", PNG, "image/png")),
    ]
    evil = "<script>alert(1)</script>\nten hours were agreed"
    shown = await send(
        gateway, life.id, "dispute", {"code": "quantity", "scope": "lines", "lines": "1", "text": evil}, files=files
    )
    assert "Ihre Mitteilung ist da" in shown.text
    assert "Bestritten seit" in shown.text
    said = await life.status()
    assert (said["state"], said["disputed"]) == ("disputed", said["balance"])
    with read(sqlite_house.engine) as session:
        dispute = session.exec(select(t.Dispute).where(t.Dispute.invoice == life.id)).one()
        names = [each["name"] for each in dispute.evidence]
        assert session.get(t.File, dispute.evidence[0]["file"]) is not None
    assert (dispute.code, dispute.reason, dispute.lines) == ("quantity", evil, ["1"])
    assert names == ["passwd.txt", "ibox.png"]
    stored = (sqlite_house.settings.archive / f"{dispute.evidence[1]['file'].removeprefix('sha256:')}.png").read_bytes()
    assert stored == PNG


async def test_a_form_that_is_sent_twice_is_heard_once(gateway: Gateway, sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00")
    path = f"/i/{gateway.token(life.id)}"

    async def filled() -> dict[str, str]:
        page = (await gateway.http.get(path)).text
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', page))
        return {**fields, "code": "price", "scope": "amount", "amount": "10,00"}

    form = await filled()
    said = await asyncio.gather(*(gateway.http.post(f"{path}/dispute", data=form) for _ in range(3)))
    said.append(await gateway.http.post(f"{path}/dispute", data=form))
    assert [each.status_code for each in said] == [303] * 4
    assert len((await life.status())["disputes"]) == 1
    await gateway.http.post(f"{path}/dispute", data=await filled())
    assert len((await life.status())["disputes"]) == 2, "who opens the page anew means another one"


async def test_a_promise_stops_reminders_until_its_day(gateway: Gateway, sqlite_house: House) -> None:
    life = await sqlite_house.issued("1000.00")
    page = (await gateway.http.get(f"/i/{gateway.token(life.id)}")).text
    first = date.fromisoformat(re.findall(r'name="date"[^>]* min="([\d-]+)"', page)[0])
    day = add_business_days(first + timedelta(days=7), 1, "DE")
    shown = await send(gateway, life.id, "promise", {"date": day.isoformat()})
    assert "wir haben notiert, wann Sie zahlen" in shown.text
    assert "Sie haben zugesagt" in shown.text
    said = await life.status()
    assert said["state"] == "promised"
    assert said["promises"][0]["date"] == day.isoformat()
