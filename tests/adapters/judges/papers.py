"""PDFs to be judged: as the house prints them, and ways to break them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pikepdf

from adapters.documents.typst import TypstDocuments
from tests.adapters.documents.sample import DOCUMENT


def paper() -> bytes:
    """As the house prints it: PDF/A-3a and PDF/UA-1."""
    return TypstDocuments().paper(DOCUMENT)


def changed(pdf: bytes, change: Callable[[pikepdf.Pdf], object]) -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)
        document.save(target)
    return target.getvalue()


def factur_x(xml: bytes, profile: str = "facturx") -> bytes:
    """The paper with `xml` inside, whatever it says, as `profile`."""
    return TypstDocuments().paper(replace(DOCUMENT, profile=profile), xml)


def without_metadata(document: pikepdf.Pdf) -> None:
    del document.Root.Metadata


def without_language(document: pikepdf.Pdf) -> None:
    del document.Root.Lang


def without_relationship(document: pikepdf.Pdf) -> None:
    del _spec(document).AFRelationship


def unassociated(document: pikepdf.Pdf) -> None:
    del document.Root.AF


def untyped(document: pikepdf.Pdf) -> None:
    del _spec(document).EF.F.Subtype


def _spec(document: pikepdf.Pdf) -> Any:
    return document.attachments["factur-x.xml"].obj
