"""The dossier of a story in which something was disputed, checked as an auditor would: unpacked, by its own script."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from adapters.documents.archive import Archive
from adapters.dossier import receivable
from adapters.mail.outbox import Outbox
from cli.stories.scene import Scene
from cli.stories.stage import Stage

FOLDER = "demo"


def dossier(stage: Stage, scenes: Sequence[Scene]) -> Path | None:
    """The file, or None when no story has a dispute. What its script finds wrong is a breach of that story."""
    scene = next((each for each in scenes if each.status.get("disputes") and each.status.get("documents")), None)
    if scene is None:
        return None
    settings = stage.settings
    out = settings.var / FOLDER / f"{scene.id}.zip"
    receivable.export(stage.engine, Archive(settings.archive), Outbox(settings.outbox).read, scene.id, out)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(out) as packed:
        packed.extractall(folder)
        checked = subprocess.run(
            [sys.executable, "-I", "verify.py"], cwd=folder, capture_output=True, text=True, check=False
        )
    scene.check(checked.returncode == 0, f"its dossier verifies: {checked.stdout.splitlines()[-1:]}")
    return out
