"""The archive gives back what it was given, or says that it cannot."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import pytest

from adapters.documents.archive import Archive
from domain.errors import Conflict, NotFound, Unavailable


class TestArchive:
    def test_gives_back_what_it_was_given(self, tmp_path: Path) -> None:
        archive = Archive(tmp_path / "archive")
        key = archive.put(b"%PDF-1.7", "pdf")
        assert key == "sha256:" + sha256(b"%PDF-1.7").hexdigest()
        assert archive.get(key) == b"%PDF-1.7"
        assert archive.path(key) == tmp_path / "archive" / f"{key.removeprefix('sha256:')}.pdf"
        assert archive.get(archive.put(b"<x/>", "xml")) == b"<x/>"

    def test_the_same_content_is_written_once(self, tmp_path: Path) -> None:
        archive = Archive(tmp_path)
        before = archive.path(archive.put(b"a", "pdf")).stat()
        after = archive.path(archive.put(b"a", "pdf")).stat()
        assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
        assert len(list(tmp_path.iterdir())) == 1

    def test_rot_is_seen_and_healed_by_the_true_content(self, tmp_path: Path) -> None:
        archive = Archive(tmp_path)
        key = archive.put(b"content", "pdf")
        path = archive.path(key)
        path.chmod(0o644)
        path.write_bytes(b"Content")
        with pytest.raises(Conflict, match=key):
            archive.get(key)
        archive.put(b"content", "pdf")
        assert archive.get(key) == b"content"

    @pytest.mark.parametrize("key", ["", "sha256:", "sha256:" + "0" * 64, "sha256:../../etc/passwd", "../x"])
    def test_what_was_never_stored_is_not_found(self, tmp_path: Path, key: str) -> None:
        with pytest.raises(NotFound):
            Archive(tmp_path).get(key)

    def test_suffixes_are_a_closed_list(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="pdf, xml"):
            Archive(tmp_path).put(b"a", "html")

    def test_a_full_disk_leaves_no_half_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(Unavailable, match="No space left"):
            Archive(tmp_path).put(b"a", "pdf")
        assert list(tmp_path.iterdir()) == []
        monkeypatch.undo()
        assert Archive(tmp_path).put(b"a", "pdf")

    def test_a_folder_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(Unavailable):
            Archive(tmp_path / "file").put(b"a", "pdf")
