"""What a whole customer or a whole seller takes: a stop, its end, a remark. Not the commands of one receivable, though
they have the same names."""

from __future__ import annotations

from typing import Any, Literal

from domain.errors import Invalid
from schemas.commands import Command, Hold, Note, Release
from schemas.parsing import parse

StopKind = Literal["hold", "insolvent", "no_contact"]


class Stop(Hold):
    """`insolvent`: no reminders, and a person decides on each debt. `no_contact`: nothing at all goes to the customer
    by mail."""

    name = "hold"
    kind: StopKind = "hold"


STOPS: dict[str, type[Command]] = {"hold": Stop, "release": Release, "note": Note}


def parse_stop(name: str, payload: Any) -> Command:
    """The command in its JSON object, or `Invalid` listing everything that is wrong."""
    if name not in STOPS:
        raise Invalid.at("", f"a customer takes {', '.join(STOPS)}, not {name}")
    return parse(STOPS[name], payload)
