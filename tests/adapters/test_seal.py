"""The seal: what was set stays as it was and stays PDF/A-3a and PDF/UA-1; a changed byte is found."""

from __future__ import annotations

import io
import re
import socket
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12
from pypdf import PdfReader

from adapters.documents import own_key as keys
from adapters.documents.own_key import own_key
from adapters.documents.seal import Seal, SealReport, check
from adapters.judges.container import opened
from adapters.judges.pages import pdf_verdicts
from domain.errors import Invalid
from tests.adapters.judges import papers, samples

AT = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return own_key(tmp_path_factory.mktemp("key"), "Nordlicht Studio GmbH").read_bytes()


@pytest.fixture(scope="module")
def seal(key: bytes) -> Seal:
    return Seal(key)


@pytest.fixture(scope="module")
def paper() -> bytes:
    return papers.paper()


@pytest.fixture(scope="module")
def sealed(seal: Seal, paper: bytes) -> bytes:
    return seal.seal(paper, AT)


def found(report: SealReport | None) -> bool:
    """Whether someone who checks would see that something is wrong."""
    return report is None or not (report.intact and report.covers_all)


class TestSeal:
    def test_it_says_who_and_when(self, seal: Seal, sealed: bytes) -> None:
        assert check(sealed) == SealReport(True, True, "Nordlicht Studio GmbH", seal.fingerprint, AT)
        assert seal.check(sealed) == check(sealed)
        assert re.fullmatch("[0-9a-f]{64}", seal.fingerprint)

    def test_what_was_set_stays_byte_for_byte(self, paper: bytes, sealed: bytes) -> None:
        assert sealed.startswith(paper)
        before, after = PdfReader(io.BytesIO(paper)), PdfReader(io.BytesIO(sealed))
        assert before.xmp_metadata is not None
        assert after.xmp_metadata is not None
        assert after.xmp_metadata.stream.get_data() == before.xmp_metadata.stream.get_data()
        assert after.metadata == before.metadata

    def test_it_stays_an_archive_file_and_accessible(self, seal: Seal, paper: bytes, sealed: bytes) -> None:
        assert [verdict.problems for verdict in pdf_verdicts(sealed)] == [(), ()]
        e_invoice = seal.seal(papers.factur_x(samples.cii()), AT)
        assert [verdict.problems for verdict in pdf_verdicts(e_invoice)] == [(), ()]
        assert opened("x.pdf", e_invoice).verdict.ok

    def test_the_field_is_named_and_shows_nothing(self, sealed: bytes) -> None:
        with pikepdf.open(io.BytesIO(sealed)) as document:
            (field,) = document.Root.AcroForm.Fields
            signature: Any = field.V
            assert (str(field.T), str(field.TU)) == ("Seal", "Seal of Nordlicht Studio GmbH")
            assert field.Rect[2] - field.Rect[0] == field.Rect[3] - field.Rect[1] == 0
            assert str(signature.SubFilter) == "/ETSI.CAdES.detached"
            assert str(signature.Reason) == "Origin and integrity of this document"
            assert str(signature.M) == "D:20260105123000Z"

    def test_equal_bytes_key_and_time_give_equal_bytes(self, key: bytes, paper: bytes, sealed: bytes) -> None:
        again = Seal(key)
        assert again.seal(paper, AT) == sealed
        assert again.seal(paper, AT.replace(minute=31)) != sealed
        with ThreadPoolExecutor(4) as threads:
            assert set(threads.map(lambda _: again.seal(paper, AT), range(8))) == {sealed}

    def test_it_asks_no_network(self, key: bytes, paper: bytes, sealed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise AssertionError("the network was asked")

        monkeypatch.setattr(socket.socket, "connect", refuse)
        monkeypatch.setattr(socket, "getaddrinfo", refuse)
        assert Seal(key).seal(paper, AT) == sealed

    def test_it_takes_milliseconds(self, seal: Seal, paper: bytes) -> None:
        def once() -> float:
            started = time.process_time()
            seal.seal(paper, AT)
            return time.process_time() - started

        # Measured: 9 ms on two busy cores, its own check included; to read the key anew each time would add 100.
        assert min(once() for _ in range(20)) < 0.04

    @pytest.mark.parametrize("pdf", [b"", b"%PDF-1.7", b"no PDF"])
    def test_what_is_no_pdf_is_refused(self, seal: Seal, pdf: bytes) -> None:
        with pytest.raises(Invalid, match="PDF: cannot be read"):
            seal.seal(pdf, AT)

    def test_one_seal_is_enough(self, seal: Seal, sealed: bytes) -> None:
        with pytest.raises(Invalid, match="PDF: is sealed already"):
            seal.seal(sealed, AT)


class TestCheck:
    def test_a_changed_byte_of_the_document_is_found(self, sealed: bytes) -> None:
        start = sealed.index(b"/Contents <30")
        outside = [*range(0, start, 997), *range(sealed.index(b">", start), len(sealed), 7)]
        missed = [at for at in outside if not found(check(_flipped(sealed, at)))]
        assert missed == []

    def test_a_changed_byte_of_the_seal_is_found(self, seal: Seal, sealed: bytes) -> None:
        start = sealed.index(b"/Contents <30")
        inside = range(start, sealed.index(b">", start), 11)
        missed = [at for at in inside if not found(seal.check(_flipped(sealed, at)))]
        assert missed == []

    def test_what_nobody_has_to_look_at_is_found_by_the_key(self, seal: Seal, sealed: bytes) -> None:
        """The version of the container: 1 in ours, signed by nobody."""
        start = sealed.index(b"/Contents <30")
        version = sealed.index(b"020101310F", start) + 5
        other = sealed[:version] + b"3" + sealed[version + 1 :]
        assert not found(check(other))
        assert found(seal.check(other))

    @pytest.mark.parametrize("more", [b"\n", b"% a comment\n"])
    def test_something_added_is_found(self, sealed: bytes, more: bytes) -> None:
        report = check(sealed + more)
        assert report is not None
        assert (report.intact, report.covers_all) == (True, False)

    def test_another_page_after_the_seal_is_found(self, sealed: bytes) -> None:
        assert found(check(papers.changed(sealed, lambda document: document.pages.append(document.pages[0]))))

    def test_another_key_has_another_fingerprint(self, seal: Seal, paper: bytes, tmp_path: Path) -> None:
        forged = Seal(own_key(tmp_path, "Nordlicht Studio GmbH").read_bytes()).seal(paper, AT)
        report = seal.check(forged)
        assert report is not None
        assert (report.intact, report.signer) == (True, "Nordlicht Studio GmbH")
        assert report.fingerprint != seal.fingerprint

    def test_no_seal_is_none(self, paper: bytes) -> None:
        assert check(paper) is None
        assert check(b"") is None


class TestKey:
    def test_it_is_made_once_and_for_us_alone(self, tmp_path: Path) -> None:
        path = own_key(tmp_path / "var", "Ü" * 200)
        made = path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert own_key(tmp_path / "var", "another name") == path
        assert path.read_bytes() == made
        assert [entry.name for entry in path.parent.iterdir()] == ["seal.p12"]

    def test_who_starts_together_agrees(self, tmp_path: Path) -> None:
        with ThreadPoolExecutor(4) as threads:
            made = set(threads.map(lambda _: own_key(tmp_path, "x").read_bytes(), range(4)))
        assert len(made) == 1
        assert [entry.name for entry in tmp_path.iterdir()] == ["seal.p12"]

    def test_a_passphrase_opens_it(self, key: bytes, seal: Seal) -> None:
        bundle = pkcs12.load_pkcs12(key, None)
        assert bundle.cert is not None
        assert isinstance(bundle.key, rsa.RSAPrivateKey)
        locked = pkcs12.serialize_key_and_certificates(
            b"x", bundle.key, bundle.cert.certificate, None, BestAvailableEncryption(b"open sesame")
        )  # fmt: skip
        assert Seal(locked, "open sesame").fingerprint == seal.fingerprint
        for wrong in ("sesame", None):
            with pytest.raises(Invalid, match="seal: is no PKCS#12 file, or not one with this passphrase"):
                Seal(locked, wrong)

    def test_a_chain_travels_with_the_seal(self, key: bytes, paper: bytes, tmp_path: Path) -> None:
        bundle, above = pkcs12.load_pkcs12(key, None), pkcs12.load_pkcs12(own_key(tmp_path, "CA").read_bytes(), None)
        assert bundle.cert is not None
        assert isinstance(bundle.key, rsa.RSAPrivateKey)
        assert above.cert is not None
        with_chain = pkcs12.serialize_key_and_certificates(
            b"x", bundle.key, bundle.cert.certificate, [above.cert.certificate], NoEncryption()
        )  # fmt: skip
        sealed = Seal(with_chain).seal(paper, AT)
        assert not found(Seal(with_chain).check(sealed))
        assert above.cert.certificate.signature.hex().upper().encode() in sealed

    @pytest.mark.parametrize("content", [b"", b"no key"])
    def test_what_is_no_key_is_refused(self, content: bytes) -> None:
        with pytest.raises(Invalid, match="seal: is no PKCS#12 file"):
            Seal(content)

    def test_a_key_whose_seals_would_differ_each_time_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rsa, "generate_private_key", lambda **_: ec.generate_private_key(ec.SECP256R1()))
        with pytest.raises(Invalid, match="seal: needs an RSA key"):
            Seal(keys._made("x"))


def _flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
