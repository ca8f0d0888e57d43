"""Reads and checks a seed: TOML that says who bills, who owes, who decides and by which rules. It writes nothing.

    policies = "policies.toml"      # or [policies.NAME] tables beside the built-in ones
    [sellers.KEY]  [customers.KEY]  [people.KEY]

Customers hold for every seller of the file unless they name their `sellers`. `templates/seed/demo.toml` shows every
part in use.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from adapters.books.seed_logos import with_logos
from adapters.books.seed_models import Customer, Person, Seller
from domain.errors import Invalid, NotFound, Problem
from domain.policy import DEFAULTS, SOURCES, Policy, parse_policy
from schemas.parsing import parse, under
from schemas.values import pattern

BUILT_IN = Path(__file__).resolve().parents[2] / "templates" / "seed" / "policies.toml"
SECTIONS = ("policies", "sellers", "customers", "people")

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Seed:
    """Everything checked, copies included. `policies`: complete content by name, as `parse_policy` reads it; `files`:
    content of the logos by their key in the archive."""

    sellers: dict[str, Seller]
    customers: dict[str, Customer]
    people: dict[str, Person]
    policies: dict[str, dict[str, Any]]
    files: dict[str, bytes] = field(default_factory=dict)

    def customers_of(self, seller: str) -> Iterator[tuple[str, Customer]]:
        return ((key, c) for key, c in self.customers.items() if not c.sellers or seller in c.sellers)


def load_seed(path: Path) -> Seed:
    """NotFound when there is no such file; Invalid with every problem and its path, unknown keys included."""
    data = _toml(path)
    problems = [
        Problem(key, f"is not a part of a seed; known are {', '.join(SECTIONS)}") for key in data if key not in SECTIONS
    ]
    contents = _policy_contents(data.get("policies"), path, problems)
    policies = {name: found for name, c in contents.items() if (found := _policy(name, c, problems))}
    sellers = _section(data, "sellers", Seller, problems)
    customers = _section(data, "customers", Customer, problems)
    people = _section(data, "people", Person, problems)
    sellers, files = with_logos(sellers, path, problems)
    if not problems:
        sellers = _with_copies(sellers, problems)
        problems += _crossings(Seed(sellers, customers, people, contents), policies)
    if problems:
        raise Invalid(problems)
    return Seed(sellers, customers, people, contents, files)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise Invalid.at(path.name, f"cannot be read as TOML: {error}") from None


def _policy_contents(value: Any, beside: Path, problems: list[Problem]) -> dict[str, dict[str, Any]]:
    """A text names a file that replaces the built-in policies; tables come on top of those."""
    own: Mapping[str, Any] = value if isinstance(value, dict) else {}
    if value is not None and not isinstance(value, str | dict):
        problems.append(Problem("policies", "must be the name of a TOML file, or tables [policies.NAME]"))
    base = _toml(beside.parent / value if isinstance(value, str) else BUILT_IN)
    found = {}
    for name, content in {**base, **own}.items():
        if isinstance(content, dict):
            # Defaults of a later program must not change a version that was written today.
            found[name] = _json({**DEFAULTS, **content})
        else:
            problems.append(Problem(f"policies.{name}", "must be a table"))
    return found


def _json(value: Any) -> Any:
    """TOML's own dates and times as the texts they were."""
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, list | tuple) else value


def _policy(name: str, content: dict[str, Any], problems: list[Problem]) -> Policy | None:
    try:
        return parse_policy(name, 1, content)
    except Invalid as invalid:
        problems += under(f"policies.{name}", invalid.problems)
        return None


