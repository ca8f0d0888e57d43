"""What stands around the records of an export: how to check it, the script that does, and a page to read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from schemas import tables as t

FOLDER = Path(__file__).resolve().parents[2] / "templates" / "dossier"


def script() -> bytes:
    return (FOLDER / "verify.py").read_bytes()


def readme(what: str, sellers: Sequence[t.Seller]) -> bytes:
    """`what` is exported, as in `year 2026`."""
    heads = [
        {"key": each.key, "name": each.profile.get("name", ""), "seq": each.audit_seq, "digest": each.audit_head}
        for each in sellers
    ]
    return _environment().get_template("README.txt").render(what=what, heads=heads).encode()


def index(
    receivable: Mapping[str, Any],
    documents: Sequence[Mapping[str, Any]],
    records: Mapping[str, Sequence[Mapping[str, Any]]],
    postings: Sequence[Mapping[str, Any]],
    entries: Sequence[Mapping[str, Any]],
) -> bytes:
    """The dossier as one page that any browser shows, without a script and without the network."""
    page = _environment().get_template("index.html")
    return page.render(
        receivable=receivable, documents=documents, records=records, postings=postings, entries=entries
    ).encode()


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
