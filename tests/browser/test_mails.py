"""A customer's mail on a phone: nothing in it is wider than the screen, however long its links are."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.mail.render import FOLDER, render
from tests.adapters.test_mail_words import CONTEXT
from tests.browser.conftest import Visit

NARROW = (360, 740)
LONG = f"https://pay.example/i/{'aW52b2ljZQ' * 16}"


@pytest.mark.parametrize("language", ["en", "de"])
async def test_no_mail_is_wider_than_a_phone(visit: Visit, shots: Path, tmp_path: Path, language: str) -> None:
    context = {**CONTEXT, **dict.fromkeys(("url", "pay_url", "verify_url", "confirm_url"), LONG)}
    templates = sorted(each.name for each in FOLDER.iterdir() if each.is_dir())
    assert len(templates) > 20
    for template in templates:
        file = tmp_path / f"{template}.html"
        file.write_text(render(template, language, context).html, "utf-8")
        tab = await visit(file.as_uri(), NARROW)
        await tab.page.screenshot(path=shots / f"mail-{template}-{language}.png", full_page=True)
        assert await tab.page.evaluate("document.documentElement.scrollWidth") <= NARROW[0], template
        await tab.page.close()
