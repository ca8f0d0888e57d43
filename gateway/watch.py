"""Sees every request come and go: the access log, the counters, and the last net under the routes. Paths are named by
their template: the real ones carry tokens. An error's text may hold what was sent, so only its place is logged."""

from __future__ import annotations

import logging
import secrets
import time
import traceback

from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.metrics import Metrics
from gateway.problems import problem
from workers import logs, tracing

ERRORS = logging.getLogger("duely.gateway")
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: no trace is worth it."""
METHODS = frozenset("GET HEAD POST PUT PATCH DELETE OPTIONS".split())


class Watch:
    def __init__(self, app: ASGIApp, metrics: Metrics, tracer: Tracer | None = None):
        self.app = app
        self.metrics = metrics
        self.tracer = tracer or NoOpTracer()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        id_ = secrets.token_hex(8)
        tracer = NoOpTracer() if scope["path"] in PROBES else self.tracer
        caller = TraceContextTextMapPropagator().extract(dict(Headers(scope=scope)))
        with (
            logs.request(id_),
            tracer.start_as_current_span("request", caller, SpanKind.SERVER, {tracing.REQUEST: id_}) as span,
        ):
            method, route, status = await self._answered(scope, receive, send)
            span.update_name(f"{method} {route}")
            span.set_attributes({tracing.METHOD: method, tracing.ROUTE: route, tracing.STATUS: status})
            if status >= 500:
                span.set_status(StatusCode.ERROR)

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> tuple[str, str, int]:
        begun, status = time.monotonic(), 0

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, seen)
        except Exception as error:  # noqa: BLE001 the last net: one request's defect must not show its inside
            ERRORS.error("%s\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            if not status:
                await problem(500, "this is our fault; it was logged")(scope, receive, seen)
        finally:
            took = time.monotonic() - begun
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = getattr(scope.get("route"), "path", "unknown")
            self.metrics.answered(method, route, status, took)
            logs.ACCESS.info("%s %s %s %.0f ms", method, route, status, took * 1000)
        return method, route, status
