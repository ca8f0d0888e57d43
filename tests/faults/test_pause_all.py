"""`pause-all` holds over a restart of server, worker and gateway; payments book all the while; its end is no burst."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from adapters.books import stops
from adapters.books.engine import open_engine
from adapters.books.verify import verify
from tests.workflows.life import Life, request
from workers.connect import TASK_QUEUE
from workflows.plugin import PLUGIN

ROOT = Path(__file__).parents[2]


@contextmanager
def up(environment: dict[str, str]) -> Iterator[None]:
    """`duely up`: all three, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "up", "--json"], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        told = ""
        while not told.endswith("}\n"):
            line = process.stdout.readline()
            assert line, f"up ended with {process.wait()}"
            told += line
        assert json.loads(told)["server"] == f"127.0.0.1:{environment['DUELY_TEMPORAL_PORT']}"
        yield
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


async def lives(folder: Path, port: str) -> tuple[Life, Life]:
    """One that will be chased and one that will be paid, each on a clock of its own."""
    client = await Client.connect(f"127.0.0.1:{port}", plugins=[PLUGIN])
    skipper = TimeSkipper(client, config=TimeSkippingConfig(enabled=False, max_session_skip_count=2000))
    engine = open_engine(f"sqlite:///{folder / 'duely.db'}")
    ids = ("invoice-clock01-ORD-1", "invoice-clock02-ORD-1")
    chased, paid = (Life(client.get_workflow_handle(id_), client, skipper, engine, folder / "outbox") for id_ in ids)
    return chased, paid


async def begin(life: Life) -> None:
    seller = life.id.split("-")[1]
    body = request(seller, "ORD-1", "1000.00", terms="net 14")
    await life.skipper.client.start_workflow("Invoice", body, id=life.id, task_queue=TASK_QUEUE)
    await life.state("awaiting_approval")
    await life.do("approve", by="ana")
    await life.state("collecting")
    await life.at_rest()


async def test_it_outlives_every_process_and_ends_without_a_burst(tmp_path: Path, unused_tcp_port_factory: Any) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "DUELY_"))}
    environment |= {"DUELY_VAR": str(tmp_path)}
    for name in ("DUELY_TEMPORAL_PORT", "DUELY_UI_PORT", "DUELY_GATEWAY_PORT"):
        environment[name] = str(unused_tcp_port_factory())
    port = environment["DUELY_TEMPORAL_PORT"]
    with up(environment):
        chased, paid = await lives(tmp_path, port)
        for life in (chased, paid):
            await begin(life)
        stops.pause_all(chased.engine, "ben", "wrong price list", datetime.now(UTC))
    with up(environment):
        chased, paid = await lives(tmp_path, port)
        await chased.forward(40)  # D-3, D+1, D+7 and D+14 would have come
        assert (await chased.state("on_hold"))["next"]["why"].startswith("all is on hold")
        assert chased.rungs() == []
        await paid.forward(20)
        day = (await paid.now()).date().isoformat()
        await paid.do("pay", by="ben", amount="1190.00", received_on=day, method="transfer", external_id="P-1")
        assert (await paid.result())["state"] == "paid"
        stops.resume_all(chased.engine, "ben", datetime.now(UTC))
        await chased.handle.signal("books_changed")
        await chased.until(lambda said: said["state"] == "collecting")
        await chased.forward(30)
        left = [mail.at for mail in chased.mails("reminder")]
        # D-3 fell due meanwhile: whether its shifted day is over when all goes on, and it is skipped, is the weekday's.
        assert [rung for rung in chased.rungs() if rung != "D-3"][:2] == ["D+1", "D+7"]
        assert all(later - earlier >= timedelta(days=2) for earlier, later in pairwise(left)), left
    assert verify(chased.engine) == []
