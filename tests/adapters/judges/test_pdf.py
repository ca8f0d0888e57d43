"""The judges of PDFs in Python accept what the house prints, and refuse each broken one for its reason."""

from __future__ import annotations

from pathlib import Path

import pikepdf
import pytest

from adapters.judges import container, panel
from adapters.judges.pages import PdfRules, pdf_verdicts
from adapters.judges.rules import XmlRules
from tests.adapters.judges import papers, samples

PAPER = papers.paper()
FACTUR_X = papers.factur_x(samples.cii())


def problems(pdf: bytes) -> str:
    return "\n".join(problem for verdict in pdf_verdicts(pdf) for problem in verdict.problems)


def contained(pdf: bytes) -> tuple[str, ...]:
    return container.opened("x.pdf", pdf).verdict.problems


@pytest.mark.parametrize("pdf", [PAPER, FACTUR_X])
def test_good_ones_are_accepted(pdf: bytes) -> None:
    assert [(verdict.judge, verdict.problems) for verdict in pdf_verdicts(pdf)] == [
        ("page PDF/A-3a", ()),
        ("page PDF/UA-1", ()),
    ]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (papers.without_metadata, "PDFA3A-METADATA"),
        (papers.without_language, "PDFUA1-TEXT-LANGUAGE-001"),
        (papers.without_relationship, "PDFA3A-"),
    ],
)
def test_a_broken_one_is_refused_for_its_reason(change, rule: str) -> None:
    assert rule in problems(papers.changed(FACTUR_X, change))


@pytest.mark.parametrize("pdf", [FACTUR_X[: len(FACTUR_X) // 2], b"", b"%PDF-1.7"])
def test_a_truncated_one_is_refused(pdf: bytes) -> None:
    assert problems(pdf).count("cannot be read: ") == 2
    assert contained(pdf)[0].startswith("cannot be read: ")


def test_a_weaker_claim_does_not_choose_the_rules() -> None:
    def claim_b(document: pikepdf.Pdf) -> None:
        xmp = document.Root.Metadata.read_bytes().replace(b"conformance>A<", b"conformance>B<")
        document.Root.Metadata.write(xmp)

    assert "PDFA3A-ID-CONFORMANCE" in problems(papers.changed(PAPER, claim_b))


class TestContainer:
    def test_the_xml_comes_out_as_it_went_in(self) -> None:
        opened = container.opened("x.pdf", FACTUR_X)
        assert (opened.verdict.problems, opened.verdict.warnings, opened.xml) == ((), (), samples.cii())

    def test_a_pdf_without_is_no_fault_and_said(self) -> None:
        opened = container.opened("x.pdf", PAPER)
        assert (opened.verdict.ok, opened.verdict.warnings, opened.xml) == (True, ("no XML invoice is embedded",), None)

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            (papers.without_relationship, "AFRelationship: missing; use Alternative, Data or Source"),
            (papers.unassociated, "AF: the catalogue does not name the XML as an associated file"),
            (papers.untyped, "Subtype: missing; use text/xml"),
        ],
    )
    def test_a_loose_attachment_is_refused(self, change, problem: str) -> None:
        assert contained(papers.changed(FACTUR_X, change)) == (problem,)

    def test_the_metadata_repeat_the_profile(self) -> None:
        assert contained(papers.factur_x(samples.cii(), "facturx-basic")) == (
            "XMP fx:ConformanceLevel: BASIC, but the XML is EN 16931",
        )
        assert len(contained(papers.changed(FACTUR_X, papers.without_metadata))) == 4


class TestPanel:
    def test_every_verdict_in_the_order_of_the_files(self, tmp_path: Path) -> None:
        folder = tmp_path / "archive"
        (folder / "deep").mkdir(parents=True)
        for name, content in {
            "a.pdf": FACTUR_X,
            "b.xml": samples.ubl(),
            "c.pdf": papers.factur_x(samples.wrong_sum(samples.cii())),
            "deep/d.xml": b"<a/>",
            "e.txt": b"not judged",
        }.items():
            (folder / name).write_bytes(content)
        files = panel.files_in([folder, folder / "b.xml"])
        rules = XmlRules()
        found = panel.verdicts(files, [PdfRules(), rules])
        rules.close()
        assert [(Path(verdict.file).name, verdict.judge, verdict.ok) for verdict in found] == [
            ("a.pdf", "Factur-X container", True),
            ("a.pdf", "page PDF/A-3a", True),
            ("a.pdf", "page PDF/UA-1", True),
            ("a.pdf", "factur-x EN 16931 CII", True),
            ("b.xml", "factur-x EN 16931 UBL Invoice", True),
            ("c.pdf", "Factur-X container", True),
            ("c.pdf", "page PDF/A-3a", True),
            ("c.pdf", "page PDF/UA-1", True),
            ("c.pdf", "factur-x EN 16931 CII", False),
            ("d.xml", "profile", False),
        ]
