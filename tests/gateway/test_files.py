"""Attachments and statement files: kept under their hash, told by their first bytes, handed to their workflow once."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from temporalio.client import Client

from adapters.documents.archive import Archive
from gateway.files import suffix_of
from schemas.incoming import FileHint
from tests.gateway.conftest import Gateway

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


async def test_a_file_is_kept_under_its_hash(bare: Gateway, tmp_path: Path) -> None:
    key = bare.as_("files")
    said = [await bare.http.post("/v1/files", content=PDF, headers=key) for _ in range(2)]
    expected = f"sha256:{hashlib.sha256(PDF).hexdigest()}"
    assert [(each.status_code, each.json()) for each in said] == [(201, {"contract": 1, "file": expected})] * 2
    assert Archive(tmp_path / "archive").get(expected) == PDF
    assert (await bare.http.post("/v1/files", content=b"<html><script>", headers=key)).status_code == 415


@pytest.mark.parametrize(
    ("data", "content_type", "suffix"),
    [
        (PDF, "text/csv", "pdf"), (b"\x89PNG\r\n\x1a\n..", "", "png"), (b"\xff\xd8\xff\xe0", "", "jpeg"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><a/>", "", "xml"), (b"a;b\n1;2\n", "text/csv; charset=utf-8", "csv"),
        ("Grüße\n".encode(), "image/png", "txt"), (b"", "", None), (b"  \n", "", None), (b"<!doctype html>", "", None),
        (b"<svg onload=x>", "", None), (b"MZ\x90\x00", "", None), (b"\x00\x01", "", None), (b"Gr\xfc\xdfe", "", None),
        (b"GIF89a\x01\x00", "image/png", None), (b"PK\x03\x04", "application/pdf", None),
    ],
)  # fmt: skip
def test_a_file_is_told_by_its_first_bytes(data: bytes, content_type: str, suffix: str | None) -> None:
    assert suffix_of(data, content_type) == suffix


async def hint_of(client: Client, id_: str) -> FileHint:
    history = client.get_workflow_handle(id_).fetch_history_events()
    started = (await anext(history)).workflow_execution_started_event_attributes
    assert started.workflow_type.name == "BankFile"
    (hint,) = await client.data_converter.decode(started.input.payloads, [FileHint])
    return FileHint(**hint) if isinstance(hint, dict) else hint


async def test_a_statement_file_is_handed_over_once(taking: Gateway, client: Client) -> None:
    key, columns = taking.as_("bank_files", seller="demo"), {"amount": "Betrag", "date": "Datum"}
    data = f"Datum;Betrag\n{time.time_ns()};1\n".encode()
    path = f"/v1/bank-files?format=csv&columns={quote(json.dumps(columns))}"
    first, again = [await taking.http.post(path, content=data, headers=key) for _ in range(2)]
    digest = hashlib.sha256(data).hexdigest()
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json() == {
        "contract": 1, "id": f"sha256:{digest}", "workflow": f"bank-demo-{digest}",
    }  # fmt: skip
    hint = await hint_of(client, f"bank-demo-{digest}")
    assert hint == FileHint(seller="demo", object=f"sha256:{digest}", format="csv", columns=columns)
    await client.get_workflow_handle(f"bank-demo-{digest}").terminate()
    after = await taking.http.post(path, content=data, headers=key)
    assert (after.status_code, after.json()) == (202, first.json())
    await client.get_workflow_handle(f"bank-demo-{digest}").terminate()


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("", "format"), ("format=xlsx", "format"), ("format=csv&columns=x", "columns"),
        ("format=csv&columns=[]", "columns"), ('format=csv&columns={"a":1}', "columns"),
        ('format=csv&columns={"a":"b","a":"c"}', "columns"),
        ("format=mt940&columns={}", "columns"), ("format=csv&format=mt940", "format"),
        ("format=csv&seller=x", "seller"),
    ],
)  # fmt: skip
async def test_a_statement_file_says_what_it_is(gateway: Gateway, query: str, path: str) -> None:
    key = gateway.as_("bank_files", seller="demo" if "seller" not in query else None)
    said = await gateway.http.post(f"/v1/bank-files?{query}", content=b"x", headers=key)
    assert (said.status_code, said.json()["problems"][0]["path"]) == (422, path)


async def test_a_statement_file_needs_content_a_seller_and_a_server(gateway: Gateway, bare: Gateway) -> None:
    bound, free = gateway.as_("bank_files", seller="demo"), gateway.as_("bank_files")
    assert (await gateway.http.post("/v1/bank-files?format=csv", headers=bound)).status_code == 422
    for seller, status in (("", 422), ("&seller=nobody", 404)):
        said = await gateway.http.post(f"/v1/bank-files?format=csv{seller}", content=b"x", headers=free)
        assert said.status_code == status
    away = await bare.http.post("/v1/bank-files?format=csv&seller=demo", content=b"x", headers=bare.as_())
    assert away.status_code == 503
