"""`/d/{token}` as whoever was asked about a dispute meets it: the file, its zip, the form; and every link that is no
good. The exceptions of `/v1` beside it: decided by a word, given to somebody else."""

from __future__ import annotations

import asyncio
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from adapters.books.engine import read, write
from adapters.documents.archive import Archive
from domain import links
from domain.errors import Unavailable
from gateway import desk
from gateway.forms import FIELD
from schemas import tables as t
from tests.gateway.conftest import Gateway
from tests.story import Story
from tests.workflows.conftest import House

PHOTO = b"\x89PNG\r\n\x1a\n" + bytes(40)
BAIT = "<script>alert(1)</script>\u202e broken"


def token(gateway: Gateway, story_id: str, person: str = "sam", round_: int = 1) -> str:
    secret = gateway.settings.signing_secret().get_secret_value()
    return links.token(secret, links.DESK, f"{story_id}/dispute/d1/{person}/{round_}")


@pytest.fixture
def disputed(story: Story, bare: Gateway) -> Story:
    """ORD-1 with a dispute over its second line, evidence and a reply; today, so that the links are good."""
    story.now = datetime.now(UTC)
    story.run(0)
    story.command("approve", "ana")
    story.run(0)
    story.command("dispute", "globex", reason=BAIT, code="quality", lines=["2"], evidence=BAIT)
    archive = Archive(bare.settings.archive)
    photo, mail = archive.put(PHOTO, "png"), archive.put(b"Subject: hello\r\n\r\nplease call", "txt")
    with write(story.books.engine, "demo") as session:
        row = session.get_one(t.Dispute, (story.id, "d1"))
        files = {"../../photo.png": photo, "Счёт Müller.png": archive.put(PHOTO + b"2", "png")}
        row.evidence = [*row.evidence, *({"name": name, "file": key} for name, key in files.items())]
        session.add(row)
        sender = "sha256:" + "0" * 64
        session.add(
            t.Reply(id="r1", seller="demo", invoice=story.id, kind="text", sender=sender, subject=BAIT, text=BAIT,
                    object_key=mail, received_at=story.now)
        )  # fmt: skip
    story.run(0)
    return story


async def test_the_whole_file_is_on_one_page_and_nothing_of_it_is_markup(bare: Gateway, disputed: Story) -> None:
    answer = await bare.http.get(f"/d/{token(bare, disputed.id)}")
    assert answer.status_code == 200
    page = answer.text
    number = str(disputed.look().number)
    for part in (number, "Globex", "21,40", "Qualität", "&lt;script&gt;", "Work", "Book", "bestritten", "photo.png",
                 f"{number}.pdf", "-text.eml", "zum Einwand", "Keine."):  # fmt: skip
        assert part in page, part
    assert "<script" not in page
    assert "\u202e" not in page.partition("<pre>")[0]
    assert "form-action 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"


async def test_who_may_not_decide_sees_who_may(bare: Gateway, disputed: Story) -> None:
    page = (await bare.http.get(f"/d/{token(bare, disputed.id)}")).text
    assert "<form" not in page, "sam is an owner: owners do not resolve"
    assert "Ana Albers, Ben Brandt, Cho Chang" in page
    assert "Wer entscheidet" in page
    assert "Ihre Entscheidung" not in page


async def test_files_are_handed_out_and_never_shown(bare: Gateway, disputed: Story) -> None:
    link = f"/d/{token(bare, disputed.id)}"
    found = re.findall(rf'href="({re.escape(link)}/files/[0-9a-f]+)"', (await bare.http.get(link)).text)
    assert len(found) == 5
    answers = [await bare.http.get(each) for each in found]
    assert all(a.headers["content-disposition"].startswith("attachment") for a in answers)
    assert all(".." not in a.headers["content-disposition"] for a in answers)
    assert PHOTO in [a.content for a in answers]
    named = next(a.headers["content-disposition"] for a in answers if a.content == PHOTO + b"2")
    assert named == (
        "attachment; filename=\"____-M_ller.png\"; filename*=UTF-8''%D0%A1%D1%87%D1%91%D1%82%20M%C3%BCller.png"
    )
    for other in ("0" * 64, "..%2f..%2fetc%2fpasswd"):
        assert (await bare.http.get(f"{link}/files/{other}")).status_code == 404


