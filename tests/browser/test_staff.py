"""Our own people in a browser, before a real worker: a dispute decided at the desk, a morning sheet answered."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from playwright.async_api import expect

from adapters.books import views
from adapters.books.engine import write
from domain import links
from schemas import tables as t
from tests.browser.conftest import DESKTOP, PHONE, Gateway, House, Visit, linked
from tests.gateway.test_sheets import ALWAYS, made, overdue, until


async def test_a_controller_decides_at_the_desk(
    gateway: Gateway, sqlite_house: House, visit: Visit, shots: Path
) -> None:
    life = await sqlite_house.issued("1000.00")
    await life.do("dispute", by="globex", reason="damaged")
    await life.do("assign", by="sam", owner="ben")
    await life.at_rest()
    url = linked(gateway, links.DESK, f"{life.id}/dispute/d1/ben/1")
    tab = await visit(url, DESKTOP)
    await tab.to('[name="outcome"]')
    await tab.page.keyboard.press("ArrowDown")
    await tab.page.keyboard.press("Space")
    await expect(tab.page.locator('[value="partly"]')).to_be_checked()
    await tab.to("button")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("alert")).to_contain_text("wie viel gutgeschrieben wird")
    await tab.page.screenshot(path=shots / "desk-mistake.png", full_page=True)
    assert await tab.barriers() == []
    await tab.page.locator("#credit").fill("119,00")
    await tab.page.locator("#comment").fill("six of forty")
    await tab.to("button")
    await tab.page.keyboard.press("Enter")
    await expect(tab.page.get_by_role("status")).to_be_visible()
    said = await life.at_rest()
    assert (said["credited"], said["disputes"][0]["outcome"]) == ("119.00", "partly")
    await expect(tab.page.get_by_role("button")).to_have_count(0)
    phone = await visit(url, PHONE)
    await phone.page.screenshot(path=shots / "desk-decided.png", full_page=True)
    assert await phone.barriers() == []


async def test_an_owner_releases_one_and_vetoes_one(
    gateway: Gateway, sqlite_house: House, visit: Visit, shots: Path, tmp_path: Path
) -> None:
    with write(gateway.engine, None) as session:
        session.add(t.Policy(name="always", version=1, content=ALWAYS, digest="always"))
    (first, _), (second, _) = [await overdue(sqlite_house, f"ALT-{n}") for n in range(2)]
    tab = await visit(f"{gateway.url}/s/{made(gateway, datetime.now(UTC), tmp_path)}", PHONE)
    await tab.page.screenshot(path=shots / "sheet-ask.png", full_page=True)
    assert await tab.barriers() == []
    await tab.page.get_by_label("ALT-0").check()
    await tab.page.locator('[value="yes"]').click()
    await expect(tab.page.get_by_role("status")).to_contain_text("angenommen")
    await tab.page.get_by_label("ALT-1").check()
    await tab.page.locator('[value="no"]').click()
    await expect(tab.page.get_by_role("alert")).to_contain_text("Grund")
    await tab.page.locator("#reason").fill("per Telefon geklärt")
    await tab.page.locator('[value="no"]').click()
    await expect(tab.page.get_by_role("status")).to_contain_text("abgelehnt")
    await tab.page.screenshot(path=shots / "sheet-answered.png", full_page=True)
    assert await tab.barriers() == []
    await until(lambda: [each["verdict"] for each in views.reasons(gateway.engine, first)][-1:] == ["sent"])
    assert views.reasons(gateway.engine, second)[-1]["reason"] == "skipped by sam: per Telefon geklärt"
