"""How SendGrid is reached: the vendor's HTTP client with a time limit of its own for the answer, and without
redirects, which would carry our key to another host. It never judges an answer."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from typing import IO, Any
from urllib.request import (
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    Request,
    build_opener,
)

from python_http_client import Client


def patient(client: Client, connect_timeout: float, read_timeout: float) -> Client:
    """The vendor's client again, with both time limits in seconds."""
    opener = build_opener(_Plain(read_timeout), _Secure(read_timeout), _Stay())
    return _Client(opener, client.host, client.request_headers, client._version, timeout=connect_timeout)


class _Client(Client):  # type: ignore[misc]  # the vendor ships no types
    """The vendor makes a new client for each part of a path and an opener for each call: all keep ours."""

    def __init__(self, opener: OpenerDirector, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._opener = opener

    def _build_client(self, name: str | None = None) -> _Client:
        path = [*self._url_path, name] if name else self._url_path
        return _Client(self._opener, self.host, self.request_headers, self._version, path, timeout=self.timeout)

    def _make_request(self, opener: OpenerDirector, request: Request, timeout: float | None = None) -> Any:
        return super()._make_request(self._opener, request, timeout)


class _Plain(HTTPHandler):
    def __init__(self, read_timeout: float):
        super().__init__()
        self._read_timeout = read_timeout

    def http_open(self, req: Request) -> HTTPResponse:
        def connection(host: str, **settings: Any) -> HTTPConnection:
            return _waits(HTTPConnection(host, **settings), self._read_timeout)

        return self.do_open(connection, req)


class _Secure(HTTPSHandler):
    def __init__(self, read_timeout: float):
        super().__init__()
        self._read_timeout = read_timeout

    def https_open(self, req: Request) -> HTTPResponse:
        def connection(host: str, **settings: Any) -> HTTPConnection:
            return _waits(HTTPSConnection(host, **settings), self._read_timeout)

        return self.do_open(connection, req)


class _Stay(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        return None


def _waits(connection: HTTPConnection, seconds: float) -> HTTPConnection:
    connect = connection.connect

    def then_wait() -> None:
        connect()
        connection.sock.settimeout(seconds)

    connection.connect = then_wait  # type: ignore[method-assign]
    return connection
