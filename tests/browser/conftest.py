"""A real Chromium before the real pages: the gateway's, and those of the Temporal Web UI. Skipped where no browser is
installed; none is downloaded."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

from domain import links
from tests.gateway.conftest import Gateway, Open, bare, demo, demo_books, demo_url, gateway, opened, story
from tests.workflows.conftest import House, seeded_folder, sqlite_house
from workers import binary
from workers.devserver import DevServer

__all__ = [
    "Gateway", "House", "Open", "bare", "demo", "demo_books", "demo_url", "gateway", "opened", "seeded_folder",
    "sqlite_house", "story",
]  # fmt: skip

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MS = 60_000
MANY = 100
NAME = """e => e === document.body ? '' :
    e.getAttribute('name') || e.textContent.trim() || e.getAttribute('aria-label') || e.tagName"""
DESKTOP, PHONE = (1280, 900), (390, 844)
PATHS = {
    links.CUSTOMER: "i", links.APPROVER: "a", links.DESK: "d", links.SHEET: "s", links.CONTACT: "c", links.GENUINE: "v"
}  # fmt: skip


def linked(gateway: Gateway, purpose: str, subject: str) -> str:
    """The address of a signed link."""
    secret = gateway.settings.signing_secret().get_secret_value()
    return f"{gateway.url}/{PATHS[purpose]}/{links.token(secret, purpose, subject)}"


@dataclass
class Tab:
    """A page of a browser of its own, and what it did besides showing itself."""

    page: Page
    width: int
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def listen(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    async def barriers(self) -> list[str]:
        """What axe-core calls serious or critical, and what a phone would have to scroll sideways for."""
        told = (await Axe().run(self.page)).response
        found = [
            f"{each['id']} at {', '.join(str(node['target']) for node in each['nodes'])}"
            for each in told["violations"]
            if each["impact"] in {"serious", "critical"}
        ]
        assert told["passes"], "axe-core has looked at nothing"
        wide = await self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return [*found, *([f"{wide} px wider than the screen"] if wide > 0 else [])]

    async def reachable(self) -> list[str]:
        """What a mouse could act on, in order, by its name or text; of a group of radio buttons the group."""
        everything = "document.querySelectorAll('a, summary, button, input, textarea, select')"
        shown = "e => e.checkVisibility() && e.type !== 'hidden'"
        told = await self.page.evaluate(f"[...{everything}].filter({shown}).map({NAME})")
        return [name for name, _ in itertools.groupby(told)]

    async def reached(self) -> list[str]:
        """What the Tab key comes to, likewise."""
        found: list[str] = []
        while len(found) < MANY:
            await self.page.keyboard.press("Tab")
            now = str(await self.page.evaluate(f"({NAME})(document.activeElement)"))
            if not now:
                break
            found.append(now)
        return [name for name, _ in itertools.groupby(found)]

    async def to(self, selector: str) -> None:
        """Goes on with the Tab key until the keyboard is there."""
        for _ in range(MANY):
            if await self.page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not come to {selector}")


Visit = Callable[..., Awaitable[Tab]]


def program() -> str | None:
    return os.environ.get("DUELY_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    found = program()
    if found is None:
        pytest.skip("no Chromium: install it (apt-get install chromium) or name it in DUELY_TEST_CHROMIUM")
    expect.set_options(timeout=PATIENCE_MS)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield running
        await running.close()


@pytest.fixture
async def visit(browser: Browser) -> AsyncIterator[Visit]:
    """Opens an address in a browser without history, on a screen of that size."""
    contexts: list[BrowserContext] = []

    async def go(url: str, size: tuple[int, int] = DESKTOP, scripts: bool = True, language: str = "en-GB") -> Tab:
        width, height = size
        context = await browser.new_context(
            viewport={"width": width, "height": height}, java_script_enabled=scripts, locale=language
        )
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        tab = Tab(await context.new_page(), width)
        tab.listen()
        await tab.page.goto(url)
        return tab

    yield go
    for context in contexts:
        await context.close()


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DevServer]:
    """One with its Web UI."""
    folder = tmp_path_factory.mktemp("temporal")
    async with DevServer(binary.find(), folder, persist=False) as running:
        yield running


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are left, for people."""
    return tmp_path_factory.mktemp("shots")
