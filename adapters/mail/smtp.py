"""Mail through a real server (RFC 5321), one connection a message. SMTP has no keys: it cannot be asked what
it took.

What a failure means depends on where it falls, so the dialogue is driven step by step:

    before the content has been sent     4xx, 5xx of the connection, timeout, lost   ProviderDown
                                         5xx to MAIL, RCPT or DATA                   Refused
    while or after it is sent, no reply  timeout, lost, unreadable                   OutcomeUnknown
    the reply to the content             4xx ProviderDown · 5xx Refused · 2xx taken

One recipient refused for good refuses the message for all: nobody gets half a message, and a person corrects
it. Errors name the place of a recipient, never the address, and never the server's own words, which repeat
it.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from adapters.mail.mime import as_bytes, ascii_address, build
from adapters.mail.port import Message
from domain.errors import Invalid, OutcomeUnknown, ProviderDown, Refused

CONNECT_TIMEOUT = 10.0
COMMAND_TIMEOUT = 30.0
_LOGIN = frozenset({530, 534, 535, 538})  # RFC 4954 §6: our own login is wrong, the message may be fine
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}")  # RFC 3463


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    tls: bool = False
    starttls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_url(cls, url: str) -> Server:
        """`smtp://user:password@host:port` (587, STARTTLS), `smtp://host` (25, or 587 with `?starttls=1`) or `smtps://…`
        (465). A login never travels in clear, but to this host itself."""
        try:
            parts = urlsplit(url)
            port = parts.port
            (parts.hostname or "").encode("idna")
        except ValueError as error:
            raise Invalid.at("SMTP_URL", f"{error}; write smtp://user:password@host:port") from None
        query = parse_qs(parts.query, keep_blank_values=True)
        said = query.pop("starttls", [])
        unread = query or said not in ([], ["0"], ["1"]) or parts.path not in ("", "/")
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or unread:
            raise Invalid.at("SMTP_URL", "write smtp://user:password@host:port, or ?starttls=1 behind it, or smtps://…")
        plain = parts.scheme == "smtp"
        needed = plain and bool(parts.username) and not _is_here(parts.hostname)
        if needed and said == ["0"]:
            raise Invalid.at("SMTP_URL", "would send the password in clear: leave ?starttls=0 out, or write smtps://…")
        starttls = plain and (needed or said == ["1"])
        default = 465 if not plain else 587 if starttls else 25
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(parts.hostname, port or default, not plain, starttls, user, password)


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Smtp:
    idempotent = False
    reports = False

    def __init__(
        self,
        server: Server,
        *,
        connect_timeout: float = CONNECT_TIMEOUT,
        command_timeout: float = COMMAND_TIMEOUT,
    ):
        """Timeouts in seconds: for the connection with its greeting, and for each reply after it."""
        self._server = server
        self._connect_timeout = connect_timeout
        self._command_timeout = command_timeout

    def find(self, key: str) -> str | None:
        return None

    def send(self, message: Message) -> str:
        mail = build(message)
        sender = ascii_address(message.sender.email, "sender")
        to = [ascii_address(address.email, f"to[{index}]") for index, address in enumerate(message.to)]
        try:
            connection = self._connect(sender.rpartition("@")[2])
        except OSError as error:
            raise self._down("could not be reached", error) from error
        try:
            self._envelope(connection, sender, to)
            self._content(connection, as_bytes(mail))
            _part(connection)
        finally:
            connection.close()
        return str(mail["Message-ID"])

    def _connect(self, hostname: str) -> smtplib.SMTP:
        server, timeout = self._server, self._connect_timeout
        context = ssl.create_default_context()
        connection: smtplib.SMTP
        if server.tls:
            connection = smtplib.SMTP_SSL(
                server.host, server.port, local_hostname=hostname, timeout=timeout, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, local_hostname=hostname, timeout=timeout)
        try:
            if connection.sock is not None:
                connection.sock.settimeout(self._command_timeout)
            if server.starttls:
                connection.starttls(context=context)
            connection.ehlo_or_helo_if_needed()
            if server.user:
                connection.login(server.user, server.password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _envelope(self, connection: smtplib.SMTP, sender: str, to: Sequence[str]) -> None:
        options = ""
        if not all(address.isascii() for address in (sender, *to)):
            if not connection.has_extn("smtputf8"):
                raise Refused("mail server: takes no address with letters beyond ASCII; give the customer another")
            connection.command_encoding = "utf-8"
            options = " SMTPUTF8 BODY=8BITMIME"
        self._command(connection, f"MAIL FROM:<{sender}>{options}", "the sender", 250)
        for index, address in enumerate(to, 1):
            self._command(connection, f"RCPT TO:<{address}>", f"recipient {index} of {len(to)}", 250, 251)
        self._command(connection, "DATA", "the message", 354)

    def _command(self, connection: smtplib.SMTP, command: str, what: str, *good: int) -> None:
        try:
            code, reply = connection.docmd(command)
        except OSError as error:
            raise self._down(f"broke off before it took {what}", error) from error
        if code not in good:
            raise self._verdict(code, reply, what)

    def _content(self, connection: smtplib.SMTP, data: bytes) -> None:
        stuffed = re.sub(rb"(?m)^\.", b"..", data)  # RFC 5321 §4.5.2
        end = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        try:
            connection.send(stuffed + end)
            code, reply = connection.getreply()
        except OSError as error:
            where = f"{self._server.host}:{self._server.port}"
            raise OutcomeUnknown(f"mail server {where}: no answer after the content ({_name(error)})") from error
        if not 200 <= code < 300:
            if not 400 <= code < 600:
                raise OutcomeUnknown(f"mail server {self._server.host}: unreadable answer after the content")
            raise self._verdict(code, reply, "the message")

    def _verdict(self, code: int, reply: bytes, what: str) -> ProviderDown | Refused:
        enhanced = _ENHANCED.search(reply)
        detail = f"{code} {enhanced.group().decode()}" if enhanced else f"{code}"
        if 500 <= code < 600 and code not in _LOGIN:
            return Refused(f"mail server: refuses {what} for good ({detail}); correct the address or the message")
        return ProviderDown(f"mail server {self._server.host}:{self._server.port}: does not take {what} now ({detail})")

    def _down(self, what: str, error: OSError) -> ProviderDown:
        return ProviderDown(f"mail server {self._server.host}:{self._server.port}: {what} ({_name(error)})")


def _part(connection: smtplib.SMTP) -> None:
    # The message is taken: a server that is slow to say goodbye cannot change that.
    with suppress(OSError):
        if connection.sock is not None:
            connection.sock.settimeout(1)
        connection.docmd("QUIT")


def _name(error: OSError) -> str:
    code = getattr(error, "smtp_code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
