"""The contract of a store, which every implementation keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from adapters.documents.archive import SUFFIXES, Archive
from adapters.documents.shelf import Shelf
from adapters.documents.store import Store
from domain.errors import Conflict, NotFound


@dataclass(frozen=True)
class Kept:
    """A store, and what somebody behind its back may do to a file."""

    store: Store
    rot: Callable[[str], None]
    lose: Callable[[str], None]


@pytest.fixture(params=["disk", "shelf"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "shelf":
        shelf = Shelf()
        return Kept(shelf, lambda key: shelf.files.update({key: b"rot"}), shelf.files.__delitem__)
    archive = Archive(tmp_path / "archive")

    def rot(key: str) -> None:
        archive.path(key).chmod(0o644)
        archive.path(key).write_bytes(b"rot")

    return Kept(archive, rot, lambda key: archive.path(key).unlink())


def test_a_key_is_the_hash_of_the_content(kept: Kept) -> None:
    key = kept.store.put(b"%PDF-1.7", "pdf")
    assert key == f"sha256:{sha256(b'%PDF-1.7').hexdigest()}"
    assert kept.store.get(key) == b"%PDF-1.7"


def test_nothing_is_in_a_new_store(kept: Kept) -> None:
    assert list(kept.store.keys()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_is_taken_and_listed_once(kept: Kept, suffix: str) -> None:
    key = kept.store.put(b"a", suffix)
    assert kept.store.put(b"a", suffix) == key
    assert list(kept.store.keys()) == [key]


def test_other_suffixes_are_refused(kept: Kept) -> None:
    with pytest.raises(ValueError, match="pdf, xml"):
        kept.store.put(b"a", "zip")


@pytest.mark.parametrize("key", ["", "sha256:", "sha256:" + "0" * 64, "sha256:../../etc/passwd"])
def test_what_was_never_stored_is_not_found(kept: Kept, key: str) -> None:
    with pytest.raises(NotFound):
        kept.store.get(key)


def test_rot_is_seen_and_healed(kept: Kept) -> None:
    key = kept.store.put(b"content", "xml")
    kept.rot(key)
    with pytest.raises(Conflict, match=key):
        kept.store.get(key)
    assert kept.store.put(b"content", "xml") == key
    assert kept.store.get(key) == b"content"


def test_a_lost_file_is_not_found_and_not_listed(kept: Kept) -> None:
    key, other = kept.store.put(b"content", "xml"), kept.store.put(b"other", "pdf")
    kept.lose(key)
    with pytest.raises(NotFound):
        kept.store.get(key)
    assert list(kept.store.keys()) == [other]


def test_what_lies_beside_the_files_is_no_key(tmp_path: Path) -> None:
    key = Archive(tmp_path).put(b"a", "pdf")
    for name in (".part-x", "readme.pdf", f"{key.removeprefix('sha256:')}.html", "0" * 64):
        (tmp_path / name).write_bytes(b"x")
    assert list(Archive(tmp_path).keys()) == [key]
