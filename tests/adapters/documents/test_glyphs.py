"""Whatever is written, the paper meets its standards: what no font has is a square."""

from __future__ import annotations

import random
import sys
from dataclasses import replace

import page
import pytest
import typst

from adapters.documents import glyphs
from adapters.documents.typst import TypstDocuments
from tests.adapters.documents.sample import CUSTOMER, DOCUMENT, LINES, SELLER, pages, squeezed

TYPST = TypstDocuments()


def judged(pdf: bytes) -> list[str]:
    reports = [page.validate_pdf_bytes(pdf, profile=profile) for profile in ("3a", "ua1")]
    return [failure.message for report in reports for failure in report.failures]


@pytest.mark.parametrize(
    ("text", "set_"),
    [
        ("株式会社 ビル 3F", None), ("서울특별시 강남구", None), ("Привет Ελλάδα Łódź ẞ", None), ("नमस्ते สวัสดี", None),
        ("Armenia Հայ ქართული", None), ("✓ → ★ ½ № ™", None), ("😀 ⚡", None),
        ("e\u0301", "\u00e9"), ("\U0001d4d0", "A"), ("\ue000", "□"), ("\u200b", "\u200b"), ("a\u0000b", "a b"),
        ("👩\u200d👧", "👩\u200d👧"), ("\ud800", "□"), ("\U00013000", "□"), ("1\ufe0f\u20e3", None), ("ﬁ", None),
    ],
)  # fmt: skip
def test_what_is_set_for_what_is_written(text: str, set_: str | None) -> None:
    assert glyphs.plain(text) == (text if set_ is None else set_)


def test_text_from_right_to_left_is_kept_apart() -> None:
    assert glyphs.settable({"a": "חברת Globex 12", "svg": "א", "b": ["x"]}) == {
        "a": "\u2068חברת Globex 12\u2069", "svg": "א", "b": ["x"],
    }  # fmt: skip


def test_every_family_is_shipped_and_no_other_is_asked_for() -> None:
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[glyphs.FONTS])
    assert set(fonts.families()) == {*glyphs.FAMILIES, "Liberation Sans"}


def test_odd_names_meet_the_standards() -> None:
    line = replace(LINES[0], description="תיאור העבודה (ינואר) 12 שעות, consulting; 設計相談と開発、第一期。")
    document = replace(
        DOCUMENT, seller=replace(SELLER, name="חברת Globex בע״מ 12"), lines=(line, *LINES[1:]),
        customer=replace(CUSTOMER, name="شركة المستقبل للتجارة (ش.م.م)"),
        notes="Danke 😀 👩\u200d👧 ❤\ufe0f \U0001d4d0 क्ष x\u0301\u0489 \U0001f9ff \U00013000 \ue000 \ufffe\u200b",
    )  # fmt: skip
    pdf = TYPST.paper(document)
    assert judged(pdf) == []
    assert "設計相談と開発、第一期。" in squeezed("".join(pages(pdf)))


def test_any_letters_meet_the_standards() -> None:
    """Two thousand letters from all of Unicode in odd company, five hundred a document."""
    dice = random.Random(5)
    blocks = (0x20, 0x600), (0x600, 0xE00), (0xE00, 0x2000), (0x2000, 0x3100), (0x3100, 0xFFFF), (0x10000, 0x20000)
    pool = [chr(dice.randrange(*blocks[number % len(blocks)])) for number in range(1800)]
    pool += [chr(dice.randrange(sys.maxunicode)) for _ in range(200)]
    dice.shuffle(pool)
    for start in range(0, len(pool), 500):
        text = "".join(pool[start : start + 500])
        assert judged(TYPST.paper(replace(DOCUMENT, lines=LINES[:1], notes=text))) == []
