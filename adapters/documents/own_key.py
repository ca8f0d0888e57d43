"""A key of our own to seal with, for who has none from an authority: RSA and a certificate that signs itself, in one
PKCS#12 file. Made once and never replaced: an old document is checked against the certificate it was sealed with."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12
from cryptography.x509.oid import NameOID

from adapters.files import write_once

_BITS = 3072  # BSI TR-02102-1: 3000 or more from 2024 on
_FROM = datetime(2020, 1, 1)  # noqa: DTZ001  the library wants UTC without saying so
_UNTIL = datetime(9999, 12, 31, 23, 59, 59)  # noqa: DTZ001  RFC 5280, 4.1.2.5: no well-defined end
_MOST = 64  # bytes of a common name, X.520


def own_key(folder: Path, name: str) -> Path:
    """`folder/seal.p12`, mode 0600, made for `name` where there is none. Processes that start together agree on one."""
    path = folder / "seal.p12"
    if not path.exists():
        write_once(path, _made(name))
    return path


def _made(name: str) -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    common_name = name.encode()[:_MOST].decode(errors="ignore")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=True, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, SHA256())
    )
    return pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, None, NoEncryption())
