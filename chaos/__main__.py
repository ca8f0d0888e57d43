"""`python -m chaos`, as `make chaos` calls it: real server, real workers, faults; ends with a certificate. Exit 1 on a
breach, 2 when it could not be tried."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

from rich.console import Console
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from chaos import run
from chaos.plan import Plan
from domain.errors import DuelyError
from rig import production, results
from workers import binary

KEPT = results.KEPT / "chaos.json"
SERVERS = {
    "dev": f"Temporal {binary.VERSION} embedded with files, books in Postgres",
    "postgres": f"Temporal {production.VERSION} with {production.SHARDS} shards, it and the books in Postgres",
}


def main() -> int:
    plan, keep = _asked()
    console, started = Console(highlight=False), time.monotonic()

    def report(line: str) -> None:
        console.print(f"{time.monotonic() - started:6.0f} s  {line}", markup=False, soft_wrap=True)

    # The SDK's own warnings that a server does not answer would drown the report.
    quiet = LoggingConfig(TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=quiet)))
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # answers that the stand-in drops on purpose
    folder = Path(tempfile.mkdtemp(prefix="duely-chaos-"))
    report(f"{plan.command}; logs in {folder}")
    # Whoever stops it by SIGTERM gets the order of Ctrl-C, also in the background: servers and workers end first.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    try:
        certificate = asyncio.Runner().run(run.play(plan, folder, report))
    except DuelyError as error:
        print(error, file=sys.stderr)
        return 2
    if keep:
        results.write(KEPT, results.results("chaos", certificate.tables(), SERVERS[plan.server], command=plan.command))
    certificate.show(console)
    if certificate.findings:
        return 1
    run.remove(folder)
    return 0


def _asked() -> tuple[Plan, bool]:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--server", choices=tuple(SERVERS), default=usual.server)
    parser.add_argument("--mail", choices=("smtp", "outbox"), default=usual.mail)
    for name in ("invoices", "kills", "restarts"):
        parser.add_argument(f"--{name}", type=int, default=getattr(usual, name))
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10_000), help="default: drawn, and told")
    parser.add_argument("--keep", action="store_true", help=f"write {KEPT.relative_to(results.ROOT)}")
    asked = vars(parser.parse_args())
    keep = asked.pop("keep")
    return Plan(**asked), keep


if __name__ == "__main__":
    code = 2
    try:
        code = main()
    except BaseException:  # noqa: BLE001 - told, and the end is ours
        traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # calls to a server that is gone leave threads of the SDK behind, for which Python would wait
