"""Payloads of Temporal's histories under AES-256-GCM, so that whoever reads the server or its database reads nothing of
a customer. It never stops a task over a stranger's payload, and never takes one of ours for a stranger's.

An encrypted payload names its key and bears a mark, an HMAC with `DUELY_SECRET`. Ours, but written with a key that
this process was not given: `MissingKey`, the task fails and is repeated until the key is there, so nothing is lost. Not
ours, or tampered with: it stays as it is, and the converter (workflows/plugin.py) answers that nobody can read it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

from domain.errors import MissingKey
from domain.keyring import Ring

ENCODING = b"binary/encrypted"
CIPHER = b"AES-256-GCM"
NONCE_BYTES, MARK_BYTES = 12, 16
KEY_ID = "encryption-key-id"
MARK = "encryption-mark"


class Codec(PayloadCodec):
    """Writes with the ring's first key, or in clear; reads what any of its keys wrote, and everything in clear."""

    def __init__(self, ring: Ring, secret: str):
        self.ring = ring
        self._ciphers = {id_: AESGCM(key) for id_, key in ring.keys.items()}
        self._secret = hashlib.sha256(f"duely/payload-mark\n{secret}".encode()).digest()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._closed(each) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """MissingKey for one of ours whose key is not in the ring."""
        return [self._opened(each) for each in payloads]

    def _closed(self, payload: Payload) -> Payload:
        if self.ring.writes is None or payload.metadata.get("encoding") == ENCODING:
            return payload
        id_, nonce = self.ring.writes.encode(), os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self.ring.writes].encrypt(nonce, payload.SerializeToString(), _bound(id_))
        data = nonce + sealed
        said = {"encoding": ENCODING, "encryption-cipher": CIPHER, KEY_ID: id_, MARK: self._mark(id_, data)}
        return Payload(metadata=said, data=data)

    def _opened(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        id_, data = payload.metadata.get(KEY_ID, b""), payload.data
        cipher = self._ciphers.get(id_.decode("ascii", "replace"))
        if cipher is None:
            if hmac.compare_digest(payload.metadata.get(MARK, b""), self._mark(id_, data)):
                raise MissingKey(f"the key {id_.decode()} is not in DUELY_CODEC_KEYS: add it, and this goes on")
            return payload
        try:
            return Payload.FromString(cipher.decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _bound(id_)))
        except (InvalidTag, ValueError, DecodeError):
            return payload

    def _mark(self, id_: bytes, data: bytes) -> bytes:
        return hmac.digest(self._secret, id_ + b"\n" + data, "sha256")[:MARK_BYTES]


def _bound(id_: bytes) -> bytes:
    """What a payload cannot be torn from: how it is written, and with which key."""
    return b"\n".join((b"duely", ENCODING, CIPHER, id_))
