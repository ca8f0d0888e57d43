"""The OpenAPI document is true: whatever a caller sends, valid or not, the answer is one that the document names."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode, checks
from schemathesis.config import SchemathesisConfig

from schemas.commands import COMMANDS
from tests.gateway.conftest import Gateway
from tests.workflows.conftest import House

EXAMPLES = 12
"""For each operation and mode; a run takes well under a minute."""

LEFT_OUT = {"positive_data_acceptance"}
"""Valid by its form is not yet right: a person without the role, a credit of both an amount and lines."""


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
async def test_every_answer_is_one_that_the_document_names(
    gateway: Gateway, sqlite_house: House, mode: GenerationMode
) -> None:
    life = await sqlite_house.issued()
    key = gateway.as_(by="ben", seller=(await life.status())["seller"])
    wrong, answered = await asyncio.to_thread(_fuzz, gateway.url, key, mode, life.id)
    assert wrong == {}
    if mode is GenerationMode.POSITIVE:
        assert {200, 201, 202, 403, 404, 409, 422} <= set(answered)
    else:
        assert answered[422] > 100


def _fuzz(url: str, key: dict[str, str], mode: GenerationMode, invoice: str) -> tuple[dict[str, str], Counter[int]]:
    """Operation -> what is wrong with it; and how often each status was answered. About every
    second id is a real one."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json", config=SchemathesisConfig())
    names = set(checks.CHECKS.get_all_names())  # those of OpenAPI are there once a document is
    assert {"status_code_conformance", "response_schema_conformance", "negative_data_rejection"} <= names
    wanted: Any = [checks.CHECKS.get_one(name) for name in sorted(names - LEFT_OUT)]
    wrong: dict[str, str] = {}
    answered: Counter[int] = Counter()
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]  # a broken document fails here

        def call(case: schemathesis.Case[Any]) -> None:
            if len(case.path_parameters.get("id", "")) % 2 and not case.operation.label.endswith("/cancel"):
                case.path_parameters["id"] = invoice
                case.query.pop("seller", None)
            if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
                case.body.pop("by", None)  # a made-up one is refused before anything else is looked at
            answered[case.call_and_validate(headers=key, checks=wanted).status_code] += 1

        test: Any = settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )(given(case=operation.as_strategy(generation_mode=mode))(call))
        try:
            test()
        except Unsatisfiable:
            assert not operation.query, "only what takes nothing has nothing invalid"
        except BaseExceptionGroup as error:  # collected, so that one run tells everything
            wrong[operation.label] = "; ".join(map(str, error.exceptions))[:1500]
    return wrong, answered


async def test_every_route_is_described(bare: Gateway) -> None:
    document = (await bare.http.get("/openapi.json")).json()
    assert document["openapi"].startswith("3.1")
    assert {"/v1/invoices", "/v1/invoices/{id}/commands/write_off", "/webhooks/stripe"} <= set(document["paths"])
    assert "HTTPValidationError" not in json.dumps(document)


async def test_every_answer_says_which_contract_it_keeps(bare: Gateway) -> None:
    """Errors and health too; those of Temporal's own codec protocol are none of ours."""
    document = (await bare.http.get("/openapi.json")).json()
    answers = [
        (f"{path} {status}", content["schema"]["$ref"].rpartition("/")[2])
        for path, methods in document["paths"].items()
        for told in methods.values()
        for status, answer in told["responses"].items()
        for media, content in answer.get("content", {}).items()
        if media in {"application/json", "application/problem+json"}
    ]
    schemas = document["components"]["schemas"]
    assert {where for where, name in answers if "contract" not in schemas[name]["required"]} == set()
    assert len(answers) > 100


async def test_the_documents_own_examples_are_well_formed(bare: Gateway) -> None:
    """No server answers, so what is well-formed meets 503, or 404 where the books know nothing of it."""
    document, key, tried = (await bare.http.get("/openapi.json")).json(), bare.as_(by="ben", seller="demo"), 0
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            content = told.get("requestBody", {}).get("content", {}).get("application/json", {})
            if "example" in content:
                tried += 1
                body = {name: value for name, value in content["example"].items() if name != "by"}
                filled = path.replace("{id}", "invoice-demo-ORD-1").replace("{key}", "acme").replace("{exception}", "1")
                said = await bare.http.request(method, filled, json=body, headers=key)
                assert said.status_code in {200, 404, 503}, (path, said.text)
    assert tried == 2 + len(COMMANDS) + 3 + 1 + 2


async def test_no_page_loads_documentation_from_elsewhere(bare: Gateway) -> None:
    for path in ("/docs", "/redoc"):
        assert (await bare.http.get(path)).status_code == httpx.codes.NOT_FOUND
