"""What a customer typed into a form, field by field, with everything that is wrong with it in the customer's language.
It knows no receivable and does nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from adapters import formats
from domain.errors import Invalid
from gateway.forms import Form, Upload
from gateway.templates import Words
from schemas.parsing import Strict, parse
from schemas.values import Email

ECHO = 4_000
"""Of each field so much is shown again; no field takes more."""


class _Mailbox(Strict):
    email: Email


@dataclass(frozen=True, slots=True)
class Wrong:
    """`field` is the id of the input that the words are about, `label` what it is called."""

    field: str
    label: str
    words: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One try at the form `action`: what was typed is shown again, with what is wrong or why it was refused. `once`: of
    a form that may have been heard, so that it sent again says nothing new."""

    action: str = ""
    typed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wrong: tuple[Wrong, ...] = ()
    refused: str = ""
    once: str = ""

    def value(self, name: str) -> str:
        return next(iter(self.typed.get(name, ())), "")

    def picked(self, name: str) -> tuple[str, ...]:
        return self.typed.get(name, ())

    def error(self, id_: str) -> str:
        return next((each.words for each in self.wrong if each.field == id_), "")


NOTHING = Entry()


class Mistaken(Exception):
    """Something typed cannot be meant."""

    def __init__(self, wrong: Collection[Wrong]):
        super().__init__("the form has problems")
        self.wrong = tuple(wrong)


class Reading:
    """Reads a form of one action; ids of inputs are `{action}-{name}`."""

    def __init__(self, form: Form, action: str, words: Words):
        self._form, self._action, self._words = form, action, words
        self._wrong: list[Wrong] = []

    def wrong(self, name: str, code: str, *about: str) -> None:
        label, words = self._words[self._action][name], self._words["problem"][code] % about
        self._wrong.append(Wrong(f"{self._action}-{name}", label, words))

    def done(self) -> None:
        """Raises Mistaken with all that was found."""
        if self._wrong:
            raise Mistaken(self._wrong)

    def text(self, name: str, most: int, required: bool = True) -> str:
        try:
            found = self._form.text(name, most)
        except Invalid:
            self.wrong(name, "text", str(most))
            return ""
        if required and not found:
            self.wrong(name, "required")
        return found

    def choice(self, name: str, among: Collection[str]) -> str:
        found = self.text(name, ECHO, required=False)
        if found not in among:
            self.wrong(name, "choice")
        return found

    def choices(self, name: str, among: Collection[str]) -> tuple[str, ...]:
        """Each once, in the order in which they were shown. At least one."""
        try:
            found = set(self._form.texts(name))
        except Invalid:
            found = {""}
        if not found or not found <= set(among):
            self.wrong(name, "choices")
        return tuple(each for each in among if each in found)

    def amount(self, name: str, most: int, currency: str, required: bool) -> int | None:
        """None when it was left empty."""
        typed = self.text(name, 40, required)
        if not typed:
            return None
        try:
            found = formats.read_amount(typed, currency, self._words.language)
        except (ValueError, Invalid):
            found = 0
        if not 0 < found <= most:
            self.wrong(name, "amount", self._words.money(most, currency))
        return found

    def day(self, name: str, first: date, last: date) -> date:
        typed = self.text(name, 10)
        try:
            found = date.fromisoformat(typed)
        except ValueError:
            found = date.max
        if typed and not first <= found <= last:
            self.wrong(name, "day", self._words.day(first), self._words.day(last))
        return found

    def email(self, name: str) -> str:
        typed = self.text(name, 320)
        try:
            return parse(_Mailbox, {"email": typed}).email if typed else ""
        except Invalid:
            self.wrong(name, "email")
            return ""

    def files(self, name: str, kinds: Collection[str], most: int) -> tuple[Upload, ...]:
        try:
            found = self._form.files(name)
        except Invalid:
            self.wrong(name, "files", str(most))
            return ()
        if any(each.suffix not in kinds for each in found):
            self.wrong(name, "files", str(most))
        return found


def typed_of(form: Form) -> dict[str, tuple[str, ...]]:
    """The texts as they came, to be shown again."""
    names = dict.fromkeys(form.given.keys())
    values = {name: [each for each in form.given.getlist(name) if isinstance(each, str)] for name in names}
    return {name: tuple(each[:ECHO] for each in found) for name, found in values.items() if found}
