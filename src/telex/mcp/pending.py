"""One request and what its answer shows: marked read once the answer's bytes have left, never before.

Rules kept here: whoever holds an inbox open for an answer keeps every other reader of this server away from it until
it is known whether the answer arrived; where that is not known, the mail stays unread and is shown again.
"""

from __future__ import annotations

import sys
from functools import partial

from anyio import CancelScope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from anyio import Semaphore

    from telex.bus import Bus
    from telex.mcp.answer import Finisher
    from telex.mcp.bus_thread import Desk


class Exchange:
    """One request on its way to its answer. Made by the transport, finished by it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._held: list[tuple[Finisher, Semaphore]] = []
        self.sleeping = False  # it waits for mail: nobody needs to wait for its end
        self.unwanted = False  # its client has given it up
        self.closed = False  # its answer has left, or never will: what is held now will not arrive

    async def hold(self, finisher: Finisher, inbox: Semaphore) -> None:
        """What to finish when the answer has left; the inbox is free again after that."""
        self._held.append((finisher, inbox))
        if self.closed:
            with CancelScope(shield=True):
                await self.settle(False)

    async def settle(self, arrived: bool) -> None:
        """The answer has left, or never will. Once; a later call finds nothing to do."""
        self.closed = True
        held, self._held = self._held, []
        for finisher, inbox in held:
            try:
                await self._desk.do(partial(_finish, finisher, arrived and not self.unwanted))
            except Exception as problem:  # the mail stays unread; the answer itself is out
                sys.stderr.write(ascii(f"telex mcp: could not record what was read: {problem}")[1:-1] + "\n")
            finally:
                inbox.release()


def _finish(finisher: Finisher, took: bool, _: Bus) -> None:
    finisher.finish(took)
