"""Counters for whoever watches: requests by route template and status, webhooks by verdict. No path, token or id ever
becomes a label."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Of one app: several in one process do not meet."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "duely_http_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram("duely_http_request_seconds", "Time to answer.", ("route",), registry=self._registry)
        self._webhooks = Counter(
            "duely_webhooks", "Webhooks by what became of them.", ("provider", "verdict"), registry=self._registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def webhook(self, provider: str, verdict: str) -> None:
        """`verdict`: taken, known, ignored, refused, unavailable; failed by a defect of ours."""
        self._webhooks.labels(provider, verdict).inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)
