"""Seven languages have the same words to fill in the same places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters import formats
from adapters.documents import swiss, words


def shape(labels: Mapping[str, Any]) -> dict[str, Any]:
    """Keys, and how many places each text has."""
    return {key: shape(value) if isinstance(value, Mapping) else value.count("%s") for key, value in labels.items()}


@pytest.mark.parametrize("language", formats.LANGUAGES)
def test_every_language_has_the_same_keys_and_places(language: str) -> None:
    assert shape(words.load(f"labels_{language}")) == shape(words.load("labels_en"))


def test_every_file_of_words_is_a_language() -> None:
    names = {path.stem.removeprefix("labels_") for path in Path(words.FOLDER).glob("labels_*.toml")}
    assert names == set(formats.LANGUAGES)


def test_the_swiss_words_are_complete() -> None:
    labels = words.load("swiss")
    assert tuple(labels) == swiss.LANGUAGES
    assert all(labels[language].keys() == labels["en"].keys() for language in labels)


@pytest.mark.parametrize(("tag", "paper", "mail"), [("fr-CA", "fr", "en"), ("de_AT", "de", "de"), ("ja", "en", "en")])
def test_paper_knows_more_languages_than_mails(tag: str, paper: str, mail: str) -> None:
    assert formats.language_of(tag) == paper
    assert formats.language_of(tag, formats.CORRESPONDENCE) == mail
