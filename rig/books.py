"""Books for a rig: the demo's sellers, customers and people, and a policy under which many reminders leave at any hour.
Never touches books that somebody uses."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from adapters.books.engine import open_engine
from adapters.books.migrate import upgrade
from adapters.books.seed import apply_seed, load_seed
from workers.up import DEMO

SWIFT = Path(__file__).with_name("swift.toml")


def furnish(url: str, now: datetime) -> None:
    """Tables, the demo, the policy `swift`, in the empty database at `url`."""
    upgrade(url)
    engine = open_engine(url)
    for file in (DEMO, SWIFT):
        apply_seed(engine, load_seed(file), now)
    engine.dispose()
