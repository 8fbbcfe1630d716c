"""HTTP as telex's servers speak it: uvicorn's on httptools, with limits for those who have not shown who they are.

Rules kept here:
- a connection holds a bounded part of a request's head, and of what frames its body; uvicorn's own has no limit;
- a head comes within its time, the first one on a connection too, or the connection is closed;
- above the limit of open connections a new one is closed at once.

The body's own size and time are the application's business: they depend on the path.
Seen with uvicorn 0.40 and httptools 0.7: the parser collects one header of any length before it calls back, and a
trailer after the body is one more header.
"""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle, Transport
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from telex import limits

_REFUSED = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _framing = 0  # bytes of the current request that are not its body
    _fields = 0  # headers of the current request, trailers included
    _in_head = True
    _late: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin, unless too many connections are open."""
        super().connection_made(cast(Transport, transport))
        if len(self.connections) > limits.HTTP_CONNECTIONS:
            self.transport.close()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, within the limits."""
        self._framing += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._framing > limits.HTTP_HEAD_BYTES:
            self.transport.write(_REFUSED)
            self.transport.close()
        elif self._in_head and self._framing and self._late is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """A request's first byte."""
        self._in_head, self._fields = True, 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer. Raises ValueError, which the parser turns into its own error and uvicorn into 400."""
        self._fields += 1
        if self._fields > limits.HTTP_HEADERS:
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = False
        self._head_came()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body: the application bounds it."""
        self._framing -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole; what follows in the same data is the next one."""
        self._in_head, self._framing = True, 0
        super().on_message_complete()

    def _await_head(self) -> None:
        self._late = self.loop.call_later(limits.HTTP_HEAD_SECONDS, self._close_late)

    def _head_came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _close_late(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()
