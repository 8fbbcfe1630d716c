"""The server process: from a socket to an orderly end.

Rules kept here:
- it is told by what URL machines reach it, and answers to no other host; anything beyond this machine needs a
  certificate, or a proxy that has one and the URL of that proxy;
- it says that it serves only when it does;
- told to end, it takes no new connection, answers everybody who waits, finishes every commit, and goes.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
from collections.abc import Callable
from urllib.parse import urlsplit

import uvicorn
import uvloop

from telex import limits
from telex.core.record import Record
from telex.errors import Usage
from telex.errors.between import ListenFailed
from telex.relay import logs
from telex.relay.app import App
from telex.relay.interfaces import Log, Parts
from telex.relay.quota import Quotas
from telex.relay.service import Desk
from telex.wire.bounded_http import BoundedProtocol

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
_PORTS = {"http": 80, "https": 443}


class Place(Record):
    """Where a relay listens, and by what it is known."""

    host: str
    port: int
    cert: str = ""
    key: str = ""
    public_url: str = ""

    @property
    def audience(self) -> str:
        """The URL by which machines know it."""
        if self.public_url:
            return self.public_url
        return f"{'https' if self.cert else 'http'}://{self.written_host}:{self.port}"

    @property
    def written_host(self) -> str:
        """The host as a URL has it."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def hosts(self) -> frozenset[str]:
        """The Host headers that it answers to."""
        public = urlsplit(self.audience)
        found = {public.netloc.lower()}
        if public.port is None:
            found.add(f"{public.netloc.lower()}:{_PORTS[public.scheme]}")
        local = (*LOOPBACK[:3], self.written_host) if self.host in LOOPBACK else LOOPBACK[:3]
        return frozenset({*found, *(f"{host}:{self.port}" for host in local)})


def place(listen: str, cert: str, key: str, public_url: str) -> Place:
    """Where to listen, as the words of the command say. Raises Usage."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= limits.MCP_PORT_HIGHEST):
        raise Usage(problem=f"--listen takes HOST:PORT, not '{listen[:60]}'", verb="relay serve")
    if bool(cert) != bool(key):
        raise Usage(problem="--cert and --key go together", verb="relay serve")
    url = public_url.rstrip("/")
    if url:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.path or parts.query or parts.fragment:
            raise Usage(problem=f"--public-url takes https://HOST, not '{public_url[:60]}'", verb="relay serve")
    elif host not in LOOPBACK:
        raise Usage(problem="beyond this machine a relay needs --public-url", verb="relay serve")
    return Place(host=host, port=int(port), cert=cert, key=key, public_url=url)


def serve(log: Log, parts: Parts, where: Place, quotas: Quotas, tell: Callable[[str], None]) -> None:
    """Serve until told to end; `tell` is given the URL once it serves. Raises ListenFailed."""
    _allow_files()
    listening = _bound(where)
    where = Place(**{**where.as_dict(), "port": listening.getsockname()[1]})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(log, parts, where, quotas, listening, tell))


def _allow_files() -> None:
    """A waiting machine costs a descriptor: as many as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bound(where: Place) -> socket.socket:
    family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((where.host, where.port))
    except OSError as problem:
        made.close()
        raise ListenFailed(place=f"{where.written_host}:{where.port}", problem=problem.strerror or "no") from None
    return made


async def _serve(
    log: Log, parts: Parts, where: Place, quotas: Quotas, listening: socket.socket, tell: Callable[[str], None]
) -> None:
    desk = Desk(log, parts, quotas, where.audience)
    await desk.start()
    server = Server(_config(App(desk, where.hosts), where), desk, lambda: tell(where.audience))
    house = asyncio.create_task(desk.keep_house())
    logs.say("serving", port=where.port)
    try:
        await server.serve(sockets=[listening])
    finally:
        house.cancel()
        await desk.close()
        logs.say("ended")


def _config(app: App, where: Place) -> uvicorn.Config:
    try:
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(where.public_url),  # else whoever asks could say that it is somebody else
            timeout_keep_alive=limits.RELAY_IDLE_SECONDS,
            timeout_graceful_shutdown=limits.RELAY_GRACE_SECONDS,
            ssl_certfile=where.cert or None,
            ssl_keyfile=where.key or None,
        )
        config.load()
    except (OSError, ssl.SSLError) as problem:
        raise ListenFailed(place=where.audience, problem=f"its certificate or key: {problem}") from None
    return config


class Server(uvicorn.Server):
    """uvicorn's server, which says when it serves and answers those who wait before it ends."""

    def __init__(self, config: uvicorn.Config, desk: Desk, tell: Callable[[], None]) -> None:
        super().__init__(config)
        self._desk = desk
        self._tell = tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets=sockets)
        self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer those who wait, then everybody else, then end; the signal that asked for it has done its work."""
        self._desk.wakes.close()
        await super().shutdown(sockets=sockets)
        self._captured_signals.clear()
