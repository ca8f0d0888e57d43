"""From any JSON body to a model or to the list of everything wrong with it, each at its path, in plain words.

It never raises anything but `Invalid`, whatever the body is. It knows no invoice: models bring the rules.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from domain.errors import Invalid, Problem
from schemas.values import Undecodable, brief, kind_of

MAX_BYTES = 1_000_000
MAX_DEPTH = 16
MAX_VALUES = 400_000  # keys included; a walk through more would hold up a workflow task
MAX_BITS = 240  # printing huge numbers is quadratic, and Python refuses it
MAX_FIELDS = 200  # of one object; no model has a quarter of it
MAX_DETAILS = 10_000  # building pydantic's own list of more takes seconds, which a workflow task does not have
MAX_PROBLEMS = 100  # more would not fit Temporal's payload limit, and nobody reads them

_NESTED = "problems"


class Strict(BaseModel):
    """Base of every input model: frozen, no unknown fields, nothing coerced."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def as_json(self) -> dict[str, Any]:
        """The JSON form without what equals its default; parsing it again gives an equal model."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")
Listed = Annotated[tuple[T, ...], Field(strict=False, max_length=100)]


def read_json(text: str) -> Any:
    """The JSON value. ValueError says why there is none; a key named twice is none, nobody agrees on what it means."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(key for key, _ in pairs if sum(1 for other, _ in pairs if other == key) > 1)
        raise ValueError(f"has the key {twice!r} twice")
    return made


def not_yet(word: str, instead: str) -> BeforeValidator:
    """Refuses one word whose time will come, and says what to use until then."""

    def check(value: Any) -> Any:
        if value == word:
            raise ValueError(f"{word} is not available yet; {instead}")
        return value

    return BeforeValidator(check)


def parse(model: type[M], body: Any, context: dict[str, Any] | None = None) -> M:
    """The model, or `Invalid` with every problem (at most 100, then how many more there are)."""
    shape = shape_problem(body)
    if shape:
        raise Invalid([shape])
    try:
        return model.model_validate(body, context=context)
    except ValidationError as error:
        count = error.error_count()
        details = error.errors(include_url=False) if count <= MAX_DETAILS else []
    if not details:
        known = ", ".join(_fields_at(model, ()))
        raise Invalid.at("", f"has {count} problems, too many to list; send one object with {known}")
    # wording costs time: a hundred thousand unknown fields must not hold up a workflow task
    found = [problem for detail in details[:MAX_PROBLEMS] for problem in _problems(model, detail)]
    more = len(found[MAX_PROBLEMS:]) + len(details[MAX_PROBLEMS:])
    raise Invalid([*found[:MAX_PROBLEMS], *([Problem("", f"and {more} more problems")] if more else [])])


def problems_at(found: Sequence[Problem]) -> PydanticCustomError:
    """What a validator raises to report several problems; their paths are taken below the validated value."""
    return PydanticCustomError(_NESTED, "has problems", {"found": tuple(found)})


def shape_problem(body: Any) -> Problem | None:
    """What makes a body no JSON object that anybody could read: encoding, size, depth, types."""
    if isinstance(body, Undecodable):
        return Problem("", f"payload encoding {brief(body.encoding)} cannot be read, send JSON")
    if not isinstance(body, dict):
        return Problem("", f"must be one JSON object, not {kind_of(body)}")
    size = count = 0
    waiting: list[tuple[Any, int]] = [(body, 1)]
    while waiting:
        value, depth = waiting.pop()
        count += 1
        if isinstance(value, str):
            size += len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
        elif isinstance(value, dict | list | tuple):
            if depth > MAX_DEPTH:
                return Problem("", f"is nested more than {MAX_DEPTH} levels deep")
            size += 2
            if isinstance(value, dict) and (wrong := _wrong_keys(value)):
                return Problem("", wrong)
            inner = [*value, *value.values()] if isinstance(value, dict) else value
            waiting.extend((item, depth + 1) for item in inner)
        elif isinstance(value, float) and not math.isfinite(value):
            return Problem("", "contains NaN or infinity, which JSON does not have")
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            return Problem("", "contains a number of more than 70 digits")
        elif value is None or isinstance(value, int | float):
            size += 1
        else:
            return Problem("", f"contains a {type(value).__name__}; send JSON only")
        if size > MAX_BYTES or count + len(waiting) > MAX_VALUES:
            return Problem("", "is larger than 1 MB; split it or send files as attachments")
    return None


def _wrong_keys(value: dict[Any, Any]) -> str:
    if len(value) > MAX_FIELDS:
        return f"has an object of more than {MAX_FIELDS} fields"
    return "" if all(isinstance(key, str) for key in value) else "has a key that is not a text"


def path_of(location: Sequence[int | str]) -> str:
    """`("lines", 0, "tax")` as `lines[0].tax`. Keys somebody made up are shortened and printable."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "[key]":  # pydantic's mark for "the key itself is wrong"
            word = part if part.isprintable() and len(part) <= 60 else brief(part)
            path += f".{word}" if path else word
    return path


def under(path: str, found: Sequence[Problem]) -> list[Problem]:
    """The same problems seen from one level up."""
    return [Problem(_joined(path, problem.path), problem.message) for problem in found]


def below(path: str, found: Sequence[Problem]) -> list[Problem]:
    """The same problems seen from `path`, the opposite of `under`."""
    return [Problem(problem.path.removeprefix(path).removeprefix("."), problem.message) for problem in found]


def _joined(path: str, inner: str) -> str:
    return path + inner if not path or inner.startswith("[") or not inner else f"{path}.{inner}"


def _problems(model: type[BaseModel], detail: ErrorDetails) -> list[Problem]:
    location, kind = detail["loc"], detail["type"]
    path, context = path_of(location), detail.get("ctx", {})
    if kind == _NESTED:
        return under(path, context["found"])
    if kind == "value_error":
        return [Problem(path, str(context["error"]))]
    if kind == "extra_forbidden":
        return [Problem(path, "is not a known field" + _nearest(str(location[-1]), _fields_at(model, location[:-1])))]
    if kind == "literal_error":
        words = context["expected"].replace(" or ", ", ").replace("'", "")
        return [Problem(path, f"must be one of {words}{_given(detail['input'])}")]
    return [Problem(path, _message(kind, context, detail))]


def _message(kind: str, context: dict[str, Any], detail: ErrorDetails) -> str:
    if kind == "missing":
        return "is required"
    if kind == "too_long":
        return f"has too many entries, at most {context['max_length']}"
    expected = {
        "model_type": "an object",
        "dict_type": "an object",
        "tuple_type": "a list",
        "bool_type": "true or false",
    }
    if kind in expected:
        return f"must be {expected[kind]}, not {kind_of(detail['input'])}"
    return detail["msg"]


def _given(value: Any) -> str:
    return f", not {brief(value) if isinstance(value, str) else kind_of(value)}"


def _nearest(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word[:60], known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"


def _fields_at(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The field names a sender may use at a location inside `model`."""
    for part in location:
        named = (f.annotation for name, f in model.model_fields.items() if part in (name, f.alias))
        inner = _model_in(next(named, None))
        model = inner or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
