"""Mails that come in over HTTP and through the drop folder, before real books and a real worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session, select
from temporalio.client import Client

from adapters.books.engine import read
from adapters.books.recipients import reply_to
from adapters.documents.archive import Archive
from domain.errors import Unavailable
from gateway import inbox
from gateway.counting import counted
from gateway.house import House as Walls
from gateway.house import Link
from schemas import tables as t
from tests.conftest import Databases
from tests.gateway.conftest import Gateway, Open, settings_of
from tests.story import Story
from tests.workflows.conftest import House

KEY = "k" * 40
PATH = f"/webhooks/inbound?key={KEY}"
MAIL = {"Content-Type": "message/rfc822"}


@pytest.fixture
async def taking(opened: Open, sqlite_house: House, tmp_path: Path) -> AsyncIterator[Gateway]:
    async def client() -> Client:
        return sqlite_house.client

    more = {"inbound_key": SecretStr(KEY), "inbox": tmp_path / "inbox"}
    async with opened(sqlite_house.settings.model_copy(update=more), sqlite_house.engine, client) as found:
        yield found


def address(engine: Engine, invoice: str) -> str:
    with read(engine) as session:
        return reply_to(session.get_one(t.Seller, invoice.split("-")[1]), invoice)


def raw(to: str, id_: str = "1", text: str = "We will pay soon.") -> bytes:
    head = f"From: ap@globex.example\r\nTo: {to}\r\nSubject: Re: reminder\r\nMessage-ID: <{id_}@globex.example>"
    return f"{head}\r\n\r\n{text}\r\n".encode()


def replies(engine: Engine) -> list[t.Reply]:
    with Session(engine) as session:
        return list(session.exec(select(t.Reply)))


async def test_a_reply_lets_the_ladder_of_a_running_workflow_rest(taking: Gateway, sqlite_house: House) -> None:
    life = await sqlite_house.issued()
    mail = raw(address(taking.engine, life.id), life.id)
    form = {"email": (None, mail), "envelope": (None, b"{}"), "SPF": (None, b"pass")}
    for _ in range(2):
        said = await taking.http.post(PATH, files=form)
        assert (said.status_code, said.json()) == (200, {"contract": 1, "received": True, "result": "taken"})
    again = await taking.http.post(PATH, content=mail, headers=MAIL)
    assert again.status_code == 200
    assert [each.kind for each in replies(taking.engine) if each.invoice == life.id] == ["person"]
    status = await life.until(lambda said: any(p["kind"] == "reply" for p in said["pauses"]))
    assert (status["state"], status["exceptions"]) == ("collecting", ["reply"])
    assert "reply" in status["waits_for"]
    await life.do("note", by="sam", text="answered")
    await life.until(lambda said: said["exceptions"] == [])


async def test_only_whoever_knows_the_key_hands_in_mails(taking: Gateway) -> None:
    mail = raw("x@reply.demo.example", "forged")
    for path in ("/webhooks/inbound", "/webhooks/inbound?key=", f"/webhooks/inbound?key={KEY[:-1]}é"):
        assert (await taking.http.post(path, content=mail, headers=MAIL)).status_code == 403
    assert (await taking.http.post(f"{PATH}&key={KEY}", content=mail, headers=MAIL)).status_code == 422
    assert not any(each.subject == "forged" for each in replies(taking.engine))


async def test_what_is_no_mail_or_nobodys(taking: Gateway) -> None:
    assert (await taking.http.post(PATH, content=b" ", headers=MAIL)).status_code == 400
    assert (await taking.http.post(PATH, json={"email": "x"})).status_code == 400
    said = await taking.http.post(PATH, content=raw("a@nowhere.example"), headers=MAIL)
    assert (said.status_code, said.json()["result"]) == (200, "ignored")
    assert (await taking.http.post(PATH, content=b"x" * (31 << 20), headers=MAIL)).status_code == 413


async def test_without_a_key_or_a_server_it_is_to_come_again(
    opened: Open, demo: Engine, demo_url: str, tmp_path: Path
) -> None:
    for key in (None, SecretStr(KEY)):
        async with opened(settings_of(tmp_path, demo_url, inbound_key=key), demo) as gateway:
            said = await gateway.http.post(PATH, content=raw("x@reply.demo.example"), headers=MAIL)
            assert said.status_code == 503
            assert "Retry-After" in said.headers
    assert replies(demo) == []


def walls(engine: Engine, url: str, folder: Path, client: Callable[[], object]) -> Walls:
    settings = settings_of(folder, url, inbox=folder / "inbox")
    return Walls(settings, engine, Link(client), Archive(folder / "archive"), "s" * 40)  # type: ignore[arg-type]


class Nobody:
    """Where nothing runs: the books are what counts here, and a hint that reaches nobody is none the less given."""

    def get_workflow_handle(self, _: str) -> Nobody:
        return self

    async def signal(self, *_: object, **__: object) -> None:
        return None

    @property
    def service_client(self) -> Nobody:
        return self

    async def check_health(self, **_: object) -> None:
        return None


async def nobody() -> Nobody:
    return Nobody()


async def test_the_drop_folder_takes_each_mail_once_however_many_watch(
    demo: Engine, demo_books: Databases, demo_url: str, tmp_path: Path
) -> None:
    story = Story(demo, "demo", "ORD-1")
    story.start("globex", "100.00")
    story.command("approve", "ana")
    story.run(1)
    folder = tmp_path / "inbox"
    folder.mkdir()
    to = address(demo, story.id)
    for n in range(6):
        (folder / f"{n}.eml").write_bytes(raw(to, str(n)))
    (folder / "7.eml").write_bytes(raw("a@nowhere.example"))
    (folder / "8.eml").write_bytes(b"")
    (folder / ".part-9.eml").write_bytes(raw(to, "half"))
    (folder / "a.eml").symlink_to(folder / "0.eml")
    houses = [walls(demo, demo_url, tmp_path, nobody) for _ in range(3)]
    await asyncio.gather(*(inbox.look_through(each) for each in houses))
    assert len(replies(demo)) == 6
    assert sorted(path.name for path in (folder / "taken").iterdir()) == [f"{n}.eml" for n in range(6)]
    refused = {path.name: path.read_text() for path in (folder / "refused").glob("*.txt")}
    assert refused == {
        "7.txt": "no receivable and no seller has an address that this mail names\n",
        "8.txt": "is empty: send the mail as it came in\n",
    }
    assert {path.name for path in folder.glob("*.eml")} == {".part-9.eml", "a.eml"}
    keys = {each.object_key for each in replies(demo)}
    assert {Archive(tmp_path / "archive").get(key) for key in keys} == {raw(to, str(n)) for n in range(6)}


async def test_while_the_server_is_away_mails_stay(demo: Engine, demo_url: str, tmp_path: Path) -> None:
    async def away() -> Client:
        raise Unavailable("no Temporal server answers")

    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "1.eml").write_bytes(raw("x@reply.demo.example"))
    with pytest.raises(Unavailable):
        await inbox.look_through(walls(demo, demo_url, tmp_path, away))
    assert (folder / "1.eml").exists()
    house = walls(demo, demo_url, tmp_path, nobody)
    async with inbox.watching(house, every=0.01):
        deadline = time.monotonic() + 30
        while not (folder / "taken" / "1.eml").exists():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
    assert len(replies(demo)) == 1


async def test_what_fails_is_counted_too(demo: Engine, demo_url: str, tmp_path: Path) -> None:
    async def failing() -> str:
        return str(1 // 0)

    house = walls(demo, demo_url, tmp_path, nobody)
    with pytest.raises(ZeroDivisionError):
        await counted(house, "inbound", failing())
    assert b'duely_webhooks_total{provider="inbound",verdict="failed"} 1.0' in house.metrics.text()
