"""One client of the port: whether it may be served, and on whose account its requests go.

Rules kept here:
- without a shared secret only the user that runs the port, and root, are served; a check that cannot tell refuses;
- who is there is asked twice: when the connection comes, and right before a request is acted on;
- ids cost nothing, so limits are kept for what stands behind them: the telex session that the client runs in, else
  the kernel's session, which a terminal and all that was started in it share.
"""

from __future__ import annotations

import os

from telex.compat.ipc import peer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

FOREIGN = (
    "This port answers the user that runs it, where the system can tell who asks; "
    "with IPC_SHARED_SECRET it answers whoever knows that"
)


class Visitor:
    """The client at the other end of one connection."""

    def __init__(self, sock: socket.socket, has_secret: bool) -> None:
        self._sock = sock
        self._has_secret = has_secret
        self._first = peer.other_end(sock)

    @property
    def welcome(self) -> bool:
        """Whether the client was proven to be this user's, or root's, when it came; with a secret everybody may ask."""
        return self._has_secret or (self._first is not None and self._first.user in (os.getuid(), 0))

    @property
    def still_there(self) -> bool:
        """Whether the connection is the same one still: it may be closed, but not reset or taken over."""
        if self._has_secret:
            return True
        now = peer.other_end(self._sock)
        return now is not None and now.user in (os.getuid(), 0, peer.NOBODY)

    def process(self) -> int:
        """The client's process; 0 where it cannot be told."""
        return peer.process_of(self._first.inode) if self._first else 0
