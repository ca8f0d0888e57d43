"""What forks workers says what became of each, and its end is noticed while they live."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import Unavailable
from rig.nursery import Forked, Nursery
from rig.ports import free_port
from rig.processes import ROOT

SOON = 60.0


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    found = Nursery(tmp_path / "nursery.log", ROOT)
    yield found
    found.stop()


def born(nursery: Nursery, folder: Path, *arguments: str) -> Forked:
    environment = {"PATH": os.environ["PATH"], "DUELY_VAR": str(folder), "HOME": str(folder)}
    return nursery.fork(list(arguments), environment, folder / "child.log", crash="")


def test_how_a_process_ended_may_be_asked_twice(nursery: Nursery, tmp_path: Path) -> None:
    child = born(nursery, tmp_path, "--help")
    assert child.wait(SOON) == 0
    assert nursery.ended(child.pid) == 0


def test_its_end_is_noticed_while_what_it_forked_lives(nursery: Nursery, tmp_path: Path) -> None:
    child = born(nursery, tmp_path, "gateway")
    os.kill(nursery._process.pid, signal.SIGKILL)
    try:
        with pytest.raises(Unavailable, match="nursery of workers has ended"):
            child.poll()
    finally:
        os.kill(child.pid, signal.SIGKILL)


def test_no_port_is_given_twice() -> None:
    assert len({free_port() for _ in range(500)}) == 500
