"""What Typst cannot write into a PDF: the Factur-X properties in its metadata, with the extension schema that PDF/A
wants for them, and attached files that are not text. Leaves the rest as Typst set it; equal input gives equal bytes.

Sources: Factur-X 1.07, 6.2 (XMP); ISO 19005-3, 6.8 (embedded files) and Annex E (associated files).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from xml.sax.saxutils import escape

import pikepdf
from pikepdf import Array, Dictionary, Name, String

XML_NAME = "factur-x.xml"

_PROPERTIES = (
    ("DocumentFileName", "name of the embedded XML invoice file"),
    ("DocumentType", "INVOICE"),
    ("Version", "The actual version of the Factur-X XML schema"),
    ("ConformanceLevel", "The conformance level of the embedded Factur-X data"),
)
_URI = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_SCHEMAS_END = b"</rdf:Bag></pdfaExtension:schemas>"
_RDF_END = b"</rdf:RDF>"


@dataclass(frozen=True, slots=True)
class Embedded:
    """A file inside a PDF. `mime` as in `image/png`."""

    name: str
    mime: str
    data: bytes


def splice(pdf: bytes, *, level: str | None, files: Sequence[Embedded], issued_on: date) -> bytes:
    """`pdf` with the Factur-X metadata of `level` (fx:ConformanceLevel; None: without) and `files` attached as
    supplements, packed. ValueError when the PDF is not as Typst writes it."""
    with pikepdf.open(BytesIO(pdf)) as document:
        if level is not None:
            metadata = document.Root.Metadata
            metadata.write(with_properties(metadata.read_raw_bytes(), level))
        if files:
            _attach(document, files, issued_on)
        target = BytesIO()
        # Tags are many small objects: together in streams they take half the room and a third of the time. The metadata
        # name the right version already; "fixing" it would set them anew.
        document.save(
            target,
            deterministic_id=True,
            fix_metadata_version=False,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
    # Where data ends with a carriage return, that and the line feed before "endstream" look like one end of line, and
    # some judges of PDF/A then count a byte too few. The end of line may as well be a carriage return.
    return target.getvalue().replace(b"\r\nendstream\nendobj", b"\r\rendstream\nendobj")


def with_properties(xmp: bytes, level: str) -> bytes:
    """The metadata with the four properties of Factur-X, described and set."""
    if xmp.count(_SCHEMAS_END) != 1 or xmp.count(_RDF_END) != 1:
        raise ValueError("the metadata of the PDF has no place for the properties of Factur-X")
    described = "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{name}</pdfaProperty:name>'
        "<pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>"
        f"<pdfaProperty:description>{text}</pdfaProperty:description></rdf:li>"
        for name, text in _PROPERTIES
    )
    schema = (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>'
        f"<pdfaSchema:namespaceURI>{_URI}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>"
        f"<pdfaSchema:property><rdf:Seq>{described}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
    values = (
        f'<rdf:Description rdf:about="" xmlns:fx="{_URI}"><fx:DocumentType>INVOICE</fx:DocumentType>'
        f"<fx:DocumentFileName>{XML_NAME}</fx:DocumentFileName><fx:Version>1.0</fx:Version>"
        f"<fx:ConformanceLevel>{escape(level)}</fx:ConformanceLevel></rdf:Description>"
    )
    described_xmp = xmp.replace(_SCHEMAS_END, schema.encode() + _SCHEMAS_END)
    return described_xmp.replace(_RDF_END, values.encode() + _RDF_END)


def _attach(document: pikepdf.Pdf, files: Sequence[Embedded], issued_on: date) -> None:
    root = document.Root
    if Name.AF not in root:
        root.AF = Array()
    if Name.Names not in root:
        root.Names = Dictionary()
    if Name.EmbeddedFiles not in root.Names:
        root.Names.EmbeddedFiles = Dictionary(Names=Array())
    names = root.Names.EmbeddedFiles.Names
    listed = {str(names[at]): names[at + 1] for at in range(0, len(names), 2)}
    for file in files:
        stream = document.make_stream(
            file.data,
            Type=Name.EmbeddedFile,
            Subtype=Name(f"/{file.mime}"),
            Params=Dictionary(Size=len(file.data), ModDate=String(f"D:{issued_on:%Y%m%d}000000Z")),
        )
        listed[file.name] = document.make_indirect(
            Dictionary(
                Type=Name.Filespec,
                F=String(file.name),
                UF=String(file.name),
                Desc=String(file.name),
                AFRelationship=Name.Supplement,
                EF=Dictionary(F=stream, UF=stream),
            )
        )
        root.AF.append(listed[file.name])
    # A name tree is sorted by the bytes of its keys.
    order = sorted(listed, key=lambda name: bytes(String(name)))
    root.Names.EmbeddedFiles.Names = Array([item for name in order for item in (String(name), listed[name])])
