"""The document as an electronic invoice of EN 16931. `write` gives the XML of its profile.

The package `factur-x` 7.8 writes XML, too, but not what we need: it knows one bank account, no MINIMUM, BASIC,
XRechnung or Peppol, writes EUR beside every rounding amount, and logs whole documents. So each syntax has one table of
ours, by which it is written and read.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from adapters.einvoices import binding, ubl
from adapters.einvoices.cii import CII
from adapters.einvoices.terms_of import terms_of
from domain.einvoice import CREDIT_NOTE, EInvoice
from domain.profiles import PROFILES

NO_FILES: Mapping[str, bytes] = MappingProxyType({})


def write(document: EInvoice, files: Mapping[str, bytes] = NO_FILES) -> bytes:
    """The XML in the syntax of the document's profile; equal input gives equal bytes. `files`: the bytes of attachments
    by their key, others are named only. ValueError for a profile that has no XML."""
    terms, syntax = terms_of(document, files), PROFILES[document.profile].syntax
    if syntax == "cii":
        return binding.write(CII, terms)
    if syntax == "ubl":
        kind = ubl.CREDIT_NOTE if document.kind == CREDIT_NOTE else ubl.INVOICE
        return binding.write(kind, ubl.spoken(terms))
    raise ValueError(f"the profile {document.profile} has no XML")
