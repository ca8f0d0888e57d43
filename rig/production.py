"""The Temporal server in the shape production runs it: the real `temporal-server` of the compose file's release, its
state in Postgres, schema by the compose file's own script. Started, killed, started again on the same address.

Built once with Go into the cache, outside the checkout. Unlike production it skips time for who asks.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import Unavailable
from rig.ports import LOOPBACK, free_port
from rig.postgres import Postgres
from workers.awaiting import answering
from workers.namespace import RETENTION

VERSION = "1.32.0"
MODULE = f"go.temporal.io/server@v{VERSION}"
PROGRAMS = {"server": "temporal-server", "tools/sql": "temporal-sql-tool"}
SCHEMA_SCRIPT = Path(__file__).parents[1] / "docker" / "temporal-schema.sh"
SHARDS = 64
"""As in the compose file."""
SERVICES = ("frontend", "matching", "history", "worker")
START_SECONDS = 90
DYNAMIC = """\
frontend.WorkflowTimeSkippingEnabled:
  - value: true
history.timerProcessorMaxTimeShift:
  - value: 10ms
"""
"""As the embedded server has it: workflows live in real time but for those that somebody fast-forwards."""

Report = Callable[[str], None]


def cache_folder() -> Path:
    """By its standard, a relative XDG_CACHE_HOME is ignored."""
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "duely" / "temporal-server" / VERSION


def find(report: Report = lambda _: None) -> Path:
    """The folder with both programs and `schema/`; built if missing, which takes minutes. Raises Unavailable."""
    folder = cache_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{VERSION}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix="new-") as scratch:
                _build(Path(scratch), report)
                Path(scratch).rename(folder)
                Path(scratch).mkdir()  # for who wants to remove it
    return folder


def _build(scratch: Path, report: Report) -> None:
    if shutil.which("go") is None:
        raise Unavailable(f"Temporal {VERSION} on Postgres needs Go to be built: install Go 1.26, or use SERVER=dev")
    report(f"building the Temporal server {VERSION}; once, some minutes on two cores")
    packages = [f"go.temporal.io/server/cmd/{name}@v{VERSION}" for name in PROGRAMS]
    _go("install", "-trimpath", "-ldflags", "-s -w", *packages, folder=scratch)
    for name, program in PROGRAMS.items():
        (scratch / Path(name).name).rename(scratch / program)
    source = Path(json.loads(_go("mod", "download", "-json", MODULE, folder=scratch))["Dir"])
    shutil.copytree(source / "schema" / "postgresql", scratch / "schema" / "postgresql")
    subprocess.run(["chmod", "-R", "u+w", scratch / "schema"], check=True)  # Go's cache is read-only


def _go(*arguments: str, folder: Path) -> str:
    done = subprocess.run(
        ["go", *arguments], cwd=folder, env={**os.environ, "GOBIN": str(folder), "GOWORK": "off", "GOFLAGS": ""},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise Unavailable(f"the Temporal server cannot be built: {' | '.join(done.stderr.strip().splitlines()[-3:])}")
    return done.stdout


class ProductionServer:
    """One process with all four services. `folder` keeps its configuration and log, `postgres` its state."""

    def __init__(self, programs: Path, folder: Path, postgres: Postgres, shards: int = SHARDS) -> None:
        self._programs, self._folder, self._postgres, self._shards = programs, folder, postgres, shards
        self._process: subprocess.Popen[bytes] | None = None
        self._ports = dict.fromkeys(SERVICES, (0, 0))
        self.address = ""

    @property
    def log(self) -> Path:
        return self._folder / "temporal.log"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Lays the schema at first, starts, waits until it answers. Raises Unavailable with its last words."""
        if not self.address:
            await asyncio.to_thread(self._prepare)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "temporal-server", "--config-file", self._folder / "server.json", "--allow-no-auth",
                 "start"],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            await answering(self._process, self.log, self.address, _healthy, START_SECONDS)
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """SIGKILL. May be called again."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._ports = {name: (free_port(), free_port()) for name in SERVICES}
        done = subprocess.run(
            ["sh", SCHEMA_SCRIPT], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            env={
                "PATH": f"{self._programs}:{os.environ['PATH']}",
                "TEMPORAL_SCHEMA": str(self._programs / "schema"),
                "SQL_PLUGIN": "postgres12_pgx", "SQL_HOST": LOOPBACK, "SQL_PORT": str(self._postgres.port),
                "SQL_USER": "duely", "SQL_PASSWORD": "trusted",
            },
        )  # fmt: skip
        if done.returncode:
            raise Unavailable(f"Temporal's schema cannot be laid: {(done.stderr or done.stdout).strip()[-300:]}")
        (self._folder / "dynamic.yaml").write_text(DYNAMIC)
        # YAML's subset that the standard library writes.
        (self._folder / "server.json").write_text(json.dumps(self._config(), indent=1))
        self.address = f"{LOOPBACK}:{self._ports['frontend'][0]}"

    def _config(self) -> dict[str, object]:
        """The module's config/development-postgres12.yaml, on ports of our own."""

        def store(database: str) -> dict[str, object]:
            return {"sql": {
                "pluginName": "postgres12_pgx", "databaseName": database, "connectProtocol": "tcp",
                "connectAddr": f"{LOOPBACK}:{self._postgres.port}", "user": "duely", "password": "trusted",
                "maxConns": 20, "maxIdleConns": 20, "maxConnLifetime": "1h",
            }}  # fmt: skip

        cluster = {
            "enabled": True,
            "initialFailoverVersion": 1,
            "rpcName": "frontend",
            "rpcAddress": f"{LOOPBACK}:{self._ports['frontend'][0]}",
        }
        return {
            "log": {"stdout": True, "level": "warn"},
            "persistence": {
                "defaultStore": "state", "visibilityStore": "visibility", "numHistoryShards": self._shards,
                "datastores": {"state": store("temporal"), "visibility": store("temporal_visibility")},
            },
            "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": LOOPBACK}},
            "services": {
                name: {"rpc": {"grpcPort": grpc, "membershipPort": member, "bindOnLocalHost": True}}
                for name, (grpc, member) in self._ports.items()
            },
            "clusterMetadata": {
                "enableGlobalNamespace": False, "failoverVersionIncrement": 10, "masterClusterName": "active",
                "currentClusterName": "active", "clusterInformation": {"active": cluster},
            },
            "dcRedirectionPolicy": {"policy": "noop"},
            "dynamicConfigClient": {"filepath": str(self._folder / "dynamic.yaml"), "pollInterval": "60s"},
        }  # fmt: skip


async def _healthy(client: Client) -> bool:
    """The frontend, with its namespace, and the store of its visibility."""
    await _namespace(client)
    await client.count_workflows()
    return True


async def _namespace(client: Client) -> None:
    kept = Duration()
    kept.FromTimedelta(RETENTION)
    request = RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=kept)
    try:
        await client.workflow_service.register_namespace(request)
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
