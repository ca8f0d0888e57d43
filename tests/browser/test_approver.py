"""The approver in a browser: approves by link, once; every link that does not count says so on a page of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from sqlalchemy import Engine

from domain import links
from tests.browser.conftest import DESKTOP, PHONE, Gateway, House, Visit, linked
from tests.gateway.test_approver import Desk, Edit, deactivate, expire, key, lower, revoke
from tests.story import Story

UNKNOWN = "This link is not valid"


async def refused(page: Page, title: str) -> None:
    """A page of its own, with nothing to press."""
    await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    await expect(page.get_by_role("button")).to_have_count(0)


@pytest.fixture
def asked(bare: Gateway, demo: Engine, tmp_path: Path) -> Desk:
    """A draft of today, and the mails that ask about it."""
    story = Story(demo, "demo", "ORD-1", tmp_path / "archive")
    story.now = datetime.now(UTC)
    story.start("globex", "1000.00")
    story.run(0)
    return Desk(bare, story)


def amend(story: Story) -> None:
    line = {"description": "Work", "quantity": "2", "unit_price": "900.00", "tax": {"category": "S", "rate": "19"}}
    request = {"seller": "demo", "reference": "ORD-1", "created_by": "crm", "customer": "globex", "currency": "EUR"}
    story.command("amend", "crm", request={**request, "lines": [line]})


@pytest.mark.parametrize(
    ("why", "title"),
    [
        ("expired", "Dieser Link ist abgelaufen"),
        ("inactive", "Das können Sie nicht freigeben"),
        ("limit", "Das können Sie nicht freigeben"),
        ("revoked", "Dieser Link wurde zurückgezogen"),
        ("used", "Sie haben schon geantwortet"),
        ("stale", "Der Inhalt hat sich geändert"),
    ],
)
async def test_a_link_that_counts_no_more_says_why_also_to_a_page_left_open(
    asked: Desk, visit: Visit, shots: Path, why: str, title: str
) -> None:
    url = linked(asked.gateway, links.APPROVER, asked.key("ana"))
    left_open = (await visit(url)).page
    await expect(left_open.get_by_role("button")).to_have_count(2)
    edits: dict[str, Edit] = {
        "expired": expire(asked.story), "inactive": deactivate, "limit": lower, "revoked": revoke(asked.key("ana")),
    }  # fmt: skip
    if why in edits:
        asked.change(edits[why])
    elif why == "used":
        asked.story.command("approve", "ana")
    else:
        amend(asked.story)
    before = asked.audited().count("approval.given")
    await left_open.get_by_role("button").first.click()
    await refused(left_open, title)
    again = await visit(url, PHONE)
    await refused(again.page, title)
    await again.page.screenshot(path=shots / f"refused-{why}.png", full_page=True)
    assert await again.barriers() == []
    assert asked.audited().count("approval.given") == before


async def test_a_link_that_is_none_says_nothing(asked: Desk, visit: Visit, shots: Path) -> None:
    """Tampered with, of another seller, of somebody who was not asked, for another purpose: all the same page."""
    named, secret = asked.key("ana"), asked.gateway.settings.signing_secret().get_secret_value()
    good = links.token(secret, links.APPROVER, named)
    tampered = [good[:-1] + ("A" if good[-1] != "A" else "B"), ("B" if good[0] != "B" else "C") + good[1:]]
    foreign = [
        links.token(secret, links.APPROVER, named.replace("-demo-", "-clock01-")),
        links.token(secret, links.APPROVER, named.replace("/ana/", "/ben/")),
        links.token("of another house", links.APPROVER, named),
        links.token(secret, links.CUSTOMER, named),
    ]
    tab = await visit(f"{asked.gateway.url}/a/{good}")
    await expect(tab.page.get_by_role("button")).to_have_count(2)
    for token in (*tampered, *foreign):
        await tab.page.goto(f"{asked.gateway.url}/a/{token}")
        await refused(tab.page, UNKNOWN)
        assert "Globex" not in await tab.page.content()
    await tab.page.screenshot(path=shots / "refused-tampered.png", full_page=True)
    assert await tab.barriers() == []


async def test_approve_by_link_once(gateway: Gateway, sqlite_house: House, visit: Visit, shots: Path) -> None:
    life = await sqlite_house.start("1000.00")
    await life.state("awaiting_approval")
    url = linked(gateway, links.APPROVER, await key(life))
    desk, stale = await visit(url, DESKTOP), await visit(url)
    for vote in ("approve", "reject"):
        await expect(desk.page.locator(f'input[name="vote"][value="{vote}"]')).to_have_count(1)
    tab = await visit(url, PHONE)
    assert (await life.status())["state"] == "awaiting_approval", "looking approves nothing"
    await tab.to("#comment")
    await tab.page.keyboard.type("As agreed")
    await tab.to("button")
    await tab.page.keyboard.press("Enter")
    await life.state("collecting")
    await expect(tab.page.get_by_role("heading", level=1)).to_have_text("Freigegeben")
    await tab.page.screenshot(path=shots / "approved.png", full_page=True)
    assert await tab.barriers() == []
    await refused((await visit(url)).page, "Sie haben schon geantwortet")
    await stale.page.get_by_role("button").first.click()
    await refused(stale.page, "Sie haben schon geantwortet")
    (given,) = life.audited("approval.given")
    assert given.actor == "ana"
