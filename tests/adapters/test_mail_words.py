"""The words of every mail in every language: text and HTML say the same, and customer text stays text."""

from __future__ import annotations

import re
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest
from jinja2 import UndefinedError

from adapters.mail.render import FOLDER, render
from adapters.morning import shortened
from domain.errors import NotFound
from domain.sheets import Item, Pending, Task, compose

TEMPLATES = sorted(path.name for path in FOLDER.iterdir() if path.is_dir())
EVIL = 'Globex & Söhne <script>alert("x")</script>\r\n\r\n-- \nBcc: x'
EVIL_ITEM = Item("k", "invoice-demo-1", EVIL, EVIL, "reminder", "D+7", "firmer", 119000, "EUR", date(2026, 2, 4), 1)
EVIL_TASK = Task(1, "dispute", "d1", "invoice-demo-1", EVIL, EVIL, date(2026, 2, 1), date(2026, 2, 6))
SHEET = compose(
    "demo",
    "sam",
    date(2026, 2, 5),
    "ask",
    asks=[EVIL_ITEM],
    would=[EVIL_ITEM],
    planned=[EVIL_ITEM],
    withheld=[("disputed", EVIL), ("of_another_kind", EVIL)],
    tasks=[EVIL_TASK],
    pending=[Pending("draft", "invoice-demo-1", EVIL, EVIL, 119000, "EUR", date(2026, 2, 1), ("ana", EVIL))],
)
CONTEXT: dict[str, Any] = {
    "sheet": shortened(SHEET),
    "seller": {
        "name": "Nordlicht Studio GmbH",
        "email": "rechnung@nordlicht.example",
        "phone": "+49 30 1234567",
        "address": {"street": "Hafenstraße 12", "postcode": "20457", "city": "Hamburg", "country": "DE"},
        "vat_id": "DE136695976",
        "bank": {"iban": "DE02120300000000202051", "bic": "BYLADEM1001", "name": None},
    },
    "customer": {"name": EVIL},
    "number": "RE-2026-0042",
    "reference": "ORD-1042",
    "purchase_order": EVIL,
    "issued_on": date(2026, 1, 5),
    "due_on": date(2026, 2, 4),
    "total": 178500,
    "balance": 178500,
    "open": 148500,
    "disputed": 30000,
    "currency": "EUR",
    "days_late": 1,
    "payment_reference": "RF18539007547034",
    "url": "https://pay.example/i/a",
    "pay_url": "https://pay.example/i/a",
    "contact": {"name": EVIL, "email": "new@globex.example"},
    "confirm_url": "https://pay.example/i/a",
    "deadline": date(2026, 2, 1),
    "person": {"name": EVIL},
    "subject": EVIL,
    "dispute": {"amount": 30000, "credited": 10000, "outcome": "partly", "grace_until": date(2026, 2, 9)},
    "reasons": [EVIL],
    "history": [EVIL],
    "commands": ['{"by":"ana"}'],
    "discount": {"percent": "2", "until": date(2026, 1, 15), "amount": 174930},
    "dues": [
        {"due_on": date(2026, 2, 4), "amount": 148500, "open": 148500},
        {"due_on": date(2026, 3, 4), "amount": 30000, "open": 30000},
    ],
}


