"""What a client can read and subscribe to: the inbox, a message, a thread, the roster, and claude-ipc's status.

Rules kept here: reading a resource marks nothing read; messages stand in telex's frame; only the inbox can be
subscribed to in the handshake era, fed by the bell, and it changes when something new waits.
"""

from __future__ import annotations

from telex import limits
from telex.core import text
from telex.errors import ResourceUnknown
from telex.mcp import render
from telex.mcp.call import settled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    from telex.bus import Bus
    from telex.bus.message_view import Letter
    from telex.mcp.call import Call

INBOX, WHO, STATUS = "telex://inbox", "telex://who", "ipc://status"
MESSAGE, THREAD = "telex://message/", "telex://thread/"
_PLAIN, _JSON = "text/plain", "application/json"

RESOURCES = (
    {"uri": INBOX, "name": "inbox", "description": "unread messages, heads only", "mimeType": _PLAIN},
    {"uri": WHO, "name": "who", "description": "sessions: client, directory, busy or idle", "mimeType": _PLAIN},
    {"uri": STATUS, "name": "IPC Status", "description": "sessions as claude-ipc lists them", "mimeType": _JSON},
)
TEMPLATES = (
    {"uriTemplate": MESSAGE + "{id}", "name": "message", "description": "one message, whole", "mimeType": _PLAIN},
    {"uriTemplate": THREAD + "{id}", "name": "thread", "description": "one conversation", "mimeType": _PLAIN},
)


def contents(bus: Bus, uri: str, status: Callable[[Bus], str]) -> dict[str, Any]:
    """What stands at a URI; `status` writes claude-ipc's. Raises ResourceUnknown, MessageUnknown."""
    if uri == INBOX:
        return _text(uri, _framed(bus, bus.inbox()) or "nothing unread")
    if uri == WHO:
        return _text(uri, render.roster(bus.who(), bus.clock()))
    if uri == STATUS:
        return {"uri": uri, "mimeType": _JSON, "text": status(bus)}
    if uri.startswith(MESSAGE):
        return _text(uri, _framed(bus, [bus.show(uri.removeprefix(MESSAGE)).message]))
    if uri.startswith(THREAD):
        return _text(uri, _framed(bus, bus.thread(uri.removeprefix(THREAD))))
    raise ResourceUnknown(uri=text.visible(text.clip(uri, limits.PREVIEW_CHARS)))


def _text(uri: str, words: str) -> dict[str, Any]:
    return {"uri": uri, "mimeType": _PLAIN, "text": words}


def _framed(bus: Bus, letters: list[Letter]) -> str:
    return render.framed(letters, bus.me.address.name, bus.clock())[0]


def newest(bus: Bus) -> int:
    """The number of the newest message that waits for the caller; 0 for none."""
    return max([int(one.id[1:]) for one in _waiting(bus)], default=0)


def _waiting(bus: Bus) -> list[Letter]:
    if not bus.unread():
        return []
    return [one for one in bus.inbox(most=limits.INBOX_WAITING) if one.state == "queued"]


async def follow(call: Call, changed: Callable[[list[Letter]], Awaitable[None]], after: int) -> None:
    """Call `changed` with what is new whenever something new waits, until cancelled; `after` is what is known."""

    def look(bus: Bus) -> list[Letter] | None:
        return [one for one in _waiting(bus) if int(one.id[1:]) > after] or None

    async with call.bell() as bell:
        while True:
            if found := await call.do(lambda bus: settled(bus, look)):
                after = int(found[-1].id[1:])
                await changed(found)
            await bell.moved()
