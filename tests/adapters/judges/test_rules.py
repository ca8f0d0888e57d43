"""The official rules in Python: they accept our samples, and refuse each broken one for its reason."""

from __future__ import annotations

import re

import pytest

from adapters.judges.profiles import SPECIFICATIONS
from adapters.judges.rules import xml_verdicts
from tests.adapters.judges import samples

GOOD = {
    **{f"CII {profile}": samples.cii(profile) for profile in samples.CII},
    **{f"UBL {profile}": samples.ubl(profile) for profile in samples.UBL},
    **{f"credit note {profile}": samples.credit_note(profile) for profile in samples.UBL},
}


def test_good_ones_are_accepted() -> None:
    verdicts = dict(zip(GOOD, xml_verdicts(list(GOOD.values())), strict=True))
    assert {name: verdict.problems for name, verdict in verdicts.items()} == dict.fromkeys(GOOD, ())
    assert verdicts["CII EN 16931"].judge == "factur-x EN 16931 CII"
    assert verdicts["CII EN 16931"].warnings == ()
    assert verdicts["credit note Peppol BIS 3"].judge == "factur-x Peppol BIS 3 UBL CreditNote"


def test_what_these_rules_do_not_cover_is_said() -> None:
    (verdict,) = xml_verdicts([samples.ubl("XRechnung")])
    assert verdict.warnings == ("judged by EN 16931 alone: the rules of XRechnung need the kit in Java",)


@pytest.mark.parametrize("name", GOOD)
def test_a_wrong_sum_is_refused(name: str) -> None:
    (verdict,) = xml_verdicts([samples.wrong_sum(GOOD[name])])
    assert not verdict.ok
    assert re.match(r"\[BR-(FXEXT-)?CO-16\]", verdict.problems[0])


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (samples.wrong_profile(samples.cii("XRechnung")), "BT-24: 'urn:cen.eu:en16931:2017#compliant#urn:xeinkauf"),
        (samples.wrong_profile(samples.ubl("XRechnung")), "BT-24: "),
        (samples.ubl().replace(SPECIFICATIONS["EN 16931"].encode(), SPECIFICATIONS["EXTENDED"].encode()), "BT-24: "),
        (samples.cii().replace(SPECIFICATIONS["EN 16931"].encode(), b""), "BT-24: ''"),
        (samples.cii("MINIMUM"), "XSD: line 13: "),
        (samples.cii().replace(b"unitCode=\"HUR\"", b"unitCode=\"hours\""), "FX-SCH-A-"),
        (samples.cii()[:3000], "XML: not well-formed: "),
        (b"", "XML: not well-formed: "),
        (b"<Invoice/>", "XML: <Invoice> is no invoice in CII or UBL 2.1"),
        (samples.ubl().replace(b"?>", b"?><!DOCTYPE Invoice [<!ENTITY a 'b'>]>", 1), "XML: has a DOCTYPE"),
    ],
)  # fmt: skip
def test_a_broken_one_is_refused_for_its_reason(document: bytes, reason: str) -> None:
    (verdict,) = xml_verdicts([document])
    assert verdict.problems[0].startswith(reason)


def test_the_order_stays_and_nothing_is_nothing() -> None:
    documents = [samples.cii(), b"", samples.ubl()] * 4
    assert [verdict.ok for verdict in xml_verdicts(documents)] == [True, False, True] * 4
    assert xml_verdicts([]) == []
