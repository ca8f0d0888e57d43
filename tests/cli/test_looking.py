from __future__ import annotations

import json

import pytest
from sqlalchemy import text
from sqlmodel import Session

from adapters.books.books import Books
from adapters.books.engine import open_engine, write
from cli.queueing import paste
from domain.account import Person
from domain.delivery import MailEvent
from schemas import tables as t
from tests.cli.conftest import Duely
from tests.story import Story


def test_without_tables_one_line_says_what_to_do(duely: Duely) -> None:
    ended = duely("list")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "the database has no tables, or older ones: run `duely init`\n"


def test_an_empty_list_is_an_empty_array(seeded_duely: Duely) -> None:
    assert json.loads(seeded_duely("list", "--json").out) == []
    assert json.loads(seeded_duely("queue", "--json").out) == []


def test_list_filters(seeded_duely: Duely, story: Story) -> None:
    (one,) = json.loads(seeded_duely("list", "--json").out)
    assert (one["id"], one["state"], one["balance"]) == (story.id, "awaiting_approval", "140.40")
    for wanted, count in (("awaiting_approval", 1), ("paid", 0)):
        assert len(json.loads(seeded_duely("list", "--json", "--state", wanted).out)) == count
    assert json.loads(seeded_duely("list", "--json", "--seller", "clock01").out) == []
    assert json.loads(seeded_duely("list", "--json", "--customer", "nobody").out) == []
    assert "ORD-1" in seeded_duely("list").out


@pytest.mark.parametrize("name", ["invoice-demo-ORD-1", "ORD-1", "RE-2026-00001", "GS-2026-00001"])
def test_a_receivable_is_found_by_id_number_and_reference(seeded_duely: Duely, story: Story, name: str) -> None:
    story.command("approve", "ana")
    story.run(0)
    story.command("credit", "ben", amount="10.00", reason="goodwill")
    ended = seeded_duely("show", name, "--json")
    assert json.loads(ended.out)["id"] == story.id


def test_an_ambiguous_name_lists_what_it_may_mean(seeded_duely: Duely, story: Story, seeded: object) -> None:
    Story(story.books.engine, "clock01", "ORD-1").start("globex", "50.00")
    ended = seeded_duely("show", "ORD-1")
    assert ended.code == 1
    assert ended.err == "ORD-1 may be invoice-clock01-ORD-1, invoice-demo-ORD-1: give the workflow id, or --seller\n"
    chosen = seeded_duely("show", "ORD-1", "--seller", "clock01", "--json")
    assert json.loads(chosen.out)["seller"] == "clock01"


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (("list", "--state", "nope"), "awaiting_approval"),
        (("queue", "--kind", "disputs"), "dispute"),
        (("queue", "--owner", "ann"), "ana"),
    ],
)
def test_a_word_that_there_is_not_is_answered_with_those_there_are(
    seeded_duely: Duely, said: tuple[str, ...], known: str
) -> None:
    ended = seeded_duely(*said)
    assert (ended.code, ended.out) == (2, "")
    assert known in " ".join(ended.err.split())


def test_who_asks_for_unreadable_requests_is_told_who_lists_them(seeded_duely: Duely) -> None:
    ended = seeded_duely("list", "--state", "invalid", "--json")
    assert (ended.code, ended.out) == (0, "[]\n")
    assert """temporal workflow list --query 'InvoiceState="invalid"'""" in ended.err


def test_a_name_nobody_knows(seeded_duely: Duely) -> None:
    ended = seeded_duely("show", "ORD-77")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "no receivable is called ORD-77: give a workflow id, a number or a reference\n"


def test_an_unreadable_receivable_is_reached_by_its_workflow_id(seeded_duely: Duely) -> None:
    ended = seeded_duely("show", "invoice-demo-NONE")
    assert (ended.code, ended.err) == (1, "no Temporal server answers, and the books do not hold it\n")


def test_why_tells_every_message(seeded_duely: Duely, story: Story) -> None:
    story.command("approve", "ana")
    story.run(0)
    told = json.loads(seeded_duely("why", "ORD-1", "--json").out)
    assert [(one["verdict"], one["kind"]) for one in told][-1] == ("sent", "invoice")
    assert told[-1]["policy"]["name"] == "standard"
    assert told[-1]["balance"] == "140.40"
    assert "invoice" in seeded_duely("why", "ORD-1").out


def test_show_tells_who_got_what_and_how_sure_that_is(seeded_duely: Duely, story: Story) -> None:
    story.command("approve", "ana")
    story.run(0)
    shown = " ".join(seeded_duely("show", "ORD-1").out.replace("│", " ").split())
    assert "accepted by the mail server (delivery is not reported)" in shown
    assert "to Gerda Groß <ap@globex.example>" in shown
    (mail,) = [m for m in json.loads(seeded_duely("show", "ORD-1", "--json").out)["messages"] if m["kind"] == "invoice"]
    assert (mail["state"], mail["delivery"], mail["to"]) == ("sent", "accepted", "billing")
    assert "globex.example" not in json.dumps(mail)


