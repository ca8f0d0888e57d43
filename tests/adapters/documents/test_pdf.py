"""The PDF: the same bytes for the same document, the data and the files inside, and what its metadata says."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import page
import pikepdf
import pytest
from pypdf import PdfReader

from adapters import formats
from adapters.documents.typst import TypstDocuments
from domain.einvoice import TYPE_CODES, EInvoice
from domain.errors import NotFound
from domain.parts import Attachment, Preceding
from domain.profiles import PROFILES
from tests.adapters.documents.sample import DOCUMENT, LINES, objects

XML = '<?xml version="1.0" encoding="UTF-8"?><a>ü</a>'.encode()
ROOT = Path(__file__).parents[3]


def write(document: EInvoice, _: object) -> bytes:
    return XML.replace(b"<a>", f"<a>{document.number}".encode())


TYPST = TypstDocuments(write)


def opened(pdf: bytes) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(pdf))


@pytest.mark.parametrize("language", formats.LANGUAGES)
@pytest.mark.parametrize("kind", TYPE_CODES)
def test_every_kind_and_language_meets_the_standards(kind: str, language: str) -> None:
    document = replace(DOCUMENT, kind=kind, language=language, preceding=(Preceding("RE-1"),))
    pdf = TYPST.render(document).pdf
    for profile in ("3a", "ua1"):
        assert page.validate_pdf_bytes(pdf, profile=profile).failures == []
    assert str(opened(pdf).Root.Lang) == language


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_data_are_inside_where_the_profile_embeds_them(profile: Any) -> None:
    rendition = TYPST.render(replace(DOCUMENT, profile=profile.key))
    expected = write(DOCUMENT, None) if profile.syntax else None
    assert rendition.xml == expected
    with opened(rendition.pdf) as pdf:
        xmp = pdf.Root.Metadata.read_raw_bytes().decode()
        if not profile.embedded:
            assert list(pdf.attachments) == []
            assert "factur-x" not in xmp
            return
        (file,) = pdf.Root.AF
        assert (str(file.F), str(file.UF), str(file.AFRelationship)) == ("factur-x.xml", "factur-x.xml", "/Alternative")
        assert str(file.Desc) == "Die Rechnung als Daten (Factur-X)"
        assert (str(file.EF.F.Subtype), str(file.EF.F.Params.ModDate)[:10]) == ("/text/xml", "D:20260105")
        assert file.EF.F.read_bytes() == expected
        assert f"<fx:ConformanceLevel>{profile.level}</fx:ConformanceLevel>" in xmp
        for text in (
            "<fx:DocumentType>INVOICE<", "<fx:DocumentFileName>factur-x.xml<", "<fx:Version>1.0<",
            "<pdfaSchema:prefix>fx<", "<pdfaid:conformance>A<", "<pdfuaid:part>1<",
        ):  # fmt: skip
            assert xmp.count(text) == 1, text


def test_attached_files_are_supplements_under_names_of_their_own() -> None:
    names = ("Plan.pdf", "../../etc/Plan.pdf", "plan.PDF", "ü \u202ex.png", "factur-x.xml", ".", "data.bin")
    document = replace(DOCUMENT, attachments=tuple(Attachment(name, f"key{at}") for at, name in enumerate(names)))
    pdf = TYPST.render(document, {f"key{at}": bytes([at]) * 9 for at in range(len(names))}).pdf
    for profile in ("3a", "ua1"):
        assert page.validate_pdf_bytes(pdf, profile=profile).failures == []
    with opened(pdf) as read:
        found = {str(file.UF): file for file in read.Root.AF}
        assert list(found) == [
            "factur-x.xml", "Plan.pdf", "Plan (2).pdf", "plan (3).PDF", "ü x.png", "factur-x (2).xml", "attachment",
            "data.bin",
        ]  # fmt: skip
        assert {str(file.AFRelationship) for name, file in found.items() if name != "factur-x.xml"} == {"/Supplement"}
        assert found["ü x.png"].EF.F.read_bytes() == bytes([3]) * 9
        assert str(found["data.bin"].EF.F.Subtype) == "/application/octet-stream"
        assert sorted(read.attachments) == sorted(found)


def test_an_attachment_without_content_is_named() -> None:
    with pytest.raises(NotFound, match=r"Plan\.pdf"):
        TYPST.render(replace(DOCUMENT, attachments=(Attachment("Plan.pdf", "sha256:00"),)))


def test_equal_input_gives_equal_bytes_in_any_thread() -> None:
    document = replace(DOCUMENT, attachments=(Attachment("a.txt", "key"),))
    expected = TYPST.render(document, {"key": b"a"})
    got = []
    threads = [threading.Thread(target=lambda: got.append(TYPST.render(document, {"key": b"a"}))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [expected] * 4
    assert TYPST.paper(replace(DOCUMENT, number="RE-2026-0043")) != expected.pdf


def test_equal_input_gives_equal_bytes_in_another_process() -> None:
    code = (
        "import sys; from hashlib import sha256; from adapters.documents.typst import TypstDocuments; "
        "from tests.adapters.documents.sample import DOCUMENT; "
        "sys.stdout.write(sha256(TypstDocuments().paper(DOCUMENT, b'<a/>')).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == sha256(TypstDocuments().paper(DOCUMENT, b"<a/>")).hexdigest()


def test_metadata_comes_from_the_document() -> None:
    reader = PdfReader(io.BytesIO(TYPST.paper(DOCUMENT)))
    assert reader.metadata is not None
    assert reader.metadata.title == "Rechnung RE-2026-0042"
    assert reader.metadata.author == "Nordlicht Studio GmbH"
    assert reader.metadata.creation_date is not None
    assert reader.metadata.creation_date.date() == DOCUMENT.issued_on


def test_fonts_are_embedded() -> None:
    entries = [item for item in objects(TYPST.paper(DOCUMENT)) if isinstance(item, dict)]
    found = [item for item in entries if item.get("/Type") == "/FontDescriptor"]
    assert len(found) >= 2
    for descriptor in found:
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)


def test_no_stream_ends_so_that_its_length_is_in_doubt() -> None:
    """Of twenty documents about one has a stream whose data end with a carriage return."""
    papers = (TYPST.render(replace(DOCUMENT, number=f"R-{number}", lines=LINES[:1])).pdf for number in range(500))
    paper = next(paper for paper in papers if b"\r\rendstream" in paper)
    assert b"\r\nendstream" not in paper
    for profile in ("3a", "ua1"):
        assert page.validate_pdf_bytes(paper, profile=profile).failures == []
