"""Traces: off unless asked for, the same commands with them, and nothing in a span that quotes somebody."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NoOpTracer, StatusCode
from temporalio.client import WorkflowHistory
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.worker import Replayer

from settings import Settings
from tests.otlp import collecting
from workers import tracing, wiring
from workflows.invoice import Invoice
from workflows.plugin import plugin

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.json"))
ODD = "Zaphod Quxworth"


def remembering() -> tuple[TracerProvider, InMemorySpanExporter]:
    provider, memory = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    return provider, memory


def test_nothing_is_made_or_loaded_unless_asked_for(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path)
    assert isinstance(tracing.tracer_of(settings), NoOpTracer)
    assert tracing.interceptors_of(settings) == ()
    program = (
        "import sys; from workers import up; from gateway import serving\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_one_tracer_for_a_process(tmp_path: Path) -> None:
    settings = Settings(var=tmp_path, traces="http://127.0.0.1:9")
    assert tracing.tracer_of(settings) is tracing.tracer_of(settings)
    (interceptor,) = tracing.interceptors_of(settings)
    assert interceptor.tracer is tracing.tracer_of(settings)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
async def test_traced_workflows_give_the_same_commands_and_replays_make_no_spans(path: Path) -> None:
    """Histories of before there were traces: they have no header, and replay with the interceptor as without."""
    body: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    id_ = body["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    provider, memory = remembering()
    traced = plugin(interceptors=[TracingInterceptor(provider.get_tracer("test"), always_create_workflow_spans=True)])
    replayer = Replayer(workflows=[Invoice], plugins=[traced], workflow_runner=wiring.runner())
    await replayer.replay_workflow(WorkflowHistory.from_json(id_, body))
    assert memory.get_finished_spans() == ()


def test_what_may_quote_somebody_is_taken_off() -> None:
    provider, memory = remembering()
    tracer = provider.get_tracer("test")
    with (
        pytest.raises(ValueError, match=ODD),
        tracer.start_as_current_span("step", attributes={tracing.ROUTE: "/i/{token}", "name": ODD}),
    ):
        raise ValueError(ODD)
    (span,) = memory.get_finished_spans()
    assert ODD in span.to_json()
    left = tracing.plain(span)
    assert ODD not in left.to_json()
    assert (left.name, left.status.status_code, dict(left.attributes or {})) == (
        *("step", StatusCode.ERROR),
        {tracing.ROUTE: "/i/{token}"},
    )
    assert (left.context, left.start_time, left.end_time) == (span.context, span.start_time, span.end_time)


_LAST = """
import os, sys
from cli.session import run
from settings import Settings
from tests.otlp import collecting
from workers import tracing
async def work():
    with tracing.tracer_of(Settings(traces=sys.argv[1])).start_as_current_span("last"):
        pass
run(work())
os._exit(0)
"""


def test_what_is_not_sent_yet_is_sent_before_the_process_ends() -> None:
    with collecting() as collector:
        subprocess.run([sys.executable, "-c", _LAST, collector.address], cwd=ROOT, check=True)
        assert [span.name for span in collector.spans] == ["last"]


def test_a_collector_that_does_not_answer_holds_no_process_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        subprocess.run([sys.executable, "-c", _LAST, address], cwd=ROOT, check=True)
        assert time.monotonic() - began < tracing.FLUSH_SECONDS + 5