def test_show_tells_what_pays_it_and_how_that_is_taken_back(seeded_duely: Duely, story: Story) -> None:
    story.command("approve", "ana")
    story.run(0)
    story.command("pay", "ben", amount="40.00", received_on="2026-01-07", method="cash", external_id="C-1")
    shown = " ".join(seeded_duely("show", "ORD-1").out.replace("│", " ").split())
    assert "assigned 40.00 EUR · receipt 1 of 2026-01-07 · assignment 1" in shown


def test_show_tells_what_the_provider_reports(seeded_duely: Duely, story: Story) -> None:
    story.books = Books(story.books.engine, idempotent=False, reports=True)
    story.command("approve", "ana")
    story.run(0)
    said = [
        ("delivery not reported yet", ()),
        ("delivered ·", ("delivered",)),
        ("came back (bounced)", ("bounced",)),
        ("delivered, reported as spam", ("spam_report",)),
    ]
    for words, types in said:
        events = [MailEvent(type_, f"{story.id}/invoice", type_, story.now, "") for type_ in types]
        story.books.delivered(events, story.now)
        assert words in " ".join(seeded_duely("show", "ORD-1").out.replace("│", " ").split())


def test_queue_shows_commands_ready_to_paste(seeded_duely: Duely, story: Story) -> None:
    story.command("approve", "ana")
    story.run(0)
    story.command("dispute", "the customer", reason="damaged")
    (one,) = json.loads(seeded_duely("queue", "--json").out)
    assert (one["kind"], one["invoice"], one["owner"]) == ("dispute", story.id, "sam")
    assert f"duely resolve {story.id} --by ana --outcome withdrawn --dispute d1" in seeded_duely("queue").out


def test_pasted_commands_name_somebody_who_may() -> None:
    people = (
        Person(key="gone", roles=("approver",), limits={}, active=False),
        Person(key="ana", roles=("approver",), limits={}),
        Person(key="sam", roles=("owner",), limits={}),
    )
    item = {"invoice": "invoice-demo-A", "owner": "sam", "kind": "approval_stuck", "key": "draft"}
    assert paste("approve", item, people) == "duely approve invoice-demo-A --by ana --subject draft"
    assert paste("resend", item, people) == "duely resend invoice-demo-A --by sam"
    assert paste("skip", item, people) == "duely skip invoice-demo-A --by sam --reason 'customer called'"


def test_verify_names_the_row_and_says_what_it_did_not_check(seeded_duely: Duely, story: Story) -> None:
    story.command("approve", "ana")
    whole = seeded_duely("verify")
    assert whole.code == 0
    assert whole.out == "I9 not checked: no Temporal server answers\nverify: 0 breaches\n"
    with write(story.books.engine, None) as session:
        session.execute(text("UPDATE invoices SET total = total + 1"))
    broken = seeded_duely("verify", "--json")
    told = json.loads(broken.out)
    assert broken.code == 1
    assert any(story.id in breach["row"] for breach in told["breaches"])


def test_pause_all_stops_everything_until_resume_all(seeded_duely: Duely, story: Story) -> None:
    refused = seeded_duely("pause-all", "--by", "ana", "--reason", "mail trouble")
    assert (refused.code, refused.err) == (1, "ana has approver; hold needs a controller or owner\n")
    story.command("approve", "ana")
    story.run(0)
    assert seeded_duely("pause-all", "--by", "sam", "--reason", "mail trouble", "--json").code == 0
    assert seeded_duely("pause-all", "--by", "sam", "--reason", "again").code == 1
    held = json.loads(seeded_duely("show", "ORD-1", "--json").out)
    assert [pause["scope"] for pause in held["pauses"]] == ["all"]
    assert seeded_duely("resume-all", "--by", "sam").code == 0
    assert json.loads(seeded_duely("show", "ORD-1", "--json").out)["pauses"] == []
    assert seeded_duely("resume-all", "--by", "sam").err == "nothing is paused\n"
    with Session(story.books.engine) as session:
        told = session.connection().execute(text("SELECT count(*) FROM audit WHERE type LIKE 'stop.%'")).scalar_one()
        sellers = session.connection().execute(text("SELECT count(*) FROM sellers")).scalar_one()
    assert told == 2 * sellers


def test_apply_tells_which_receipt_is_missing(seeded_duely: Duely, story: Story) -> None:
    assert seeded_duely("apply", 7, "ORD-1", "--by", "ben").err == "there is no receipt 7\n"
    assert seeded_duely("unapply", 7, "--by", "ben", "--reason", "wrong").err == "there is no allocation 7\n"


def test_seed_twice_changes_nothing(duely: Duely, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUELY_DATABASE_URL", database_url)
    first = json.loads(duely("seed", "--json").out)
    again = json.loads(duely("seed", "--json").out)
    assert first["created"]["sellers"] == 41
    assert (again["created"], again["changed"], again["unchanged"]) == ({}, {}, first["created"])
    engine = open_engine(database_url)
    with Session(engine) as session:
        assert session.get_one(t.Person, "ana").active
    engine.dispose()
