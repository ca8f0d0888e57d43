"""PDFs to be judged: one of ours, one with an XML spliced in by pikepdf, and ways to break them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf

from adapters.documents.typst import TypstDocuments
from tests.adapters.documents.sample import DOCUMENT

_NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_TERMS = {"DocumentType": "INVOICE", "DocumentFileName": "factur-x.xml", "Version": "1.0"}


def paper() -> bytes:
    """As the house prints it: PDF/A-3a and PDF/UA-1."""
    return TypstDocuments().paper(DOCUMENT)


def changed(pdf: bytes, change: Callable[[pikepdf.Pdf], object]) -> bytes:
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        change(document)
        document.save(target)
    return target.getvalue()


def factur_x(pdf: bytes, xml: bytes, level: str = "EN 16931") -> bytes:
    def embed(document: pikepdf.Pdf) -> None:
        spec = pikepdf.AttachedFileSpec(
            document, xml, description="Invoice", filename="factur-x.xml", mime_type="text/xml",
            relationship=pikepdf.Name.Alternative, mod_date="D:20260105000000Z",
        )  # fmt: skip
        document.attachments["factur-x.xml"] = spec
        document.Root.AF = pikepdf.Array([spec.obj])
        document.Root.Metadata = document.make_stream(_described(document.Root.Metadata.read_bytes().decode(), level))
        document.Root.Metadata.Type, document.Root.Metadata.Subtype = pikepdf.Name.Metadata, pikepdf.Name.XML

    return changed(pdf, embed)


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


def _described(xmp: str, level: str) -> bytes:
    """Factur-X's four properties, and the schema that PDF/A wants for properties it does not know."""
    terms = {**_TERMS, "ConformanceLevel": level}
    properties = "".join(
        f'<rdf:li rdf:parseType="Resource"><pdfaProperty:name>{term}</pdfaProperty:name><pdfaProperty:valueType>Text'
        f"</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category><pdfaProperty:description>"
        f"{term}</pdfaProperty:description></rdf:li>"
        for term in terms
    )
    schema = (
        '<rdf:li rdf:parseType="Resource"><pdfaSchema:schema>Factur-X</pdfaSchema:schema><pdfaSchema:namespaceURI>'
        f"{_NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix><pdfaSchema:property>"
        f"<rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas>"
    )
    values = "".join(f"<fx:{term}>{value}</fx:{term}>" for term, value in terms.items())
    described = f'<rdf:Description rdf:about="" xmlns:fx="{_NAMESPACE}">{values}</rdf:Description></rdf:RDF>'
    return xmp.replace("</rdf:Bag></pdfaExtension:schemas>", schema).replace("</rdf:RDF>", described).encode()
