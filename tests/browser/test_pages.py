"""The gateway's pages in a browser: no barrier that axe-core knows, on a desk and on a phone; by keyboard, without
script, and without a word to anybody else."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect
from sqlmodel import Session, col, select

from domain import links
from schemas import tables as t
from tests.browser.conftest import DESKTOP, PHONE, Gateway, House, Visit
from tests.story import Story
from tests.workflows.life import Life

PATHS = {links.CUSTOMER: "i", links.APPROVER: "a", links.GENUINE: "v"}


def linked(gateway: Gateway, purpose: str, what: str) -> str:
    secret = gateway.settings.signing_secret().get_secret_value()
    return f"{gateway.url}/{PATHS[purpose]}/{links.token(secret, purpose, what)}"


@pytest.fixture
def issued(story: Story) -> Story:
    story.run(0)
    story.command("approve", "ana")
    story.run(1)
    return story


def addresses(gateway: Gateway, story: Story) -> dict[str, str]:
    """A page of each kind that anybody outside meets."""
    return {
        "invoice": linked(gateway, links.CUSTOMER, story.id),
        "genuine": linked(gateway, links.GENUINE, f"{story.id}/invoice"),
        "unknown": f"{gateway.url}/i/nobody",
    }


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
async def test_no_page_has_a_barrier(
    bare: Gateway, issued: Story, visit: Visit, shots: Path, size: tuple[int, int]
) -> None:
    for name, url in addresses(bare, issued).items():
        tab = await visit(url, size)
        await tab.page.screenshot(path=shots / f"{name}-{size[0]}.png", full_page=True)
        assert await tab.barriers() == [], name
        assert [said for said in tab.errors if "404" not in said] == [], name
        assert tab.hosts == {urlsplit(bare.url).netloc}, name


async def test_every_link_and_field_is_reached_by_keyboard(bare: Gateway, issued: Story, visit: Visit) -> None:
    tab = await visit(linked(bare, links.CUSTOMER, issued.id))
    shown = await tab.page.locator(
        "a:visible, summary:visible, button:visible, input:visible, textarea:visible, select:visible"
    ).count()
    assert len(await tab.reached()) == shown > 0


async def test_a_page_needs_no_script_and_its_words_are_the_readers(bare: Gateway, issued: Story, visit: Visit) -> None:
    tab = await visit(linked(bare, links.CUSTOMER, issued.id), scripts=False)
    await expect(tab.page.get_by_role("heading", level=1)).to_be_visible()
    assert await tab.page.locator("script").count() == 0


def approval(gateway: Gateway, life: Life, person: str) -> str:
    """The link in the mail to that person."""
    with Session(gateway.engine) as session:
        query = select(t.Message.key).where(t.Message.invoice == life.id, t.Message.person == person)
        keys = session.exec(query.order_by(col(t.Message.key))).all()
    return linked(gateway, links.APPROVER, keys[-1])


async def test_approve_by_link_and_every_link_that_does_not_count(
    gateway: Gateway, sqlite_house: House, visit: Visit, shots: Path
) -> None:
    life = await sqlite_house.start("1000.00")
    await life.state("awaiting_approval")
    await life.at_rest()
    url = approval(gateway, life, "ana")
    desk, tab = await visit(url), await visit(url, PHONE)
    for each in (desk, tab):
        assert await each.barriers() == []
        await each.page.screenshot(path=shots / f"approve-{each.width}.png", full_page=True)
    assert (await life.status())["state"] == "awaiting_approval", "looking approves nothing"
    stale = await visit(url)
    foreign = await visit(url.replace("/a/", "/i/"))
    await expect(foreign.page.get_by_role("button")).to_have_count(0)
    tampered = await visit(url[:-3] + ("AAA" if not url.endswith("AAA") else "BBB"))
    await expect(tampered.page.get_by_role("button")).to_have_count(0)
    await tab.page.locator("button").first.click()
    await life.state("collecting")
    await tab.page.screenshot(path=shots / "approved.png", full_page=True)
    assert await tab.barriers() == []
    used = await visit(url)
    await expect(used.page.get_by_role("button")).to_have_count(0)
    await stale.page.get_by_role("button").first.click()
    await expect(stale.page.get_by_role("button")).to_have_count(0)
    assert len(life.audited("approval.given")) == 1
    for told in (foreign, tampered, used, stale):
        assert await told.barriers() == []
