"""Writes golden histories: every ending, played anew on the real server. Only when told to, for they replay in
`test_golden.py` without one:

    DUELY_TEST_GOLDEN=2027-03 .venv/bin/python -m pytest tests/workflows/test_endings.py

writes `tests/golden/2027-03/*.json.gz`, a file a run. It overwrites nothing: old histories stay, for invoices that were
opened with the code of their day are still open.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import pytest
from temporalio.client import Client

from tests.workflows import golden
from tests.workflows.conftest import House
from tests.workflows.endings import ENDINGS
from tests.workflows.life import runs_of
from tests.workflows.siblings import AT_THE_TILL, IN_HASTE, IN_THE_HOUSE, disputed_meanwhile, mail_outage
from tests.workflows.test_continue import hasty_house
from tests.workflows.test_deliveries import Post, post
from tests.workflows.till import Till

__all__ = ["hasty_house", "post"]

RECORDING = os.environ.get("DUELY_TEST_GOLDEN", "")
pytestmark = pytest.mark.skipif(not RECORDING, reason="DUELY_TEST_GOLDEN=<name> records golden histories")


async def keep(client: Client, name: str, id_: str) -> None:
    """All runs of this id, the oldest first, in files of their own."""
    runs = await runs_of(client, id_)
    for number, run in enumerate(runs, 1):
        history = await client.get_workflow_handle(id_, run_id=run.run_id).fetch_history()
        golden.write(golden.FOLDER / RECORDING / f"{name}{f'.{number}' if len(runs) > 1 else ''}.json.gz", history)


@pytest.mark.parametrize("name", ENDINGS)
async def test_an_invoice(sqlite_house: House, name: str) -> None:
    life = await ENDINGS[name](sqlite_house)
    await keep(sqlite_house.client, name, life.id)


@pytest.mark.parametrize("name", AT_THE_TILL)
async def test_with_a_provider(sqlite_till: Till, name: str) -> None:
    await keep(sqlite_till.client, name, await AT_THE_TILL[name](sqlite_till))


@pytest.mark.parametrize("name", IN_THE_HOUSE)
async def test_a_sibling(sqlite_house: House, name: str) -> None:
    await keep(sqlite_house.client, name, await IN_THE_HOUSE[name](sqlite_house))


@pytest.mark.parametrize("name", IN_HASTE)
async def test_over_several_runs(hasty_house: House, name: str) -> None:
    await keep(hasty_house.client, name, await IN_HASTE[name](hasty_house))


@pytest.mark.parametrize("script", [mail_outage, disputed_meanwhile])
async def test_a_mail_outage(post: Post, script: Callable[[Post], Awaitable[str]]) -> None:
    await keep(post.house.client, script.__name__, await script(post))
