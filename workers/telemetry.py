"""What a process tells of itself: log, metrics of the SDK and of its mails, a line an attempt. Begun once, before the
first client is made. Figures of the books are the gateway's (`gateway/figures.py`)."""

from __future__ import annotations

import logging
import time
from typing import Any

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from adapters.mail.counted import OUTCOMES, Counted
from adapters.mail.port import Mail
from domain.errors import Unavailable
from settings import Settings
from workers import logs

CORE = logging.getLogger("temporalio.core")
"""What the SDK's core logs, by the same rules as everything else."""


def begin(settings: Settings, *verbose: logging.Logger, metrics: bool = True) -> None:
    """Logs, and serves metrics at DUELY_METRICS_PORT. Unavailable when the port is taken."""
    logs.set_up(settings.log, *verbose)
    address = f"{settings.metrics_host}:{settings.metrics_port}" if metrics and settings.metrics_port else None
    forward = LogForwardingConfig(CORE, append_target_to_name=False, append_log_fields_to_message=False)
    telemetry = TelemetryConfig(
        logging=LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forward),
        metrics=_served(address) if address else None,
        attach_service_name=False,
    )
    try:
        Runtime.set_default(Runtime(telemetry=telemetry))
    except (RuntimeError, ValueError) as error:
        if address is None:
            raise
        raise Unavailable(
            f"metrics cannot be served at {address}: stop what listens there or set DUELY_METRICS_PORT to another one"
        ) from error


def _served(address: str) -> PrometheusConfig:
    """Under the names and in the units that Prometheus asks for."""
    return PrometheusConfig(address, counters_total_suffix=True, unit_suffix=True, durations_as_seconds=True)


def counted(mail: Mail, provider: str) -> Mail:
    """The same, and each attempt is counted by its outcome. Nothing is counted where no metrics are served."""
    counter = Runtime.default().metric_meter.create_counter("duely_mail_attempts", "Attempts to hand a mail over.")
    for outcome in OUTCOMES:
        counter.add(0, {"provider": provider, "outcome": outcome})
    return Counted(mail, lambda outcome: counter.add(1, {"provider": provider, "outcome": outcome}))


class Attempts(Interceptor):
    """A line for each attempt of an activity: which, how it ended, how long it took."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 the SDK's
        return _Attempt(next) if logs.STEPS.isEnabledFor(logging.INFO) else next


class _Attempt(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 the SDK's
        begun, ended = time.monotonic(), "failed"
        try:
            result = await self.next.execute_activity(input)
            ended = "done"
            return result
        finally:
            logs.STEPS.info("%s in %.0f ms", ended, (time.monotonic() - begun) * 1000)
