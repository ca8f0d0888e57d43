"""A process that has imported all of ours and forks processes of ours from it: a worker is there for a fraction of the
CPU that its imports cost. `kill -9` still kills a real worker; only its birth is cheap.

`Nursery` is the parent's side. The nursery itself runs as `python -m rig.nursery` with a socket as its standard input.
It has no thread and no connection of its own when it forks, and ends with all it forked when that socket closes.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy.orm import configure_mappers

from domain.errors import Unavailable

POLL_SECONDS = 0.02


class Nursery:
    """Of the checkout `root`: whatever it forks runs that code."""

    def __init__(self, log: Path, root: Path) -> None:
        ours, theirs = socket.socketpair()
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "rig.nursery"], cwd=root, stdin=theirs.fileno(), stdout=output, stderr=output
            )
        self._log, self._socket, self._turn = log, ours, threading.Lock()
        self._answers = ours.makefile("r", encoding="utf-8")

    def fork(self, arguments: list[str], environment: Mapping[str, str], log: Path, crash: str) -> Forked:
        """`duely ARGUMENTS`, its output appended to `log`; `crash`: a label of `rig/crashes.py`."""
        order = {"arguments": arguments, "environment": dict(environment), "log": str(log), "crash": crash}
        return Forked(self, int(self._ask(order)))

    def ended(self, pid: int) -> int | None:
        """How it ended, as subprocess says it; None while it runs. Its id is nobody else's before this was asked."""
        found: int | None = self._ask({"ended": pid})
        return found

    def stop(self) -> None:
        """May be called again."""
        self._answers.close()
        self._socket.close()
        self._process.wait()

    def _ask(self, order: Mapping[str, object]) -> Any:
        with self._turn, contextlib.suppress(OSError):
            self._socket.sendall(json.dumps(order).encode() + b"\n")
            if answer := self._answers.readline():
                return json.loads(answer)
        raise Unavailable(f"the nursery of workers has ended (log: {self._log})")


class Forked:
    """What of `subprocess.Popen` a process of ours needs, for one that the nursery forked."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._code: int | None = None

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._nursery.ended(self.pid)
        return self._code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        deadline = time.monotonic() + (timeout or float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(POLL_SECONDS)
        return code


def serve(orders: socket.socket) -> None:
    """Forks by order until the socket closes, then ends what lives."""
    living: set[int] = set()
    codes: dict[int, int] = {}
    for line in orders.makefile("r", encoding="utf-8"):
        order = json.loads(line)
        if "ended" in order:
            answer = _ended(order["ended"], living, codes)
        else:
            answer = os.fork()
            if answer == 0:
                os.close(orders.detach())  # `close` would leave it open for whoever reads its lines
                _become(**order)
            living.add(answer)
            codes.pop(answer, None)
        orders.sendall(json.dumps(answer).encode() + b"\n")
    for pid in living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _ended(pid: int, living: set[int], codes: dict[int, int]) -> int | None:
    """Two threads may ask before either knows the answer, and the system tells it once."""
    if pid not in codes:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found == 0:
            return None
        living.discard(pid)
        codes[pid] = os.waitstatus_to_exitcode(status)
    return codes[pid]


def _become(arguments: list[str], environment: dict[str, str], log: str, crash: str) -> NoReturn:
    """Leaves nothing of the nursery but what was imported."""
    from cli.main import run
    from rig.crashes import install

    os.environ.clear()
    os.environ.update(environment)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, place)
    if crash:
        install(crash)
    sys.argv = ["duely", *arguments]
    run()
    os._exit(1)


def _grown() -> None:
    """Imports what a worker and a gateway need, as far as the code of this checkout knows it."""
    for name in ("cli.main", "cli.operating", "gateway.serving", "workers.client", "workers.run"):
        importlib.import_module(name)
    configure_mappers()
    gc.freeze()  # else the first collection of each child copies the memory that it shares


if __name__ == "__main__":
    _grown()
    with socket.socket(fileno=os.dup(0)) as standard_input:
        serve(standard_input)
