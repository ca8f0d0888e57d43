"""Documents as PDF/A-3a with PDF/UA-1 tags, set by Typst. Never reads the clock, the network or a font the
machine happens to have, unless a letter is in none of Typst's own.

Customer text reaches the template as JSON data, so none of it is ever read as markup.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, time
from typing import Literal

import typst

from adapters.documents.port import NO_FILES, Rendition
from adapters.documents.sheet import FOLDER, Sheet
from domain.einvoice import EInvoice

_Standards = tuple[Literal["a-3a", "ua-1"], ...]
STANDARDS: _Standards = ("a-3a", "ua-1")


class TypstDocuments:
    """Safe to share between threads: a Typst compiler is not, so each thread has its own."""

    def __init__(self) -> None:
        self._own = threading.local()

    def render(self, document: EInvoice, files: Mapping[str, bytes] = NO_FILES) -> Rendition:
        return Rendition(self.paper(document))

    def paper(self, document: EInvoice) -> bytes:
        """The PDF."""
        content = json.dumps(Sheet(document).content(), ensure_ascii=False)
        stamp = datetime.combine(document.issued_on, time(12), UTC)
        for system_fonts in (False, True):
            try:
                return self._compile(content, stamp, system_fonts=system_fonts, standards=STANDARDS)
            except typst.TypstError as error:
                if not str(error).startswith("PDF/"):
                    raise
        # No font of this machine has some letter. An open box on paper, with the letter kept in the text, is
        # better than no invoice; the archive standards do not allow it.
        return self._compile(content, stamp, system_fonts=True, standards=())

    def _compile(self, content: str, stamp: datetime, *, system_fonts: bool, standards: _Standards) -> bytes:
        name = "system" if system_fonts else "own"
        compiler: typst.Compiler | None = getattr(self._own, name, None)
        if compiler is None:
            compiler = typst.Compiler(
                str(FOLDER / "document.typ"), root=str(FOLDER), ignore_system_fonts=not system_fonts
            )
            setattr(self._own, name, compiler)
        pdf = compiler.compile(
            format="pdf", sys_inputs={"document": content}, pdf_standards=list(standards), timestamp=stamp
        )
        if not isinstance(pdf, bytes):
            raise TypeError("typst gave no single PDF")
        return pdf
