"""Lists and expansions, as every endpoint of Stripe's API has them (docs.stripe.com/api/pagination, /expand)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from adapters.standins.stripe.errors import Json, Wrong, missing
from adapters.standins.stripe.state import State

_PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})
_INSTANTS = frozenset({"created", "arrival_date"})
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}
_EXPANDABLE = {
    "checkout.session": {"payment_intent", "customer"},
    "payment_intent": {"latest_charge", "customer"},
    "charge": {"balance_transaction", "payment_intent", "customer"},
    "refund": {"balance_transaction", "charge", "payment_intent", "failure_balance_transaction"},
    "dispute": {"charge", "payment_intent"},
    "balance_transaction": {"source"},
    "payout": {"balance_transaction"},
}
_DEEPEST = 4


def one(state: State, name: str, key: str, asked: Json) -> Json:
    return expanded(state, state.get(name, key), asked.get("expand", []))


def many(state: State, name: str, url: str, asked: Json) -> Json:
    """A page of a list, newest first. A cursor is a place in the whole list, whether or not its object still passes
    the filters: a page after an event that was delivered meanwhile loses nothing."""
    limit = asked.get("limit", 10)
    if not 1 <= limit <= 100:
        raise Wrong("Invalid limit: must be between 1 and 100.", param="limit", code="parameter_invalid_integer")
    if "starting_after" in asked and "ending_before" in asked:
        raise Wrong("You may only specify one of these parameters: starting_after, ending_before.")
    if "type" in asked and "types" in asked:
        raise Wrong("You may only specify one of these parameters: type, types.", param="types")
    rows = _ordered(state, name)
    backwards = "ending_before" in asked
    if "starting_after" in asked:
        rows = rows[_place(rows, name, asked["starting_after"], "starting_after") + 1 :]
    elif backwards:
        rows = rows[: _place(rows, name, asked["ending_before"], "ending_before")]
    filters = {key: wanted for key, wanted in asked.items() if key not in _PAGING}
    found = [row for row in rows if all(_fits(state, row, key, wanted) for key, wanted in filters.items())]
    page = found[-limit:] if backwards else found[:limit]
    paths = [_inside_data(path) for path in asked.get("expand", [])]
    data = [expanded(state, row, paths) for row in page]
    return {"object": "list", "data": data, "has_more": len(found) > len(page), "url": url}


def expanded(state: State, thing: Json, paths: list[str]) -> Json:
    """A copy, with the objects instead of the ids at `paths`, such as `payment_intent.latest_charge`."""
    shown = copy.deepcopy(thing)
    for path in paths:
        steps = path.split(".")
        if len(steps) > _DEEPEST:
            raise Wrong(f"You cannot expand more than 4 levels of a property ({path}).", param="expand")
        here: Any = shown
        for step in steps:
            if step not in _EXPANDABLE.get(here["object"], ()):
                raise Wrong(f"This property cannot be expanded ({path}).", param="expand")
            if here[step] is None:
                break
            if isinstance(here[step], str):
                here[step] = copy.deepcopy(_anything(state, here[step]))
            here = here[step]
    return shown


def _ordered(state: State, name: str) -> list[Json]:
    rows = list(enumerate(state.tables[name].values()))
    return [row for _, row in sorted(rows, key=lambda pair: (pair[1]["created"], pair[0]), reverse=True)]


def _place(rows: list[Json], name: str, key: str, param: str) -> int:
    for index, row in enumerate(rows):
        if row["id"] == key:
            return index
    raise missing(name.replace(".", " "), key, param)


def _inside_data(path: str) -> str:
    if not path.startswith("data."):
        raise Wrong(f"This property cannot be expanded ({path}). You may want to try expanding 'data.{path}'.",
                    param="expand")  # fmt: skip
    return path.removeprefix("data.")


def _anything(state: State, key: str) -> Json:
    return next(table[key] for table in state.tables.values() if key in table)


def _fits(state: State, row: Json, name: str, wanted: Any) -> bool:
    if name in _INSTANTS:
        bounds = wanted if isinstance(wanted, dict) else {"gte": wanted, "lte": wanted}
        return all(_COMPARE[how](row[name], bound) for how, bound in bounds.items())
    if row["object"] == "event":
        if name == "delivery_success":
            return bool(wanted) == (row["id"] not in state.undelivered)
        kinds: list[str] = wanted if name == "types" else [wanted]
        return any(fnmatchcase(row["type"], kind) for kind in kinds)
    if name == "payout":
        return bool(state.payout_of.get(row["id"]) == wanted)
    if name == "customer_details":
        return row[name] is not None and all(row[name].get(key) == value for key, value in wanted.items())
    return bool(row.get(name) == wanted)
