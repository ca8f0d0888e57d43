"""From the settings to the plugin and the codec that every client, worker and replayer of this house uses, with what
makes traces when they are asked for."""

from __future__ import annotations

from temporalio.plugin import SimplePlugin

from adapters.payloads import Codec
from settings import Settings
from workers.tracing import interceptors_of
from workflows.plugin import plugin


def codec_of(settings: Settings) -> Codec:
    """Also without a key: it writes in clear then, and tells what it lacks the key for from what is a stranger's."""
    return Codec(settings.codec_ring(), settings.signing_secret().get_secret_value())


def plugin_of(settings: Settings) -> SimplePlugin:
    codec = codec_of(settings)
    return plugin(codec, private=codec.ring.on, interceptors=interceptors_of(settings))
