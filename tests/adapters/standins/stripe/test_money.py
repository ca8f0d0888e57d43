"""Whatever happens in whatever order: what the balance holds is what was paid less what went away."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from adapters.standins.stripe import sessions
from adapters.standins.stripe.aftermath import World
from adapters.standins.stripe.errors import Wrong
from adapters.standins.stripe.state import State
from tests.adapters.standins.stripe.support import NOW, asked

ACTS = ("session", "card", "debit", "settle", "fail", "refund", "return", "dispute", "close", "payout")
STEPS = st.tuples(st.sampled_from(ACTS), st.integers(0, 3), st.integers(1, 12_000), st.integers(0, 3))


def chosen(world: World, name: str, which: int) -> str:
    keys = list(world.state.tables[name])
    return keys[which % len(keys)] if keys else "nobody"


def play(world: World, act: str, which: int, amount: int, at: datetime) -> None:
    session, intent = chosen(world, "checkout.session", which), chosen(world, "payment_intent", which)
    if act == "session":
        sessions.create(world.state, asked(metadata={"minted_at": at.isoformat()}))
    elif act in ("card", "debit"):
        world.pay(session, "card" if act == "card" else "sepa_debit", at=at)
    elif act == "settle":
        world.settle(session, at=at)
    elif act == "fail":
        world.fail(session, at=at)
    elif act == "refund":
        world.refund_outside(intent, amount, at=at)
    elif act == "return":
        world.fail_refund(chosen(world, "refund", which), at=at)
    elif act == "dispute":
        world.dispute(intent, amount=amount, at=at)
    elif act == "close":
        world.close_dispute(chosen(world, "dispute", which), "won" if which % 2 else "lost", at=at)
    else:
        world.payout(at=at)


@given(st.lists(STEPS, max_size=30))
def test_money_is_never_made_or_lost(steps: list[tuple[str, int, int, int]]) -> None:
    world, at = World(State(lambda: NOW, 0)), NOW
    # A payment to begin with: shuffled acts alone seldom get to the later ones.
    play(world, "session", 0, 0, at)
    play(world, "card", 0, 0, at)
    for act, which, amount, days in steps:
        at += timedelta(days=days)
        try:
            play(world, act, which, amount, at)
        except Wrong:
            continue
    tables = {name: list(table.values()) for name, table in world.state.tables.items()}
    moved = tables["balance_transaction"]
    paid = sum(one["amount_received"] for one in tables["payment_intent"])
    refunded = sum(one["amount"] for one in tables["refund"] if one["status"] == "succeeded")
    disputed = sum(one["amount"] for one in tables["dispute"] if one["status"] != "won")
    paid_out = sum(one["amount"] for one in tables["payout"])
    assert sum(one["amount"] for one in moved) == paid - refunded - disputed - paid_out
    assert sum(one["amount_refunded"] for one in tables["charge"]) == refunded
    assert all(one["net"] == one["amount"] - one["fee"] for one in moved)
    for payout in tables["payout"]:
        assert sum(one["net"] for one in moved if world.state.payout_of.get(one["id"]) == payout["id"]) == 0
    for session in tables["checkout.session"]:
        intent = world.state.tables["payment_intent"].get(session["payment_intent"])
        assert (session["payment_status"] == "paid") is (intent is not None and intent["status"] == "succeeded")
