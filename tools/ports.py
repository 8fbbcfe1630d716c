"""Ports on loopback for programs that tests and tools start.

Rule kept here: a port is held from the moment it is chosen until this process ends. The holding socket is bound and
does not listen, so a server that sets SO_REUSEADDR (asyncio, uvicorn, nats-server and telex's relay do) binds the same
port beside it, again and again. The kernel gives a bound port to no other process, neither for a connection nor to
one that asks for any port.
"""

from __future__ import annotations

import atexit
import socket


def held_port(host: str = "127.0.0.1") -> int:
    """A port that nobody else gets while this process runs. Raises OSError when there is none."""
    holding = socket.socket()
    atexit.register(holding.close)
    holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holding.bind((host, 0))
    return int(holding.getsockname()[1])
