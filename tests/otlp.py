"""Receives traces on loopback, by OTLP over HTTP, as a collector does."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """`spans`: what came so far."""

    def __init__(self, address: str, spans: list[Span]):
        self.address = address
        self.spans = spans

    def trace_of(self, name: str) -> list[Span]:
        """The trace whose first span has this name, oldest first."""
        ids = {span.trace_id for span in self.spans if span.name == name and not span.parent_span_id}
        return sorted((s for s in self.spans if s.trace_id in ids), key=lambda span: span.start_time_unix_nano)


@contextmanager
def collecting() -> Iterator[Collector]:
    spans: list[Span] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            told = ExportTraceServiceRequest.FromString(body)
            spans.extend(span for each in told.resource_spans for scope in each.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's name
            """Silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield Collector(f"http://127.0.0.1:{server.server_port}", spans)
        finally:
            server.shutdown()
