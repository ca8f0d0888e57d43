"""The exam: every reply of replies.toml is taken for what it is, with the hints it must give.

Whatever comes to judge replies one day (a model, a service) takes an `Incoming` and gives a `Judgement`: put it in the
place of `judge` here, and in tests/adapters/test_replies_exam.py, which holds every row to what may happen. It may find
better hints, never other deeds.
"""

from __future__ import annotations

import shlex
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.mail.incoming import parse
from domain.replies import AUTO_OTHER, BOUNCE, COPY_REQUEST, OUT_OF_OFFICE, PERSON, WEIGHTIER, Incoming, judge, ready
from domain.reply_dates import amounts, days
from domain.reply_hints import Hints
from domain.reply_text import sentences, written
from domain.reply_words import MEANINGS
from schemas.commands import COMMANDS, parse_command
from tests.replies import NUMBER, ROWS, TODAY, raw_of

KINDS = {BOUNCE, OUT_OF_OFFICE, AUTO_OTHER, COPY_REQUEST, PERSON}
ID = "invoice-demo-ORD-1"
COPIES = [row for row in ROWS if row["kind"] == COPY_REQUEST]
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=80)


def test_the_exam_is_long_enough() -> None:
    assert len(ROWS) >= 60
    assert len({row["name"] for row in ROWS}) == len(ROWS)
    assert {row["kind"] for row in ROWS} == KINDS


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_a_reply_is_taken_for_what_it_is(row: dict[str, Any]) -> None:
    found = judge(parse(raw_of(row)), TODAY, NUMBER)
    hints = found.hints
    assert found.kind == row["kind"]
    assert set(row.get("about", ())) <= set(hints.about)
    assert not set(row.get("not_about", ())) & set(hints.about)
    told = (hints.pays_on, hints.returns_on, hints.deputy)
    assert told == tuple(row.get(name) for name in ("pays_on", "returns_on", "deputy"))
    assert "amount" not in row or hints.amount == row["amount"]


@pytest.mark.parametrize("row", COPIES, ids=[row["name"] for row in COPIES])
@pytest.mark.parametrize(
    "more",
    [
        "The price is wrong.",
        "We paid it.",
        "Der Betrag stimmt nicht.",
        "Use our new address.",
        "Please cancel it.",
        "We do not pay.",
        "Tell Bob.",
        "http://example.org",
        "5 % discount",
    ],
)
def test_one_thing_more_and_a_person_reads_it(row: dict[str, Any], more: str) -> None:
    """Before it, after it, in its subject, behind the signature."""
    mail = parse(raw_of(row))
    for text in (f"{more}\n{mail.text}", f"{mail.text}\n\nPS: {more}", f"{written(mail.text)} {more}"):
        assert judge(Incoming(subject=mail.subject, text=text), TODAY, NUMBER).kind == PERSON, text
    assert judge(Incoming(subject=more, text=mail.text), TODAY, NUMBER).kind == PERSON


@pytest.mark.parametrize("row", COPIES, ids=[row["name"] for row in COPIES])
@pytest.mark.parametrize(
    "more",
    [
        "Viele Grüße\nMax Müller\n\nDer Preis ist zu hoch.",
        "Viele Grüße\nMax Müller\n\nDer Preis passt uns nicht",
        "Kind regards\nGerda Groß\nGlobex Ltd\n\nBob will call you.",
        "This message is also a formal complaint: the goods were damaged.",
        "Diese Nachricht ist zugleich unser Widerspruch: der Preis ist falsch.",
        "This e-mail contains our\nobjection as well.",
        "Am 1.11. schrieb ich Ihnen bereits folgendes:\nDie Ware war defekt.",
        "Am 1.11.2026 schrieb Max Müller:\n\nDie Ware war defekt.",
        "Am Montag schrieb unser Chef Ihnen:\nPrüfen Sie das.",
        "Von: Lager\nAn: Buchhaltung\nBetreff: Wareneingang\nDie Kisten waren leer.",
        "-- \nMax Müller\nDie Ware war defekt",
    ],
)
def test_nothing_below_a_request_is_cut_off_as_a_signature_or_quotation(row: dict[str, Any], more: str) -> None:
    text = f"{written(parse(raw_of(row)).text)}\n\n{more}"
    assert judge(Incoming(text=text), TODAY, NUMBER).kind == PERSON, text


@pytest.mark.parametrize("row", COPIES, ids=[row["name"] for row in COPIES])
@pytest.mark.parametrize(
    "more",
    [
        "Viele Grüße\nMax Müller\nLeitung Buchhaltung\nGlobex Handels GmbH & Co. KG\nAmtsgericht Berlin HRB 123",
        "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige\nAdressat sind, löschen Sie sie.",
        "This e-mail and any attachments may be\nconfidential. If you are not the intended recipient, notify us.",
        "On 1 Dec 2026, at 09:00, Demo GmbH <rechnung@demo.example> wrote:\n> If you dispute the amount, tell us.",
        "Von: Demo GmbH\nGesendet: Dienstag\nAn: Globex\nBetreff: Mahnung\n\nIst der Betrag falsch? Sagen Sie es uns.",
    ],
)
def test_what_is_a_signature_or_quotation_keeps_no_request_from_its_answer(row: dict[str, Any], more: str) -> None:
    text = f"{written(parse(raw_of(row)).text)}\n\n{more}"
    assert judge(Incoming(text=text), TODAY, NUMBER).kind == COPY_REQUEST, text


