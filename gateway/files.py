"""`POST /v1/files` and `POST /v1/bank-files`: bytes go into the archive under their hash; a statement file is handed to
its workflow. What a file says is not read here."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from adapters.books import files, views
from adapters.books.api_keys import Caller
from domain.errors import Invalid, NotFound
from gateway import auth
from gateway.described import FILE, operation
from gateway.house import house_of
from gateway.invoices import SellerKey
from gateway.problems import HttpProblem
from schemas.incoming import FileHint, file_workflow_id
from schemas.parsing import read_json
from workers import incoming

router = APIRouter(prefix="/v1", tags=["files"])

Format = Literal["camt.053", "mt940", "csv"]
SUFFIXES: dict[str, str] = {"camt.053": "xml", "mt940": "txt", "csv": "csv"}
MAGIC = ((b"%PDF-", "pdf"), (b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"))
MAX_COLUMNS = 40


@router.post("/files", **operation("Upload an attachment", {201: "FileStored"}, (415,), body=FILE,
                                   media="application/octet-stream"))  # fmt: skip
async def upload(request: Request, caller: Annotated[Caller, Depends(auth.needs("files"))]) -> Response:
    """PDF, PNG, JPEG, XML, CSV or plain text, told by its first bytes; the same content is the same file."""
    data = await request.body()
    suffix = suffix_of(data, request.headers.get("content-type", ""))
    if suffix is None:
        raise HttpProblem(415, "send a PDF, PNG, JPEG, XML, CSV or plain text in UTF-8")
    house = house_of(request)
    key = await asyncio.to_thread(files.keep, house.engine, house.archive, data, suffix, house.now())
    return JSONResponse({"contract": 1, "file": key}, 201)


def suffix_of(data: bytes, content_type: str) -> str | None:
    """By its first bytes; only between CSV and other text the sender's word counts. None for what is not taken."""
    for start, suffix in MAGIC:
        if data.startswith(start):
            return suffix
    try:
        text = data.decode("utf-8").removeprefix("\ufeff").lstrip()
    except UnicodeDecodeError:
        return None
    if text.startswith("<?xml"):
        return "xml"
    # A page with scripts is text as well; nobody needs one attached to an invoice.
    if not text or text.startswith("<") or any(ord(c) < 32 and c not in "\t\n\r\f" for c in text):
        return None
    return "csv" if content_type.partition(";")[0].strip() == "text/csv" else "txt"


@router.post(
    "/bank-files",
    **operation(
        "Hand in a statement file",
        {202: "BankFileTaken", 200: "BankFileTaken"},
        (404,),
        body=FILE,
        media="application/octet-stream",
    ),
)
async def bank_file(
    request: Request,
    caller: Annotated[Caller, Depends(auth.needs("bank_files"))],
    format: Annotated[Format, Query()],  # noqa: A002 the contract's own word
    seller: SellerKey = None,
    columns: Annotated[str | None, Query(max_length=4000, description="CSV: {column: header} as JSON.")] = None,
) -> Response:
    """Safe to repeat: a file that is being read answers 200, a fresh run 202, always with the same id."""
    house, whose = house_of(request), auth.seller_of(caller, seller)
    mapped = _columns(columns, format)
    if whose not in await asyncio.to_thread(views.sellers, house.engine):
        raise NotFound(f"there is no seller {whose}")
    client = await house.link.client()
    data = await request.body()
    if not data:
        raise Invalid.at("", "is empty: send the file as the body")
    key = await asyncio.to_thread(house.archive.put, data, SUFFIXES[format])
    hint = FileHint(seller=whose, object=key, format=format, columns=mapped)
    fresh = await incoming.file(client, hint)
    said = {"contract": 1, "id": key, "workflow": file_workflow_id(hint)}
    return JSONResponse(said, 202 if fresh else 200)


def _columns(text: str | None, form: str) -> dict[str, str]:
    if text is None:
        return {}
    if form != "csv":
        raise Invalid.at("columns", f"belongs to csv, not to {form}; leave it out")
    try:
        found = read_json(text)
    except ValueError as error:
        raise Invalid.at("columns", f"is not JSON: {error}"[:200]) from None
    good = isinstance(found, dict) and len(found) <= MAX_COLUMNS
    if not good or not all(isinstance(value, str) and 0 < len(value) <= 200 for value in found.values()):
        raise Invalid.at("columns", 'must be a JSON object such as {"amount": "Betrag"}')
    return {str(name): str(value) for name, value in found.items()}