async def test_the_zip_has_evidence_and_replies_and_checks_itself(
    bare: Gateway, disputed: Story, tmp_path: Path
) -> None:
    answer = await bare.http.get(f"/d/{token(bare, disputed.id)}/file.zip")
    assert answer.headers["content-type"] == "application/zip"
    folder = tmp_path / "zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as found:
        names = found.namelist()
        found.extractall(folder)
    assert {"evidence/d1-photo.png", "records/replies.jsonl"} <= set(names)
    assert [name for name in names if name.startswith("replies/")]
    script = [sys.executable, str(folder / "verify.py")]
    ended = await asyncio.to_thread(subprocess.run, script, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


async def test_no_zip_stays_behind_whatever_part_of_it_is_asked_for(
    bare: Gateway, disputed: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temp"))
    for part, status in (("bytes=0-9", 206), ("bytes=zz", 400), ("bytes=999999999-", 416)):
        answer = await bare.http.get(f"/d/{token(bare, disputed.id)}/file.zip", headers={"Range": part})
        assert answer.status_code == status
    assert list((tmp_path / "temp").iterdir()) == []


async def test_a_link_is_for_one_purpose_one_person_and_a_time(bare: Gateway, disputed: Story) -> None:
    good = token(bare, disputed.id)
    secret = bare.settings.signing_secret().get_secret_value()
    question = f"{disputed.id}/dispute/d1/sam/1"
    bad = {
        "another purpose": links.token(secret, links.APPROVER, question),
        "never asked": token(bare, disputed.id, "ben"),
        "no question": links.token(secret, links.DESK, disputed.id),
        "tampered": good[:-2] + ("AA" if good[-2:] != "AA" else "BB"),
    }
    for why, text in bad.items():
        for path in (f"/d/{text}", f"/d/{text}/file.zip"):
            assert (await bare.http.get(path)).status_code == 404, why
        assert (await bare.http.post(f"/d/{text}", data={"outcome": "accepted"})).status_code == 404, why
    with write(disputed.books.engine, None) as session:
        session.add(t.LinkMark(purpose=links.DESK, subject=question, mark="revoked", by="ben", at=disputed.now))
    assert (await bare.http.get(f"/d/{good}")).status_code == 404


@pytest.mark.parametrize("change", ["inactive", "old"])
async def test_a_link_ends_with_its_person_and_with_its_time(bare: Gateway, disputed: Story, change: str) -> None:
    good = token(bare, disputed.id)
    assert (await bare.http.get(f"/d/{good}")).status_code == 200
    with write(disputed.books.engine, None) as session:
        if change == "inactive":
            row = session.get_one(t.Person, "sam")
            row.active = False
            session.add(row)
        else:
            invoice = session.get_one(t.Invoice, disputed.id)
            invoice.updated_at += timedelta(days=14, seconds=1)
            session.add(invoice)
    assert (await bare.http.get(f"/d/{good}")).status_code == 404


async def test_only_our_own_form_is_taken(bare: Gateway, disputed: Story) -> None:
    sent = await bare.http.post(f"/d/{token(bare, disputed.id)}", data={"outcome": "withdrawn", FIELD: "x"})
    assert sent.status_code == 403
    assert disputed.look().disputes[0].outcome is None


async def test_what_was_typed_is_kept_whatever_goes_wrong(bare: Gateway, disputed: Story) -> None:
    with write(disputed.books.engine, None) as session:
        row = session.get_one(t.Person, "sam")
        row.roles = [*row.roles, "approver"]
        session.add(row)
    link = f"/d/{token(bare, disputed.id)}"
    value = re.search(rf'name="{FIELD}" value="([^"]+)"', (await bare.http.get(link)).text)
    assert value is not None
    form = {FIELD: value[1], "outcome": "partly", "credit": "1,00", "comment": "six of forty"}
    away = await bare.http.post(link, data=form)
    assert (away.status_code, away.headers["Retry-After"]) == (503, "30")
    assert "noch nicht vermerkt" in away.text
    assert value[1] in away.text, "sent again, it is the same decision"
    long = await bare.http.post(link, data={**form, "comment": "six of forty" + "x" * 2_000})
    odd = await bare.http.post(link, data={**form, "comment": "six of forty\x00"})
    assert (long.status_code, odd.status_code) == (422, 422)
    for answer in (away, long, odd):
        assert "six of forty" in answer.text
        assert answer.headers["content-type"].startswith("text/html")


async def test_a_browser_is_answered_with_a_page(
    bare: Gateway, disputed: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("the database is locked")

    monkeypatch.setattr(desk, "desk_file", away)
    link = f"/d/{token(bare, disputed.id)}"
    page = await bare.http.get(link, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert "<h1" in page.text
    program = await bare.http.get(link)
    assert (program.status_code, program.headers["content-type"]) == (503, "application/problem+json")


async def test_the_form_decides_and_the_customer_is_told(gateway: Gateway, sqlite_house: House) -> None:
    """The whole way, on a real server: opened, passed on to a controller, decided on the page."""
    life = await sqlite_house.issued("1000.00")
    await life.do("dispute", by="globex", reason="damaged")
    await life.forward(12)
    link = f"/d/{token(gateway, life.id, 'ben')}"
    page = await gateway.http.get(link)
    value = re.search(rf'name="{FIELD}" value="([^"]+)"', page.text)
    assert value is not None, page.text[:500]
    form = {FIELD: value[1], "outcome": "partly", "credit": "", "comment": "six of forty"}
    again = await gateway.http.post(link, data=form)
    assert again.status_code == 422
    assert "credit" in again.text
    assert "six of forty" in again.text, "what was typed is not lost"
    done = await gateway.http.post(link, data={**form, "credit": "119,00"})
    assert (done.status_code, done.headers["location"]) == (303, f"{link}?done=done")
    said = await life.at_rest()
    assert (said["credited"], said["disputes"][0]["outcome"]) == ("119.00", "partly")
    assert "entschieden" in (await gateway.http.get(link)).text.lower()
    told = [mail.text for mail in life.mails("dispute")]
    assert len(told) == 2
    assert "119,00" in told[1]


class TestQueue:
    async def test_a_word_settles_what_no_command_does(self, bare: Gateway, disputed: Story) -> None:
        with write(disputed.books.engine, "demo") as session:
            session.add(
                t.OpenException(seller="demo", kind="payout_difference", key="line-1", owner="sam",
                                opened_at=disputed.now, deadline=disputed.now, evidence={"amount": 100})
            )  # fmt: skip
        key = bare.as_(by="sam")
        listed = (await bare.http.get("/v1/exceptions", headers=key)).json()["exceptions"]
        found = {each["kind"]: each for each in listed}
        assert (found["dispute"]["age_hours"], found["dispute"]["overdue"]) == (0, False)
        assert found["payout_difference"]["overdue"]
        late = await bare.http.get("/v1/exceptions?overdue=true", headers=key)
        assert [each["kind"] for each in late.json()["exceptions"]] == ["payout_difference"]

        path = f"/v1/exceptions/{found['payout_difference']['id']}/commands"
        assert (await bare.http.post(f"{path}/decide", headers=key, json={})).status_code == 422
        machine = await bare.http.post(f"{path}/decide", headers=bare.as_(), json={"decision": "x"})
        assert machine.status_code == 403
        other = bare.as_(by="sam", seller="clock01")
        assert (await bare.http.post(f"{path}/decide", headers=other, json={"decision": "x"})).status_code == 404
        done = await bare.http.post(f"{path}/decide", headers=key, json={"decision": "the bank kept it"})
        assert done.json() == {"contract": 1, "result": "done"}
        again = await bare.http.post(f"{path}/decide", headers=key, json={"decision": "twice"})
        assert again.status_code == 409
        with read(disputed.books.engine) as session:
            row = session.get_one(t.OpenException, found["payout_difference"]["id"])
            assert (row.decided_by, row.decision) == ("sam", "the bank kept it")
            assert _types(session)[-1] == "exception.settled"

    async def test_a_dispute_ends_with_its_decision_and_moves_with_its_owner(
        self, bare: Gateway, disputed: Story
    ) -> None:
        key = bare.as_(by="sam")
        (item,) = (await bare.http.get("/v1/exceptions?kind=dispute", headers=key)).json()["exceptions"]
        path = f"/v1/exceptions/{item['id']}/commands"
        refused = await bare.http.post(f"{path}/decide", headers=key, json={"decision": "forget it"})
        assert refused.status_code == 409
        assert "duely resolve" in refused.json()["detail"]
        assert (await bare.http.post(f"{path}/assign", headers=key, json={"owner": "nobody"})).status_code == 409
        assert (await bare.http.post(f"{path}/assign", headers=key, json={"owner": "ben"})).status_code == 200
        (moved,) = (await bare.http.get("/v1/exceptions?owner=ben", headers=key)).json()["exceptions"]
        assert (moved["id"], moved["deadline"]) == (item["id"], item["deadline"])
        disputed.now = datetime.now(UTC)
        account = disputed.run(0)
        assert account.disputes[0].owner == "ben"
        assert [m.person for m in account.messages if m.kind == "internal"] == ["sam", "ben"]


def _types(session: Session) -> list[str]:
    return list(session.exec(select(t.AuditEntry.type).where(t.AuditEntry.seller == "demo").order_by(t.AuditEntry.seq)))  # type: ignore[arg-type]
