"""A wire between machines and their relay that can be cut: while it is, connections break and none can be made."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

_BYTES = 65_536


class Cutter:
    """Listens on loopback and passes everything on to a port, both ways."""

    def __init__(self, port: int, onward: int) -> None:
        self.port = port
        self._onward = onward
        self._whole = True
        self._open: list[socket.socket] = []
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where machines find the relay."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Break every connection, in the midst of whatever they carry."""
        self._whole = False
        with self._guard:
            broken, self._open = self._open, []
        for one in broken:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def mend(self) -> None:
        """Connections can be made again."""
        self._whole = True

    def close(self) -> None:
        """No wire any more."""
        self.cut()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _far(self) -> socket.socket:
        """A connection onward."""
        return socket.create_connection(("127.0.0.1", self._onward))

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = self._far() if self._whole else None
            except OSError:
                far = None
            if far is None:
                near.close()
                continue
            with self._guard:
                self._open += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while raw := one.recv(_BYTES):
                other.sendall(raw)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
