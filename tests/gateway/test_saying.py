"""What a customer says on the page: forms that keep what was typed, refuse what cannot be meant, and are sent once.
Before a Temporal server where nobody works: what is asked lies in the books. Commands are in `test_saying_live.py`."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine
from sqlmodel import select

from adapters.books import views
from adapters.books.customer_page import customer_page
from adapters.books.engine import read, write
from domain import links
from gateway import saying
from gateway.templates import Words
from schemas import tables as t
from tests.gateway.conftest import Gateway
from tests.gateway.test_pages import Outline
from tests.story import Story

EVIL = "<script>alert('x')</script> \"onfocus=alert(1) &amp;"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def issued(story: Story) -> Story:
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    return story


async def opened_page(gateway: Gateway, path: str) -> str:
    said = await gateway.http.get(path, headers={"Accept": "text/html"})
    assert said.status_code == 200, said.text
    return said.text


async def send(gateway: Gateway, story: Story, action: str, data: dict[str, Any], **more: Any) -> httpx.Response:
    """What a browser sends from the page."""
    path = f"/i/{gateway.token(story.id)}"
    page = await opened_page(gateway, path)
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', page))
    return await gateway.http.post(f"{path}/{action}", data={**fields, **data}, **more)


def errors(said: httpx.Response) -> dict[str, str]:
    """By field: what is wrong, as somebody hears who is in it."""
    return {
        id_: html.unescape(text)
        for id_, text in re.findall(r'<p class="error" id="([\w-]+)-error">(.*?)</p>', said.text)
    }


DISPUTE = {"code": "price", "scope": "all", "text": "too much"}


MISTAKES: dict[str, list[tuple[dict[str, Any], set[str]]]] = {
    "dispute": [
        ({**DISPUTE, "code": ""}, {"code"}),
        ({**DISPUTE, "code": "theft"}, {"code"}),
        ({**DISPUTE, "scope": "lines"}, {"lines"}),
        ({**DISPUTE, "scope": "lines", "lines": ["1", "99"]}, {"lines"}),
        ({**DISPUTE, "scope": "amount"}, {"amount"}),
        ({**DISPUTE, "scope": "amount", "amount": "1.211,41"}, {"amount"}),
        ({**DISPUTE, "scope": "amount", "amount": "0"}, {"amount"}),
        ({**DISPUTE, "scope": "amount", "amount": "-5"}, {"amount"}),
        ({**DISPUTE, "scope": "amount", "amount": "9" * 5000}, {"amount"}),
        ({**DISPUTE, "scope": "everything"}, {"scope"}),
        ({**DISPUTE, "text": "x" * 2001}, {"text"}),
        ({**DISPUTE, "text": "a\x00b"}, {"text"}),
        ({"code": "other", "scope": "all"}, {"text"}),
        ({}, {"code", "scope"}),
    ],
    "promise": [
        ({}, {"date"}),
        ({"date": "2020-01-01"}, {"date"}),
        ({"date": "2036-01-01"}, {"date"}),
        ({"date": "2026-02-30"}, {"date"}),
        ({"date": "01.02.2026"}, {"date"}),
        ({"date": "20260201"}, {"date"}),
        ({"date": "2036-01-01", "amount": "abc"}, {"date", "amount"}),
    ],
    "plan": [
        ({}, {"count"}),
        ({"count": "1"}, {"count"}),
        ({"count": "7"}, {"count"}),
        ({"count": "3", "basis": "2020-01-01 121140"}, {"count"}),
    ],
    "contact": [
        ({}, {"name", "email"}),
        ({"name": "Ann", "email": "ann"}, {"email"}),
        ({"name": "Ann", "email": "a@b.example\r\nBcc: x@y.example"}, {"email"}),
        ({"name": "Ann", "email": "a@b.example,c@d.example"}, {"email"}),
        ({"name": "see evil.example", "email": "a@b.example"}, {"name"}),
        ({"name": "http://evil", "email": "a@b.example"}, {"name"}),
        ({"name": "Ann\nBcc: x", "email": "a@b.example"}, {"name"}),
        ({"name": "x" * 101, "email": "a@b.example"}, {"name"}),
    ],
}


@pytest.mark.parametrize("action", MISTAKES)
async def test_what_cannot_be_meant_is_said_at_its_field(bare: Gateway, issued: Story, action: str) -> None:
    for data, wrong in MISTAKES[action]:
        said = await send(bare, issued, action, data)
        assert said.status_code == 422, data
        assert set(errors(said)) == {f"{action}-{name}" for name in wrong}, data
        page = Outline(said.text)
        assert {link for link in page.links if link.startswith("#")} == {f"#{id_}" for id_ in errors(said)}
        for id_ in errors(said):
            assert f'id="{id_}"' in said.text, "the link in the summary leads to a field"
            assert re.search(rf'aria-describedby="[^"]*{id_}-error"', said.text)
        assert f'<details id="{action}" open>' in said.text
        assert page.text.count("Bitte prüfen Sie Ihre Angaben") == 2, "in the title and over the summary"
    assert issued.look().disputes == ()


async def test_what_was_typed_is_kept_and_stays_text(bare: Gateway, issued: Story) -> None:
    evil = {"code": EVIL, "scope": "lines", "lines": EVIL, "amount": EVIL, "text": EVIL + "\nsecond line"}
    tries = {"dispute": evil, "promise": {"date": EVIL, "amount": EVIL}, "contact": {"name": EVIL, "email": EVIL}}
    for action, data in tries.items():
        said = await send(bare, issued, action, data)
        page = Outline(said.text)
        assert said.status_code == 422
        assert "script" not in page.tags
        assert not {name for name in page.attributes if name.startswith("on")}
        assert page.open == []
    said = await send(
        bare, issued, "dispute", {"code": "quality", "scope": "lines", "lines": "2", "text": "\x01 torn\nbox"}
    )
    assert '<option value="quality" selected>' in said.text
    assert re.search(r'value="lines" checked', said.text)
    assert re.search(r'name="lines" value="2" checked', said.text)
    assert "torn\nbox</textarea>" in said.text


async def test_who_tries_again_after_no_answer_says_the_same_who_was_answered_something_new(
    bare: Gateway, issued: Story
) -> None:
    def sealed(page: str) -> set[str]:
        return set(re.findall(r'name="form" value="([^"]+)"', page))

    path = f"/i/{bare.token(issued.id)}"
    (first,) = sealed(await opened_page(bare, path))
    (other,) = sealed(await opened_page(bare, path))
    assert first != other
    form = {"form": first, "code": "price", "scope": "all"}
    unanswered = await bare.http.post(f"{path}/dispute", data=form)
    assert (unanswered.status_code, sealed(unanswered.text)) == (503, {first})
    mistaken = await bare.http.post(f"{path}/dispute", data={**form, "scope": "amount", "amount": "x"})
    assert (mistaken.status_code, first in sealed(mistaken.text)) == (422, False)
    changed = first[:31] + ("0" if first[31] != "0" else "1") + first[32:]
    assert (await bare.http.post(f"{path}/dispute", data={**form, "form": changed})).status_code == 403


async def test_a_form_that_is_not_ours_does_nothing(taking: Gateway, issued: Story) -> None:
    path = f"/i/{taking.token(issued.id)}"
    page = await opened_page(taking, path)
    seal = re.findall(r'name="form" value="([^"]+)"', page)[0]
    for action in saying.ACTIONS:
        assert (await taking.http.post(f"{path}/{action}", data={"x": "1"})).status_code == 403
        foreign = await taking.http.post(
            f"{path}/{action}", data={"form": seal}, headers={"Origin": "https://x.example"}
        )
        assert foreign.status_code == 403
        assert (await taking.http.post(f"{path}/{action}", json={"form": seal})).status_code == 415
    other = Story(taking.engine, "demo", "ORD-2", None)
    other.start("globex", "10.00")
    other.command("approve", "ana")
    other.run(1)
    stolen = await taking.http.post(f"/i/{taking.token(other.id)}/copy", data={"form": seal})
    assert stolen.status_code == 403, "a seal is for one page"
    assert [m.key for m in issued.look().messages if "#" in m.key] == []


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ([("page.pdf", b"<html><script>alert(1)</script>")], 422),
        ([("photo.png", b"PK\x03\x04" + bytes(100))], 422),
        ([("data.csv", b"<?xml version='1.0'?><a/>")], 422),
        ([("empty.txt", b"")], 422),
        ([(f"{n}.png", PNG) for n in range(6)], 422),
        ([("large.png", PNG + bytes(5 << 20))], 413),
    ],
)
async def test_only_so_many_files_of_these_kinds_and_size(
    bare: Gateway, issued: Story, tmp_path: Path, files: list[tuple[str, bytes]], status: int
) -> None:
    before = set((tmp_path / "archive").iterdir())
    sent = [("files", (name, data, "application/octet-stream")) for name, data in files]
    said = await send(bare, issued, "dispute", DISPUTE, files=sent)
    assert said.status_code == status
    if status == 422:
        assert set(errors(said)) == {"dispute-files"}
        assert "too much</textarea>" in said.text
    assert set((tmp_path / "archive").iterdir()) == before
    assert issued.look().disputes == ()


async def test_a_copy_is_asked_for_once_and_loading_again_repeats_nothing(taking: Gateway, issued: Story) -> None:
    path = f"/i/{taking.token(issued.id)}"
    said = await send(taking, issued, "copy", {})
    assert (said.status_code, said.headers["Location"]) == (303, f"{path}?done=copy")
    page = await opened_page(taking, said.headers["Location"])
    assert "Wir senden die Unterlagen noch einmal" in page
    assert "auf dem Weg an a…\u2060@globex.example" in page
    assert (await send(taking, issued, "copy", {})).status_code == 303
    assert [m.key for m in issued.look().messages if "#" in m.key] == [f"{issued.id}/invoice#2"]
    shown = await taking.http.get(f"{path}/copy")
    assert (shown.status_code, shown.headers["Location"]) == (303, path)


async def test_nothing_is_said_to_be_done_that_is_not(bare: Gateway, issued: Story) -> None:
    path = f"/i/{bare.token(issued.id)}"
    plain = Outline(await opened_page(bare, path)).text
    for code in (*Words("de")["done"], "x", "<b>", "__class__"):
        shown = await bare.http.get(path, params={"done": code})
        assert Outline(shown.text).text == plain, code


async def test_parts_are_asked_for_once(taking: Gateway, issued: Story) -> None:
    said = await send(taking, issued, "plan", {"count": "3"})
    assert said.status_code == 303
    page = await opened_page(taking, said.headers["Location"])
    assert "Ihre Anfrage ist da" in page
    assert "Diese Raten anfragen" not in page
    (found,) = views.exceptions(taking.engine, "demo")
    assert (found["kind"], len(found["evidence"]["instalments"])) == ("plan_requested", 3)
    path = f"/i/{taking.token(issued.id)}"
    seal = re.findall(r'name="form" value="([^"]+)"', page)[0]
    again = await taking.http.post(f"{path}/plan", data={"form": seal, "count": "3"})
    assert again.status_code == 409
    assert "Ratenzahlung ist jetzt nicht möglich" in again.text


async def test_another_contact_counts_once_the_one_on_record_presses_the_button(taking: Gateway, issued: Story) -> None:
    said = await send(taking, issued, "contact", {"name": "Ann Ö. O'Neil", "email": "ann@globex.example"})
    assert said.status_code == 303
    page = await opened_page(taking, said.headers["Location"])
    assert "um Bestätigung gebeten" in page
    assert "Änderung anfragen" not in page
    seal = re.findall(r'name="form" value="([^"]+)"', page)[0]
    other = {"form": seal, "name": "Bob", "email": "bob@globex.example"}
    again = await taking.http.post(f"/i/{taking.token(issued.id)}/contact", data=other)
    assert again.status_code == 409
    change = f"{issued.id}/contact/1"
    secret = taking.settings.signing_secret().get_secret_value()
    path = f"/c/{links.token(secret, links.CONTACT, change)}"
    for _ in range(2):
        page = await opened_page(taking, path)
    assert "Ann Ö. O&#39;Neil" in page
    assert stored(taking, change).confirmed_at is None, "looking changes nothing"
    assert (await taking.http.post(path, data={"x": "1"})).status_code == 403
    seal = re.findall(r'name="form" value="([^"]+)"', page)[0]
    confirmed = await taking.http.post(path, data={"form": seal})
    assert (confirmed.status_code, confirmed.headers["Location"]) == (303, path)
    assert "Bestätigt" in await opened_page(taking, path)
    assert stored(taking, change).confirmed_at is not None
    with read(taking.engine) as session:
        row = session.get_one(t.Invoice, issued.id)
    assert row.customer_data["contacts"][0]["email"] == "ann@globex.example"


async def test_a_link_that_is_over_or_not_one_confirms_nothing(taking: Gateway, issued: Story) -> None:
    await send(taking, issued, "contact", {"name": "Ann", "email": "ann@globex.example"})
    change, secret = f"{issued.id}/contact/1", taking.settings.signing_secret().get_secret_value()
    good = links.token(secret, links.CONTACT, change)
    wrong = (links.token(secret, links.CUSTOMER, change), links.token("x" * 32, links.CONTACT, change), good[:-1],
             links.token(secret, links.CONTACT, f"{issued.id}/contact/2"), taking.token(issued.id))  # fmt: skip
    for token in wrong:
        assert (await taking.http.get(f"/c/{token}")).status_code == 404
        assert (await taking.http.post(f"/c/{token}")).status_code == 404
    page = await opened_page(taking, f"/c/{good}")
    with write(taking.engine, None) as session:
        session.get_one(t.ContactChange, change).expires_at = issued.now
    seal = re.findall(r'name="form" value="([^"]+)"', page)[0]
    late = await taking.http.post(f"/c/{good}", data={"form": seal})
    assert late.status_code == 409
    assert "gilt nicht mehr" in late.text
    assert stored(taking, change).confirmed_at is None


def stored(gateway: Gateway, change: str) -> t.ContactChange:
    with read(gateway.engine) as session:
        return session.get_one(t.ContactChange, change)


async def test_while_nobody_could_be_told_nothing_is_booked(bare: Gateway, issued: Story) -> None:
    tries: dict[str, dict[str, str]] = {
        "dispute": DISPUTE, "promise": {"date": (issued.now.date() + timedelta(days=9)).isoformat()},
        "plan": {"count": "2"}, "copy": {}, "contact": {"name": "Ann", "email": "ann@globex.example"},
    }  # fmt: skip
    late = await opened_page(bare, f"/i/{bare.token(issued.id)}")
    tries["promise"]["date"] = re.findall(r'name="date"[^>]* min="([\d-]+)"', late)[0]
    for action, data in tries.items():
        said = await send(bare, issued, action, data)
        assert (said.status_code, said.headers["Retry-After"]) == (503, "30"), action
        assert "Das geht gerade nicht" in said.text
    assert "too much</textarea>" in (await send(bare, issued, "dispute", DISPUTE)).text
    with read(bare.engine) as session:
        assert session.exec(select(t.ContactChange)).all() == []
        assert session.exec(select(t.OpenException)).all() == []
        assert session.exec(select(t.File)).all() == []
    assert [m.key for m in issued.look().messages if "#" in m.key] == []


async def test_a_revoked_link_opens_nothing(bare: Gateway, issued: Story) -> None:
    secret = bare.settings.signing_secret().get_secret_value()
    tokens = [links.token(secret, links.CUSTOMER, links.customer_subject(issued.id, n)) for n in range(3)]
    page = await opened_page(bare, f"/i/{tokens[0]}")
    seal = re.findall(r'name="form" value="([^"]+)"', page)[0]
    with write(bare.engine, None) as session:
        session.get_one(t.Invoice, issued.id).link_generation = 1
    for token in (tokens[0], tokens[2]):
        for path in ("", "/invoice.pdf", "/invoice.xml"):
            assert (await bare.http.get(f"/i/{token}{path}")).status_code == 404
        assert (await bare.http.get(f"/pay/{token}")).status_code == 404
        assert (await bare.http.post(f"/i/{token}/copy", data={"form": seal})).status_code == 404
    assert (await bare.http.get(f"/i/{tokens[1]}")).status_code == 200
    assert (await bare.http.get(f"/i/{tokens[1]}/invoice.pdf")).status_code == 200


async def test_documents_are_saved_as_they_lie_in_the_archive(bare: Gateway, issued: Story, tmp_path: Path) -> None:
    issued.command("credit", "ben", reason="goodwill", amount="10.00")
    issued.run(0)
    path = f"/i/{bare.token(issued.id)}"
    found = [link for link in Outline(await opened_page(bare, path)).links if link.startswith(f"{path}/")]
    assert [link.rpartition("/")[2] for link in found] == [
        "invoice.pdf", "invoice.xml", "credit_note.pdf", "credit_note.xml",
    ]  # fmt: skip
    media = {"pdf": "application/pdf", "xml": "application/xml"}
    for link in found:
        said = await bare.http.get(link)
        suffix = link.rpartition(".")[2]
        assert (said.status_code, said.headers["Content-Type"]) == (200, media[suffix])
        assert re.fullmatch(
            rf'attachment; filename="[A-Z]{{2}}-2026-00001\.{suffix}"', said.headers["Content-Disposition"]
        )
        assert (said.headers["X-Content-Type-Options"], said.headers["Cache-Control"]) == ("nosniff", "no-store")
        assert said.content in [each.read_bytes() for each in (tmp_path / "archive").glob(f"*.{suffix}")]
    for name in (
        "invoice.html",
        "invoice.sta",
        "credit_note-9.pdf",
        "..%2Finvoice.pdf",
        "%00.pdf",
        "invoice%2Finvoice.pdf",
    ):
        assert (await bare.http.get(f"{path}/{name}")).status_code == 404, name


async def test_a_number_of_anybody_names_a_file_safely(bare: Gateway, issued: Story) -> None:
    with write(bare.engine, None) as session:
        session.get_one(t.Document, f"{issued.id}/invoice").number = '../..\\x"; filename="evil.exe\r\nX: y'
    said = await bare.http.get(f"/i/{bare.token(issued.id)}/invoice.pdf")
    assert said.headers["Content-Disposition"] == 'attachment; filename="x-filename-evil.exe-X-y.pdf"'
    assert "X" not in said.headers


async def test_a_document_that_is_not_set_yet_is_not_there(bare: Gateway, issued: Story) -> None:
    with write(bare.engine, None) as session:
        paper = session.get_one(t.Document, f"{issued.id}/invoice")
        paper.object_key = paper.xml_key = None
    path = f"/i/{bare.token(issued.id)}"
    assert (await bare.http.get(f"{path}/invoice.pdf")).status_code == 404
    assert "Herunterladen" not in await opened_page(bare, path)


async def test_only_what_makes_sense_is_offered(bare: Gateway, issued: Story) -> None:
    path, id_ = f"/i/{bare.token(issued.id)}", r'<details id="(\w+)"'
    assert re.findall(id_, await opened_page(bare, path)) == list(saying.ACTIONS)
    issued.command("dispute", "Globex GmbH", reason="all of it")
    assert re.findall(id_, await opened_page(bare, path)) == ["copy", "contact"]
    issued.command("resolve", "ben", outcome="rejected")
    issued.command("hand_over", "ben", to="Collect Ltd", reason="silent")
    assert re.findall(id_, await opened_page(bare, path)) == ["dispute", "copy", "contact"]
    issued.command("pay", "ben", amount="1211.40", received_on=issued.now.date().isoformat(), method="transfer",
                   external_id="B-1")  # fmt: skip
    assert re.findall(id_, await opened_page(bare, path)) == ["copy"]


async def test_an_open_dispute_says_since_when_and_until_when(bare: Gateway, issued: Story) -> None:
    issued.command("dispute", "Globex GmbH", reason="x", amount="100.00")
    with write(bare.engine, None) as session:
        dispute = session.get_one(t.Dispute, (issued.id, "d1"))
        dispute.owner, dispute.deadline = "ben", issued.now + timedelta(days=10)
    text = Outline(await opened_page(bare, f"/i/{bare.token(issued.id)}")).text
    assert re.search(r"Bestritten seit \d+\. Januar 2026: 100,00\xa0€\. Wir prüfen es und antworten bis \d+\. ", text)
    assert not re.search(r"\bben\b", text)


async def test_the_page_says_how_to_tell_that_a_mail_is_ours(bare: Gateway, issued: Story) -> None:
    page = Outline(await opened_page(bare, f"/i/{bare.token(issued.id)}"))
    assert "kommen von @demo.example" in page.text
    (proof,) = [link for link in page.links if link.startswith("/v/")]
    assert "RE-2026-00001 ist von uns" in await opened_page(bare, proof)


async def test_every_input_has_a_label(bare: Gateway, issued: Story) -> None:
    page = await opened_page(bare, f"/i/{bare.token(issued.id)}")
    inputs = re.findall(r"<(?:input|select|textarea)\b[^>]*>", page)
    labelled = set(re.findall(r'<label for="([\w-]+)"', page))
    for each in inputs:
        if 'type="hidden"' in each or 'type="radio"' in each or 'type="checkbox"' in each:
            continue
        assert re.findall(r' id="([\w-]+)"', each)[0] in labelled, each
    assert page.count("<fieldset") == page.count("<legend>")
    assert len(re.findall(r' id="([\w-]+)"', page)) == len(set(re.findall(r' id="([\w-]+)"', page)))


async def test_nobody_speaks_as_a_colleague_by_being_called_like_one(bare: Gateway, demo: Engine) -> None:
    story = Story(demo, "demo", "BEN-1")
    story.start({"name": "ben", "country": "DE", "email": "b@x.example"}, "1.00")
    story.command("approve", "ana")
    story.run(1)
    shown = customer_page(bare.engine, story.id, 0, story.now)
    assert shown is not None
    assert shown.said_by == "ben (customer)"
