"""What sets a legal document. Everything is given: a renderer computes no amount and no date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from domain.einvoice import EInvoice

NO_FILES: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Rendition:
    """The paper, and the data where the profile has any: also inside the paper when the profile embeds it."""

    pdf: bytes
    xml: bytes | None = None


class Documents(Protocol):
    def render(self, document: EInvoice, files: Mapping[str, bytes] = NO_FILES) -> Rendition:
        """The document in both forms; equal input gives equal bytes. `files`: content by archive key of the logo and of
        each attachment."""
