"""Which Temporal server to talk to, as `TEMPORAL_*` says, and the client that talks to it.

Never starts a server (`workers/devserver.py` does) and never prepares one (`workers/namespace.py`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from temporalio.client import Client, Plugin
from temporalio.envconfig import ClientConfig, ClientConnectConfig

from domain.errors import Invalid, Unavailable

DEFAULT_NAMESPACE = "default"
TASK_QUEUE = "duely"
LOOPBACK = "127.0.0.1"


def temporal_config() -> ClientConnectConfig:
    """What `TEMPORAL_*` sets: target_host, namespace, api_key, tls, rpc_metadata; each only if set.

    The SDK's configuration file is read only when `TEMPORAL_PROFILE` or `TEMPORAL_CONFIG_FILE` asks for it:
    a profile lying in the home folder must not turn `make demo` into a run on somebody's cloud.
    """
    named = os.environ.get("TEMPORAL_PROFILE") or os.environ.get("TEMPORAL_CONFIG_FILE")
    try:
        return ClientConfig.load_client_connect_config(disable_file=not named)
    except (RuntimeError, ValueError, OSError) as error:
        raise Invalid.at("TEMPORAL_*", f"cannot be read: {_one_line(error)}") from error


def external_address() -> str | None:
    """The server that `TEMPORAL_*` names, or None: then an embedded one is ours to start."""
    return temporal_config().get("target_host")


def namespace() -> str:
    return temporal_config().get("namespace", DEFAULT_NAMESPACE)


async def connect(address: str, plugins: Sequence[Plugin] = ()) -> Client:
    """A client for the namespace `TEMPORAL_NAMESPACE` names. Raises Unavailable when nobody answers.

    `address` is `external_address()` or that of an embedded server. TLS, API key and headers go only to the
    server they were set for.
    """
    config: ClientConnectConfig = temporal_config()
    if config.get("target_host") != address:
        config = ClientConnectConfig(target_host=address, namespace=namespace())
    config.setdefault("namespace", DEFAULT_NAMESPACE)
    try:
        return await Client.connect(**config, plugins=plugins)
    except (RuntimeError, ValueError) as error:  # the latter for what is no address
        raise Unavailable(f"no Temporal server answers at {address}: {_one_line(error)}") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
