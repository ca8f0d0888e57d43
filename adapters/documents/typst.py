"""Documents as PDF/A-3a with PDF/UA-1 tags, set by Typst. Never reads the clock, the network, or a font or file of the
machine: only `templates/`.

Customer text reaches the template as JSON data, so none of it is ever read as markup.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from functools import cache

import typst

from adapters.documents.attachments import embedded
from adapters.documents.glyphs import FONTS
from adapters.documents.port import NO_FILES, Rendition
from adapters.documents.sheet import Sheet
from adapters.documents.splice import splice
from adapters.documents.words import FOLDER
from domain.einvoice import EInvoice
from domain.profiles import PROFILES

Write = Callable[[EInvoice, Mapping[str, bytes]], bytes]
"""The XML of a document in the syntax of its profile."""

_STANDARDS: list[typst.PDFStandard] = ["a-3a", "ua-1"]


@cache
def _fonts() -> typst.Fonts:
    """Ours alone, read once for all threads."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])


class TypstDocuments:
    """Safe to share between threads: a Typst compiler is not, so each thread has its own. Without `write` there is
    paper alone."""

    def __init__(self, write: Write | None = None) -> None:
        self._write = write
        self._own = threading.local()

    def render(self, document: EInvoice, files: Mapping[str, bytes] = NO_FILES) -> Rendition:
        data = self._write is not None and PROFILES[document.profile].syntax is not None
        xml = self._write(document, files) if self._write is not None and data else None
        return Rendition(self.paper(document, xml, files), xml)

    def paper(self, document: EInvoice, xml: bytes | None = None, files: Mapping[str, bytes] = NO_FILES) -> bytes:
        """The PDF, with `xml` inside where the profile embeds it. NotFound when `files` lacks an attachment."""
        level = PROFILES[document.profile].level if xml is not None else None
        pdf = self._set(document, files, {"xml": xml.decode()} if xml is not None and level is not None else {})
        return splice(pdf, level=level, files=embedded(document, files), issued_on=document.issued_on)

    def preview(self, document: EInvoice, files: Mapping[str, bytes] = NO_FILES) -> bytes:
        """The PDF of what is not issued yet: its placeholder for a number stands across each page."""
        return self._set(document, files, {"mark": document.number})

    def _set(self, document: EInvoice, files: Mapping[str, bytes], more: Mapping[str, str]) -> bytes:
        content = json.dumps(Sheet(document, files).content(), ensure_ascii=False)
        pdf = self._compiler().compile(
            format="pdf",
            sys_inputs={"document": content, **more},
            pdf_standards=_STANDARDS,
            timestamp=datetime.combine(document.issued_on, time(12), UTC),
        )
        if not isinstance(pdf, bytes):
            raise TypeError("typst gave no single PDF")
        return pdf

    def _compiler(self) -> typst.Compiler:
        compiler: typst.Compiler | None = getattr(self._own, "compiler", None)
        if compiler is None:
            page = FOLDER / "document.typ"
            compiler = typst.Compiler(page, root=FOLDER, font_paths=_fonts(), ignore_system_fonts=True)
            self._own.compiler = compiler
        return compiler
