"""`duely link`: the customer's as it holds now, and links taken back, with who did it in the audit."""

from __future__ import annotations

import json
from typing import Any

from sqlmodel import Session, col, select

from domain import links
from schemas import tables as t
from settings import current
from tests.cli.conftest import Duely
from tests.story import Story


def revoked(engine: Any) -> list[tuple[str, str, str]]:
    with Session(engine) as session:
        query = select(t.AuditEntry).where(t.AuditEntry.type == "link.revoked").order_by(col(t.AuditEntry.seq))
        return [(each.actor, each.keys["purpose"], each.keys["link"]) for each in session.exec(query)]


def read(url: str) -> tuple[str, int] | None:
    return links.read_customer(current().signing_secret().get_secret_value(), url.rpartition("/")[2])


def test_a_customers_link_is_shown_and_taken_back(seeded_duely: Duely, story: Story, seeded: Any) -> None:
    shown = json.loads(seeded_duely("link", "show", "ORD-1", "--json").out)
    assert (shown["id"], read(shown["url"])) == (story.id, (story.id, 0))
    assert seeded_duely("link", "revoke", "ORD-1", "--by", "sam").out == "the links of ORD-1 are revoked\n"
    assert read(seeded_duely("link", "show", "ORD-1").out.strip()) == (story.id, 1)
    assert revoked(seeded) == [("sam", links.CUSTOMER, story.id)]


def test_only_who_may_hold_takes_links_back(seeded_duely: Duely, story: Story, seeded: Any) -> None:
    for by, said in (("ana", "ana has approver; hold needs"), ("nobody", "nobody is not a person")):
        refused = seeded_duely("link", "revoke", "ORD-1", "--by", by)
        assert (refused.code, refused.err.startswith(said)) == (1, True)
    assert read(seeded_duely("link", "show", "ORD-1").out.strip()) == (story.id, 0)
    assert revoked(seeded) == []


def test_the_links_of_a_person_and_of_one_mail(seeded_duely: Duely, story: Story, seeded: Any) -> None:
    story.run(0.1)
    with Session(seeded) as session:
        (asked,) = session.exec(select(t.Message).where(t.Message.kind == "approval")).all()
        key, person = asked.key, asked.person
    assert seeded_duely("link", "revoke", "--person", person, "--by", "ben").out == "1 revoked\n"
    with Session(seeded) as session:
        assert session.get(t.LinkMark, (links.APPROVER, key, "revoked")) is not None
    again = seeded_duely("link", "revoke", key, "--by", "ben")
    assert (again.code, again.err) == (1, f"the link of {key} was revoked before\n")
    assert seeded_duely("link", "revoke", "--person", person, "--by", "ben").out == "0 revoked\n"
    assert revoked(seeded) == [("ben", links.APPROVER, key)]


def test_what_names_no_link(seeded_duely: Duely, story: Story) -> None:
    for words, code in ((("nope/1",), 1), (("NOPE-1",), 1), (("--person", "nobody"), 1), ((), 2),
                        (("ORD-1", "--person", "ana"), 2)):  # fmt: skip
        assert seeded_duely("link", "revoke", *words, "--by", "ben").code == code, words
