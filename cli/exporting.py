"""The verb `export`: the dossier of a receivable, or a year, as one zip that checks itself."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import output
from cli.session import Json, Seller, books, settings
from domain.errors import Invalid

PANEL = "Look"
FIRST_YEAR, LAST_YEAR = 1990, 9998


def register(app: typer.Typer) -> None:
    app.command(rich_help_panel=PANEL)(export)


def export(
    id: Annotated[
        str | None, typer.Argument(metavar="ID", help="Workflow id, number or reference.", show_default=False)
    ] = None,
    year: Annotated[
        int | None, typer.Option("--year", metavar="YEAR", help="All documents issued in it.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Default: named after it, here.", show_default=False)
    ] = None,
    seller: Seller = None,
    json: Json = False,
) -> None:
    """Everything about a receivable, or a year, as one zip that an auditor checks without us."""
    if (id is None) == (year is None):
        raise Invalid.at("ID", "give a receivable, or --year YEAR, and not both")
    if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid.at("--year", f"{year} must be {FIRST_YEAR} to {LAST_YEAR}")
    target = _year(year, seller, out) if year is not None else _receivable(id or "", seller, out)
    told = _told(target)
    if json:
        output.as_json(told)
    else:
        print(f"{told['file']}: {told['files']} files, {told['bytes']} bytes, SHA-256 {told['sha256']}")
        print("check it: unpack it and run `python3 verify.py` there")


def _receivable(id: str, seller: str | None, out: Path | None) -> Path:
    from adapters.books import views
    from adapters.documents.archive import Archive
    from adapters.dossier import receivable
    from adapters.dossier.parcel import fit
    from adapters.mail.outbox import Outbox

    with books() as engine, output.counting("exporting") as step:
        found = views.find(engine, id, seller)
        target = out or Path(f"{fit(id)}.zip")
        mails = Outbox(settings().outbox)
        receivable.export(engine, Archive(settings().archive), mails.read, found, target, step)
    return target


def _year(year: int, seller: str | None, out: Path | None) -> Path:
    from adapters.documents.archive import Archive
    from adapters.dossier import period

    target = out or Path(f"{seller or 'duely'}-{year}.zip")
    with books() as engine, output.counting("exporting") as step:
        period.export(engine, Archive(settings().archive), year, seller, target, step)
    return target


def _told(target: Path) -> dict[str, Any]:
    """With the hash of the whole: whoever hands it over apart from the file proves the script inside, too."""
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with zipfile.ZipFile(target) as zip_:
        files = len(zip_.infolist())
    return {"file": str(target), "files": files, "bytes": target.stat().st_size, "sha256": digest}
