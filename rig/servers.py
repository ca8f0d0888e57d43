"""One way to a real Temporal server with what belongs to it, embedded or as in production: started, killed, started
again on the same address, with its state kept.

Knows nothing of workers (`rig/processes.py`) and never runs where production data is.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, get_args

from domain.errors import Invalid
from rig import production
from rig.ports import free_port
from rig.postgres import Postgres
from workers import binary
from workers.devserver import DevServer

Kind = Literal["dev", "postgres"]


class Machine(Protocol):
    """`DevServer` and `ProductionServer`."""

    async def start(self) -> object: ...
    def kill(self) -> None: ...
    @property
    def address(self) -> str: ...
    @property
    def pid(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Server:
    """`postgres` holds the server's own state and the books' databases; None on the embedded server, whose books are
    SQLite files in `folder`."""

    kind: Kind
    address: str
    folder: Path
    machine: Machine
    postgres: Postgres | None

    def books(self, name: str) -> str:
        """The URL of a new, empty database of that name for books."""
        if self.postgres is not None:
            return self.postgres.url(self.postgres.create(name=name))
        return f"sqlite:///{self.folder / name}.db"

    async def start(self) -> None:
        """Raises Unavailable when it does not answer."""
        await self.machine.start()

    def kill(self) -> None:
        """SIGKILL."""
        self.machine.kill()

    async def restart(self) -> None:
        self.kill()
        await self.start()


@asynccontextmanager
async def open_server(
    kind: str, folder: Path, *, shards: int = production.SHARDS, report: Callable[[str], None] = lambda _: None
) -> AsyncIterator[Server]:
    """A running server while the block runs. Its files lie in `folder`, Postgres' in a folder of its own."""
    match kind:
        case "dev":
            program = binary.find(report)
            embedded = DevServer(program, folder, port=free_port(), headless=True)
            async with embedded:
                yield Server("dev", embedded.address, folder, embedded, None)
        case "postgres":
            programs = production.find(report)
            postgres = Postgres(durable=True)
            machine = production.ProductionServer(programs, folder, postgres, shards)
            try:
                await machine.start()
                yield Server("postgres", machine.address, folder, machine, postgres)
            finally:
                machine.kill()
                postgres.stop()
        case _:
            raise Invalid.at("SERVER", f"{kind} is none of {', '.join(get_args(Kind))}")
