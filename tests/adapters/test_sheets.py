"""Morning sheets: what one says is what the books hold, it leaves once whatever crashes, and only in the morning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from adapters.books import judgements, pending, sheet_page, sheets
from adapters.books.engine import read, write
from adapters.mail.outbox import Outbox
from adapters.mail.port import Message
from adapters.morning import Morning
from domain.errors import OutcomeUnknown, ProviderDown, Refused, Unavailable
from domain.sheets import Sheet, sheet_key
from schemas import tables as t
from tests.adapters.test_adopting import _pass, adopted, mode
from tests.adapters.test_credit_notes import whole
from tests.story import Story

DAY = date(2026, 3, 11)
SEVEN = datetime(2026, 3, 11, 6, tzinfo=UTC)  # in Berlin


@dataclass
class Post:
    """A mail adapter without idempotency that may lose what it takes."""

    fails: Exception | None = None
    reports: bool = False
    idempotent: bool = False
    sent: list[Message] = field(default_factory=list)
    found: str | None = None

    def send(self, message: Message) -> str:
        if self.fails is not None:
            raise self.fails
        self.sent.append(message)
        return f"<{message.key}>"

    def find(self, key: str) -> str | None:
        return self.found


def morning(engine: Engine, post: Post) -> Morning:
    return Morning(engine, post, lambda key: f"https://duely.example/s/{len(key)}")


def make(engine: Engine, post: Post, now: datetime = SEVEN) -> str:
    return morning(engine, post).make("demo", "sam", now.date(), now)


def built(engine: Engine, now: datetime = SEVEN) -> Sheet:
    return sheets.build(engine, "demo", "sam", now.date(), now)


@pytest.fixture
def asking(seeded: Engine) -> Story:
    """Two adopted receivables of a seller in `ask`, both with a message that waits since Tuesday; one is disputed."""
    mode(seeded, "ask")
    first = adopted(seeded)
    other = adopted(seeded, "OLD-2", number="ALT-2", customer={"key": "initech"})
    for story in (first, other):
        _pass(story, 0.5)
    other.command("dispute", "initech", reason="never got it")
    _pass(other, 0)
    return first


class TestContent:
    def test_it_says_what_waits_what_is_held_and_what_to_decide(self, seeded: Engine, asking: Story) -> None:
        sheet = built(seeded)
        assert [(i.number, i.rung, i.amount, i.days_late) for i in sheet.asks][:1] == [("ALT-2", "D+7", 1190_00, 9)]
        assert {i.number for i in sheet.asks} == {"ALT-2", "ALT-4711"}
        assert [(r.code, r.count, r.numbers) for r in sheet.held] == [("disputed", 1, ("ALT-2",))]
        assert [task.kind for task in (*sheet.disputes, *sheet.tasks)] == ["dispute"]

    def test_what_comes_today_is_foreseen(self, seeded: Engine) -> None:
        story = adopted(seeded, at=datetime(2026, 3, 5, 15, tzinfo=UTC), last_message_on="2026-03-04")
        _pass(story, 0)
        on = datetime(2026, 3, 9, 6, tzinfo=UTC)
        assert [(i.rung, i.key) for i in built(seeded, on).planned] == [("D+7", "")]
        assert built(seeded, on - timedelta(days=3)).planned == ()

    def test_nothing_to_say_is_no_sheet(self, seeded: Engine) -> None:
        post = Post()
        assert built(seeded).empty
        assert make(seeded, post) == "nothing"
        assert post.sent == []

    def test_what_waits_for_approval_is_told_to_its_owner_and_to_whoever_may_give_it(self, seeded: Engine) -> None:
        story = Story(seeded, "demo", "BIG")
        story.start("globex", "20000.00")
        for owner in ("sam", "ben", "cho"):
            (waits,) = sheets.build(seeded, "demo", owner, DAY, SEVEN).pending
            assert (waits.number, waits.subject, waits.able, waits.by_link) == ("BIG", "draft", ("ben", "cho"), False)
        assert sheets.build(seeded, "demo", "ana", DAY, SEVEN).empty, "it is above her limit"
        assert ("demo", "sam", DAY) in sheets.due(seeded, SEVEN)
        post = Post()
        assert make(seeded, post) == "sent"
        assert "BIG" in post.sent[0].text
        story.command("approve", "ben")
        with read(seeded) as session:
            assert [each.able for each in pending.of(session, "demo", None)] == [("cho",)]

    def test_it_tells_only_of_its_owner(self, seeded: Engine, asking: Story) -> None:
        asking.command("assign", "sam", owner="ben")
        assert {i.number for i in built(seeded).asks} == {"ALT-2"}
        assert {i.number for i in sheets.build(seeded, "demo", "ben", DAY, SEVEN).asks} == {"ALT-4711"}

    def test_shadow_tells_each_message_once(self, seeded: Engine) -> None:
        mode(seeded, "shadow")
        story = adopted(seeded)
        _pass(story, 0.5)
        post = Post()
        assert [i.rung for i in built(seeded).would] == ["D+7"]
        assert make(seeded, post) == "sent"
        assert built(seeded, SEVEN + timedelta(days=1)).would == ()
        assert "would have sent 1" in post.sent[0].subject or "wären verschickt" in post.sent[0].subject


class TestOnce:
    def test_it_leaves_once(self, seeded: Engine, asking: Story, tmp_path: Path) -> None:
        outbox = Outbox(tmp_path / "outbox")
        made = Morning(seeded, outbox, None)
        assert [made.make("demo", "sam", DAY, SEVEN) for _ in range(2)] == ["sent", "nothing"]
        assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1
        with read(seeded) as session:
            row = session.exec(select(t.Sheet)).one()
            assert (row.key, row.state, row.day) == ("sheet/demo/sam/2026-03-11", "confirmed", DAY)
            told = session.exec(select(t.AuditEntry).where(t.AuditEntry.type == "sheet.sent")).one()
        assert told.keys == {"sheet": row.key, "owner": "sam"}
        assert whole(seeded) == []

    def test_a_crash_after_the_mail_left_sends_no_second(self, seeded: Engine, asking: Story, tmp_path: Path) -> None:
        """The worker dies between mail and confirmation, with an outbox that keeps keys."""
        outbox = Outbox(tmp_path / "outbox")
        claimed = sheets.claim(seeded, "demo", "sam", DAY, SEVEN, idempotent=True)
        assert claimed is not None
        outbox.send(Morning(seeded, outbox, None)._letter(claimed, SEVEN))
        assert Morning(seeded, outbox, None).make("demo", "sam", DAY, SEVEN + timedelta(hours=1)) == "sent"
        assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1

    @pytest.mark.parametrize(("found", "state"), [(None, "unknown"), ("<id>", "confirmed")])
    def test_without_keys_a_crash_is_looked_into_never_guessed(
        self, seeded: Engine, asking: Story, found: str | None, state: str
    ) -> None:
        post = Post(found=found)
        sheets.claim(seeded, "demo", "sam", DAY, SEVEN, idempotent=False)
        with pytest.raises(Unavailable):  # while the first attempt may still be alive
            make(seeded, post)
        with write(seeded, "demo") as session:
            session.exec(select(t.Sheet)).one().lease_until = datetime(2026, 1, 1, tzinfo=UTC)
        make(seeded, post)
        assert post.sent == []
        with read(seeded) as session:
            assert session.exec(select(t.Sheet.state)).one() == state

    @pytest.mark.parametrize(
        ("error", "said", "again"),
        [
            (ProviderDown("down"), None, "sent"),
            (OutcomeUnknown("?"), "unknown", "nothing"),
            (Refused("no"), "refused", "nothing"),
        ],
    )
    def test_what_the_provider_says(
        self, seeded: Engine, asking: Story, error: Exception, said: str | None, again: str
    ) -> None:
        post = Post(fails=error)
        if said is None:
            with pytest.raises(Unavailable):
                make(seeded, post)
        else:
            assert make(seeded, post) == said
        post.fails = None
        assert make(seeded, post, SEVEN + timedelta(hours=1)) == again

    @pytest.mark.parametrize(
        ("now", "due"),
        [
            (SEVEN, True),
            (SEVEN - timedelta(minutes=1), False),
            (SEVEN + timedelta(hours=4, minutes=59), True),  # the worker was down at seven
            (SEVEN + timedelta(hours=5), False),
            (SEVEN + timedelta(days=3), False),  # Saturday
        ],
    )
    def test_the_morning_is_the_sellers(self, seeded: Engine, asking: Story, now: datetime, due: bool) -> None:
        assert (("demo", "sam", now.date()) in sheets.due(seeded, now)) is due

    def test_a_round_makes_all_that_are_due(self, seeded: Engine, asking: Story) -> None:
        asking.command("assign", "sam", owner="ben")
        post = Post()
        assert morning(seeded, post).make_all(SEVEN) == {"sent": 2}
        assert {message.to[0].email for message in post.sent} == {"sam@demo.example", "ben@demo.example"}
        assert morning(seeded, post).make_all(SEVEN) == {}

    def test_a_defect_in_one_costs_nobody_else_theirs(
        self, seeded: Engine, asking: Story, caplog: pytest.LogCaptureFixture
    ) -> None:
        asking.command("assign", "sam", owner="ben")
        post = Post()

        def link(key: str) -> str:
            if "/ben/" in key:
                raise ValueError(key)
            return ""

        assert Morning(seeded, post, link).make_all(SEVEN) == {"sent": 1, "failed": 1}
        assert [message.to[0].email for message in post.sent] == ["sam@demo.example"]
        assert [record.message for record in caplog.records] == ["the sheet of ben for demo cannot be made"]
        assert morning(seeded, post).make_all(SEVEN + timedelta(hours=1)) == {"sent": 1}

    def test_whoever_left_gets_none(self, seeded: Engine, asking: Story) -> None:
        with write(seeded, None) as session:
            session.get_one(t.Person, "sam").active = False
        assert sheets.due(seeded, SEVEN) == []


class TestPage:
    def opened(self, engine: Engine, now: datetime = SEVEN) -> sheet_page.SheetPage | None:
        return sheet_page.page(engine, sheet_key("demo", "sam", DAY), now)

    def test_it_is_open_for_as_long_as_the_policy_says(self, seeded: Engine, asking: Story) -> None:
        assert self.opened(seeded) is None
        make(seeded, Post())
        assert self.opened(seeded, SEVEN + timedelta(days=13, hours=23)) is not None
        assert self.opened(seeded, SEVEN + timedelta(days=14)) is None

    @pytest.mark.parametrize(
        "end",
        [
            lambda session: setattr(session.get_one(t.Person, "sam"), "active", False),
            lambda session: session.add(
                t.LinkMark(purpose="sheet", subject=sheet_key("demo", "sam", DAY), mark="revoked", by="ben", at=SEVEN)
            ),
        ],
    )
    def test_it_ends_with_its_owner_or_when_it_is_revoked(
        self, seeded: Engine, asking: Story, end: Callable[[object], None]
    ) -> None:
        make(seeded, Post())
        with write(seeded, None) as session:
            end(session)
        assert self.opened(seeded) is None

    def test_what_came_up_since_is_there_too(self, seeded: Engine, asking: Story) -> None:
        make(seeded, Post())
        third = adopted(seeded, "OLD-3", number="ALT-3", at=SEVEN + timedelta(hours=2), customer={"key": "hooli"})
        _pass(third, 0)
        page = self.opened(seeded, SEVEN + timedelta(hours=3))
        assert page is not None
        assert page.sheet.asks[-1].number == "ALT-3"
        assert page.states[page.sheet.asks[-1].key] == "held"

    def test_a_verdict_is_evidence_for_the_rung(self, seeded: Engine) -> None:
        mode(seeded, "shadow")
        stories = [adopted(seeded, f"OLD-{n}", number=f"ALT-{n}", customer={"key": key}) for n, key in enumerate(KEYS)]
        for story in stories:
            _pass(story, 0.5)
        make(seeded, Post())
        page = self.opened(seeded)
        assert page is not None
        agreed, vetoed = (item.key for item in page.sheet.would[:2])
        for _ in range(2):  # a repeat is the same verdict
            sheet_page.judge(seeded, page, agreed, "agree", "", SEVEN)
        sheet_page.judge(seeded, page, vetoed, "agree", "", SEVEN)
        sheet_page.judge(seeded, page, vetoed, "veto", "they are friends", SEVEN)
        with pytest.raises(Refused):
            sheet_page.judge(seeded, page, "else", "agree", "", SEVEN)
        found = judgements.agreement(seeded, "demo", None)
        assert [(e.policy, e.rung, e.template, e.decided, e.agreed, e.vetoed) for e in found] == [
            ("standard", "D+7", "firmer", 3, 1, 1)
        ]
        assert judgements.agreement(seeded, "demo", date(2026, 3, 12)) == []
        assert judgements.agreement(seeded, "clock01", None) == []
        with read(seeded) as session:
            told = session.exec(select(t.AuditEntry).where(t.AuditEntry.type == "judgement.given")).all()
        assert [entry.keys["verdict"] for entry in told] == ["agree", "agree", "veto"]
        assert whole(seeded) == []


KEYS = ("globex", "initech", "hooli")
