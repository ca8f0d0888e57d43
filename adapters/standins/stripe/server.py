"""A Stripe of our own: a real HTTP server with state, on a free port of this machine, in a thread.

    with StandIn(webhook_url="http://127.0.0.1:8080/webhooks/stripe") as sim:
        client = stripe.StripeClient(sim.secret_key, base_addresses={"api": sim.base})
        …                                  what the adapter does
        sim.pay(session.id, at=now)        what the world does: see `payments` and `aftermath`
        sim.webhooks.drain()

Faults are ordered through `faults`, deliveries through `webhooks`; `requests` is the log. It judges requests by the
SDK's own types and signs webhooks with the SDK's own code, but it is not Stripe: it has no accounts, no products, no
currencies to convert, and fees of its own. State ends with the process.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adapters.standins.stripe import page
from adapters.standins.stripe.aftermath import World
from adapters.standins.stripe.api import Answer, Api, Seen
from adapters.standins.stripe.errors import Wrong
from adapters.standins.stripe.faults import Faults
from adapters.standins.stripe.state import Clock, State
from adapters.standins.stripe.webhooks import Webhooks

STARTS_WITHIN = 10.0


class StandIn(World):
    def __init__(
        self,
        secret_key: str = "sk_test_standin",  # noqa: S107 - opens nothing but this
        webhook_secret: str = "whsec_standin",  # noqa: S107
        webhook_url: str | None = None,
        clock: Clock | None = None,
    ):
        """`clock` gives the instant of what has none of its own; without it, the wall clock."""
        super().__init__(State(clock or (lambda: datetime.now(UTC)), 1 if webhook_url else 0))
        self.secret_key, self.webhook_secret = secret_key, webhook_secret
        self.faults = Faults()
        self.webhooks = Webhooks(self.state, webhook_secret, webhook_url)
        self._api = Api(self, self.faults, secret_key)
        self._ready, self._stopping = threading.Event(), threading.Event()
        self._socket: socket.socket | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(self._app(), log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=2)
        )
        self._thread = threading.Thread(target=self._serve, name="stripe-standin", daemon=True)

    @property
    def base(self) -> str:
        """The address for STRIPE_API_BASE; known once started."""
        return self.state.base

    @property
    def requests(self) -> list[Seen]:
        """Every request to the API, in the order of the answers."""
        return self._api.requests

    def start(self) -> None:
        # Named as TCP, unlike create_server's: asyncio then turns Nagle's delay of 40 ms an answer off.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(128)
        self.state.base = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread.start()
        if not self._ready.wait(STARTS_WITHIN):
            raise TimeoutError(f"Stripe stand-in: did not start within {STARTS_WITHIN} s")
        self.webhooks.start()

    def stop(self) -> None:
        self._stopping.set()
        self._server.should_exit = True
        self._thread.join()
        self.webhooks.stop()

    def __enter__(self) -> StandIn:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _serve(self) -> None:
        assert self._socket is not None
        self._server.run(sockets=[self._socket])

    def _app(self) -> Starlette:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            self._ready.set()
            yield

        every = ["GET", "POST", "DELETE"]
        return Starlette(
            routes=[
                Route("/pay/{session}", self._page, methods=["GET", "POST"]),
                Route("/{path:path}", self._call, methods=every),
            ],
            lifespan=lifespan,
        )

    async def _call(self, request: Request) -> Response:
        form = await request.body()
        answer = await run_in_threadpool(
            self._api.answer, request.method, request.url.path, request.url.query, form, request.headers
        )
        if answer.fault and answer.fault[0] == "hang":
            await run_in_threadpool(self._stopping.wait, answer.fault[1])
        if answer.fault and answer.fault[0] == "drop":
            return _Dropped(answer)
        return JSONResponse(answer.body, answer.status, answer.headers)

    async def _page(self, request: Request) -> Response:
        return await run_in_threadpool(self._show, request.path_params["session"], await request.body())

    def _show(self, session_id: str, form: bytes) -> Response:
        with self.state.lock:
            self.state.tick()
            try:
                session = self.state.get("checkout.session", session_id)
                if form:
                    self.pay(session_id, parse_qs(form.decode()).get("method", ["card"])[0])
                    where = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id)
                    return RedirectResponse(where, 303)
            except Wrong as wrong:
                return HTMLResponse(wrong.message, wrong.status)
            return HTMLResponse(page.render(session, self.state.lines[session_id]))


class _Dropped(Response):
    """Headers that promise a body, and then nothing: the server closes the connection."""

    def __init__(self, answer: Answer):
        super().__init__(status_code=answer.status, headers={**answer.headers, "Content-Length": "1"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
