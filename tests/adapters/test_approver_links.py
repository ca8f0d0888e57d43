"""A link is marked before it votes and votes once; under `approve_by = link` nothing else does."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from adapters.books.approver_page import approver_page, use
from adapters.books.engine import read, write
from adapters.books.verify import verify
from domain import links
from domain.asked import Standing
from schemas import tables as t
from schemas.steps import CommandStep, Verdict
from tests.story import Story


@pytest.fixture
def story(seeded: Engine) -> Story:
    """Waits for ana, by signed link alone."""
    with write(seeded, None) as session:
        content = {"approve_by": "link", "mode": "auto"}
        session.add(t.Policy(name="signed", version=1, content=content, digest="sha256:signed"))
    told = Story(seeded, "demo", "ORD-1")
    told.start("globex", "1000.00", policy="signed")
    told.run(0)
    return told


def key(story: Story, person: str = "ana", number: int = 1) -> str:
    with read(story.books.engine) as session:
        query = select(t.Message.key).where(t.Message.invoice == story.id, t.Message.person == person)
        found = session.exec(query.order_by(t.Message.at)).all()  # type: ignore[arg-type]
    return [each for each in found if each.endswith(f"/{number}")][-1]


def say(story: Story, name: str = "approve", by: str = "ana", **payload: str) -> Verdict:
    given = {"by": by, **({"reason": "wrong"} if name == "reject" else {}), **payload}
    step = CommandStep(workflow_id=story.id, now=story.now, id=uuid4().hex, name=name, payload=given)
    return story.books.command(step).verdict


def standing(story: Story, link: str) -> Standing:
    page = approver_page(story.books.engine, link, story.now)
    assert page is not None
    return page.standing


def test_a_claim_or_a_link_that_was_not_opened_approves_nothing(story: Story) -> None:
    link = key(story)
    for name in ("approve", "reject"):
        assert "by signed link alone: open the one in the mail to ana" in say(story, name).reason
        assert "was not opened" in say(story, name, link=link).reason
    use(story.books.engine, link, story.now)
    assert "is none that asks ben" in say(story, by="ben", link=link).reason
    assert "is none that asks ana" in say(story, link=link.replace("ORD-1", "ORD-2")).reason
    assert "is none that asks ana" in say(story, link=link.replace("/ana/1", "/ana/2")).reason
    assert say(story, link=link).result == "done"


def test_after_a_crash_the_link_votes_once_more_and_then_never_again(story: Story) -> None:
    link, engine = key(story), story.books.engine
    for _ in range(2):  # the gateway died twice between the mark and the vote
        page = use(engine, link, story.now)
        assert page is not None
        assert page.standing is Standing.OPEN
    assert say(story, link=link).result == "done"
    assert say(story, link=link).result == "refused"
    assert standing(story, link) is Standing.USED
    page = use(engine, link, story.now)
    assert page is not None
    assert page.standing is Standing.USED
    with read(engine) as session:
        query = select(t.AuditEntry.type).where(t.AuditEntry.invoice == story.id)
        told = [each for each in session.exec(query) if each.startswith("link.")]
        (mark,) = session.exec(select(t.LinkMark)).all()
    assert sorted(told) == ["link.refused", "link.used"]
    assert (mark.purpose, mark.subject, mark.mark, mark.by) == (links.APPROVER, link, "used", "ana")
    assert verify(engine, None) == []


def test_a_revoked_link_votes_no_more_even_when_it_was_opened(story: Story) -> None:
    link = key(story)
    use(story.books.engine, link, story.now)
    with write(story.books.engine, None) as session:
        session.add(t.LinkMark(purpose=links.APPROVER, subject=link, mark="revoked", by="ben", at=story.now))
    assert "was not opened, or has answered already" in say(story, link=link).reason
    assert standing(story, link) is Standing.REVOKED


def test_an_older_link_still_answers_once_and_with_it_all_are_used(story: Story) -> None:
    story.run(2)
    first, second = key(story), key(story, number=2)
    use(story.books.engine, first, story.now)
    assert say(story, link=first).result == "done"
    assert [standing(story, each) for each in (first, second)] == [Standing.USED, Standing.USED]


def test_what_was_rejected_and_put_forward_again_as_it_was_needs_a_new_link(story: Story) -> None:
    link = key(story)
    use(story.books.engine, link, story.now)
    assert say(story, "reject", link=link).result == "done"
    with read(story.books.engine) as session:
        request = session.get_one(t.Invoice, story.id).request
    story.now += timedelta(minutes=1)
    story.command("amend", "sam", request=request)
    story.run(0)
    assert standing(story, link) is Standing.USED
    assert "a new one has been, or will be" in say(story, link=link).reason


def test_a_link_for_an_older_content_votes_for_no_other(story: Story) -> None:
    link = key(story)
    use(story.books.engine, link, story.now)
    with read(story.books.engine) as session:
        request = dict(session.get_one(t.Invoice, story.id).request)
    story.command("amend", "sam", request=request | {"terms": "net 14"})
    story.run(0)
    assert "the content of draft has changed" in say(story, link=link).reason
    assert standing(story, key(story)) is Standing.OPEN
    assert key(story) != link


def test_a_link_ends_and_what_is_no_such_key_is_nothing(story: Story) -> None:
    link = key(story)
    story.now += timedelta(days=14)
    assert standing(story, link) is Standing.EXPIRED
    for other in ("", "invoice-demo-ORD-1/invoice", link.replace("/ana/", "/cho/"), link.replace("-demo-", "-nobody-")):
        assert approver_page(story.books.engine, other, story.now) is None
