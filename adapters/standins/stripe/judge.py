"""Requests judged by the TypedDicts of the installed `stripe` package, at every depth: unknown parameters, wrong
words, wrong scalars and missing ones are refused in Stripe's own manner.

The package writes a closed list of words as `Literal[...] | str`, so that old clients survive new words; Stripe
itself refuses the others, and so does this. `Literal['']` beside a type means that the parameter may be unset.
What no type says (two parameters that exclude each other, limits of length) is the endpoint's own matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

import stripe
from typing_extensions import get_type_hints, is_typeddict

from adapters.standins.stripe.errors import Json, Wrong

Node = str | dict[str, Any]
"""A form's value: text, or what stood in brackets. Lists arrive as `{"0": …, "1": …}`."""

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_INTEGER = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,12})?")
_OPTIONS = frozenset(stripe.RequestOptions.__annotations__)
"""Not parameters: they travel in headers, and the package keeps them in the same TypedDicts."""


def decode(pairs: Iterable[tuple[str, str]]) -> dict[str, Node]:
    """The tree of a form: `a[b][0]=x` is `{"a": {"b": {"0": "x"}}}`; `a[]=x` counts on."""
    tree: dict[str, Node] = {}
    for key, text in pairs:
        found = _KEY.fullmatch(key)
        if not found:
            raise Wrong(f"Invalid request: cannot read the parameter {key}", param=key)
        steps = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
        here = tree
        for step in steps[:-1]:
            below = here.setdefault(step or str(len(here)), {})
            if not isinstance(below, dict):
                raise Wrong(f"Invalid request: {key} is given both as a value and as a hash", param=key)
            here = below
        last = steps[-1] or str(len(here))
        if last in here:
            raise Wrong(f"Invalid request: {key} is given twice", param=key)
        here[last] = text
    return tree


def judge(params: type, given: Mapping[str, Node]) -> Json:
    """The parameters with their types; raises `Wrong`. `params` is the TypedDict of the endpoint's method."""
    return _hash(params, given, "")


@cache
def _fields(params: type) -> dict[str, Any]:
    # Two names of RequestOptions are known to type checkers only; their fields are dropped anyway.
    found = get_type_hints(params, localns={"StripeContext": str, "Mapping": Mapping}, include_extras=True)
    return {name: kind for name, kind in found.items() if name not in _OPTIONS}


def _hash(params: type, given: Mapping[str, Node], at: str) -> Json:
    fields = _fields(params)
    for name in given:
        if name not in fields:
            where = _below(at, name)
            raise Wrong(f"Received unknown parameter: {where}", param=where, code="parameter_unknown")
    for name in sorted(getattr(params, "__required_keys__", ())):
        if name in fields and name not in given:
            where = _below(at, name)
            raise Wrong(f"Missing required param: {where}.", param=where, code="parameter_missing")
    return {name: _value(fields[name], node, _below(at, name)) for name, node in given.items()}


def _value(kind: Any, node: Node, at: str) -> Any:
    origin = get_origin(kind)
    if origin in (NotRequired, Required):
        return _value(get_args(kind)[0], node, at)
    if origin in (Union, UnionType):
        return _one_of([option for option in get_args(kind) if option is not NoneType], node, at)
    if origin is Literal:
        return _one_of([kind], node, at)
    if is_typeddict(kind):
        if not isinstance(node, dict):
            raise Wrong("Invalid object", param=at)
        return _hash(kind, node, at)
    if origin is list:
        return _list(get_args(kind)[0], node, at)
    if origin is dict:
        return _map(get_args(kind)[1], node, at)
    return _scalar(kind, node, at)


def _one_of(options: list[Any], node: Node, at: str) -> Any:
    """The first option that fits in shape; text is a word of the list, where there is one, or another scalar."""
    words = [word for option in options if get_origin(option) is Literal for word in get_args(option)]
    rest = [option for option in options if get_origin(option) is not Literal]
    shaped = [option for option in rest if is_typeddict(option) or get_origin(option) in (list, dict)]
    if isinstance(node, dict):
        if not shaped:
            raise Wrong(f"Invalid string: {at} is given as a hash", param=at)
        return _value(shaped[0], node, at)
    if node in words:
        return node
    closed = [word for word in words if word]
    scalars = [option for option in rest if option in (int, bool, float, Decimal) or (option is str and not closed)]
    if scalars:
        return _scalar(scalars[0], node, at)
    if closed:
        raise Wrong(f"Invalid {at}: must be one of {_listed(closed)}", param=at)
    raise Wrong("Invalid array" if get_origin(shaped[0]) is list else "Invalid object", param=at)


def _list(kind: Any, node: Node, at: str) -> list[Any]:
    if not isinstance(node, dict) or sorted(node) != sorted(str(index) for index in range(len(node))):
        raise Wrong("Invalid array", param=at)
    return [_value(kind, node[str(index)], f"{at}[{index}]") for index in range(len(node))]


def _map(kind: Any, node: Node, at: str) -> Json:
    if not isinstance(node, dict):
        raise Wrong("Invalid object", param=at)
    return {key: below if below == "" else _value(kind, below, f"{at}[{key}]") for key, below in node.items()}


def _scalar(kind: Any, node: Node, at: str) -> str | int | bool | Decimal:
    if isinstance(node, dict):
        raise Wrong(f"Invalid string: {at} is given as a hash", param=at)
    if kind is bool:
        if node not in ("true", "false"):
            raise Wrong(f"Invalid boolean: {node}", param=at, code="parameter_invalid_boolean")
        return node == "true"
    if kind is int:
        if not _INTEGER.fullmatch(node):
            raise Wrong(f"Invalid integer: {node}", param=at, code="parameter_invalid_integer")
        return int(node)
    if kind in (float, Decimal):
        if not _DECIMAL.fullmatch(node):
            raise Wrong(f"Invalid decimal: {node}", param=at)
        return Decimal(node)
    if kind is not str:
        raise TypeError(f"{at}: the stripe package has a type this does not know: {kind}")
    if not node:
        cannot = f"'{at}' cannot be unset"
        raise Wrong(f"You passed an empty string, but {cannot}.", param=at, code="parameter_invalid_empty")
    return node


def _below(at: str, name: str) -> str:
    return f"{at}[{name}]" if at else name


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])}, or {words[-1]}"
