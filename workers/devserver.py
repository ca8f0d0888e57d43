"""The embedded Temporal server: a real one, in a process of its own, for `up`, `demo` and tests.

Never used when `TEMPORAL_ADDRESS` names a server. Listens on loopback only. Run as a program it prints where
the `temporal` binary is, after making sure that there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from temporalio.client import Client

from domain.errors import DuelyError, Unavailable
from workers import binary
from workers.awaiting import answering
from workers.connect import LOOPBACK, external_address

START_SECONDS = 60
STOP_SECONDS = 10
START_ATTEMPTS = 3

# A time-skipping server keeps real time for every workflow that nobody fast-forwards, so it is always on.
FLAGS = (
    "--ip", LOOPBACK,
    "--log-level", "warn",
    "--ui-disable-news-fetch",
    "--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true",
    "--dynamic-config-value", 'history.timerProcessorMaxTimeShift="10ms"',
)  # fmt: skip
FILE_FLAGS = ("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens. `ui_url` is None when it is not ours or runs without a Web UI."""

    address: str
    ui_url: str | None


class DevServer:
    """One server process. `folder` keeps its database and log; `persist=False` keeps the state in memory.

    `extra` flags come after ours. A port left out is a free one. `headless` leaves the Web UI away. The process has
    its own session, so that Ctrl-C in the terminal reaches the worker, which drains, and not the server it needs.
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        *,
        port: int | None = None,
        ui_port: int | None = None,
        headless: bool = False,
        persist: bool = True,
        extra: Sequence[str] = (),
    ) -> None:
        self._program = program
        self._extra = tuple(extra)
        self._folder = folder
        self._wanted = (port, None if headless else ui_port)
        self._headless = headless
        self._persist = persist
        self._process: subprocess.Popen[bytes] | None = None
        self._endpoint: Endpoint | None = None

    @property
    def address(self) -> str:
        return self.endpoint.address

    @property
    def ui_url(self) -> str | None:
        return self.endpoint.ui_url

    @property
    def endpoint(self) -> Endpoint:
        if self._endpoint is None:
            raise Unavailable("the embedded Temporal server is not running")
        return self._endpoint

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def log(self) -> Path:
        return self._folder / "temporal.log"

    async def start(self) -> Endpoint:
        """Start and wait until the server answers. Raises Unavailable with the server's last words."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for port, name in zip(self._wanted, ("DUELY_TEMPORAL_PORT", "DUELY_UI_PORT"), strict=True):
            if port is not None and not _is_free(port):
                raise Unavailable(f"port {port} is taken: stop what listens there or set {name} to another one")
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                return await self._start_once()
            except Unavailable:
                # A port found free a moment ago can be taken by now; a port asked for is the caller's matter.
                if attempt == START_ATTEMPTS or None not in self._wanted:
                    raise
            finally:
                if self._endpoint is None:
                    await self.stop()
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after ten seconds. May be called again."""
        process, self._endpoint = self._process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """SIGKILL, and nothing that it could still do. May be called again; `start` goes on with what it had kept."""
        process, self._process, self._endpoint = self._process, None, None
        if process is not None and process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_once(self) -> Endpoint:
        port, ui_port = (wanted or _free_port() for wanted in self._wanted)
        command = [str(self._program), "server", "start-dev", *FLAGS, *self._extra, "--port", str(port)]
        command += ["--headless"] if self._headless else ["--ui-port", str(ui_port)]
        if self._persist:
            command += ["--db-filename", str(self._folder / "temporal.db"), *FILE_FLAGS]
        self._process = self._spawn(command)
        address = f"{LOOPBACK}:{port}"
        await answering(self._process, self.log, address, _healthy, START_SECONDS)
        self._endpoint = Endpoint(address, None if self._headless else f"http://{LOOPBACK}:{ui_port}")
        return self._endpoint

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Not asyncio's subprocess: that belongs to one loop, and a server may be stopped from another."""
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


async def _healthy(client: Client) -> bool:
    """The frontend, and the store of its visibility."""
    if not await client.service_client.check_health():
        return False
    await client.count_workflows()
    return True


@contextlib.asynccontextmanager
async def serving(
    folder: Path,
    *,
    port: int | None = None,
    ui_port: int | None = None,
    headless: bool = False,
    report: binary.Report = lambda _: None,
    extra: Sequence[str] = (),
) -> AsyncIterator[Endpoint]:
    """The server `TEMPORAL_*` names, or else an embedded one while the block runs, its files in `folder`."""
    if (external := external_address()) is not None:
        yield Endpoint(external, None)
        return
    program = await asyncio.to_thread(binary.find, report)
    async with DevServer(program, folder, port=port, ui_port=ui_port, headless=headless, extra=extra) as server:
        yield server.endpoint


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def main() -> int:
    """Print the path of the binary, or the address that makes one needless. Progress goes to stderr."""
    try:
        print(external_address() or binary.find(lambda line: print(line, file=sys.stderr)))  # noqa: T201 - its output
    except DuelyError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's message
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
