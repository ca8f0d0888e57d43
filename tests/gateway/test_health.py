"""What operators and other machines see: alive, ready, counted; and that no defect shows its inside."""

from __future__ import annotations

import logging

import httpx
import pytest
from fastapi import FastAPI

from gateway.metrics import Metrics
from gateway.watch import Watch
from tests.gateway.conftest import Gateway


async def test_alive_is_not_ready(bare: Gateway) -> None:
    assert (await bare.http.get("/healthz")).json() == {"contract": 1, "status": "ok"}
    said = await bare.http.get("/readyz")
    assert (said.status_code, said.headers["Retry-After"]) == (503, "5")
    assert said.json()["detail"] == "not ready: temporal"


async def test_ready_is_when_books_and_server_answer(gateway: Gateway) -> None:
    assert (await gateway.http.get("/readyz")).json() == {"contract": 1, "status": "ok"}


async def test_books_without_tables_are_named(bare: Gateway) -> None:
    with bare.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=OFF")
        connection.exec_driver_sql("DROP TABLE api_keys")
        connection.exec_driver_sql("ALTER TABLE sellers RENAME TO gone")
        connection.commit()
    said = (await bare.http.get("/readyz")).json()
    assert [each["path"] for each in said["problems"]] == ["database", "temporal"]
    refused = await bare.http.get("/v1/invoices", headers={"Authorization": "Bearer dk_a_b"})
    assert (refused.status_code, "run `duely init`" in refused.json()["detail"]) == (503, True)


async def test_every_path_answers_with_a_problem(bare: Gateway) -> None:
    for method, path, status in (("GET", "/", 404), ("GET", "/v1", 404), ("GET", "/v1/invoices/", 401),
                                 ("POST", "/webhooks/nothing", 404), ("TRACE", "/healthz", 405)):  # fmt: skip
        said = await bare.http.request(method, path)
        assert (said.status_code, said.headers["Content-Type"]) == (status, "application/problem+json")
        assert said.json()["status"] == status
    wrong = await bare.http.delete("/v1/invoices")
    assert (wrong.status_code, wrong.headers["Allow"]) == (405, "GET, POST")


async def test_neither_log_nor_counter_holds_a_token(bare: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    token = bare.token("invoice-demo-ORD-1")
    with caplog.at_level(logging.INFO):
        for path in (f"/i/{token}", f"/pay/{token}", f"/v1/invoices/{token}", f"/{token}"):
            await bare.http.get(path)
    counted = (await bare.http.get("/metrics")).text
    # The client of this test logs its own addresses; what the house writes is looked at.
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("duely")]
    assert "GET /i/{token} 404" in lines[0]
    assert [token in text for text in (*lines, counted)] == [False] * 5
    assert 'route="/pay/{token}",status="404"' in counted


async def test_a_defect_tells_nothing_of_the_inside(caplog: pytest.LogCaptureFixture) -> None:
    app, secret = FastAPI(), "a customer's name"

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(secret)

    app.add_middleware(Watch, metrics=Metrics())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
        said = await http.get("/broken")
    assert (said.status_code, said.headers["Content-Type"]) == (500, "application/problem+json")
    assert said.json()["detail"] == "this is our fault; it was logged"
    assert secret not in said.text
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text
