"""The seal: a PAdES signature, level B-B (ETSI EN 319 142-1), over a finished PDF as an incremental update. What was
set stays byte for byte, and stays PDF/A-3a and PDF/UA-1. Equal bytes, key and time give equal bytes.

Never asks the network: no time stamp, no revocation list. It proves that a file is whole and whose key sealed it;
whether somebody else trusts that key is not its business.
"""

from __future__ import annotations

import asyncio
import io
import zlib
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from asn1crypto import cms, x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509 import Certificate
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import InvisSigSettings, SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import CMSExtractionError, SigningError
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject
from pyhanko.sign.signers.pdf_cms import Signer
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_sig_integrity
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator.registry import SimpleCertificateStore

from domain.errors import Invalid

FIELD = "Seal"
_STAND_IN = sha256(b"the digest of no document").digest()
_UNREADABLE = (
    PdfError, CMSExtractionError, SignatureValidationError, ValueError, TypeError, LookupError, AttributeError,
    NotImplementedError, zlib.error,
)  # fmt: skip
"""What pyHanko and asn1crypto raise over bytes that are no seal; they look names up that a file gives them."""


@dataclass(frozen=True, slots=True)
class SealReport:
    """`intact`: the sealed bytes are as they were. `covers_all`: they are all bytes of the file but those of the
    signature, which is written as we write it. `fingerprint`: SHA-256 of the certificate, hex. `signed_at` is what the
    sealer says."""

    intact: bool
    covers_all: bool
    signer: str
    fingerprint: str
    signed_at: datetime | None


def check(pdf: bytes) -> SealReport | None:
    """What the last seal of a file says; None where it has none that can be read. Fields of the signature's container
    that are neither signed nor needed to check it may differ; `Seal.check` sees that too."""
    try:
        signature = _last(pdf)
        return _report(signature, pdf) if signature else None
    except _UNREADABLE:
        return None


class Seal:
    """One key. Safe to share between threads."""

    def __init__(self, key: bytes, passphrase: str | None = None):
        """`key` is a PKCS#12 file with an RSA key, its certificate, and those above it. Invalid where it is not."""
        try:
            bundle = pkcs12.load_pkcs12(key, passphrase.encode() if passphrase else None)
        except ValueError:
            raise Invalid.at("seal", "is no PKCS#12 file, or not one with this passphrase") from None
        if not isinstance(bundle.key, RSAPrivateKey) or bundle.cert is None:
            raise Invalid.at("seal", "needs an RSA key and its certificate: only such seals can be repeated exactly")
        certificates = [_asn1(entry.certificate) for entry in (bundle.cert, *bundle.additional_certs)]
        self.fingerprint: str = certificates[0].sha256.hex()
        self._name = _name(certificates[0])
        self._key = bundle.key
        self._attributes, self._container, self._signature = asyncio.run(_template(bundle.key, certificates))

    def seal(self, pdf: bytes, at: datetime) -> bytes:
        """The file with its seal, checked. Invalid where it is no PDF or sealed already."""
        update = _Update(pdf, at)
        spec = SigFieldSpec(
            FIELD,
            readable_field_name=f"Seal of {self._name}",  # PDF/UA reads it out
            # Off the page: PDF/UA wants what is on it tagged, and PDF/A allows no hidden field.
            invis_sig_settings=InvisSigSettings(box_out_of_bounds=True),
        )
        signature = SignatureObject(
            timestamp=at, subfilter=SigSeedSubFilter.PADES, name=self._name, bytes_reserved=2 * len(self._container),
            reason="Origin and integrity of this document",
        )  # fmt: skip
        steps = PdfCMSEmbedder(spec).write_cms(FIELD, update)
        try:
            next(steps)
        except SigningError:
            raise Invalid.at("PDF", "is sealed already") from None
        steps.send(SigObjSetup(signature))
        prepared, output = steps.send(SigIOSetup("sha256", in_place=True))
        steps.send(self._signed(prepared.document_digest))
        sealed: bytes = output.getvalue()
        report = check(sealed)
        assert report is not None
        assert report.intact
        assert report.covers_all
        assert report.fingerprint == self.fingerprint
        return sealed

    def check(self, pdf: bytes) -> SealReport | None:
        """The same, and each byte of a seal by this key has to be as this key makes it."""
        report = check(pdf)
        if report and report.intact and report.fingerprint == self.fingerprint:
            signature = _last(pdf)
            assert signature is not None
            return replace(report, intact=self._signed(signature.compute_digest()) == signature.pkcs7_content)
        return report

    def _signed(self, digest: bytes) -> bytes:
        """In PAdES the time stands in the PDF, so two containers of one key differ in digest and signature alone; to
        build each anew takes most of the time of a seal."""
        attributes = self._attributes.replace(_STAND_IN, digest)
        signature = self._key.sign(attributes, PKCS1v15(), SHA256())
        return self._container.replace(_STAND_IN, digest).replace(self._signature, signature)


