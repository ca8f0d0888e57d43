"""Waits for a Temporal server process of ours until it answers, and has its last words where it does not."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError

from domain.errors import Unavailable
from workers.connect import DEFAULT_NAMESPACE

POLL_SECONDS = 0.02


async def answering(
    process: subprocess.Popen[bytes],
    log: Path,
    address: str,
    ready: Callable[[Client], Awaitable[bool]],
    seconds: float,
) -> None:
    """Until `ready` is true of a client at `address` (HOST:PORT). Unavailable when the process ends or takes longer."""
    host, port = address.split(":")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Unavailable(f"the Temporal server ended at once: {_last_words(log)}")
        # Knock first: a client that finds the port closed retries on its own schedule, for seconds.
        with contextlib.suppress(OSError, RPCError, RuntimeError):
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            if await ready(await Client.connect(address, namespace=DEFAULT_NAMESPACE)):
                return
        await asyncio.sleep(POLL_SECONDS)
    raise Unavailable(f"the Temporal server did not answer within {seconds:.0f} s: {_last_words(log)}")


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"{lines[-1][-300:] if lines else 'it said nothing'} (log: {log})"
