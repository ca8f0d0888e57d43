"""The judges in Java, `tools/validate`: veraPDF for PDF/A-3a and PDF/UA-1, phive for the rules of EN 16931, XRechnung,
Peppol and Factur-X. Built once into the cache folder, then one process for any number of files.

Safe when two processes build at once and when a build is killed: it is made under a temporary name, under a lock, and
moved into place whole.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from adapters.judges.port import Part, Verdict
from adapters.judges.profiles import UNCLAIMED, Claim, claim, parse
from domain.errors import Invalid, Unavailable

SOURCES = Path(__file__).resolve().parents[2] / "tools" / "validate"
_BUILD_SECONDS = 900
_QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Most of a short life would go into compiling what is run twice: measured, a third of the time for 200 files."""
_PDF_RULES = {"3a": "veraPDF PDF/A-3a", "ua1": "veraPDF PDF/UA-1"}
_XML_RULES = {
    Claim("CII", "EN 16931"): ("eu.cen.en16931:cii:1.3.16", "de.zugferd:en16931:2.4"),
    Claim("UBL Invoice", "EN 16931"): ("eu.cen.en16931:ubl:1.3.16",),
    Claim("UBL CreditNote", "EN 16931"): ("eu.cen.en16931:ubl-creditnote:1.3.16",),
    Claim("CII", "XRechnung"): ("de.xrechnung:cii:3.0.2",),
    Claim("UBL Invoice", "XRechnung"): ("de.xrechnung:ubl-invoice:3.0.2",),
    Claim("UBL CreditNote", "XRechnung"): ("de.xrechnung:ubl-creditnote:3.0.2",),
    Claim("UBL Invoice", "Peppol BIS 3"): ("eu.peppol.bis3:invoice:2026.5",),
    Claim("UBL CreditNote", "Peppol BIS 3"): ("eu.peppol.bis3:creditnote:2026.5",),
    Claim("CII", "MINIMUM"): ("de.zugferd:minimum:2.4",),
    Claim("CII", "BASIC WL"): ("de.zugferd:basicwl:2.4",),
    Claim("CII", "BASIC"): ("de.zugferd:basic:2.4",),
    Claim("CII", "EXTENDED"): ("de.zugferd:extended:2.4",),
}

Report = Callable[[str], None]


def missing() -> str | None:
    """One line that says what this machine lacks for the kit, or None."""
    if not (SOURCES / "pom.xml").exists():
        return "tools/validate is not where the program is: the judges in Java need the checkout"
    needed = ("java",) if _cache_folder().exists() else ("java", "mvn")
    if lacking := [program for program in needed if shutil.which(program) is None]:
        return f"no {' and no '.join(lacking)} on PATH: install a JDK 17 or newer, and Maven, for the judges in Java"
    return None


@dataclass(frozen=True, slots=True)
class JavaKit:
    folder: Path

    def judge(self, parts: Sequence[Part]) -> list[Verdict]:
        """Unavailable where Java does not answer each question."""
        asked, found = [], []
        for part in parts:
            try:
                asked += [(part, rules, name) for rules, name in _rules(part)]
            except Invalid as error:
                found.append(Verdict(part.file, UNCLAIMED, tuple(map(str, error.problems))))
        answers = self._answers([f"{rules}\t{part.path}" for part, rules, _ in asked])
        for (part, _, name), answer in zip(asked, answers, strict=True):
            found.append(Verdict(part.file, name, tuple(answer["problems"]), tuple(answer["warnings"])))
        return found

    def _answers(self, questions: Sequence[str]) -> list[dict[str, list[str]]]:
        if not questions:
            return []
        classes = f"{self.folder / 'judges.jar'}{os.pathsep}{self.folder / 'lib' / '*'}"
        done = subprocess.run(
            ["java", *_QUICK_START, "-cp", classes, "duely.judges.Main"],
            input="\n".join(questions), capture_output=True, text=True, encoding="utf-8", check=False,
        )  # fmt: skip
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode or len(answers) != len(questions):
            raise Unavailable(f"the judges in Java gave up: {_said(done.stderr)}")
        return answers


def _rules(part: Part) -> Iterator[tuple[str, str]]:
    """What to ask about it, and the judge's name for people. Invalid where an XML claims nothing we know."""
    if part.path.suffix == ".pdf":
        yield from _PDF_RULES.items()
        return
    for rules in _XML_RULES[claim(parse(part.path.read_bytes()))]:
        yield rules, f"phive {rules}"


def ready(report: Report = lambda _: None) -> JavaKit:
    """The kit, built when these sources never were. Blocking, for a minute or two then. Unavailable when it cannot."""
    if reason := missing():
        raise Unavailable(reason)
    folder = _cache_folder()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                report("building the judges in Java; once, about a minute")
                _build(folder)
    return JavaKit(folder)


def _cache_folder() -> Path:
    """`${XDG_CACHE_HOME:-~/.cache}/duely/judges/HASH`, of what it is built from."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    digest = sha256()
    for file in (SOURCES / "pom.xml", *sorted((SOURCES / "src").rglob("*.java"))):
        digest.update(file.read_bytes())
    return (base if base.is_absolute() else Path.home() / ".cache") / "duely" / "judges" / digest.hexdigest()[:16]


def _build(folder: Path) -> None:
    """Maven writes beside its sources, which may not be ours to write to: it gets a copy."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-", ignore_cleanup_errors=True) as scratch:
        copy = Path(scratch) / "kit"
        shutil.copytree(SOURCES, copy, ignore=shutil.ignore_patterns("target"))
        try:
            done = subprocess.run(
                ["mvn", "--batch-mode", "--quiet", "package"], cwd=copy, capture_output=True, text=True,
                timeout=_BUILD_SECONDS, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Unavailable(f"the judges in Java were not built within {_BUILD_SECONDS} s") from None
        if done.returncode:
            raise Unavailable(f"the judges in Java cannot be built: {_said(done.stdout or done.stderr)}")
        (copy / "target").rename(folder)


def _said(output: str) -> str:
    """The first lines, where Maven and Java say what is wrong; advice and traces follow."""
    lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("SLF4J")]
    return " | ".join(lines[:2])[:300] or "no reason given"
