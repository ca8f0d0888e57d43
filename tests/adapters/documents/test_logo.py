"""A logo that cannot be set is refused with its reason; one that can keeps the paper to its standards."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import page
import pytest
from PIL import Image

from adapters.documents import brand
from adapters.documents.logo import MOST_BYTES, logo_problem
from adapters.documents.sheet import Sheet
from adapters.documents.typst import TypstDocuments
from domain.parts import Brand
from tests.adapters.documents.sample import DOCUMENT, figures, pages

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 40 10"'
TYPST = TypstDocuments()


def picture(form: str, mode: str = "RGB", size: tuple[int, int] = (120, 40)) -> bytes:
    target = BytesIO()
    Image.new(mode, size, None).save(target, form)
    return target.getvalue()


def svg(inside: str, attributes: str = "") -> bytes:
    return f"{HEAD} {attributes}>{inside}</svg>".encode()


GOOD = {
    "png": picture("PNG"), "transparent": picture("PNG", "RGBA"), "palette": picture("PNG", "P"),
    "grey": picture("JPEG", "L"), "jpeg": picture("JPEG"),
    "svg": svg('<g fill="url(#a)"><path d="M0 0h9v9z"/></g><style>.a{fill:red}</style>'),
    "utf8": "\ufeff".encode() + svg("<!-- é --><path d='M0 0h9v9z'/>"),
    "doctype": b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">' + svg('<path d="M0 0h9v9z"/>'),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_a_good_logo_is_set_and_read_out(name: str) -> None:
    assert logo_problem(GOOD[name]) is None
    document = replace(DOCUMENT, brand=Brand("key"), banks=())
    pdf = TYPST.paper(document, files={"key": GOOD[name]})
    assert figures(pdf) == ["Logo von Nordlicht Studio GmbH"]
    for profile in ("3a", "ua1"):
        assert page.validate_pdf_bytes(pdf, profile=profile).failures == []


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x89PNG" + bytes(30_000_000), f"at most {MOST_BYTES:,}"), (b"", "neither"), (b"GIF89a", "neither"),
        (picture("PNG")[:60], "damaged"), (picture("GIF", "P"), "neither"), (picture("JPEG", "CMYK"), "CMYK"),
        (picture("PNG", "1", (4001, 10)), "4,000"), (b"<svg", "well-formed"), (b"<html/>", "root"),
        (svg("<script>alert(1)</script>"), "script"), (svg("", 'onload="x()"'), "onload"),
        (svg('<image xlink:href="http://example.com/x.png"/>'), "image"), (svg("<text>A</text>"), "text"),
        (svg('<use xlink:href="https://x.example/#a"/>'), "href"), (svg('<path style="fill:url(http://x)"/>'), "style"),
        (svg("<style>@import 'x.css';</style>"), "style"), (svg("<foreignObject/>"), "foreignObject"),
        (b'<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + svg("<title>&a;</title>"), "entity"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "viewBox"),
        (b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 99999"/>', "4,000"),
    ],
)  # fmt: skip
def test_a_bad_logo_is_refused_with_its_reason(data: bytes, problem: str) -> None:
    found = logo_problem(data)
    assert found is not None
    assert problem in found


def test_an_invoice_does_not_wait_for_a_logo() -> None:
    for files in ({}, {"key": b"broken"}):
        document = replace(DOCUMENT, brand=Brand("key"))
        assert Sheet(document, files).content()["style"]["logo"] is None
        assert pages(TYPST.paper(document, files=files))[0].startswith("Nordlicht Studio GmbH")


@pytest.mark.parametrize(("size", "measures"), [((4000, 100), (70.0, 1.75)), ((100, 400), (4.5, 18.0))])
def test_its_measures_are_bounded(size: tuple[int, int], measures: tuple[float, float]) -> None:
    logo = brand.logo(Brand("key"), {"key": picture("PNG", "1", size)}, "alt")
    assert logo is not None
    assert (logo["width"], logo["height"]) == measures


@pytest.mark.parametrize(
    "colour", ["#ffffff", "#ffff00", "#00ff00", "#ffb347", "#0000ff", "#000000", None, "red", "#12"]
)
def test_any_colour_can_be_read_on_paper(colour: str | None) -> None:
    ink = brand.ink(colour)
    assert brand.contrast([int(ink[at : at + 2], 16) for at in (1, 3, 5)]) >= brand.CONTRAST
    if colour in {"#0000ff", "#000000"}:
        assert ink == colour
