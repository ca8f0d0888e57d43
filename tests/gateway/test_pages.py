"""The customer's pages: what they show in which language, what they never show, and the way to pay. The receivable's
workflow is played by a small one that only answers the Update `checkout`."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import Engine
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from domain import links
from gateway import templates
from schemas.incoming import Checkout
from tests.gateway.conftest import Gateway, Open, nobody, settings_of
from tests.story import Story
from workers import binary
from workers.connect import TASK_QUEUE, connect
from workers.devserver import DevServer
from workflows.plugin import PLUGIN

IBAN = "DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000"
PAY = "https://checkout.example/c/pay"


class Outline(HTMLParser):
    """Tags that are open, links, and text, as a reader of the page meets them."""

    VOID = frozenset({"meta", "link", "br", "input"})

    def __init__(self, page: str):
        super().__init__()
        self.links: list[str] = []
        self.text = ""
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: set[str] = set()
        self.feed(page)

    @property
    def pay_links(self) -> list[str]:
        return [link for link in self.links if link.startswith("/pay/")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href" and value]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += "" if "style" in self.open else data


async def seen(gateway: Gateway, story: Story) -> Outline:
    said = await gateway.http.get(f"/i/{gateway.token(story.id)}")
    assert said.status_code == 200
    return Outline(said.text)


@pytest.fixture
def issued(story: Story) -> Story:
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    return story


async def test_a_draft_is_not_shown_and_no_wrong_token_tells_why(bare: Gateway, story: Story) -> None:
    good = bare.token(story.id)
    secret = bare.settings.signing_secret().get_secret_value()
    tokens = (
        good, bare.token("invoice-demo-NONE"), good[:-1] + ("A" if good[-1] != "A" else "B"), "x", "a.b", "%00",
        links.token(secret, "approver", story.id), links.token("another secret", links.CUSTOMER, story.id),
    )  # fmt: skip
    said = [await bare.http.get(f"{path}{token}") for token in tokens for path in ("/i/", "/pay/")]
    assert {each.status_code for each in said} == {404}
    assert len({each.text for each in said}) == 1
    assert "This link is not valid" in said[0].text
    assert "Dieser Link ist nicht gültig" in said[0].text


async def test_the_page_says_what_is_owed_and_how_to_pay_it(bare: Gateway, issued: Story) -> None:
    page = await seen(bare, issued)
    amounts = ("1.211,40\u00a0€", "USt. 19\u00a0%")
    for words in (*amounts, IBAN, "Rechnung RE-2026-00001", "Globex GmbH", "Work", "RF86DEMORE202600001", "Fällig am"):
        assert words in page.text, words
    assert page.pay_links == [], "payment is by bank: there is nothing to press"


async def test_the_language_is_the_customers(bare: Gateway, demo: Engine) -> None:
    story = Story(demo, "demo", "EN-1")
    story.start("umbrella", "100.00")
    story.command("approve", "ana")
    story.run(1)
    said = await bare.http.get(f"/i/{bare.token(story.id)}")
    assert '<html lang="en">' in said.text
    assert "Amount due" in said.text
    assert "Pay by bank transfer" in said.text


async def test_what_came_of_it_is_shown(bare: Gateway, issued: Story) -> None:
    issued.command("dispute", "globex", reason="OUR SECRET REASON", amount="100.00")
    issued.command("hold", "sam", reason="INTERNAL")
    issued.command("pay", "ben", amount="200.00", received_on="2026-01-08", method="transfer", external_id="B-1")
    page = await seen(bare, issued)
    assert "Davon sind 100,00\u00a0€ bestritten" in page.text
    assert "−200,00\u00a0€" in page.text or "-200,00\u00a0€" in page.text
    assert "1.011,40\u00a0€" in page.text
    for ours in ("OUR SECRET REASON", "INTERNAL", "sam", "ben", "ana"):
        assert not re.search(rf"\b{ours}\b", page.text), ours
    issued.command("resolve", "ben", outcome="withdrawn")
    issued.command("release", "sam")
    issued.command("pay", "ben", amount="1011.40", received_on="2026-01-08", method="transfer", external_id="B-2")
    paid = await seen(bare, issued)
    assert "Vollständig bezahlt" in paid.text
    assert IBAN not in paid.text


async def test_what_a_customer_wrote_stays_text(bare: Gateway, demo: Engine) -> None:
    story = Story(demo, "demo", "XSS-1")
    line = {"description": "<script>alert(1)</script>", "quantity": "1", "unit_price": "1.00",
            "tax": {"category": "S", "rate": "19"}}  # fmt: skip
    customer: Any = {"name": "<img src=x onerror=alert(1)> \"&' GmbH", "country": "DE", "email": "x@x.example"}
    story.start(customer, "1.00", lines=[line])
    story.command("approve", "ana")
    story.run(1)
    said = await bare.http.get(f"/i/{bare.token(story.id)}")
    page = Outline(said.text)
    assert not {"script", "img"} & set(page.tags)
    assert "<script>alert(1)</script>" in page.text
    assert "<img src=x onerror=alert(1)>" in page.text


async def test_a_page_is_sealed(bare: Gateway, issued: Story) -> None:
    token = bare.token(issued.id)
    for path in (f"/i/{token}", "/i/x", f"/pay/{token}"):
        said = await bare.http.get(path)
        policy = said.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert (said.headers["Referrer-Policy"], said.headers["Cache-Control"]) == ("no-referrer", "no-store")
        style = re.search(r"<style>(.*?)</style>", said.text, re.DOTALL)
        if style is not None:
            assert base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() in policy
    assert "style" not in (await seen(bare, issued)).attributes


async def test_a_page_can_be_heard_and_read_on_a_phone(bare: Gateway, issued: Story) -> None:
    """One h1, no level skipped, every table with headers that say for what, one main, a language, a width."""
    said = await bare.http.get(f"/i/{bare.token(issued.id)}")
    page = Outline(said.text)
    assert page.open == []
    assert page.tags.count("h1") == page.tags.count("main") == 1
    assert page.tags.index("h1") < page.tags.index("h2")
    assert "h3" not in page.tags
    assert said.text.count("<th ") == said.text.count('scope="')
    assert '<html lang="de">' in said.text
    assert 'content="width=device-width, initial-scale=1"' in said.text


def test_both_languages_have_the_same_words() -> None:
    english, german = (templates.Words(language).labels for language in ("en", "de"))
    assert set(english) == set(german)
    for name, text in english.items():
        if isinstance(text, str):
            assert text.count("%s") == german[name].count("%s"), name


@workflow.defn(name="Invoice", sandboxed=False)
class Till:
    """Answers `checkout` as it was told to."""

    @workflow.run
    async def run(self, state: str) -> None:
        self.state = state
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def checkout(self, said: dict[str, Any]) -> Checkout:
        await workflow.wait_condition(lambda: hasattr(self, "state"))
        return Checkout(state=self.state, url=f"{PAY}?everything={said['everything']}" if self.state == "open" else "")


@pytest.fixture(scope="module")
async def till(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    async with DevServer(binary.find(), tmp_path_factory.mktemp("till"), headless=True, persist=False) as server:
        client = await connect(server.address, [PLUGIN])
        async with Worker(client, task_queue=TASK_QUEUE, workflows=[Till], workflow_runner=UnsandboxedWorkflowRunner()):
            yield client


@pytest.fixture
async def online(opened: Open, demo: Engine, demo_url: str, tmp_path: Path, till: Client) -> AsyncIterator[Gateway]:
    async def client() -> Client:
        return till

    async with opened(settings_of(tmp_path, demo_url, payment="stripe"), demo, client) as gateway:
        yield gateway


async def pressed(
    gateway: Gateway, client: Client, story: Story, state: str, query: str = "", **how: Any
) -> httpx.Response:
    """What comes of the pay link while the workflow answers `state`."""
    handle = await client.start_workflow("Invoice", state, id=story.id, task_queue=TASK_QUEUE)
    try:
        return await gateway.http.request(how.pop("method", "GET"), f"/pay/{gateway.token(story.id)}{query}", **how)
    finally:
        await handle.terminate()


async def test_the_pay_link_leads_to_the_checkout(online: Gateway, till: Client, issued: Story) -> None:
    page = await seen(online, issued)
    assert [urlsplit(link).path for link in page.pay_links] == [f"/pay/{online.token(issued.id)}"]
    for query, everything in (("", False), ("?amount=all", True)):
        said = await pressed(online, till, issued, "open", query)
        assert (said.status_code, said.headers["Location"]) == (303, f"{PAY}?everything={everything}")
        assert said.headers["Referrer-Policy"] == "no-referrer"


async def test_who_comes_back_from_paying_is_not_asked_to_pay_again(online: Gateway, issued: Story) -> None:
    said = await online.http.get(f"/i/{online.token(issued.id)}?done=paid")
    page = Outline(said.text)
    assert "Wenn Sie gerade bezahlt haben, ist nichts weiter zu tun" in page.text
    assert page.pay_links == []


async def test_a_look_at_the_pay_link_mints_nothing(online: Gateway, till: Client, issued: Story) -> None:
    back = f"/i/{online.token(issued.id)}"
    hows: tuple[dict[str, Any], ...] = ({"method": "HEAD"}, {"headers": {"Sec-Purpose": "prefetch;prerender"}},
                                        {"headers": {"Purpose": "prefetch"}})  # fmt: skip
    for how in hows:
        said = await pressed(online, till, issued, "open", **how)
        assert (said.status_code, said.headers["Location"]) == (303, back)


async def test_with_nothing_to_pay_the_link_leads_back(online: Gateway, till: Client, issued: Story) -> None:
    back = f"/i/{online.token(issued.id)}"
    for state in ("in_progress", "nothing_owed"):
        said = await pressed(online, till, issued, state)
        assert (said.status_code, said.headers["Location"]) == (303, back)


async def test_where_paying_online_does_not_work_the_bank_does(online: Gateway, till: Client, issued: Story) -> None:
    said = await pressed(online, till, issued, "unavailable")
    assert (said.status_code, said.headers["Retry-After"]) == (503, "30")
    page = Outline(said.text)
    assert IBAN in page.text
    assert "gerade nicht möglich" in page.text
    assert page.pay_links == []


async def test_while_temporal_is_away_the_bank_is_offered(
    opened: Open, demo: Engine, demo_url: str, tmp_path: Path, issued: Story
) -> None:
    async with opened(settings_of(tmp_path, demo_url, payment="stripe"), demo, nobody) as gateway:
        said = await gateway.http.get(f"/pay/{gateway.token(issued.id)}")
        assert said.status_code == 503
        assert IBAN in said.text


async def test_a_paid_invoice_leads_back_without_asking_anybody(
    opened: Open, demo: Engine, demo_url: str, tmp_path: Path, issued: Story
) -> None:
    issued.command("pay", "ben", amount="1211.40", received_on="2026-01-08", method="transfer", external_id="B-1")
    async with opened(settings_of(tmp_path, demo_url, payment="stripe"), demo, nobody) as gateway:
        token = gateway.token(issued.id)
        said = await gateway.http.get(f"/pay/{token}")
        assert (said.status_code, said.headers["Location"]) == (303, f"/i/{token}")


async def test_with_the_bank_only_the_pay_link_leads_back(bare: Gateway, issued: Story) -> None:
    said = await bare.http.get(f"/pay/{bare.token(issued.id)}")
    assert (said.status_code, said.headers["Location"]) == (303, f"/i/{bare.token(issued.id)}")


class TestGenuine:
    """`/v/{token}`: what was issued, for whoever holds a document."""

    async def test_it_shows_what_was_issued_and_no_customer(self, bare: Gateway, issued: Story) -> None:
        secret = bare.settings.signing_secret().get_secret_value()
        said = await bare.http.get(f"/v/{links.token(secret, links.GENUINE, f'{issued.id}/invoice')}")
        page = Outline(said.text)
        assert said.status_code == 200
        for text in ("RE-2026-00001 ist von uns", IBAN, "Konto nie per E-Mail"):
            assert text in page.text
        assert "Globex" not in page.text
        assert page.open == []
        assert said.headers["referrer-policy"] == "no-referrer"

    async def test_the_hash_is_that_of_the_archived_file(self, bare: Gateway, tmp_path: Path) -> None:
        story = Story(bare.engine, "demo", "HASH", tmp_path)
        story.start("globex", "100.00")
        story.run(0)
        story.command("approve", "ana")
        story.run(1)
        secret = bare.settings.signing_secret().get_secret_value()
        said = await bare.http.get(f"/v/{links.token(secret, links.GENUINE, f'{story.id}/invoice')}")
        (stored,) = tmp_path.glob("*.pdf")
        assert stored.stem in said.text

    async def test_no_other_token_opens_it(self, bare: Gateway, issued: Story) -> None:
        secret = bare.settings.signing_secret().get_secret_value()
        good = links.token(secret, links.GENUINE, f"{issued.id}/invoice")
        for token in (
            bare.token(issued.id),
            good[:-1],
            links.token(secret, links.GENUINE, "invoice-demo-NONE/invoice"),
        ):
            assert (await bare.http.get(f"/v/{token}")).status_code == 404
        assert (await bare.http.get(f"/i/{good}")).status_code == 404
