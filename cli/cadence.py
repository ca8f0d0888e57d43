"""What `simulate --policy … --ledger …` tells: the facts of each policy side by side, the money with its range, and a
page with the picture."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli import output
from cli.session import books
from domain.errors import Invalid

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from domain.policy import Policy
    from sim.cadence.compare import Compared
    from sim.cadence.figures import Money
    from sim.cadence.ledger import Past

Rows = list[tuple[str, ...]]


def play(named: Sequence[str], path: Path, plot: Path | None, seller: str | None, json: bool) -> None:
    from sim.cadence.compare import compare
    from sim.cadence.play import Player

    if plot is not None and not plot.absolute().parent.is_dir():
        raise typer.BadParameter(f"{plot.parent} is not a folder", param_hint="--plot")
    with books() as engine:
        country, timezone = _home(engine, seller)
        policies = [_policy(engine, name) for name in named]
    past = _read(path, country, timezone)
    with _progress(len(past) * len(policies)) as advance:
        found = compare(past, policies, Player(country, timezone, advance))
    if plot is not None:
        plot.write_text(_page(past, found), encoding="utf-8")
    if json:
        output.as_json(_as_json(found))
    else:
        _print(past, found)


def _home(engine: Engine, seller: str | None) -> tuple[str, str]:
    """Country and timezone that count where a row names none: the seller's, or those that all sellers share."""
    from adapters.books import facts, views

    keys = [seller] if seller else sorted(views.sellers(engine))
    known = {(each.country, each.timezone) for each in (facts.seller_known(engine, key) for key in keys)}
    if len(known) != 1:
        raise Invalid.at("--seller", "says whose clock and holidays count: sellers live in several places, or none is")
    return known.pop()


def _policy(engine: Engine, named: str) -> Policy:
    """The newest of that name in the books, or the one policy of a TOML file."""
    from adapters.books import views
    from domain.policy import parse_policy

    if not named.endswith(".toml"):
        return views.policy(engine, named)
    try:
        tables = tomllib.loads(Path(named).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Invalid.at("--policy", f"{named} cannot be read: {error}") from None
    if len(tables) != 1:
        raise Invalid.at("--policy", f"{named} must hold one policy, as [name]; it holds {len(tables)}")
    ((name, content),) = tables.items()
    return parse_policy(name, 1, content)


def _read(path: Path, country: str, timezone: str) -> list[Past]:
    from sim.cadence.ledger import read

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return read(file, country, timezone)
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid.at("--ledger", f"{path} cannot be read: {error}") from None


def _print(past: Sequence[Past], found: Sequence[Compared]) -> None:
    from sim.cadence import response

    console, names = output.console(), [f"{each.policy}>" for each in found]
    console.print(output.table(("", *names), _facts(found)))
    for currency in sorted(found[0].money):
        console.print(output.table((f"in {currency}", *names), _money(found, currency)))
    print(f"{len(past)} receivables. Facts assume that everybody paid when the ledger says.")
    print(
        f"Money is by the response model {response.NAME}: its middle, and its range in brackets. "
        "An assumption, not a measurement."
    )


def _facts(found: Sequence[Compared]) -> Rows:
    parts: tuple[tuple[str, Callable[[Compared], Counter[str]]], ...] = (
        ("sent", lambda each: each.facts.messages),
        ("held", lambda each: each.facts.held),
        ("asked", lambda each: each.facts.exceptions),
    )
    rows: Rows = [("receivables reminded", *(str(len(each.facts.first)) for each in found))]
    for word, part in parts:
        for key in sorted({key for each in found for key in part(each)}):
            rows.append((f"{word}: {key.replace('_', ' ')}", *(str(part(each)[key]) for each in found)))
    return rows


def _money(found: Sequence[Compared], currency: str) -> Rows:
    from domain.money import show

    def told(of: Callable[[Money], Any]) -> Iterator[str]:
        for each in found:
            low, middle, high = map(of, each.money[currency])
            yield f"{middle}" if low == high else f"{middle} [{low} … {high}]"

    return [
        ("DSO, days", *told(lambda money: money.dso)),
        ("issue to payment, days", *told(lambda money: money.days_to_pay)),
        ("never paid", *told(lambda money: show(money.open, currency))),
    ]


def _page(past: Sequence[Past], found: Sequence[Compared]) -> str:
    from sim.cadence import page, response

    currencies = []
    for currency in sorted(found[0].money):
        named = [(each.policy, each.money[currency]) for each in found]
        if any(way.cash for _, ways in named for way in ways):
            curves, first, last, most = page.curves(named)
            rows = [(label, values) for label, *values in _money(found, currency)]
            currencies.append(
                {"currency": currency, "rows": rows, "curves": curves, "first": first, "last": last, "most": most}
            )
    return page.page(
        names=[each.policy for each in found],
        count=len(past),
        since=min(each.issued_on for each in past),
        until=max(each.issued_on for each in past),
        facts=[(label, values) for label, *values in _facts(found)],
        currencies=currencies,
        model=response.NAME,
        told=(response.__doc__ or "").partition("\n\n")[2],
    )


def _as_json(found: Sequence[Compared]) -> dict[str, Any]:
    from sim.cadence import response

    return {
        "contract": 1,
        "model": {"name": response.NAME, "shares": [str(share) for share in response.SHARES]},
        "policies": [
            {
                "policy": each.policy,
                "reminded": len(each.facts.first),
                "sent": dict(sorted(each.facts.messages.items())),
                "held": dict(sorted(each.facts.held.items())),
                "exceptions": dict(sorted(each.facts.exceptions.items())),
                "money": {code: [_money_json(way, code) for way in ways] for code, ways in each.money.items()},
            }
            for each in found
        ],
    }


def _money_json(way: Money, currency: str) -> dict[str, Any]:
    from domain.money import show

    return {
        "dso": None if way.dso is None else str(way.dso),
        "days_to_pay": None if way.days_to_pay is None else str(way.days_to_pay),
        "never_paid": show(way.open, currency),
        "cash": [{"date": day.isoformat(), "amount": show(come, currency)} for day, come in way.cash],
    }


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = output.errors()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("playing", total=total)
        yield lambda: bar.advance(task)
