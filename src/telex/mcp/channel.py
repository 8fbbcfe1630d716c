"""Claude Code's `claude/channel`: new mail as notifications that wake the session.

Rules kept here: optional and off, because it needs a flag of the client's; only in the handshake era, because a
server that answers `server/discover` is no channel to Claude Code; the client acknowledges nothing, so nothing is
marked read here: the text says how to read it, and hooks show it otherwise.
"""

from __future__ import annotations

from telex import limits
from telex.bus.message_view import item
from telex.core import frame
from telex.mcp import resources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus.message_view import Letter
    from telex.mcp.call import Call
    from telex.mcp.stdio import Wire

METHOD = "notifications/claude/channel"


async def feed(call: Call, wire: Wire) -> None:
    """Announce each message that waits, and each that comes, once, until cancelled."""
    me, clock = await call.do(lambda bus: (bus.me.address.name, bus.clock))

    async def announce(letters: list[Letter]) -> None:
        for one in letters:
            shown = frame.frame([item(one)], me, clock(), limits.FRAME_CHARS - limits.FRAME_OVERHEAD_CHARS)
            words = f"{shown.text}\nNot marked read yet: call read with ids {one.id} once you have dealt with it."
            meta = {"sender": one.sender.removeprefix("@"), "msg_id": one.id, "kind": one.kind}
            await wire.notify(METHOD, {"content": words, "meta": meta})

    await resources.follow(call, announce, 0)
