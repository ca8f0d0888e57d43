"""The program in processes of its own: `duely up` as people start it, the other verbs against it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.standins.bank import camt053
from tests.bank import line, reference, statement
from tests.cli.conftest import CONTENT
from tests.otlp import Collector, collecting
from tests.watching import exposed, metrics
from workers import tracing
from workers.connect import TASK_QUEUE, connect

ROOT = Path(__file__).parents[2]
PATIENCE = 90


@dataclass
class House:
    """`log` and `metrics`: the file that `up` logs to as JSON and where its worker is scraped; `collector` gets its
    traces."""

    environment: dict[str, str]
    process: subprocess.Popen[str]
    says: dict[str, Any]
    log: Path = Path()
    metrics: str = ""
    collector: Collector | None = None

    def duely(self, *arguments: object, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
        return subprocess.run(
            command,
            env=self.environment,
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory: Any) -> Iterator[House]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TEMPORAL_", "DUELY_"))}
    environment |= {
        "DUELY_VAR": str(tmp_path_factory.mktemp("house")),
        "DUELY_TEMPORAL_PORT": str(unused_tcp_port_factory()),
        "DUELY_UI_PORT": str(unused_tcp_port_factory()),
        "DUELY_GATEWAY_PORT": str(unused_tcp_port_factory()),
    }
    log, port = tmp_path_factory.mktemp("log") / "up.log", str(unused_tcp_port_factory())
    with collecting() as collector, log.open("w") as errors:
        watched = {"DUELY_METRICS_PORT": port, "DUELY_LOG": "json", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}
        process = subprocess.Popen(
            [sys.executable, "-m", "cli.main", "up", "--json"],
            env=environment | watched | {"OTEL_BSP_SCHEDULE_DELAY": "200"},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        told = ""
        while not told.endswith("}\n"):
            line = process.stdout.readline()
            assert line, f"up ended with {process.wait()}: {log.read_text()}"
            told += line
        yield House(environment, process, json.loads(told), log, f"http://127.0.0.1:{port}/metrics", collector)
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            process.stdout.close()


def test_up_says_where_everything_is(house: House) -> None:
    ui = f"http://127.0.0.1:{house.environment['DUELY_UI_PORT']}/namespaces/default/workflows"
    assert house.says["web_ui"] == ui
    assert house.says["outbox"] == f"{house.environment['DUELY_VAR']}/outbox"
    assert house.says["gateway"] == f"http://127.0.0.1:{house.environment['DUELY_GATEWAY_PORT']}"


def test_up_answers_over_http(house: House) -> None:
    key = house.duely("key", "add", "--by", "crm", "--scope", "invoices:write", "--seller", "demo").stdout.strip()
    http = httpx.Client(base_url=house.says["gateway"], headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE)
    with http:
        assert http.get("/readyz").json() == {"contract": 1, "status": "ok"}
        said = http.post("/v1/invoices", json={**CONTENT, "reference": "WEB-1", "created_by": "crm"})
    assert (said.status_code, said.json()["id"]) == (202, "invoice-demo-WEB-1")
    assert json.loads(house.duely("show", "WEB-1", "--json").stdout)["reference"] == "WEB-1"


def test_a_second_gateway_says_what_is_in_the_way(house: House) -> None:
    ended = house.duely("gateway")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"the gateway cannot listen at 127.0.0.1:{house.environment['DUELY_GATEWAY_PORT']}, address already in use: "
        "stop what listens there or set DUELY_GATEWAY_PORT to another one\n"
    )


def test_a_gateway_logs_no_token_and_ends_well_on_sigterm(house: House, unused_tcp_port: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "gateway"],
        env={**house.environment, "DUELY_GATEWAY_PORT": str(unused_tcp_port)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    url = f"http://127.0.0.1:{unused_tcp_port}"
    with process.stdout as out, process.stderr as log:
        assert out.readline() == f"gateway {process.pid} listens at {url}\n"
        assert httpx.get(f"{url}/i/a-token", timeout=PATIENCE).status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
        logged = log.read()
    assert "GET /i/{token} 404" in logged
    assert "a-token" not in logged


def test_one_receivable_from_start_to_end(house: House, tmp_path: Path) -> None:
    body = {**CONTENT, "reference": "LIFE-1", "created_by": "crm"}
    file = tmp_path / "o.json"
    file.write_text(json.dumps(body), encoding="utf-8")
    assert house.duely("start", file).stdout == "invoice-demo-LIFE-1\n1 created, 0 known, 0 refused\n"
    again = house.duely("start", "--json", file)
    assert json.loads(again.stdout) == [{"id": "invoice-demo-LIFE-1", "result": "known"}]
    file.write_text(json.dumps({**body, "notes": "other"}), encoding="utf-8")
    other = house.duely("start", "--skip-bad", file)
    assert (other.returncode, other.stdout) == (1, "0 created, 0 known, 1 refused\n")
    assert "reference LIFE-1 of demo was used before with other content" in other.stderr
    refused = house.duely("approve", "LIFE-1", "--by", "crm")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "crm has machine; approve needs an approver or controller\n"
    done = house.duely("approve", "LIFE-1", "--by", "ana", "--json")
    assert json.loads(done.stdout)["result"] == "done"
    number = json.loads(house.duely("show", "LIFE-1", "--json").stdout)["number"]
    pay = ("pay", number, "--by", "ben", "--amount", "119.00", "--received-on", "2026-03-01", "--method", "cheque")
    assert json.loads(house.duely(*pay, "--external-id", "C-1", "--json").stdout)["result"] == "done"
    closed = house.duely("release", number, "--by", "ben")
    assert (closed.returncode, closed.stderr) == (1, "invoice-demo-LIFE-1 is closed and takes no commands any more\n")
    file.write_text(json.dumps(body), encoding="utf-8")
    assert house.duely("start", file).stdout == "invoice-demo-LIFE-1\n0 created, 1 known, 0 refused\n"
    reopened = house.duely("unapply", 1, "--by", "ben", "--reason", "another invoice", "--json")
    assert json.loads(reopened.stdout)["balance"] == "119.00"
    verified = house.duely("verify", "--json")
    assert json.loads(verified.stdout) == {"breaches": [], "not_checked": []}
    assert verified.returncode == 0


def test_a_bank_statement_from_file_to_books(house: House, tmp_path: Path) -> None:
    file = tmp_path / "o.json"
    body = {**CONTENT, "created_by": "crm"}
    file.write_text(json.dumps([{**body, "reference": f"BANK-{n}"} for n in (1, 2)]), encoding="utf-8")
    house.duely("start", file)
    for n in (1, 2):
        house.duely("approve", f"BANK-{n}", "--by", "ana")
    said = json.loads(house.duely("show", "BANK-1", "--json").stdout)
    day = said["documents"][0]["date"]
    told = statement(
        line(119_00, day, reference=reference(said["number"])), line(119_00, day, text="thanks"), closed=day
    )
    path = tmp_path / "statement.xml"
    path.write_bytes(camt053(told))
    ended = house.duely("bank", path, "--seller", "demo", "--json")
    answer = json.loads(ended.stdout)
    assert (ended.returncode, answer["state"]) == (0, "done")
    assert answer["counts"] == {"reference": 1, "unclear: no_key": 1}
    assert json.loads(house.duely("show", "BANK-1", "--json").stdout)["state"] == "paid"
    (asked,) = answer["exceptions"]
    assert asked["kind"] == "unmatched_receipt"
    again = house.duely("bank", path, "--seller", "demo")
    assert again.stdout.startswith("booked: 2 lines\n")
    assert f"duely apply {asked['key']}" in again.stdout
    paid = house.duely("apply", asked["key"], "BANK-2", "--by", "ben", "--json")
    assert json.loads(paid.stdout)["balance"] == "0.00"
    path.write_bytes(camt053(replace(told, closing=1)))
    refused = house.duely("bank", path, "--seller", "demo")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "does not add up" in refused.stderr
    assert json.loads(house.duely("verify", "--json").stdout)["breaches"] == []


ODD = {"name": "Zaphod Quxworth", "email": "zaphod.odd@example.org", "street": "Odd Alley 7", "words": "Betelgeuse"}
"""What nobody who watches may read."""


def test_a_life_is_seen_and_names_nobody(house: House) -> None:
    assert house.collector is not None
    customer = {
        "name": ODD["name"],
        "country": "DE",
        "address": {"street": ODD["street"], "city": "Berlin", "postcode": "10115", "country": "DE"},
        "contacts": [{"role": "billing", "email": ODD["email"], "name": ODD["name"]}],
    }
    body = {**CONTENT, "reference": "SEEN-1", "created_by": "crm", "customer": customer, "notes": ODD["words"]}
    key = house.duely(
        "key", "add", "--by", "crm", "--scope", "invoices:write", "--scope", "invoices:read"
    ).stdout.strip()
    url, headers = f"{house.says['gateway']}/v1/invoices", {"Authorization": f"Bearer {key}"}
    assert httpx.post(url, json=body, headers=headers, timeout=PATIENCE).status_code == 202
    assert httpx.post(url, json={**body, "notes": "2"}, headers=headers, timeout=PATIENCE).status_code == 409
    outbox = Path(house.says["outbox"])
    until(lambda: any("SEEN-1" in name.read_text("utf-8", "replace") for name in outbox.glob("*.eml")))
    outbox.rename(outbox.with_name("aside"))
    outbox.write_text("no folder: mails fail")
    assert json.loads(house.duely("approve", "SEEN-1", "--by", "ana", "--json").stdout)["result"] == "done"
    failed = 'temporal_activity_execution_failed_total{activity_type="send"'
    until(lambda: failed in httpx.get(house.metrics).text)
    outbox.unlink()
    outbox.with_name("aside").rename(outbox)
    seen = f"{url}/invoice-demo-SEEN-1"
    until(lambda: httpx.get(seen, headers=headers, timeout=PATIENCE).json()["state"] == "collecting")
    house.duely("dispute", "SEEN-1", "--by", ODD["name"], "--reason", ODD["words"])
    server = f"127.0.0.1:{house.environment['DUELY_TEMPORAL_PORT']}"
    asyncio.run(nonsense(server))
    until(lambda: "temporal_workflow_task_execution_failed_total" in httpx.get(house.metrics).text)
    until(lambda: {"RunActivity:send"} <= {span.name for span in house.collector.spans})  # type: ignore[union-attr]
    _traced(house.collector)
    scraped = [httpx.get(house.metrics).text, httpx.get(f"{house.says['gateway']}/metrics", timeout=PATIENCE).text]
    assert metrics() - set().union(*map(exposed, scraped)) == set(), "rules or panels ask for what nobody tells"
    assert 'duely_mail_attempts_total{outcome="down",provider="outbox"} 0' not in scraped[0]
    lines = [json.loads(line) for line in house.log.read_text("utf-8").splitlines()]
    own = [line for line in lines if line.get("workflow") == "invoice-demo-SEEN-1"]
    assert {"draft", "command", "send"} <= {line["activity"] for line in own}
    assert {line["seller"] for line in own} == {"demo"}
    assert [line["error"] for line in own if "error" in line]
    told = "\n".join([*scraped, house.log.read_text("utf-8"), *map(str, house.collector.spans)])
    assert [word for word in ODD.values() if word.partition(" ")[0].lower() in told.lower()] == []


def _traced(collector: Collector) -> None:
    """One trace goes from the request to the workflow and its activities."""
    trace = next(
        trace
        for trace in [collector.trace_of("POST /v1/invoices")]
        if any(s.name == "RunWorkflow:Invoice" for s in trace)
    )
    parent = {span.span_id: span for span in trace}
    draft = next(span for span in trace if span.name == "RunActivity:draft")
    path = [draft]
    while path[-1].parent_span_id:
        path.append(parent[path[-1].parent_span_id])
    assert [span.name for span in path] == [
        *("RunActivity:draft", "StartActivity:draft", "StartWorkflow:Invoice", "POST /v1/invoices"),
    ]
    for span in collector.spans:
        assert {attribute.key for attribute in span.attributes} <= tracing.KEPT
        assert (len(span.events), span.status.message) == (0, "")


async def nonsense(server: str) -> None:
    """A workflow of no known type: its task fails, as after a bad deploy."""
    client = await connect(server)
    handle = await client.start_workflow("Nonsense", id="nonsense", task_queue=TASK_QUEUE)
    await handle.describe()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_good_ones_start_when_asked_to(house: House) -> None:
    rows = [
        "seller,reference,customer,currency,line.description,line.quantity,line.unit_price,line.tax.category,line.tax.rate",
        "demo,CSV-1,globex,EUR,Work,1,10.00,S,19",
        "demo,CSV-2,globex,EUR,Work,1,ten,S,19",
        "demo,CSV-3,globex,EUR,Work,1,10.00,S,19",
    ]
    ended = house.duely("start", "--skip-bad", "--json", "-", given="\n".join(rows))
    assert ended.returncode == 1
    results = {one["id"]: one for one in json.loads(ended.stdout)}
    assert results["invoice-demo-CSV-1"]["result"] == results["invoice-demo-CSV-3"]["result"] == "created"
    assert results[None]["problems"][0].startswith("-:3 line.unit_price: must be a plain decimal")


def test_a_second_up_says_what_is_in_the_way(house: House) -> None:
    ended = house.duely("up")
    port = house.environment["DUELY_TEMPORAL_PORT"]
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.endswith(
        f"port {port} is taken: stop what listens there or set DUELY_TEMPORAL_PORT to another one\n"
    )


def test_init_uses_the_server_that_runs(house: House) -> None:
    said = json.loads(house.duely("init", "--json").stdout)
    assert said == {
        "migrations": [],
        "namespace": "default",
        "address": f"127.0.0.1:{house.environment['DUELY_TEMPORAL_PORT']}",
    }


def test_init_says_in_a_line_what_the_server_refuses(house: House) -> None:
    ended = House({**house.environment, "TEMPORAL_NAMESPACE": "x" * 1200}, house.process, {}).duely("init")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "the Temporal server does not let itself be prepared: Namespace length exceeds limit.\n"


def test_a_worker_refuses_a_namespace_that_is_not_prepared(house: House) -> None:
    elsewhere = House({**house.environment, "TEMPORAL_NAMESPACE": "nowhere"}, house.process, {})
    ended = elsewhere.duely("worker")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "there is no namespace nowhere: run `duely init`\n"


def test_a_worker_drains_and_ends_well_on_sigterm(house: House) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "worker"], env=house.environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as out:
        assert out.readline() == f"worker {process.pid} works on queue duely of namespace default\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_help_is_quick() -> None:
    command = [sys.executable, "-X", "importtime", "-m", "cli.main", "--help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in said.stderr.splitlines()}
    assert "schemas.commands" in loaded, "the list of modules is read wrongly"
    assert not loaded & {"temporalio", "temporalio.client", "sqlmodel", "sqlalchemy", "jinja2", "holidays", "settings"}


def test_ctrl_c_drains_and_stops_all_of_it(house: House) -> None:
    house.process.send_signal(signal.SIGINT)
    assert house.process.wait(PATIENCE) == 0
    ended = house.duely("approve", "LIFE-1", "--by", "ana")
    assert "no Temporal server answers" in ended.stderr