class Reader(HTMLParser):
    """The words of an HTML mail, its tags, and whether every one is closed."""

    def __init__(self, source: str):
        super().__init__()
        self.tags: list[str] = []
        self.words = ""
        self._open: list[str] = []
        self.feed(source)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.words += "\n" if tag == "br" else ""
        if tag not in ("meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def words(text: str) -> str:
    return " ".join(text.split())


class TestWords:
    def test_every_mail_of_the_ladder_is_there(self) -> None:
        names = """invoice credit_note friendly reminder firmer final last_notice receipt refund payment_returned plan
            plan_accelerated contact_change contact_changed approval approval_reminder dispute dispute_received
            dispute_outcome exception sheet"""
        assert sorted(names.split()) == TEMPLATES

    @pytest.mark.parametrize("language", ["en", "de"])
    @pytest.mark.parametrize("template", TEMPLATES)
    def test_text_and_html_say_the_same(self, template: str, language: str) -> None:
        mail = render(template, language, CONTEXT)
        html = Reader(mail.html)
        shown = words(html.words)
        for paragraph in mail.text.split("\n\n-- \n")[0].split("\n\n"):
            if not paragraph.startswith(" "):
                assert words(paragraph) in shown
        assert "script" not in html.tags
        assert "img" not in html.tags
        assert "http" not in mail.html.replace("https://pay.example/i/a", "")

    @pytest.mark.parametrize("language", ["en", "de"])
    @pytest.mark.parametrize("template", TEMPLATES)
    def test_customer_text_never_makes_a_line(self, template: str, language: str) -> None:
        mail = render(template, language, CONTEXT)
        assert "\n" not in mail.subject
        assert not re.search(r"^Bcc", mail.text, re.MULTILINE)
        assert mail.text.count("\n-- \n") == 1

    @pytest.mark.parametrize("language", ["en", "de"])
    @pytest.mark.parametrize("template", TEMPLATES)
    def test_every_mail_says_where_replies_go(self, template: str, language: str) -> None:
        mail = render(template, language, CONTEXT | {"reply_to": "reply+1042@nordlicht.example"})
        assert ("Replies to this e-mail go to" if language == "en" else "Antworten auf diese E-Mail") in words(
            mail.text
        )
        assert "reply+1042@nordlicht.example" in mail.text
        assert "reply+1042@nordlicht.example" in mail.html

    @pytest.mark.parametrize("template", TEMPLATES)
    def test_the_least_a_caller_may_give(self, template: str) -> None:
        least = {key: CONTEXT[key] for key in ("number", "due_on", "currency", "sheet")}
        mail = render(template, "en", least | {"seller": {"name": "Nordlicht", "email": "a@b.example"}})
        assert "None" not in mail.subject + mail.text + Reader(mail.html).words

    @pytest.mark.parametrize("template", ["friendly", "reminder", "firmer", "last_notice"])
    def test_dunning_asks_for_the_undisputed_rest_and_says_how_to_pay(self, template: str) -> None:
        german, english = render(template, "de", CONTEXT), render(template, "en", CONTEXT)
        for amount in (
            "1.485,00\u00a0€",
            "300,00\u00a0€",
            "DE02\u00a01203\u00a00000",
            "RF18539007547034",
            "4. Februar 2026",
        ):
            assert amount in german.text
            assert amount in Reader(german.html).words
        for amount in ("€1,485.00", "€300.00", "4 February 2026", "disput"):
            assert amount in english.text

    def test_one_day_is_one_day(self) -> None:
        assert "seit einem Tag überfällig" in words(render("firmer", "de", CONTEXT).text)
        assert "seit 7 Tagen überfällig" in words(render("firmer", "de", CONTEXT | {"days_late": 7}).text)
        assert "7 days overdue" in words(render("firmer", "en", CONTEXT | {"days_late": 7}).text)

    @pytest.mark.parametrize(("currency", "shown"), [("JPY", "¥148,500"), ("KWD", "148.500"), ("HUF", "1,485.00")])
    def test_a_currency_has_its_own_decimals(self, currency: str, shown: str) -> None:
        assert shown in render("reminder", "en", CONTEXT | {"currency": currency}).text

    def test_languages_without_words_are_english(self) -> None:
        assert render("invoice", "fr", CONTEXT) == render("invoice", "en", CONTEXT)
        assert render("invoice", "de-AT", CONTEXT) == render("invoice", "de", CONTEXT)

    def test_a_missing_value_or_template_is_an_error(self) -> None:
        with pytest.raises(UndefinedError):
            render("reminder", "en", {key: value for key, value in CONTEXT.items() if key != "due_on"})
        for name in ("nothing", "../mail/invoice", ""):
            with pytest.raises(NotFound):
                render(name, "en", CONTEXT)
