"""A free port of this machine, for who starts a server there at once."""

from __future__ import annotations

import secrets
import socket

LOOPBACK = "127.0.0.1"
# Below those that the system hands to outgoing connections, so that nobody gets it while its server is restarted, and
# below 2^15, since Temporal keeps the ports of its members in a smallint.
LOWEST, HIGHEST = 15000, 32000
_given: set[int] = set()


def free_port() -> int:
    """None twice: the first one's server may not listen yet."""
    while True:
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        _given.add(port)
        return port
