"""The document as an electronic invoice of EN 16931. `write` gives the XML of its profile, `read` the document of an
XML or of a PDF that carries one.

The package `factur-x` 7.8 writes XML, too, but not what we need: it knows one bank account, no MINIMUM, BASIC,
XRechnung or Peppol, and writes EUR beside every rounding amount (ADR 0016). So each syntax has one table of ours, by
which it is written and read.
"""

from __future__ import annotations

from collections.abc import Mapping

from adapters.documents.port import NO_FILES
from adapters.einvoices import binding, twists, ubl
from adapters.einvoices.cii import CII
from adapters.einvoices.document_of import document_of
from adapters.einvoices.opening import MAX_BYTES, opened
from adapters.einvoices.terms_of import terms_of
from domain.einvoice import CREDIT_NOTE, EInvoice
from domain.errors import Invalid, Problem
from domain.profiles import PROFILES

__all__ = ["MAX_BYTES", "NO_FILES", "read", "write"]


def write(document: EInvoice, files: Mapping[str, bytes] = NO_FILES) -> bytes:
    """The XML in the syntax of the document's profile; equal input gives equal bytes. `files`: the bytes of attachments
    by their key, others are named only. ValueError for a profile that has no XML."""
    terms, syntax = terms_of(document, files), PROFILES[document.profile].syntax
    if syntax == "cii":
        return binding.write(CII, twists.for_cii(terms))
    if syntax == "ubl":
        kind = ubl.CREDIT_NOTE if document.kind == CREDIT_NOTE else ubl.INVOICE
        return binding.write(kind, twists.for_ubl(terms))
    raise ValueError(f"the profile {document.profile} has no XML")


def read(data: bytes, name: str) -> EInvoice:
    """The document in a file of CII or UBL, or in a PDF with one inside; `name` is how people know the file. Invalid
    with every term that is missing, wrong, or has no place in our documents. What no file says is empty: language,
    keys, the rate of a second currency. Payment terms in words (BT-20) become a note of the subject AAB."""
    root = opened(data, name)
    table = next((each for each in (CII, ubl.INVOICE, ubl.CREDIT_NOTE) if each.root.tag == root.tag), None)
    if table is None:
        raise Invalid.at(name, "is no invoice: neither CII (CrossIndustryInvoice) nor UBL 2.1 (Invoice, CreditNote)")
    found = binding.read(table, root)
    if found.unread:
        fix = "is no term of EN 16931, or one too many; leave it out"
        raise Invalid([Problem(path, fix) for path in found.unread[:100]])
    if table is CII:
        return document_of(twists.from_cii(found.terms), "cii")
    return document_of(twists.from_ubl(found.terms), "ubl")
