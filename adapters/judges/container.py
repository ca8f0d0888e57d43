"""How an XML invoice lies in its PDF: Factur-X 1.09 / ZUGFeRD 2.5, chapter 6. Takes it out for the other judges; never
looks at what it says beyond the profile, which the PDF has to repeat."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from adapters.judges.port import Verdict
from adapters.judges.profiles import claim, parse
from domain.errors import Invalid

if TYPE_CHECKING:
    import pikepdf

NAME = "Factur-X container"
_NAMES = ("factur-x.xml", "xrechnung.xml")
_RELATIONSHIPS = ("/Alternative", "/Data", "/Source")
_XMP = "{urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#}"


@dataclass(frozen=True, slots=True)
class Container:
    verdict: Verdict
    xml: bytes | None


def opened(file: str, pdf: bytes) -> Container:
    """The verdict on the container of `file`, and the XML where there is one. A PDF without is no Factur-X, which is
    not wrong and is said."""
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(pdf), attempt_recovery=False) as document:
            specs = {name: spec for name, spec in document.attachments.items() if name in _NAMES}
            if not specs:
                return Container(Verdict(file, NAME, (), ("no XML invoice is embedded",)), None)
            (name, spec), *more = specs.items()
            xml = spec.get_file().read_bytes()
            problems = [*_attached(document, spec), *_described(document, name, xml)]
            if more:
                problems.append("more than one XML invoice is embedded")
            return Container(Verdict(file, NAME, tuple(problems)), xml)
    except pikepdf.PdfError as error:
        reason = str(error).rpartition(">: ")[2]  # before it pikepdf names the stream
        return Container(Verdict(file, NAME, (f"cannot be read: {reason}",)), None)


def _attached(document: pikepdf.Pdf, spec: pikepdf.AttachedFileSpec) -> Iterator[str]:
    relationship = str(spec.obj.get("/AFRelationship", ""))
    if relationship not in _RELATIONSHIPS:
        yield f"AFRelationship: {relationship or 'missing'}; use Alternative, Data or Source"
    associated = document.Root.get("/AF", ())
    if not any(item.objgen == spec.obj.objgen for item in associated):
        yield "AF: the catalogue does not name the XML as an associated file"
    if spec.get_file().mime_type != "text/xml":
        yield f"Subtype: {spec.get_file().mime_type or 'missing'}; use text/xml"


def _described(document: pikepdf.Pdf, name: str, xml: bytes) -> Iterator[str]:
    try:
        profile = claim(parse(xml)).profile
    except Invalid:
        return  # the judge of the XML says why
    expected = {
        "DocumentType": "INVOICE",
        "DocumentFileName": name,
        "Version": "1.0",
        "ConformanceLevel": profile.upper(),
    }
    with document.open_metadata() as metadata:
        for term, wanted in expected.items():
            found = str(metadata.get(f"{_XMP}{term}", ""))
            if found != wanted:
                yield f"XMP fx:{term}: {found or 'missing'}, but the XML is {wanted}"
