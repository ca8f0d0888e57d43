"""Answers have the shape of the SDK's own classes: every field is declared there with that type and, where the
class has a list of words, one of them; what the class always has is there. So it is for all that a long story
leaves behind, the objects inside events included."""

from __future__ import annotations

import builtins
import sys
import typing
from datetime import timedelta
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import stripe
from stripe import _object_classes

from adapters.standins.stripe.server import StandIn
from tests.adapters.standins.stripe.support import NOW, SDK_WARNS, asked

pytestmark = pytest.mark.filterwarnings(SDK_WARNS)
LATER = NOW + timedelta(days=3)


class Names(dict[str, Any]):
    """Names that the SDK's classes import for type checkers only: classes of objects, some of them renamed."""

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            raise KeyError(name)
        return getattr(stripe, name.removesuffix("Resource"), stripe.StripeObject)


def declared(kind: type) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, localns=Names(vars(sys.modules[kind.__module__])))
    public = {name: hint for name, hint in hints.items() if not name.startswith("_")}
    return {name: hint for name, hint in public.items() if get_origin(hint) is not typing.ClassVar}


def check(value: Any, kind: Any, at: str) -> None:
    origin = get_origin(kind)
    if origin in (Union, typing.get_origin(int | str)):
        check_one_of(value, get_args(kind), at)
    elif origin is Literal:
        assert value in get_args(kind), at
    elif origin is list:
        assert isinstance(value, list), at
        for index, one in enumerate(value):
            check(one, get_args(kind)[0], f"{at}[{index}]")
    elif origin is not None:  # ListObject[…], UntypedStripeObject[…]
        assert isinstance(value, dict), at
    elif isinstance(kind, type) and issubclass(kind, stripe.StripeObject):
        check_object(value, kind, at)
    elif kind is not Any:
        assert type(value) is kind, f"{at} is {value!r}, declared {kind}"


def check_one_of(value: Any, kinds: tuple[Any, ...], at: str) -> None:
    """Words beside `str` are the whole list, an id beside a class may be opened."""
    if value is None:
        assert type(None) in kinds, f"{at} is null, declared {kinds}"
        return
    rest = [kind for kind in kinds if kind is not type(None)]
    words = [kind for kind in rest if get_origin(kind) is Literal]
    if words:
        check(value, words[0], at)
    elif not isinstance(value, str) or str not in rest:
        for kind in rest:
            shape = get_origin(kind) or kind
            if isinstance(value, dict) == (isinstance(shape, type) and issubclass(shape, stripe.StripeObject)):
                check(value, kind, at)
                return
        raise AssertionError(f"{at} is {value!r}, declared {kinds}")


def check_object(value: Any, kind: type, at: str) -> None:
    assert isinstance(value, dict), at
    fields = declared(kind)
    assert set(value) <= set(fields), f"{at} has {set(value) - set(fields)}, unknown to {kind.__name__}"
    needed = {name for name, hint in fields.items() if type(None) not in get_args(hint)}
    assert needed <= set(value), f"{at} lacks {needed - set(value)}"
    for name, below in value.items():
        check(below, fields[name], f"{at}.{name}")


def class_of(shown: dict[str, Any]) -> type:
    return _object_classes.get_object_class("V1", shown["object"])


def story(sim: StandIn, client: stripe.StripeClient) -> None:
    """One of everything."""
    customer = client.v1.customers.create({"name": "Globex", "email": "ap@globex.example"}).id
    more: Any = {"customer_email": "ap@globex.example", "cancel_url": "https://duely.example", "locale": "de"}
    wanted = [asked(**more), asked(), asked(), asked(customer=customer), asked(), asked()]
    keys = [client.v1.checkout.sessions.create(one).id for one in wanted]
    first = sim.pay(keys[0])["payment_intent"]
    sim.pay(keys[1], "sepa_debit")
    sim.settle(keys[1])
    sim.pay(keys[2], "sepa_debit")
    sim.fail(keys[2])
    sim.pay(keys[3], "customer_balance")
    sim.fund(keys[3], 1)
    client.v1.checkout.sessions.expire(keys[4])
    refund = client.v1.refunds.create({"payment_intent": first, "amount": 100, "reason": "duplicate"})
    sim.refund_outside(first, 100)
    sim.fail_refund(refund.id)
    dispute = sim.dispute(first)
    client.v1.disputes.update(dispute["id"], {"metadata": {"a": "b"}, "evidence": {"receipt": "file_1"}})
    sim.close_dispute(dispute["id"], "won")
    sim.dispute(sim.state.get("checkout.session", keys[1])["payment_intent"])
    sim.pay(keys[5], at=NOW)
    sim.payout(at=LATER)
    sim.webhooks.drain()


def test_every_answer_fits_the_sdks_classes(sim: StandIn, mine: stripe.StripeClient) -> None:
    story(sim, mine)
    kinds = set()
    for name, table in sim.state.tables.items():
        assert table, f"the story has no {name}"
        for shown in table.values():
            check_object(shown, class_of(shown), name)
            if name == "event":
                kinds.add(shown["type"])
                inside = shown["data"]["object"]
                check_object(inside, class_of(inside), shown["type"])
    assert len(kinds) == 25, sorted(kinds)


def test_what_the_sdk_builds_of_an_answer_is_the_answer(sim: StandIn, mine: stripe.StripeClient) -> None:
    story(sim, mine)
    for name, found in {
        "checkout.session": mine.v1.checkout.sessions.list({"limit": 100}),
        "charge": mine.v1.charges.list({"limit": 100}),
        "dispute": mine.v1.disputes.list({"limit": 100}),
        "refund": mine.v1.refunds.list({"limit": 100}),
        "balance_transaction": mine.v1.balance_transactions.list({"limit": 100}),
        "event": mine.v1.events.list({"limit": 100}),
        "payout": mine.v1.payouts.list({"limit": 100}),
    }.items():
        built = {one.id: one for one in found.data}  # type: ignore[attr-defined]
        assert {key: one.to_dict() for key, one in built.items()} == sim.state.tables[name]
        assert {type(one) for one in built.values()} == {class_of({"object": name})}


def test_an_event_can_be_asked_for_by_its_id(sim: StandIn, mine: stripe.StripeClient) -> None:
    mine.v1.checkout.sessions.expire(mine.v1.checkout.sessions.create(asked()).id)
    sim.webhooks.drain()
    event = mine.v1.events.list().data[0]
    assert mine.v1.events.retrieve(event.id).to_dict() == event.to_dict()