@pytest.mark.parametrize("number", ["2026-00017", "RE-2026-00017", "RE-2026-17", "17", "GUT/17-B"])
def test_only_the_invoice_that_was_answered_is_sent_again(number: str) -> None:
    def kind(named: str) -> str:
        return judge(Incoming(text=f"Please send invoice {named} again, thanks."), TODAY, number).kind

    for named in (number, number.lower(), f"no {number}", "17", "#17", "00017"):
        assert kind(named) == COPY_REQUEST, named
    for named in (
        f"{number}1",
        f"1{number}",
        f"A{number}",
        "18",
        "117",
        "17 and 18",
        "17, 18",
        "17.5",
        "17-B2",
        "2026-00018",
    ):
        assert kind(named) == PERSON, named
    assert judge(Incoming(text="Please send invoice 17 again."), TODAY).kind == PERSON


@given(subject=WORDS, text=st.text(st.characters(codec="utf-8"), max_size=400), sender=WORDS)
def test_anything_at_all_is_judged(subject: str, text: str, sender: str) -> None:
    found = judge(Incoming(subject=subject, text=text, sender=sender), TODAY)
    assert found.kind in KINDS - {COPY_REQUEST}
    assert found.hints.pays_on is None or found.hints.pays_on >= TODAY


@given(st.sampled_from([*MEANINGS, "question"]), st.none() | st.dates(TODAY, date(2027, 3, 1)), WORDS, WORDS)
def test_commands_are_ready_to_paste_whatever_was_written(
    about: str, pays_on: date | None, sender: str, said: str
) -> None:
    """Each is one line of a shell, one command of the contract, and says who gives it; the last one only notes."""
    lines = ready(ID, sender, "sam", Hints(about=(about,), pays_on=pays_on), said)
    for line in lines:
        program, verb, id_, *flags = shlex.split(line)
        assert (program, id_) == ("duely", ID)
        payload = {flags[n].removeprefix("--"): flags[n + 1] for n in range(0, len(flags), 2)}
        assert payload["by"] == (sender if verb == "dispute" else "sam")
        assert set(payload) <= set(COMMANDS[verb].model_fields)
    assert "duely note" in lines[-1]
    first = lines[about in WEIGHTIER]
    assert (f"--date {pays_on}" in first) == (pays_on is not None)


def test_the_ready_commands_are_taken() -> None:
    hints = Hints(about=("dispute", "paid", "copy", "insolvent"), pays_on=date(2026, 12, 10))
    verbs = [shlex.split(line) for line in ready(ID, "ap@globex.example", "sam", hints, "The price is wrong")]
    assert [verb for _, verb, *_ in verbs] == ["dispute", "hold", "promise", "hold", "resend", "note"]
    for _, verb, _, *flags in verbs:
        said = {flags[n].removeprefix("--"): flags[n + 1] for n in range(0, len(flags), 2)}
        assert parse_command(verb, (said,)).name == verb


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.12.", ["2026-12-10"]),
        ("am 1.2. und am 3. März", ["2027-02-01", "2027-03-03"]),
        ("28.11.", ["2026-11-28"]),
        ("10.12.26", ["2026-12-10"]),
        ("31/12/2026", ["2026-12-31"]),
        ("12/31/2026", ["2026-12-31"]),
        ("03/04/2026", []),
        ("31.2.2027", []),
        ("the 5th of January", ["2027-01-05"]),
        ("in three days", ["2026-12-04"]),
        ("übermorgen", ["2026-12-03"]),
        ("Guten Morgen", []),
        ("next week", ["2026-12-11"]),
        ("Ende der Woche", ["2026-12-04"]),
        ("kommenden Dienstag", ["2026-12-08"]),
        ("1.234,50 EUR", []),
        ("version 1.2.3.4", []),
        ("2099-01-01", []),
    ],
)
def test_days(text: str, found: list[str]) -> None:
    assert [day.isoformat() for day in days(text, TODAY)] == found


def test_amounts() -> None:
    text = "1.234,50 EUR, €1,234.50, 100 EUR, 99,9 €, CHF 1'000.00, 7 items"
    assert amounts(text) == ("1234.50", "1234.50", "100", "99.90", "1000.00")


def test_what_is_quoted_or_signed_is_not_said() -> None:
    text = "First.\n\nAm Di., 1. Dez. 2026 schrieb\nDemo GmbH <a@demo.example>:\n> quoted\nSecond.\n-- \nGerda"
    assert written(text) == "First.\nSecond."
    assert written("Yes.\n\nFrom: a\nSent: b\nTo: c\nSubject: d\n\nquoted") == "Yes."
    assert written("Yes.\n\nOn 30 Nov Bob wrote:\nunmarked quote") == "Yes."
    assert "Monday" in written("Yes.\n\nOn Monday Bob wrote:\nno program names no time")
    assert written("From: here to there we pay\nTo: nobody") == "From: here to there we pay\nTo: nobody"
    assert sentences("We pay\non 10.12. in full. Thanks") == ["We pay on 10.12. in full", "Thanks"]
