"""Finds the `temporal` program that holds the embedded server: on PATH, in the cache, downloaded, or built.

Never starts the server. Safe when two processes look at once and when a build is killed: everything new is
written under a temporary name in the cache folder, under a lock, and moved into place whole.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.testing import WorkflowEnvironment

from domain.errors import Unavailable

VERSION = "1.9.1"
OLDEST = (1, 9)
MODULE = Path(__file__).parent / "temporal"
PACKAGE = "github.com/temporalio/cli/cmd/temporal"
LINK_FLAGS = f"-s -w -X github.com/temporalio/cli/internal/temporalcli.Version={VERSION}"
BUILD_ATTEMPTS = 2  # a first request for this version may be refused by a module proxy and succeed on repeat
DOWNLOAD_SECONDS = 120
VERSION_SECONDS = 30
PACKAGES_PER_REPORT = 50

Report = Callable[[str], None]


def find(report: Report = lambda _: None) -> Path:
    """The program to run. `report` gets a line for each thing passed over and for progress of long steps.

    Blocking, for minutes when it must build. Raises Unavailable with one line that says what to install.
    """
    search = _Search(report)
    return search.on_path() or search.cached() or search.made()


def cache_folder() -> Path:
    """`${XDG_CACHE_HOME:-~/.cache}/duely/temporal/VERSION`; by its standard, a relative one is ignored."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "duely" / "temporal" / VERSION


def version_line(program: Path) -> str | None:
    """What `--version` prints, or None when the file does not run."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=VERSION_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip()


@dataclass
class _Search:
    report: Report
    folder: Path = field(default_factory=cache_folder)
    failures: list[str] = field(default_factory=list)

    @property
    def target(self) -> Path:
        return self.folder / "temporal"

    def on_path(self) -> Path | None:
        found = shutil.which("temporal")
        if found is None:
            return None
        line = version_line(Path(found))
        release = re.match(r"temporal version (\d+)\.(\d+)", line or "")
        if release and (int(release[1]), int(release[2])) >= OLDEST:
            return Path(found)
        needed = ".".join(map(str, OLDEST))
        self._pass_over(f"{found} is passed over: {line or 'it does not run'}, but {needed} or newer is needed")
        return None

    def cached(self) -> Path | None:
        return self.target if self.target.exists() and version_line(self.target) else None

    def made(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if found := self.cached():
                return found
            self._sweep()
            if self._made_by(self._download) or self._made_by(self._build):
                return self.target
        raise Unavailable(
            "no Temporal server to embed: install the Temporal CLI 1.9 or newer, or Go 1.26 or newer, or set "
            f"TEMPORAL_ADDRESS to a running server ({'; '.join(self.failures)})"
        )

    def _pass_over(self, reason: str) -> None:
        self.failures.append(reason)
        self.report(reason)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.report("another process is preparing the Temporal server; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _sweep(self) -> None:
        """Under the lock nobody else writes here: whatever lies around was left by a killed attempt."""
        if self.target.exists():
            self._pass_over(f"{self.target} does not run and is made again")
        for leftover in self.folder.iterdir():
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            elif leftover.name != "lock":
                leftover.unlink(missing_ok=True)

    def _made_by(self, way: Callable[[Path], Path | None]) -> bool:
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="new-", ignore_cleanup_errors=True) as scratch:
            made = way(Path(scratch))
            if made is None:
                return False
            if version_line(made) is None:
                self._pass_over(f"the result of the {way.__name__.strip('_')} does not run")
                return False
            _sync(made)
            made.replace(self.target)
            _sync(self.folder)
        return True

    def _download(self, scratch: Path) -> Path | None:
        self.report(f"downloading Temporal {VERSION}")
        try:
            with ThreadPoolExecutor(1) as apart:  # a loop of its own: the caller may be inside one
                apart.submit(asyncio.run, _sdk_download(scratch)).result()
        except (RuntimeError, TimeoutError, OSError) as error:
            reason = " ".join(str(error).split())[:160] or f"no answer within {DOWNLOAD_SECONDS} s"
            self._pass_over(f"download failed: {reason}")
            return None
        return next((file for file in scratch.iterdir() if file.is_file() and os.access(file, os.X_OK)), None)

    def _build(self, scratch: Path) -> Path | None:
        go = shutil.which("go")
        if go is None:
            self._pass_over("no Go compiler to build it with")
            return None
        output = scratch / "temporal"
        command = [go, "build", "-v", "-trimpath", "-ldflags", LINK_FLAGS, "-o", str(output), PACKAGE]
        tail: deque[str] = deque(maxlen=3)
        for _ in range(BUILD_ATTEMPTS):
            self.report(f"building Temporal {VERSION}; once, about five minutes on two cores")
            if self._run(command, tail) == 0 and output.exists():
                return output
        self._pass_over(f"go build failed: {' | '.join(tail)[:300]}")
        return None

    def _run(self, command: list[str], tail: deque[str]) -> int:
        """`-v` names each package as it is compiled: the only progress the compiler gives."""
        packages = 0
        with subprocess.Popen(
            command,
            cwd=MODULE,
            env={**os.environ, "GOWORK": "off"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            try:
                for line in process.stderr or ():
                    tail.append(line.strip())
                    packages += 1
                    if packages % PACKAGES_PER_REPORT == 0:
                        self.report(f"building Temporal {VERSION}: {packages} packages done")
            except BaseException:
                process.kill()
                raise
        return process.returncode


async def _sdk_download(folder: Path) -> None:
    """The SDK can only download and start in one go, so the server it starts is stopped at once."""
    async with asyncio.timeout(DOWNLOAD_SECONDS):
        environment = await WorkflowEnvironment.start_local(
            download_dest_dir=str(folder),
            dev_server_download_version=f"v{VERSION}",
            dev_server_log_level="error",
            # Its own runtime: the process may still want to set the default one.
            runtime=Runtime(telemetry=TelemetryConfig()),
        )
        await environment.shutdown()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
