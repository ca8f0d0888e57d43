"""The gateway's pages in a browser: no barrier that axe-core knows, on a desk and on a phone; by keyboard, without
script, and without a word to anybody else. What people do there is in the files beside this one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect
from pydantic import SecretStr
from sqlalchemy import Engine

from adapters.books import contacts
from domain import keyring, links
from tests.adapters.test_adopting import mode
from tests.browser.conftest import DESKTOP, PHONE, Gateway, Open, Visit, linked
from tests.gateway.conftest import settings_of
from tests.gateway.test_approver import Desk
from tests.gateway.test_sheets import made, recorded
from tests.story import Story

FIRST = "dispute/d1"


@pytest.fixture
async def pages(opened: Open, demo: Engine, demo_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """Every page there is, the codec server's too; no Temporal server answers."""
    keys = SecretStr(keyring.entry("test", b"k" * 32))
    async with opened(settings_of(tmp_path, demo_url, codec_keys=keys), demo) as gateway:
        yield gateway


def told(gateway: Gateway, reference: str, folder: Path, approved: bool = True) -> Story:
    """A receivable of today, so that its links are good."""
    story = Story(gateway.engine, "demo", reference, folder / "archive")
    story.now = datetime.now(UTC)
    story.start("globex", "1000.00")
    story.run(0)
    if approved:
        story.command("approve", "ana")
        story.run(0)
    return story


@pytest.fixture
def addresses(pages: Gateway, tmp_path: Path) -> dict[str, str]:
    """A page of each kind: the customer's, our own people's, and the one that says nothing."""
    draft, issued = told(pages, "ORD-1", tmp_path, approved=False), told(pages, "ORD-2", tmp_path)
    contacts.ask(pages.engine, "demo", issued.id, "Ann", "ann@globex.example", "globex", issued.now)
    disputed = told(pages, "ORD-3", tmp_path)
    disputed.command("dispute", "globex", reason="Two of five are damaged", code="quality", lines=["2"])
    disputed.command("assign", "sam", owner="ben")
    disputed.run(0)
    mode(pages.engine, "shadow")
    for number in (1, 2):
        recorded(pages.engine, f"OLD-{number}", f"ALT-{number}", "Initech")
    sheet = made(pages, datetime.now(UTC), tmp_path)
    return {
        "approve": f"{pages.url}/a/{Desk(pages, draft).token('ana')}",
        "invoice": linked(pages, links.CUSTOMER, issued.id),
        "genuine": linked(pages, links.GENUINE, f"{issued.id}/invoice"),
        "contact": linked(pages, links.CONTACT, f"{issued.id}/contact/1"),
        "desk": linked(pages, links.DESK, f"{disputed.id}/{FIRST}/ben/1"),
        "sheet": f"{pages.url}/s/{sheet}",
        "codec": f"{pages.url}/codec/login",
        "unknown": f"{pages.url}/i/nobody",
        "no desk": f"{pages.url}/d/nobody",
    }


UNFOLD = "document.querySelectorAll('details').forEach(each => { each.open = true; })"


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
async def test_no_page_has_a_barrier(
    addresses: dict[str, str], pages: Gateway, visit: Visit, shots: Path, size: tuple[int, int]
) -> None:
    tab = await visit(addresses["unknown"], size)
    for name, url in addresses.items():
        await tab.page.goto(url)
        await tab.page.evaluate(UNFOLD)
        await tab.page.screenshot(path=shots / f"{name}-{size[0]}.png", full_page=True)
        assert await tab.barriers() == [], name
        assert [said for said in tab.errors if "404" not in said] == [], name
        assert tab.hosts == {urlsplit(pages.url).netloc}, name


async def test_every_link_and_field_is_reached_by_keyboard(addresses: dict[str, str], visit: Visit) -> None:
    for name, url in addresses.items():
        tab = await visit(url)  # of its own: in one that has been elsewhere the keyboard starts over without leaving
        await tab.page.evaluate(UNFOLD)
        wanted = await tab.reachable()
        assert wanted or name in {"genuine", "unknown", "no desk"}, name
        assert await tab.reached() == wanted, name


async def test_a_page_needs_no_script_and_its_words_are_the_readers(addresses: dict[str, str], visit: Visit) -> None:
    tab = await visit(addresses["invoice"], scripts=False)
    await expect(tab.page.get_by_role("heading", level=1)).to_be_visible()
    assert await tab.page.locator("script").count() == 0
    assert await tab.page.locator("html").get_attribute("lang") == "de"
