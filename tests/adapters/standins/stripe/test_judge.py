"""What the judge takes is what Stripe's own types say, at every depth."""

from __future__ import annotations

from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stripe import params
from stripe._encode import _api_encode
from stripe.params import checkout
from typing_extensions import is_typeddict

from adapters.standins.stripe.api import _ROUTES
from adapters.standins.stripe.errors import Wrong
from adapters.standins.stripe.judge import _fields, decode, judge
from tests.adapters.standins.stripe.support import asked

TEXT = st.text(min_size=1, max_size=8)
KEYS = st.text("abcz_", min_size=1, max_size=6)
TREES = st.recursive(
    TEXT | st.integers(-(10**9), 10**9),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=3),
    max_leaves=12,
)


def sent(tree: Any) -> Any:
    """A tree as the SDK puts it on the wire, read back."""
    return decode(parse_qsl(urlencode(list(_api_encode(tree))), keep_blank_values=True))


def plain(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: plain(below) for key, below in tree.items()}
    if isinstance(tree, list):
        return {str(index): plain(below) for index, below in enumerate(tree)}
    return str(tree)


@given(st.dictionaries(KEYS, TREES, max_size=4))
def test_what_the_sdk_encodes_is_read_back_whole(tree: dict[str, Any]) -> None:
    assert sent(tree) == plain(tree)


@given(amount=st.integers(50, 10**7), metadata=st.dictionaries(st.text("abc_", min_size=1), TEXT))
def test_good_parameters_come_back_with_their_types(amount: int, metadata: dict[str, str]) -> None:
    wanted = asked(amount, metadata=metadata, expires_at=1_800_000_000)
    if not metadata:
        del wanted["metadata"]  # an empty hash does not travel in a form
    assert judge(checkout.SessionCreateParams, sent(wanted)) == wanted


def put(path: str, value: object) -> Any:
    """Good parameters with one of them, at `a.0.b`, set to something else."""
    tree: Any = asked()
    *steps, last = path.split(".")
    here = tree
    for step in steps:
        here = here[int(step)] if isinstance(here, list) else here.setdefault(step, {})
    here[last] = value
    return tree


@pytest.mark.parametrize(
    ("path", "value", "code", "param"),
    [
        ("colour", "red", "parameter_unknown", "colour"),
        ("api_key", "sk", "parameter_unknown", "api_key"),
        ("line_items.0.price_data.tax", "1", "parameter_unknown", "line_items[0][price_data][tax]"),
        ("payment_intent_data.meta.a", "b", "parameter_unknown", "payment_intent_data[meta]"),
        ("payment_method_options.card.installments.count", "3", "parameter_unknown",
         "payment_method_options[card][installments][count]"),
        ("mode", "pay", "", "mode"),
        ("mode", "", "", "mode"),
        ("locale", "xx", "", "locale"),
        ("allowed_payment_method_types", ["card", "cash"], "", "allowed_payment_method_types[1]"),
        ("expires_at", "tomorrow", "parameter_invalid_integer", "expires_at"),
        ("expires_at", "1.5", "parameter_invalid_integer", "expires_at"),
        ("line_items.0.price_data.unit_amount", "120.00", "parameter_invalid_integer",
         "line_items[0][price_data][unit_amount]"),
        ("allow_promotion_codes", "yes", "parameter_invalid_boolean", "allow_promotion_codes"),
        ("metadata", "text", "", "metadata"),
        ("metadata", {"a": {"b": "c"}}, "", "metadata[a]"),
        ("line_items", "one", "", "line_items"),
        ("line_items", {"first": {"quantity": 1}}, "", "line_items"),
        ("cancel_url", "", "parameter_invalid_empty", "cancel_url"),
        ("cancel_url", ["https://duely.example"], "", "cancel_url"),
    ],
)  # fmt: skip
def test_wrong_parameters_are_refused_by_name(path: str, value: object, code: str, param: str) -> None:
    with pytest.raises(Wrong) as refused:
        judge(checkout.SessionCreateParams, sent(put(path, value)))
    assert (refused.value.code, refused.value.param, refused.value.status) == (code, param, 400)


def test_a_missing_parameter_is_named_with_its_place() -> None:
    wanted = asked()
    del wanted["line_items"][0]["price_data"]["currency"]
    with pytest.raises(Wrong, match="Missing required param") as refused:
        judge(checkout.SessionCreateParams, sent(wanted))
    assert refused.value.param == "line_items[0][price_data][currency]"


@pytest.mark.parametrize("form", ["a=1&a=2", "a=1&a[b]=2", "a[b]=1&a=2", "[a]=1", "a[b=1", "a]=1"])
def test_a_form_that_says_two_things_is_refused(form: str) -> None:
    with pytest.raises(Wrong, match="Invalid request"):
        decode(parse_qsl(form))


def test_an_empty_text_unsets_where_the_type_says_so() -> None:
    assert judge(params.RefundCreateParams, {"metadata": ""}) == {"metadata": ""}


@pytest.mark.parametrize("route", _ROUTES, ids=lambda route: f"{route.method} {route.path.pattern}")
def test_the_judge_knows_every_type_of_every_endpoint(route: Any) -> None:
    seen: set[Any] = set()

    def walk(kind: Any) -> None:
        if is_typeddict(kind):
            if kind not in seen:
                seen.add(kind)
                for below in _fields(kind).values():
                    walk(below)
            return
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (NotRequired, Required, list, Union, UnionType):
            for below in inner:
                walk(below)
        elif origin is dict:
            walk(inner[1])
        elif origin is not Literal and "UntypedStripeObject" not in str(kind):
            assert kind in (str, int, bool, float, Decimal, NoneType)

    walk(route.params)
    assert seen
