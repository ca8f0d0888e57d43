"""Documents with a seal on their paper. The time of the seal is noon of the day of issue: setting a document again
after a crash gives the very same file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from adapters.documents.port import NO_FILES, Documents, Rendition
from adapters.documents.seal import Seal
from domain.einvoice import EInvoice


@dataclass(frozen=True, slots=True)
class Sealed:
    documents: Documents
    seal: Seal

    def render(self, document: EInvoice, files: Mapping[str, bytes] = NO_FILES) -> Rendition:
        rendition = self.documents.render(document, files)
        at = datetime.combine(document.issued_on, time(12), UTC)
        return replace(rendition, pdf=self.seal.seal(rendition.pdf, at))
