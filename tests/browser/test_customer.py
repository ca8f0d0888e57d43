"""The customer in a browser, before a real worker: disputes by keyboard with a photo, promises on a phone without
script, has another contact confirmed."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

from playwright.async_api import expect
from sqlmodel import select

from adapters import formats
from adapters.books.engine import read
from domain import links
from domain.calendar import add_business_days
from domain.desk import last_day
from schemas import tables as t
from tests.browser.conftest import PHONE, Gateway, House, Visit, linked


async def test_a_dispute_by_keyboard_with_a_photo_pauses(
    gateway: Gateway, sqlite_house: House, visit: Visit, shots: Path
) -> None:
    life = await sqlite_house.issued("1000.00")
    tab = await visit(linked(gateway, links.CUSTOMER, life.id))
    page, keys = tab.page, tab.page.keyboard
    photo = shots / "broken pump.png"
    await page.screenshot(path=photo)
    await tab.to("#dispute > summary")
    await keys.press("Enter")
    # Sent with nothing said: what is missing is read out and leads to its field.
    await tab.to("#dispute button")
    await keys.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Bitte")
    await page.screenshot(path=shots / "dispute-mistakes.png", full_page=True)
    assert await tab.barriers() == []
    assert (await life.status())["state"] == "collecting"

    await tab.to('[href="#dispute-code"]')
    await keys.press("Enter")
    await tab.to("#dispute-code")
    await keys.type("Ware")
    await tab.to("#dispute-scope")
    await tab.to("#dispute-text")
    await keys.type("Zwei von fünf Pumpen sind beschädigt")
    await tab.to("#dispute-files")
    await page.locator("#dispute-files").set_input_files(photo)
    await tab.to("#dispute button")
    await keys.press("Enter")
    await expect(page.get_by_role("status").first).to_contain_text("Ihre Mitteilung ist da")
    await expect(page.get_by_text("Bestritten seit")).to_be_visible()
    said = await life.state("disputed")
    assert said["disputed"] == said["balance"]
    assert len(life.audited("invoice.disputed")) == 1
    with read(sqlite_house.engine) as session:
        (kept,) = session.exec(select(t.Dispute).where(t.Dispute.invoice == life.id))
    assert (kept.code, [each["name"] for each in kept.evidence]) == ("quality", ["broken pump.png"])
    assert kept.deadline is not None
    day = formats.day(last_day(kept.deadline, "Europe/Berlin"), "de")
    await expect(page.get_by_text(f"antworten bis {day}")).to_be_visible()
    await page.screenshot(path=shots / "dispute-sent.png", full_page=True)
    assert await tab.barriers() == []


async def test_a_promise_on_a_phone_without_script(
    gateway: Gateway, sqlite_house: House, visit: Visit, shots: Path
) -> None:
    life = await sqlite_house.issued("1000.00")
    tab = await visit(linked(gateway, links.CUSTOMER, life.id), PHONE, scripts=False)
    await tab.page.locator("#promise > summary").click()
    field = tab.page.locator("#promise-date")
    first = date.fromisoformat(await field.get_attribute("min") or "")
    day = add_business_days(first + timedelta(days=7), 1, "DE")
    await field.fill(day.isoformat())
    await tab.page.screenshot(path=shots / "promise.png", full_page=True)
    await tab.page.locator("#promise button").click()
    await expect(tab.page.get_by_role("status").first).to_contain_text("wir haben notiert, wann Sie zahlen")
    await expect(tab.page.get_by_text("Sie haben zugesagt")).to_be_visible()
    said = await life.state("promised")
    assert said["promises"][0]["date"] == day.isoformat()
    await tab.page.screenshot(path=shots / "promised.png", full_page=True)


async def test_another_contact_counts_once_the_old_one_confirms(
    gateway: Gateway, sqlite_house: House, visit: Visit, shots: Path
) -> None:
    life = await sqlite_house.issued("1000.00")
    tab = await visit(linked(gateway, links.CUSTOMER, life.id), PHONE)
    await tab.page.locator("#contact > summary").click()
    await tab.page.locator("#contact-name").fill("Ann Ö. O'Neil")
    await tab.page.locator("#contact-email").fill("ann@globex.example")
    await tab.page.locator("#contact button").click()
    await expect(tab.page.get_by_role("status").first).to_be_visible()
    await life.until(lambda _: bool(life.mails("receipt")))
    mail = life.mails("receipt")[0]
    found = re.search(r"/c/([\w.-]+)", mail.text)
    assert found, mail.text
    assert "ann@" not in mail.to
    old = await visit(f"{gateway.url}/c/{found[1]}", PHONE)
    await old.to("button")
    await old.page.keyboard.press("Enter")
    await expect(old.page.get_by_role("status")).to_contain_text("Bestätigt")
    await old.page.screenshot(path=shots / "contact-confirmed.png", full_page=True)
    assert await old.barriers() == []
    assert len(life.audited("contact.changed")) == 1
