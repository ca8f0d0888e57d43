"""Laws as data: who gets which e-invoice, where a mail does not deliver it, who may not bill with Duely, the notes."""

from __future__ import annotations

from datetime import date

import pytest

from domain import mandates, wording
from domain.profiles import PROFILES, choose
from domain.tax import Category

TODAY = date(2026, 11, 29)
LANGUAGES = ("en", "de", "fr", "es", "nl", "it", "pl")


@pytest.mark.parametrize(
    ("seller", "customer", "kind", "currency", "wanted", "endpoint", "profile", "rule"),
    [
        ("DE", "DE", "business", "EUR", None, False, "facturx", "default"),
        ("DE", "DE", "consumer", "EUR", None, False, "facturx", "default"),
        ("DE", "DE", "public", "EUR", None, False, "xrechnung", "E-RechV"),
        ("FR", "DE", "public", "EUR", None, False, "xrechnung", "E-RechV"),
        ("DE", "DE", "public", "EUR", "xrechnung-ubl", False, "xrechnung-ubl", "asked"),
        ("BE", "BE", "business", "EUR", None, False, "peppol", "Belgium"),
        ("DE", "BE", "business", "EUR", None, False, "facturx", "default"),
        ("DE", "NL", "public", "EUR", None, True, "peppol", "2014/55"),
        ("DE", "NL", "public", "EUR", None, False, "facturx", "default"),
        ("DE", "US", "business", "USD", "pdf", False, "pdf", "asked"),
        ("DE", "KW", "business", "KWD", "facturx", False, "pdf", "BR-DEC"),
    ],
)
def test_the_profile_and_its_rule(
    seller: str, customer: str, kind: str, currency: str, wanted: str | None, endpoint: bool, profile: str, rule: str
) -> None:
    chosen = choose(seller, customer, kind, currency, wanted, endpoint)
    assert chosen.profile == profile
    assert rule in chosen.rule


def test_profiles_are_told_apart_by_their_guideline_and_syntax() -> None:
    told = [(each.guideline, each.syntax) for each in PROFILES.values()]
    assert len(set(told)) == len(told)
    assert [each.key for each in PROFILES.values() if each.embedded] == [
        "facturx-minimum", "facturx-basicwl", "facturx-basic", "facturx",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seller", "customer", "kind", "profile", "on", "stops"),
    [
        ("DE", "DE", "business", "facturx", TODAY, None),
        ("DE", "DE", "business", "pdf", TODAY, None),
        ("DE", "DE", "business", "pdf", date(2027, 1, 1), False),
        ("DE", "DE", "business", "pdf", date(2028, 1, 1), True),
        ("DE", "DE", "business", "facturx-minimum", date(2028, 1, 1), True),
        ("DE", "DE", "business", "facturx", date(2028, 1, 1), None),
        ("DE", "DE", "public", "xrechnung", TODAY, None),
        ("BE", "BE", "business", "peppol", date(2025, 12, 31), None),
        ("BE", "BE", "business", "peppol", date(2026, 1, 1), True),
        ("DE", "BE", "business", "facturx", TODAY, None),
        ("FR", "FR", "business", "facturx", TODAY, False),
        ("FR", "FR", "business", "facturx", date(2027, 9, 1), True),
        ("FR", "FR", "public", "facturx", TODAY, True),
        ("DE", "AT", "public", "facturx", TODAY, False),
        ("US", "AT", "public", "facturx", TODAY, None),
    ],
)
def test_where_a_mail_alone_does_not_deliver(
    seller: str, customer: str, kind: str, profile: str, on: date, stops: bool | None
) -> None:
    found = mandates.mail_alone(seller, customer, kind, profile, on)
    assert (found and found[0]) == stops


@pytest.mark.parametrize("country", ["IT", "PL", "RO", "PT"])
def test_sellers_whose_law_wants_more_are_refused(country: str) -> None:
    assert "there is no channel for it yet" in (mandates.clearance(country, TODAY) or "")


def test_spain_begins_in_2027() -> None:
    assert mandates.clearance("ES", date(2026, 12, 31)) is None
    assert "Veri*factu" in (mandates.clearance("ES", date(2027, 1, 1)) or "")
    assert mandates.clearance("DE", TODAY) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_exemption_has_words(language: str) -> None:
    texts = [wording.exemption(category, language) for category in Category if category.needs_reason]
    assert all(texts)
    assert len(set(texts)) == len(texts)
    assert wording.exemption(Category.S, language) is None


def test_the_directive_s_own_words() -> None:
    assert wording.exemption(Category.AE, "de-AT") == "Steuerschuldnerschaft des Leistungsempfängers"
    assert wording.exemption(Category.AE, "fr") == "Autoliquidation"
    assert wording.exemption(Category.AE, "ja") == "Reverse charge"


def test_what_france_and_britain_print() -> None:
    french = wording.notes("FR", "business", "fr", discount=False)
    assert [note.subject for note in french] == ["PMT", "PMD", "AAB"]
    assert "40 €" in french[0].text
    assert [note.subject for note in wording.notes("FR", "business", "de", discount=True)] == ["PMT", "PMD"]
    assert wording.notes("FR", "consumer", "fr", discount=False) == ()
    assert "recovered the VAT actually paid" in wording.notes("GB", "business", "en", discount=True)[0].text
    assert wording.notes("GB", "business", "en", discount=False) == wording.notes("DE", "business", "de", True) == ()
