"""The keys that payloads in Temporal's histories are written with, as a setting names them: `id:key,id2:key2`, the
newest first. It encrypts nothing (adapters/payloads.py does) and keeps no file."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from domain.errors import Invalid

PLAIN = "plain"
"""In the first place: write in clear from now on, and still read what the keys after it wrote."""

KEY_BYTES = 32
_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_FORM = "use ID:KEY, as `duely codec key` prints it; several with commas, the newest first"


@dataclass(frozen=True, slots=True)
class Ring:
    """`writes`: the id of the key for what is written now; None writes in clear. Every key of `keys` still reads."""

    keys: Mapping[str, bytes]
    writes: str | None

    @property
    def on(self) -> bool:
        return self.writes is not None


EMPTY = Ring(MappingProxyType({}), None)


def ring(text: str, path: str) -> Ring:
    """The ring that a setting spells out; `path` names the setting in problems, which never repeat a key."""
    entries = [entry.strip() for entry in text.replace("\n", ",").split(",") if entry.strip()]
    plain = bool(entries) and entries[0] == PLAIN
    keys: dict[str, bytes] = {}
    for place, entry in enumerate(entries[plain:], 1 + plain):
        id_, _, coded = entry.partition(":")
        key = _decoded(coded)
        if not _ID.fullmatch(id_) or id_ == PLAIN or key is None:
            raise Invalid.at(path, f"entry {place} cannot be read: {_FORM}")
        if id_ in keys:
            raise Invalid.at(path, f"names the key {id_} twice: an id is never used again")
        keys[id_] = key
    if not entries:
        raise Invalid.at(path, f"is empty: {_FORM}")
    return Ring(MappingProxyType(keys), None if plain else next(iter(keys)))


def entry(id_: str, key: bytes) -> str:
    """One entry of the setting."""
    return f"{id_}:{base64.b64encode(key).decode()}"


def _decoded(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None
