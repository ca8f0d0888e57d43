"""SMTP against servers that fail at every step of the dialogue: what each failure means."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from adapters.mail.port import Address, Message
from adapters.mail.smtp import Server, Smtp
from domain.errors import Invalid, OutcomeUnknown, ProviderDown

MESSAGE = Message(
    key="0f343b0931126a20f133d67c2b018a3b",
    kind="invoice",
    invoice="invoice-demo-ORD-1042",
    rung=None,
    sender=Address("Nordlicht Studio", "rechnung@nordlicht.example"),
    to=(Address("Jule Müller", "ap@globex.example"),),
    reply_to="reply+1042@nordlicht.example",
    subject="Rechnung RE-2026-0042",
    text=".a point\n",
    html="<p>a point</p>",
    language="en",
    at=datetime(2026, 1, 5, 9, 15, tzinfo=UTC),
)


class Scripted:
    """A raw server that answers with fixed lines, one a command, and then says nothing or hangs up."""

    def __init__(self, script: list[bytes], ending: str):
        self._script, self._ending = script, ending
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Scripted:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        with peer, peer.makefile("rwb") as stream:
            content = False
            for index, line in enumerate(self._script):
                if index:
                    while (got := stream.readline()) and content and got != b".\r\n":
                        pass
                stream.write(line + b"\r\n")
                stream.flush()
                content = line.startswith(b"354")
            if content:
                while (got := stream.readline()) and got != b".\r\n":
                    pass
            if self._ending == "silent":
                self._over.wait(10)


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ([], ProviderDown),  # never greets
        ([b"554 no"], ProviderDown),
        ([b"220 hi"], ProviderDown),  # never answers EHLO
        ([b"220 hi", b"250 x", b"250 ok"], ProviderDown),  # silent at RCPT
        (
            [b"220 hi", b"250 x", b"250 ok", b"250 ok"],
            ProviderDown,
        ),  # silent at DATA: nothing was sent yet
        (
            [b"220 hi", b"250 x", b"250 ok", b"250 ok", b"354 go"],
            OutcomeUnknown,
        ),  # silent after the content
        ([b"220 hi", b"250 x", b"250 ok", b"250 ok", b"354 go", b"what?"], OutcomeUnknown),
        ([b"220 hi", b"250 x", b"250 ok", b"250 ok", b"354 go", b"250 ok"], None),  # silent at QUIT
    ],
)
@pytest.mark.parametrize("ending", ["silent", "closes"])
def test_every_step_a_server_can_fail_at(script: list[bytes], error: type[Exception] | None, ending: str) -> None:
    with Scripted(script, ending) as server:
        adapter = Smtp(Server("127.0.0.1", server.port), connect_timeout=0.3, command_timeout=0.3)
        if error is None:
            assert adapter.send(MESSAGE)
        else:
            with pytest.raises(error) as raised:
                adapter.send(MESSAGE)
            assert raised.type is error


def test_a_login_that_fails_is_our_fault_and_tells_no_secret() -> None:
    with Scripted([b"220 hi", b"250-x\r\n250 AUTH PLAIN", b"535 5.7.8 wrong"], "closes") as server:
        login = Server("127.0.0.1", server.port, user="ana", password="secret")
        with pytest.raises(ProviderDown, match="535") as raised:
            Smtp(login, command_timeout=5).send(MESSAGE)
    assert "secret" not in str(raised.value)


def test_url() -> None:
    assert Server.from_url("smtp://ana%40x:p%3Aw@mail.example:2525?starttls=1") == Server(
        "mail.example", 2525, starttls=True, user="ana@x", password="p:w"
    )
    assert Server.from_url("smtps://mail.example").port == 465
    assert Server.from_url("smtp://mail.example") == Server("mail.example", 25)
    assert Server.from_url("smtp://mail.example?starttls=1").port == 587
    assert "secret" not in repr(Server.from_url("smtp://u:secret@mail.example"))
    for bad in (
        "http://x",
        "smtp://",
        "smtp://x:port",
        "smtp://x?tls=1",
        "smtp://x?starttls=yes",
        "smtp://x?starttls",
        "smtp://x/path",
        "",
        "smtp://a..b",
    ):
        with pytest.raises(Invalid, match="SMTP_URL"):
            Server.from_url(bad)


def test_a_login_travels_in_clear_to_this_host_only() -> None:
    for host in ("mail.example", "10.0.0.5", "[2001:db8::1]"):
        server = Server.from_url(f"smtp://u:secret@{host}")
        assert (server.starttls, server.port) == (True, 587)
        with pytest.raises(Invalid, match="in clear") as raised:
            Server.from_url(f"smtp://u:secret@{host}:25?starttls=0")
        assert "secret" not in str(raised.value)
    for here in ("127.0.0.1", "localhost", "[::1]"):
        assert not Server.from_url(f"smtp://u:secret@{here}").starttls
    with Scripted([b"220 hi", b"250-x\r\n250 AUTH PLAIN"], "closes") as listening:
        told = replace(Server.from_url("smtp://u:secret@mail.example"), host="127.0.0.1", port=listening.port)
        with pytest.raises(ProviderDown, match="NotSupported"):
            Smtp(told, command_timeout=5).send(MESSAGE)
