"""The one plugin of client, worker and replayer: pydantic JSON that never raises on an unreadable payload where no
type is asked for, refusals without stack traces, and the codec that a process was given, if any."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
    PayloadConverter,
)
from temporalio.exceptions import ApplicationError
from temporalio.plugin import SimplePlugin

from domain.errors import FINAL, MissingKey
from schemas.adapters import adapter
from schemas.values import Undecodable


class SharedAdapters(PydanticJSONPlainPayloadConverter):
    """The SDK makes a converter for every workflow; the adapters are shared by all of them."""

    def to_payload(self, value: Any) -> Payload | None:
        """What the SDK's writes too, without its looking at every part for what it is: a third of the time."""
        if not dataclasses.is_dataclass(value):
            return super().to_payload(value)
        kind: Any = type(value)
        return Payload(metadata={"encoding": self.encoding.encode()}, data=adapter(kind).dump_json(value))

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        return adapter(Any if type_hint is None else type_hint).validate_json(payload.data)


class TolerantConverter(CompositePayloadConverter):
    """Answers `Undecodable` instead of raising, so that no payload of a stranger wedges a workflow task."""

    def __init__(self) -> None:
        plain = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(SharedAdapters() if isinstance(c, JSONPlainPayloadConverter) else c for c in plain))

    def from_payloads(self, payloads: Sequence[Payload], type_hints: list[type] | None = None) -> list[Any]:
        if type_hints:
            return super().from_payloads(payloads, type_hints)
        return [self._tolerant(payload) for payload in payloads]

    def _tolerant(self, payload: Payload) -> Any:
        try:
            return super().from_payloads([payload])[0]
        except Exception:  # noqa: BLE001 whatever a stranger sent, the task must go on
            return Undecodable(encoding=payload.metadata.get("encoding", b"none").decode("ascii", "replace")[:40])


class QuietFailures(DefaultFailureConverter):
    """A refusal is an answer, not an accident: no stack trace of ours in the Web UI."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        if isinstance(exception, ApplicationError) and exception.type in FINAL:
            exception.__traceback__ = None
        super().to_failure(exception, payload_converter, failure)


class PrivateFailures(QuietFailures):
    """The same where a codec writes: message and stack trace travel in a payload. A missing key is told in clear: it
    names a key, and whoever looks for it may have none."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        super().to_failure(exception, payload_converter, failure)
        if isinstance(exception, MissingKey):
            return
        said = {"message": failure.message, "stack_trace": failure.stack_trace}
        failure.encoded_attributes.CopyFrom(payload_converter.to_payload(said))
        failure.message, failure.stack_trace = "Encoded failure", ""


def plugin(codec: PayloadCodec | None = None, private: bool = False, interceptors: Sequence[Any] = ()) -> SimplePlugin:
    """`codec` decodes for this process, and encodes as it sees fit; `private`: failures give it their words too.
    `interceptors` see what client and worker do."""
    failures = PrivateFailures if private else QuietFailures

    def converter(given: DataConverter | None) -> DataConverter:
        return dataclasses.replace(
            given or DataConverter.default,
            payload_converter_class=TolerantConverter,
            failure_converter_class=failures,
            payload_codec=codec,
        )

    return SimplePlugin("duely", data_converter=converter, interceptors=interceptors)


PLUGIN = plugin()
"""In clear."""
