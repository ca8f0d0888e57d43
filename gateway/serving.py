"""Runs the gateway inside a loop that somebody else owns: no signal handlers, no access log of uvicorn's, a port that
is taken said in one line."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from sqlalchemy import Engine

from domain.errors import Unavailable
from gateway import inbox
from gateway.app import make_app
from settings import Settings
from workers.client import open_client
from workers.connect import LOOPBACK

GRACE_SECONDS = 10
"""How long requests that run may go on after the stop."""


class _Guest(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The owner of the loop hears the signals."""
        yield


@asynccontextmanager
async def running(settings: Settings, engine: Engine, host: str = LOOPBACK) -> AsyncIterator[str]:
    """The gateway's address while it answers at DUELY_GATEWAY_PORT. Unavailable when the port is taken."""
    app = make_app(settings, engine, lambda: open_client(settings))
    proxies = settings.trusted_proxies
    async with serving(app, host, settings.gateway_port, proxies) as url, inbox.watching(app.state.house):
        yield url


@asynccontextmanager
async def serving(app: FastAPI, host: str, port: int, proxies: str = LOOPBACK) -> AsyncIterator[str]:
    """The address of `app` while the block runs. What `proxies` say of whom they pass on is believed."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        forwarded_allow_ips=proxies,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    # Paths carry tokens: whatever handlers somebody configures, uvicorn's own log of them stays silent.
    logging.getLogger("uvicorn.access").disabled = True
    server = _Guest(config)
    with _bound(host, port) as listener:
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://{host}:{port}"
        finally:
            server.should_exit = True
            await task


def _bound(host: str, port: int) -> socket.socket:
    # asyncio sends small answers at once (TCP_NODELAY) only where the protocol is named: else each waits 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        reason = (error.strerror or "it cannot be used").lower()
        raise Unavailable(
            f"the gateway cannot listen at {host}:{port}, {reason}: stop what listens there or set DUELY_GATEWAY_PORT "
            "to another one"
        ) from None
    return listener
