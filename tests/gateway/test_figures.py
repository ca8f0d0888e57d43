"""`/metrics`: who sees amounts, how often the books are read for it, and that no label names anybody."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import Engine

from adapters.books import watermarks
from adapters.books.engine import write
from adapters.books.tx import booking
from domain import watched
from domain.currencies import EXPONENTS
from domain.exceptions import SETTLED_BY
from gateway import figures
from gateway.figures import Board
from schemas import tables as t
from tests.gateway.conftest import Gateway, Open, settings_of
from tests.story import Story

KEY = "k" * 40
ODD = "Zaphod Quxworth"
WORDS: dict[str, Any] = {
    "state": {*watched.STATES, "claimed", "released", "unknown", "refused"},
    "kind": {*SETTLED_BY, *watched.KINDS, "other"},
    "reason": {*watched.REASONS, "other"},
    "age": {*(name for name, _ in watched.AGES), watched.OLDER},
    "currency": {*EXPONENTS, "other"},
    "source": {"bank", "stripe", "hand"},
}
"""Every label of the books' figures but `seller`, with all it may say."""


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def spoil(engine: Engine, told: Story) -> None:
    """Words of people where the books have words of lists."""
    with write(engine, None) as session:
        row: dict[str, Any] = {
            "seller": "demo",
            "invoice": told.id,
            "kind": ODD,
            "code": ODD,
            "reason": ODD,
            "balance": 1,
        }
        whys = [t.Why(**row, verdict=v, at=told.now, policy=ODD, policy_version=1) for v in ("sent", "withheld")]
        odd = t.OpenException(seller="demo", kind=ODD, key=ODD, owner="sam", opened_at=told.now)
        session.add_all([*whys, odd])


async def test_figures_move_with_the_books(bare: Gateway, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "KEPT_SECONDS", 0.0)
    monkeypatch.setattr(figures, "SHARE", 0)
    waits = samples((await bare.http.get("/metrics")).text)
    assert waits["duely_invoices", (("state", "awaiting_approval"),)] == 1
    story.command("approve", "ana")
    owed = story.run(1).balance
    found = samples((await bare.http.get("/metrics")).text)
    assert found["duely_invoices", (("state", "collecting"),)] == 1
    assert found["duely_owed_minor", (("currency", "EUR"), ("seller", "demo"))] == owed
    assert found["duely_messages_sent_total", (("kind", "invoice"),)] == 1
    assert found["duely_books_up", ()] == 1
    assert not [name for name, _ in found if name == "duely_workflows_stuck"], "no server: not known"


async def test_labels_are_words_of_closed_lists(bare: Gateway, story: Story) -> None:
    story.command("approve", "ana")
    story.run(60)
    story.command("dispute", ODD, reason=ODD)
    spoil(bare.engine, story)
    with booking(bare.engine, "demo", story.now) as tx:
        watermarks.advance(tx, "bank", story.now.date(), story.now - timedelta(days=1))
    await bare.http.get(f"/i/{ODD}")
    text = (await bare.http.get("/metrics")).text
    found = [(name, label, value) for name, labels in samples(text) for label, value in labels if "http" not in name]
    assert {label for _, label, _ in found} == {"seller", *WORDS}
    for name, label, value in found:
        fits = re.fullmatch(r"[a-z0-9]{2,20}", value) if label == "seller" else value in WORDS[label]
        assert fits, f"{name}: {label}={value}"
    assert "Zaphod" not in text


async def test_amounts_are_for_whoever_shows_the_key(opened: Open, demo: Engine, demo_url: str, tmp_path: Path) -> None:
    shown, other = {"Authorization": f"Bearer {KEY}"}, {"Authorization": "Bearer other"}
    at_home, public = settings_of(tmp_path, demo_url), settings_of(tmp_path, demo_url, public_url="https://pay.example")
    for settings, who_sees in (
        (at_home, [({}, True)]),
        (public, [({}, False), (shown, False)]),
        (public.model_copy(update={"metrics_key": SecretStr(KEY)}), [({}, False), (other, False), (shown, True)]),
        (at_home.model_copy(update={"metrics_key": SecretStr(KEY)}), [({}, False), (shown, True)]),
    ):
        async with opened(settings, demo) as gateway:
            for headers, sees in who_sees:
                text = (await gateway.http.get("/metrics", headers=headers)).text
                assert ("duely_books_up" in text, "duely_http_requests" in text) == (sees, True)


async def test_looking_cannot_load_the_books(demo: Engine, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading is kept for 15 s, or for twenty times as long as it took."""
    at, reads = {"now": 0.0}, [0]
    board = Board(demo, lambda: at["now"])
    read = board._read

    async def slow(*given: Any) -> bytes:
        reads[0] += 1
        at["now"] += 2.0
        return await read(*given)

    monkeypatch.setattr(board, "_read", slow)
    for moment, times in ((0.0, 1), (41.9, 1), (42.1, 2)):
        at["now"] = moment
        await board.text(story.now, None)
        assert reads == [times]


async def test_books_that_do_not_answer_are_told(bare: Gateway) -> None:
    with bare.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=OFF")
        connection.exec_driver_sql("ALTER TABLE whys RENAME TO gone")
        connection.commit()
    found = samples((await bare.http.get("/metrics")).text)
    assert found["duely_books_up", ()] == 0
    assert not [name for name, _ in found if name.startswith(("duely_invoices", "duely_owed", "duely_messages"))]
