"""Which profile an electronic invoice claims: its root element and BT-24, the specification identifier of EN 16931.

The claim is compared letter by letter: XRechnung's own rules only warn about a wrong BT-24, and rules chosen by
something less exact would judge another document than the one promised. Reads no entity, no DTD and no network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from lxml import etree

from domain.errors import Invalid

UNCLAIMED = "profile"
"""The judge that is named where no rules could be chosen."""
Syntax = Literal["CII", "UBL Invoice", "UBL CreditNote"]

_CII = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice"
_UBL = "{urn:oasis:names:specification:ubl:schema:xsd:%s-2}%s"
_ROOTS: dict[str, Syntax] = {
    _CII: "CII",
    _UBL % ("Invoice", "Invoice"): "UBL Invoice",
    _UBL % ("CreditNote", "CreditNote"): "UBL CreditNote",
}
_BT_24 = {
    "CII": "{*}ExchangedDocumentContext/{*}GuidelineSpecifiedDocumentContextParameter/{*}ID",
    "UBL Invoice": "{*}CustomizationID",
    "UBL CreditNote": "{*}CustomizationID",
}

_EN = "urn:cen.eu:en16931:2017"
SPECIFICATIONS = {
    "EN 16931": _EN,
    "XRechnung": f"{_EN}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0",
    "Peppol BIS 3": f"{_EN}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0",
    "MINIMUM": "urn:factur-x.eu:1p0:minimum",
    "BASIC WL": "urn:factur-x.eu:1p0:basicwl",
    "BASIC": f"{_EN}#compliant#urn:factur-x.eu:1p0:basic",
    "EXTENDED": f"{_EN}#conformant#urn:factur-x.eu:1p0:extended",
}
"""BT-24 by profile."""
_ELSEWHERE: dict[Syntax, set[str]] = {
    "CII": {"Peppol BIS 3"},
    "UBL Invoice": {"MINIMUM", "BASIC WL", "BASIC", "EXTENDED"},
    "UBL CreditNote": {"MINIMUM", "BASIC WL", "BASIC", "EXTENDED"},
}
"""What has no rules in a syntax: Peppol's are for UBL, and all of Factur-X but EN 16931 itself for CII."""


@dataclass(frozen=True, slots=True)
class Claim:
    syntax: Syntax
    profile: str

    def __str__(self) -> str:
        return f"{self.profile} {self.syntax}"


def parse(document: bytes) -> etree._Element:
    """The root element. Invalid where it is no XML, or has a DOCTYPE."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise Invalid.at("XML", f"not well-formed: {error.msg}") from None
    tree: Any = root.getroottree()  # the stubs know no docinfo
    if tree.docinfo.doctype:
        raise Invalid.at("XML", "has a DOCTYPE, which no invoice needs; nothing of it is read")
    return root


def claim(root: etree._Element) -> Claim:
    """Invalid where the syntax or the profile is none we know."""
    syntax = _ROOTS.get(str(root.tag))
    if syntax is None:
        raise Invalid.at("XML", f"<{etree.QName(root).localname}> is no invoice in CII or UBL 2.1")
    found = root.findtext(_BT_24[syntax]) or ""
    allowed = {key: value for key, value in SPECIFICATIONS.items() if key not in _ELSEWHERE[syntax]}
    for profile, specification in allowed.items():
        if found == specification:
            return Claim(syntax, profile)
    raise Invalid.at("BT-24", f"{found!r} is none of those we have rules for in {syntax}: {', '.join(allowed)}")


def as_core(root: etree._Element) -> None:
    """Lets the document claim EN 16931 itself, for rules that know no national profile. `claim` has read it before."""
    element = root.find(_BT_24[_ROOTS[str(root.tag)]])
    assert element is not None
    element.text = _EN
