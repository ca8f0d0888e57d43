"""A seller's colour and logo as paper bears them: the colour dark enough to be read, the logo in its bounds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from adapters.documents.glyphs import PICTURE
from adapters.documents.logo import as_svg, logo_problem, size
from domain.parts import Brand

DEFAULT = "#1f4e79"
CONTRAST = 4.5
"""Against white paper: WCAG 2.2, success criterion 1.4.3."""
WIDTH, HEIGHT = 70.0, 18.0
"""Millimetres that a logo may take."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def ink(colour: str | None) -> str:
    """`colour` (as `#1f4e79`), darkened until text in it can be read; our own where there is none."""
    if colour is None or not _COLOUR.fullmatch(colour):
        return DEFAULT
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    while contrast(parts) < CONTRAST:
        parts = [part * 95 // 100 for part in parts]
    return "#{:02x}{:02x}{:02x}".format(*parts)


def contrast(parts: list[int]) -> float:
    """Of red, green and blue (0 to 255) against white."""
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def logo(brand: Brand | None, files: Mapping[str, bytes], alt: str) -> dict[str, Any] | None:
    """Picture, text to read out and measures in millimetres; None where there is no logo that can be set: an invoice
    does not wait for a picture, the seller's name stands in its place."""
    data = files.get(brand.logo) if brand and brand.logo else None
    drawn = _drawn(data) if data is not None else None
    return drawn and {"alt": alt, **drawn}


@lru_cache(maxsize=16)
def _drawn(data: bytes) -> dict[str, Any] | None:
    if logo_problem(data) is not None:
        return None
    width, height = size(data)
    scale = min(WIDTH / width, HEIGHT / height)
    return {PICTURE: as_svg(data), "width": round(width * scale, 2), "height": round(height * scale, 2)}
