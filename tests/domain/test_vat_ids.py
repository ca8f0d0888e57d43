from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import vat_ids

GOOD = (
    "ATU13585627 BE0428759497 BG175074752 CY10259033P CZ25123891 DE136695976 DK13585628 EE100931558 EL023456780 "
    "ESB58378431 FI20774740 FR40303265045 FR83404833048 GB980780684 HR33392005961 HU12892312 IE6433435F IE6433435OA "
    "IT00743110157 LT119511515 LU15027442 LV40003521600 MT11679112 NL004495445B01 PL8567346215 PT501964843 RO18547290 "
    "SE123456789701 SI50223054 SK2022749619 XI123456789"
).split()


@pytest.mark.parametrize("vat_id", GOOD)
def test_real_ones_pass_however_they_are_spelled(vat_id: str) -> None:
    assert vat_ids.fault(vat_id, "US") is None
    spaced = f"{vat_id[:2].lower()} {vat_id[2:5]}.{vat_id[5:]}"
    assert vat_ids.fault(spaced, "US") is None
    assert vat_ids.plain(spaced) == vat_id


@pytest.mark.parametrize("vat_id", ["DE12345678", "DE1234567890", "ATU1234567", "FR1", "DE", "NL1", "DE١٢٣٤٥٦٧٨٩"])
def test_others_of_a_known_country_do_not(vat_id: str) -> None:
    assert "is no VAT id of" in (vat_ids.fault(vat_id, "DE") or "")


@pytest.mark.parametrize(
    ("vat_id", "country", "good"),
    [
        ("CHE-116.281.710 MWST", "CH", True),
        ("NO974760673MVA", "NO", True),
        ("974760673MVA", "NO", False),
        ("12-3456789", "US", False),
        ("US", "US", False),
        ("", "US", False),
    ],
)
def test_elsewhere_they_begin_with_the_country(vat_id: str, country: str, good: bool) -> None:
    assert (vat_ids.fault(vat_id, country) is None) is good


@given(st.text(), st.sampled_from(["DE", "US", "GR"]))
def test_any_text_gets_an_answer(text: str, country: str) -> None:
    found = vat_ids.fault(text, country)
    assert found is None or found.startswith(("is no VAT id of", "must begin with the code"))
