"""The demo: its stories as they are, a story that is wrong, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from adapters.mail.outbox import Outbox
from adapters.mail.port import Address, Message
from adapters.mail.sendgrid import SendGrid
from adapters.standins.sendgrid import Fault, SendGridStandIn
from cli import demo
from cli.stories.clock import net_days
from cli.stories.post import Post, Reported, label
from cli.stories.scene import Scene
from cli.stories.story import Story
from domain import calendar
from domain.account import Place
from domain.errors import ProviderDown

ROOT = Path(__file__).parents[2]
PATIENCE = 240
PLACES = [
    Place(timezone="Europe/Berlin", country="DE", region="BE"),
    Place(timezone="America/New_York", country="US"),
    Place(timezone="Europe/Warsaw", country="PL"),
]


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A folder of its own, and no server but its own."""
    for name in [name for name in os.environ if name.startswith("TEMPORAL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DUELY_VAR", str(tmp_path / "var"))
    return dict(os.environ)


@pytest.mark.parametrize("place", PLACES)
def test_a_story_reads_the_same_on_whichever_day_it_is_played(place):
    for ahead in range(800):
        today = date(2026, 1, 1) + timedelta(days=ahead)
        due = today + timedelta(days=net_days(today, 30, place))
        assert due >= today + timedelta(days=30)
        assert due.isoweekday() == 1
        week = [due + timedelta(days=offset) for offset in (-3, 0, 1, 2, 3, 4)]
        assert all(calendar.is_business_day(day, place.country, place.region) for day in week)


def test_an_outage_hits_one_receivable_only(tmp_path):
    post = Post(Outbox(tmp_path))
    start = datetime(2026, 3, 3, 6, tzinfo=UTC)
    post.out_of_order("invoice-a-1", start, start + timedelta(days=1))
    with pytest.raises(ProviderDown):
        post.send(message("invoice-a-1", "D+1", start))
    post.send(message("invoice-b-1", "D+1", start))
    post.send(message("invoice-a-1", "D+2", start + timedelta(days=1)))
    assert [label(mail) for mail in post.received("invoice-a-1")] == ["D+2"]
    assert [label(mail) for mail in post.received("invoice-b-1")] == ["D+1"]
    assert len(list(tmp_path.glob("*.eml"))) == 2


def test_what_a_provider_takes_is_filed_as_well_and_what_came_back_is_called_so(tmp_path):
    with SendGridStandIn() as sendgrid:
        post = Post(Outbox(tmp_path))
        mail = Reported(SendGrid(sendgrid.api_key, sendgrid.url), post)
        assert mail.reports
        assert not post.reports
        mail.send(message("invoice-a-1", "D+1", datetime(2026, 3, 3, 9, tzinfo=UTC)))
        assert [taken.args["duely_key"] for taken in sendgrid.taken] == ["invoice-a-1/1/1/D+1"]
        sendgrid.faults.append(Fault(status=429))
        with pytest.raises(ProviderDown):
            mail.send(message("invoice-a-1", "D+2", datetime(2026, 3, 4, 9, tzinfo=UTC)))
    assert [post.named(each) for each in post.received("invoice-a-1")] == ["D+1"]
    assert len(list(tmp_path.glob("*.eml"))) == 1
    post.came_back("invoice-a-1/1/1/D+1")
    assert [post.named(each) for each in post.received("invoice-a-1")] == ["D+1 bounced"]


def test_twenty_stories_hold_and_show_what_each_customer_received(environment, tmp_path):
    file = tmp_path / "demo.json"
    command = [sys.executable, "-m", "cli.main", "demo", "--json", str(file)]
    done = subprocess.run(
        command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.stdout.splitlines()[-1] == "demo: 20 stories, 0 breaches", done.stdout[-3000:] + done.stderr[-3000:]
    assert done.returncode == 0
    said = json.loads(file.read_text(encoding="utf-8"))
    assert said["breaches"] == said["verify"] == []
    assert len(said["stories"]) == 20
    every = [told for story in said["stories"] for told in (story, *story["beside"])]
    stories = {told["workflow_id"].split("-")[2]: told for told in every}
    assert len(stories) == 24
    for story in said["stories"]:
        lasted = [lasts(told) for told in (story, *story["beside"])]
        if "SHADOW" in story["workflow_id"]:
            assert max(lasted) >= timedelta(days=11), lasted  # two weeks less a weekend or holidays at its end
            assert min(lasted) >= timedelta(days=8), lasted  # who pays first, three days after the Monday
        else:
            assert min(lasted) >= timedelta(days=30), story["title"]
    for told in every:
        papers = [] if "SHADOW" in told["workflow_id"] else told["documents"]
        assert all(Path(paper["files"][0]).read_bytes().startswith(b"%PDF") for paper in papers)
        for mail in told["mails"]:
            (path,) = mail["files"]
            parsed = message_from_bytes(Path(path).read_bytes(), policy=policy.default)
            assert parsed["X-Duely-Invoice"] == told["workflow_id"]
            assert mail["why"]
            assert str(parsed["Subject"]) in done.stdout or mail["kind"] in {"approval", "internal"}
    reminders = [mail["name"] for mail in stories["OUTAGE"]["mails"] if mail["kind"] == "reminder"]
    assert reminders == ["D+3"]
    collapsed = [why["rung"] for why in stories["OUTAGE"]["whys"] if why["code"] == "collapsed"]
    assert collapsed == ["D+1", "D+2"]
    money_is_known_about(stories)


def lasts(told: dict[str, Any]) -> timedelta:
    first, last = (datetime.fromisoformat(told["turns"][at]["at"]) for at in (0, -1))
    return last - first


def money_is_known_about(stories: dict[str, dict[str, Any]]) -> None:
    """What the six stories of money show beyond their own expectations."""
    withheld = [why for why in stories["STALE"]["whys"] if why["code"] == "stale_source"]
    assert [why["rung"] for why in withheld] == ["D+1", "D+7"]
    assert all("source bank" in why["reason"] for why in withheld)
    invoices = [mail for mail in stories["BOUNCE"]["mails"] if mail["kind"] == "invoice"]
    assert [(mail["name"], mail["to"]) for mail in invoices] == [
        ("invoice bounced", ["pam@dunder.example"]),
        ("invoice", ["oscar@dunder.example"]),
    ]
    turns = stories["CHARGEBACK"]["turns"]
    closed, back = (next(turn for turn in turns if words in turn["text"]) for words in ("by card", "chargeback"))
    gap = datetime.fromisoformat(back["at"]) - datetime.fromisoformat(closed["at"])
    assert timedelta(days=40) <= gap < timedelta(days=41)
    files = {turn["text"] for key in ("THREE", "THREE2", "THREE3") for turn in stories[key]["turns"][-1:]}
    assert len(files) == 1
    assert "2380.00" in files.pop()


async def unfinished(s: Scene) -> None:
    await s.bill("initech", {"Advice": "100.00"}, net=30)


async def wrong(s: Scene) -> None:
    await s.bill("initech", {"Advice": "100.00"}, net=30)
    await s.expect(state="collecting", received=["invoice"], why=["invoice sent sent"])
    await s.refused("approve", by="ana", because="four eyes")
    await s.to("D+1")
    await s.tell("pay", by="ana", amount="119.00", received_on="2026-01-01", method="cash", external_id="1")
    raise KeyError("lost the thread")


def test_every_failed_expectation_is_a_breach_and_ends_in_1(environment, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("settings.current", __import__("settings").load)
    told = [Story("all wrong", "WRONG", wrong), Story("left open", "OPEN", unfinished)]
    monkeypatch.setattr(demo, "stories", lambda: told)
    file = tmp_path / "demo.json"
    assert demo.play(file, True) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "demo: 2 stories, 7 breaches"
    expected = [
        "state is 'collecting', but it was 'awaiting_approval'",
        "the customer received ['invoice'], but it was []",
        "on record is 'invoice sent sent'",
        "approve by ana is refused because of 'four eyes', but it was taken",
        "pay by ana is taken, but was refused: ana has approver",
        "it plays to its end, but: KeyError",
        "the receivable is closed at the end",
    ]
    breaches = [breach["expectation"] for breach in json.loads(file.read_text(encoding="utf-8"))["breaches"]]
    assert len(breaches) == len(expected)
    for wanted in expected:
        assert any(wanted in breach for breach in breaches), (wanted, breaches)
        assert any(wanted in line for line in shown), wanted


ONE_STORY = """
import sys
from cli import demo
big = [story for story in demo.stories() if story.slug == "BIG"]
demo.stories = lambda: big
sys.exit(demo.play(None, False))
"""


def test_in_a_terminal_the_web_ui_stays_open_until_ctrl_c(environment):
    with terminal([sys.executable, "-c", ONE_STORY], environment) as (process, screen):
        shown = read_until(screen, b"breaches\r\n")
        assert b"demo: 1 stories, 0 breaches" in shown, shown[-3000:]
        address = next(line.split()[-1] for line in shown.decode().splitlines() if line.startswith("Web UI "))
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.status == 200
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address, timeout=10)


def message(invoice: str, rung: str, at: datetime) -> Message:
    return Message(
        key=f"{invoice}/1/1/{rung}",
        kind="reminder",
        invoice=invoice,
        rung=rung,
        sender=Address("Demo", "demo@demo.example"),
        to=(Address("Customer", "ap@customer.example"),),
        reply_to="reply@demo.example",
        subject="Reminder",
        text="Please pay.",
        html="<p>Please pay.</p>",
        language="en",
        at=at,
    )


@contextmanager
def terminal(command: list[str], environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The command with a terminal of its own, and the end of it that shows what it prints."""
    screen, inside = pty.openpty()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    try:
        yield process, screen
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)
        os.close(screen)


def read_until(screen: int, words: bytes) -> bytes:
    shown, deadline = b"", time.monotonic() + PATIENCE
    while not shown.endswith(words):
        ready, _, _ = select.select([screen], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"it did not say {words!r}: {shown[-2000:]!r}"
        shown += os.read(screen, 65536)
    return shown
