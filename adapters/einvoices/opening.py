"""From the bytes of a file to the root of its invoice: an XML, or a PDF that carries one. Follows no entity, no DTD and
no network, unpacks no more than it may, and reads no invoice. Every refusal is `Invalid` and names the file."""

from __future__ import annotations

import functools
import re
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from lxml import etree

from domain.errors import Invalid

if TYPE_CHECKING:
    from pikepdf import Object

MAX_BYTES = 20 * 1024 * 1024
_MAX_TAGS = 2_000_000
"""10,000 lines have three quarters of it; each element costs far more memory than its few bytes."""
_MAX_DEPTH = 32
_MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes of one stream of a PDF: a KiB may unpack to a GiB before anything in it can be looked at."""
_NAMES = ("factur-x.xml", "xrechnung.xml", "zugferd-invoice.xml")
"""What an invoice inside a PDF is called: Factur-X 1.0, ZUGFeRD 2.1 and 2.0."""
_DOCTYPE = re.compile(rb"<!\s*DOCTYPE|<!\s*ENTITY", re.IGNORECASE)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def opened(data: bytes, name: str) -> etree._Element:
    """The root element of the invoice in the file."""
    if len(data) > MAX_BYTES:
        raise Invalid.at(name, f"is larger than {MAX_BYTES // 1024 // 1024} MiB; no invoice is read from it")
    return _parsed(_embedded(data, name) if data.lstrip()[:5] == b"%PDF-" else data, name)


def _parsed(data: bytes, name: str) -> etree._Element:
    plain = data.decode("utf-16", "replace").encode() if data[:2] in _UTF_16 else data
    if _DOCTYPE.search(plain[:4096]):
        raise Invalid.at(name, "has a DOCTYPE, which no invoice needs; nothing of it is read")
    if plain.count(b"<") > _MAX_TAGS:
        raise Invalid.at(name, "has more elements than an invoice of 10,000 lines; split it")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        where = f"line {error.lineno or 1}"
        raise Invalid.at(name, f"is no well-formed XML ({where}): cut off, damaged, or in another encoding") from None
    tree: Any = root.getroottree()  # the stubs know no docinfo
    if tree.docinfo.doctype:
        raise Invalid.at(name, "has a DOCTYPE, which no invoice needs; nothing of it is read")
    if any(sum(1 for _ in element.iterancestors()) > _MAX_DEPTH for element in root.iter("*") if not len(element)):
        raise Invalid.at(name, f"is nested more than {_MAX_DEPTH} levels deep")
    return root


def _embedded(data: bytes, name: str) -> bytes:
    """The XML that a PDF carries under one of the known names."""
    from pikepdf import PasswordError, Pdf, PdfError

    _limit()
    try:
        with Pdf.open(BytesIO(data), suppress_warnings=True) as pdf:
            for wanted in _NAMES:
                found = next((key for key in pdf.attachments if key.lower() == wanted), None)
                if found is not None:
                    return _unpacked(pdf.attachments[found].get_file().obj, f"{name} ({wanted})")
    except PasswordError:
        raise Invalid.at(name, "is locked with a password; send it without") from None
    except (PdfError, ValueError, KeyError, AttributeError) as error:
        raise Invalid.at(
            name, f"is a PDF that cannot be read ({type(error).__name__}): damaged, or packed too tightly"
        ) from None
    raise Invalid.at(name, f"is a PDF without an invoice inside; it would be called {' or '.join(_NAMES)}")


@functools.cache
def _limit() -> None:
    """For the whole process, as the library knows no other way; our own PDFs have nothing so large."""
    from pikepdf import settings

    most = _MAX_UNPACKED
    settings.set_qpdf_limits(
        flate_max_memory=most,
        png_max_memory=most,
        tiff_max_memory=most,
        run_length_max_memory=most,
        dct_max_memory=most,
    )


def _unpacked(stream: Object, name: str) -> bytes:
    """No more of it than may be, however much its few bytes unpack to."""
    raw = stream.read_raw_bytes()
    filters = stream.get("/Filter")
    if filters is None:
        return raw
    if re.sub(r'[\[\]" ]', "", str(filters)) != "/FlateDecode":  # alone, or a list of one
        raise Invalid.at(name, "is packed in a way that no invoice is; send the XML itself")
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(raw, MAX_BYTES)
    except zlib.error:
        raise Invalid.at(name, "cannot be unpacked; the PDF is damaged") from None
    if unpacker.unconsumed_tail:
        raise Invalid.at(name, f"is larger than {MAX_BYTES // 1024 // 1024} MiB; no invoice is read from it")
    return unpacked
