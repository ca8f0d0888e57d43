"""Workers and gateways of ours as processes, by their production entry points: started, told to stop, killed, measured.

Knows where they work only by the environment it is given. Never shares memory with them.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from domain.errors import Unavailable
from rig.nursery import Forked, Nursery

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120
POLL_SECONDS = 0.05
OURS = ("DUELY_", "TEMPORAL_", "STRIPE_", "SENDGRID_", "SMTP_")


def environment(address: str, database: str, var: Path, *, namespace: str = "default", **more: str) -> dict[str, str]:
    """Ours for a process that works on that server with those books and that folder; nothing of ours that our own
    process was given gets through."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)} | {
        "TEMPORAL_ADDRESS": address,
        "TEMPORAL_NAMESPACE": namespace,
        "DUELY_DATABASE_URL": database,
        "DUELY_VAR": str(var),
        **more,
    }


@dataclass
class Process:
    """`duely VERB` in the checkout `root`, its output appended to `log`. With a `nursery` it is forked, and `root`
    is the nursery's."""

    verb: str
    environment: Mapping[str, str]
    log: Path
    root: Path = ROOT
    nursery: Nursery | None = None
    process: subprocess.Popen[bytes] | Forked | None = field(default=None, init=False)
    _from: int = field(default=0, init=False)

    def start(self, crash: str = "") -> None:
        """Does not wait for it. `crash`: the label of `rig/crashes.py` at which it dies."""
        self.log.touch()
        self._from = self.log.stat().st_size
        arguments = [self.verb, "--json"]
        if self.nursery is not None:
            self.process = self.nursery.fork(arguments, self.environment, self.log, crash)
            return
        program = ["rig.crashes", crash] if crash else ["cli.main"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *program, *arguments],
                cwd=self.root, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def ready(self, seconds: float = START_SECONDS) -> dict[str, object]:
        """Waits for what it says of itself once it works: `pid` and where. Raises Unavailable with its last words."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            told = "\n".join(self._said())
            with contextlib.suppress(ValueError):
                found, _ = json.JSONDecoder().raw_decode(told, told.index("{"))
                return dict(found)
            if not self.alive:
                break
            time.sleep(POLL_SECONDS)
        raise Unavailable(f"the {self.verb} did not come up: {' | '.join(self._said()[-3:]) or 'it said nothing'}")

    @property
    def pid(self) -> int:
        if self.process is None:
            raise Unavailable(f"the {self.verb} was not started")
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed, nobody is told. May be called again."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds: float = 60) -> int:
        """SIGTERM, as compose does; answers how it ended, drained."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def died(self, seconds: float = 60) -> int:
        """Waits until it ends by itself, at a crash point."""
        assert self.process is not None
        return self.process.wait(seconds)

    @property
    def cpu_seconds(self) -> float:
        """Used so far by a process that lives."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    @property
    def resident_bytes(self) -> int:
        return int(psutil.Process(self.pid).memory_info().rss)

    def _said(self) -> list[str]:
        """What it wrote since it was started last."""
        with self.log.open("rb") as log:
            log.seek(self._from)
            return log.read().decode(errors="replace").splitlines()


class WorkerProcess(Process):
    def __init__(
        self, environment: Mapping[str, str], log: Path, root: Path = ROOT, nursery: Nursery | None = None
    ) -> None:
        super().__init__("worker", environment, log, root, nursery)


class GatewayProcess(Process):
    """At DUELY_GATEWAY_PORT of its environment."""

    def __init__(
        self, environment: Mapping[str, str], log: Path, root: Path = ROOT, nursery: Nursery | None = None
    ) -> None:
        super().__init__("gateway", environment, log, root, nursery)
