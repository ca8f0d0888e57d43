"""An earlier checkout whose workers understand today's tables: what still runs while a new release rolls out."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rig.processes import ROOT

BACK = 20
"""So many commits with today's tables."""
SEARCHED = 60


def checkout(folder: Path) -> tuple[Path, str] | None:
    """Its folder and short hash; None without git or without such a commit."""
    commit = _found()
    if commit is None:
        return None
    folder.mkdir()
    with subprocess.Popen(["git", "archive", commit], cwd=ROOT, stdout=subprocess.PIPE) as archive:
        subprocess.run(["tar", "x", "-C", folder], stdin=archive.stdout, check=True)
    return folder, commit[:8]


def _found() -> str | None:
    """The commit BACK of those whose migrations are today's; the furthest of them when there are fewer."""
    listed = _git("log", "--first-parent", "--format=%H", f"-{SEARCHED}")
    today = _git("rev-parse", "HEAD:migrations")
    if listed is None or today is None:
        return None
    alike = [commit for commit in listed.split()[1:] if _git("rev-parse", f"{commit}:migrations") == today]
    return alike[min(BACK, len(alike)) - 1] if alike else None


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
