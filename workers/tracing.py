"""Traces by OpenTelemetry: one goes from a request to the workflow it starts and to each of its activities. Off unless
OTEL_EXPORTER_OTLP_ENDPOINT is set; the exporter reads its other OTEL_* variables itself.

What leaves has ids and names of routes and steps: attributes that `KEPT` does not name, events and texts of errors are
taken off (ADR 0021).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from threading import Thread
from typing import TYPE_CHECKING

from opentelemetry.trace import NoOpTracer, Status, Tracer

from settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from temporalio.contrib.opentelemetry import TracingInterceptor

SERVICE = "duely"
ROUTE, METHOD, STATUS, REQUEST = "http.route", "http.request.method", "http.response.status_code", "duely.request"
KEPT = frozenset(
    {ROUTE, METHOD, STATUS, REQUEST, "temporalWorkflowID", "temporalRunID", "temporalActivityID", "temporalUpdateID"}
)
"""Names of semantic conventions, and those of Temporal's SDK."""

FLUSH_SECONDS = 3.0
_providers: list[TracerProvider] = []


def tracer_of(settings: Settings) -> Tracer:
    """One for the process and the address; one that does nothing when no address is set."""
    return NoOpTracer() if settings.traces is None else _exporting(settings.traces)


def interceptors_of(settings: Settings) -> Sequence[TracingInterceptor]:
    """For client and worker. Spans of a workflow come at once and are not repeated by a replay."""
    if settings.traces is None:
        return ()
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return (TracingInterceptor(tracer_of(settings)),)


def plain(span: ReadableSpan) -> ReadableSpan:
    """The span without what may quote somebody."""
    from opentelemetry.sdk.trace import ReadableSpan

    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in (span.attributes or {}).items() if name in KEPT},
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


@functools.cache
def _exporting(address: str) -> Tracer:
    """Packages of traces are loaded only where traces are made."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(_plainly(OTLPSpanExporter(f"{address}/v1/traces"))))
    _providers.append(provider)
    return provider.get_tracer(SERVICE)


def flush() -> None:
    """Sends what is not sent yet: a process of ours ends without waiting for anybody's threads. For a collector that is
    away the library would wait as long as it likes."""
    for provider in _providers:
        sending = Thread(target=provider.force_flush, daemon=True)
        sending.start()
        sending.join(FLUSH_SECONDS)


def _plainly(exporter: SpanExporter) -> SpanExporter:
    whole = exporter.export
    exporter.export = lambda spans: whole([plain(span) for span in spans])  # type: ignore[method-assign]
    return exporter
