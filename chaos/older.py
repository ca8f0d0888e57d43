"""An earlier checkout whose workers understand today's tables and histories: what still runs while a new release rolls
out. One that does not know a patch of today's workflows cannot replay a history that has its marker
(docs/changing-workflows.md), so its workers are no part of a roll-out."""

from __future__ import annotations

import subprocess
from pathlib import Path

from rig.processes import ROOT

TABLES = "schemas/tables"
BACK = 20
"""So many commits with today's tables and patches."""
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
    """The commit BACK of those that understand what today's does; the furthest of them when there are fewer."""
    listed = _git("log", "--first-parent", "--format=%H", f"-{SEARCHED}")
    if listed is None:
        return None
    today, *earlier = map(_understands, listed.split())
    alike = [commit for commit, understood in zip(listed.split()[1:], earlier, strict=True) if understood == today]
    return alike[min(BACK, len(alike)) - 1] if alike else None


def _understands(commit: str) -> tuple[str | None, str | None]:
    """The columns and the workflows' patches of a commit; git finds nothing where there are none."""
    columns = _git("grep", "-h", "--only-matching", "-E", r"^class .*Table|^    [a-z_]+: [^=]*", commit, "--", TABLES)
    return columns, _git("grep", "-h", "--only-matching", r'patched("[a-z-]*")', commit, "--", "workflows")


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