def _section(data: dict[str, Any], section: str, model: type[M], problems: list[Problem]) -> dict[str, M]:
    """Each table of a section, keyed and checked."""
    tables = data.get(section, {})
    if not isinstance(tables, dict):
        problems.append(Problem(section, f"must hold tables [{section}.KEY]"))
        return {}
    found = {}
    for key, body in tables.items():
        path = f"{section}.{key}"
        fault = _key_fault(section, key)
        if fault:
            problems.append(Problem(path, fault))
        elif section == "customers" and isinstance(body, dict) and "key" in body:
            problems.append(Problem(f"{path}.key", "stands in the table's name already; remove it"))
        else:
            try:
                found[key] = parse(model, _json(body))
            except Invalid as invalid:
                problems += under(path, invalid.problems)
    return found


def _key_fault(section: str, key: str) -> str | None:
    expected = {"sellers": (r"[a-z0-9]{2,20}", "2–20 of a–z and 0–9")}
    expression, told = expected.get(section, (r"[A-Za-z0-9._-]{1,64}", "1–64 of A–Z a–z 0–9 . _ -"))
    check: Callable[[Any], str] = pattern(expression, f"the key must be {told}")
    try:
        check(key)
    except ValueError as error:
        return str(error)
    return None


def _with_copies(sellers: dict[str, Seller], problems: list[Problem]) -> dict[str, Seller]:
    found = dict(sellers)
    for key, seller in sellers.items():
        if seller.copies is None:
            continue
        for number in range(1, seller.copies.count + 1):
            copy = f"{seller.copies.prefix}{number:02d}"
            if copy in found:
                problems.append(Problem(f"sellers.{key}.copies", f"{copy} is there already; choose another prefix"))
            found[copy] = seller.model_copy(update={"copies": None})
    return found


def _crossings(seed: Seed, policies: dict[str, Policy]) -> Iterator[Problem]:
    """What names something else must find it, and a consumer must be chased by rules made for consumers."""
    for name, policy in policies.items():
        yield from _sources(f"policies.{name}", policy.sources)
    for key, seller in seed.sellers.items():
        yield from _seller(seed, key, seller, policies)
    for key, customer in seed.customers.items():
        path = f"customers.{key}"
        if customer.policy and customer.policy not in policies:
            yield Problem(f"{path}.policy", f"there is no policy {customer.policy}")
        for number, name in enumerate(customer.sellers):
            if name not in seed.sellers:
                yield Problem(f"{path}.sellers[{number}]", f"there is no seller {name}")
        if customer.kind == "consumer":
            yield from _consumer(seed, key, customer, policies)
    for key, person in seed.people.items():
        if person.machine != (person.roles == ("machine",)):
            yield Problem(f"people.{key}.roles", 'a machine has the roles ["machine"], a person any but that')
        delegate = person.absent.delegate if person.absent else None
        if delegate is not None and (delegate == key or delegate not in seed.people or seed.people[delegate].machine):
            yield Problem(f"people.{key}.absent.delegate", f"{delegate} must be another of the people")


def _seller(seed: Seed, key: str, seller: Seller, policies: dict[str, Policy]) -> Iterator[Problem]:
    if seller.policy not in policies:
        yield Problem(f"sellers.{key}.policy", f"there is no policy {seller.policy}")
    yield from _sources(f"sellers.{key}", seller.sources or ())
    owner = seed.people.get(seller.owner)
    if owner is None or "owner" not in owner.roles:
        yield Problem(f"sellers.{key}.owner", f"{seller.owner} must be one of the people, with the role owner")


def _sources(path: str, sources: Iterable[str]) -> Iterator[Problem]:
    """One that nothing ever reads would hold every reminder for good."""
    for number, source in enumerate(sources):
        if source not in SOURCES:
            yield Problem(f"{path}.sources[{number}]", f"there is no source {source}; known are {', '.join(SOURCES)}")


def _consumer(seed: Seed, key: str, customer: Customer, policies: dict[str, Policy]) -> Iterator[Problem]:
    names = {
        customer.policy or s.policy for k, s in seed.sellers.items() if not customer.sellers or k in customer.sellers
    }
    for name in sorted(names & policies.keys()):
        if not policies[name].consumer:
            yield Problem(f"customers.{key}.policy", f"{name} is not for consumers; name one with consumer = true")