class _Update(IncrementalPdfFileWriter):
    """pyHanko gives every update a random id, and the clock's time as that of the last change; what it may know of a
    file is what was set."""

    def __init__(self, pdf: bytes, at: datetime):
        # Typst ends with %%EOF and no end of line; what follows has to begin on a line of its own.
        source = pdf if pdf.endswith((b"\n", b"\r")) else pdf + b"\n"
        try:
            super().__init__(io.BytesIO(source))
        except _UNREADABLE:
            raise Invalid.at("PDF", "cannot be read") from None
        changed = sha256(source + at.isoformat().encode()).digest()[:16]
        self._document_id[1] = generic.ByteStringObject(changed)

    def _update_meta(self) -> None:
        """XMP and document information stay as they were set."""


class _Rsa(Signer):
    """pyHanko's own signer reads the key anew for each signature, and checks it for a tenth of a second."""

    def __init__(self, key: RSAPrivateKey, certificates: list[x509.Certificate]):
        signing, *above = certificates
        store = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # its maker has no annotation
        store.register_multiple(above)
        super().__init__(signing_cert=signing, cert_registry=store)
        self._rsa = key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        return self._rsa.sign(data, PKCS1v15(), SHA256())


async def _template(key: RSAPrivateKey, certificates: list[x509.Certificate]) -> tuple[bytes, bytes, bytes]:
    """Signed attributes, CMS container and signature over a digest that stands in for a document's."""
    container = await _Rsa(key, certificates).async_sign(_STAND_IN, "sha256", use_pades=True)
    (info,) = container["content"]["signer_infos"]
    attributes: cms.CMSAttributes = info["signed_attrs"]
    made = attributes.untag().dump(), container.dump(), info["signature"].native
    assert made[0].count(_STAND_IN) == made[1].count(_STAND_IN) == made[1].count(made[2]) == 1
    return made


def _last(pdf: bytes) -> EmbeddedPdfSignature | None:
    signatures = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    return signatures[-1] if signatures else None


def _report(signature: EmbeddedPdfSignature, pdf: bytes) -> SealReport:
    certificate, digest = signature.signer_cert, signature.compute_digest()
    unchanged, signed = validate_sig_integrity(signature.signer_info, certificate, "data", digest)
    start, first, second, length = signature.byte_range
    container = f"<{signature.pkcs7_content.hex().upper()}>".encode()
    return SealReport(
        intact=unchanged and signed,
        covers_all=start == 0 and pdf[first:second] == container and second + length == len(pdf),
        signer=_name(certificate),
        fingerprint=certificate.sha256.hex(),
        signed_at=signature.self_reported_timestamp,
    )


def _name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.native.get("common_name") or "unnamed")


def _asn1(certificate: Certificate) -> x509.Certificate:
    return x509.Certificate.load(certificate.public_bytes(Encoding.DER))
