"""Ops in the Temporal Web UI: its own dialogs give the commands, and its pages tell what happened."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.conftest import House, Visit
from workers.devserver import DevServer


async def give(page: Page, kind: str, name: str, body: dict[str, Any]) -> None:
    """What a person does with one of the two dialogs, *Send a Signal* and *Send an Update*."""
    await page.get_by_role("button", name="More Actions").click()
    await page.get_by_role("menuitem", name=f"Send a{'n' if kind == 'update' else ''} {kind.capitalize()}").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_test_id(f"{kind}-select-button").click()
    await page.get_by_role("option").filter(has_text=re.compile(rf"^\s*{name}\b")).click()
    field = dialog.get_by_role("textbox", name="Data")
    await field.fill(json.dumps(body, indent=2))
    await field.blur()
    # By keyboard: the dialog grows while the field is put in shape, and a click may miss.
    await dialog.get_by_role("button", name="Submit").press("Enter")
    await expect(dialog).to_be_hidden()


async def test_its_dialogs_dispute_and_resolve_and_its_details_tell(
    server: DevServer, sqlite_house: House, visit: Visit, shots: Path
) -> None:
    life = await sqlite_house.issued("1000.00")
    run = (await life.handle.describe()).run_id
    where = f"{server.ui_url}/namespaces/{sqlite_house.client.namespace}/workflows/{life.id}/{run}"
    tab = await visit(f"{where}/user-metadata", (1280, 1600))
    page, details = tab.page, tab.page.frame_locator("iframe")
    await expect(details.get_by_text("What you can do")).to_be_visible()
    await page.screenshot(path=shots / "details.png")

    await give(page, "signal", "dispute", {"by": "ana", "reason": "two of five pumps are damaged"})
    await life.state("disputed")
    await page.reload()
    await expect(details.get_by_role("heading", name="disputed")).to_be_visible()
    await expect(details.get_by_text("two of five pumps are damaged")).to_be_visible()
    await page.screenshot(path=shots / "disputed.png")

    await give(page, "update", "resolve", {"by": "ana", "dispute": "d1", "outcome": "withdrawn"})
    await life.state("collecting")
    await page.screenshot(path=shots / "resolved.png")
    await page.goto(f"{where}/timeline")
    await expect(page.get_by_text("command • dispute")).to_be_visible()
    await expect(page.get_by_text("reminder D-3").first).to_be_visible()
    await page.screenshot(path=shots / "timeline.png")
    assert tab.hosts == {page.url.split("/")[2]}
