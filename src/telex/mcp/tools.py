"""The default tools: send, inbox, read, reply, ask, wait, who, search.

Rules kept here: eight tools whose listing stays under 3 KB, because every session's model reads it; their names and
words are those of the command line; what is shown unread is carried as `taking` and marked by whoever sends it.
"""

from __future__ import annotations

from telex import limits
from telex.bus import inbox
from telex.core.delivery import UNREAD, UNSEEN
from telex.errors import ArgumentsInvalid, AskedFirst, TimedOut
from telex.mcp import render
from telex.mcp.answer import Answer
from telex.mcp.toolset import Tool, check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.bus import Bus
    from telex.bus.inbox import Taking
    from telex.bus.message_view import Letter
    from telex.bus.send import Sent
    from telex.mcp.call import Call

    Arguments = dict[str, Any]

_LOOKS = {"readOnlyHint": True, "openWorldHint": False}
_WRITES = {"destructiveHint": False, "openWorldHint": False}
_ENDS = {"destructiveHint": False, "idempotentHint": True, "openWorldHint": False}

_SENDERS = ("send", "reply", "ask")

_TEXT = {"type": "string"}
_SECONDS = {"type": "number", "description": "seconds"}
_TO = {"type": "string", "description": "@name, @name@machine, #channel, all, or several with commas"}
_DATA = {"type": "object", "description": "JSON that travels with it"}
_KINDS = ["note", "context", "request", "event"]


def _tool(name: str, about: str, annotations: dict[str, Any], required: list[str], **properties: Any) -> Tool:
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    return Tool(name=name, description=about, input_schema=schema, annotations=annotations, sends=name in _SENDERS)


TOOLS = (
    _tool(
        "send",
        "Send a message to other agent sessions. Stored when this returns. A request owes a reply; "
        "events wake nobody. `key` makes a repeat harmless.",
        _WRITES,
        ["to", "text"],
        to=_TO,
        text=_TEXT,
        kind={"type": "string", "enum": _KINDS},
        data=_DATA,
        key=_TEXT,
    ),
    _tool(
        "inbox",
        "List unread messages, a line each. Marks nothing read.",
        _LOOKS,
        [],
        all={"type": "boolean", "description": "also what was read"},
    ),
    _tool(
        "read",
        "Show messages whole and mark them read. Without ids: all unread.",
        _ENDS,
        [],
        ids={"type": "array", "items": _TEXT, "description": "like m42"},
        offset={"type": "integer", "description": "of one long message: the character to start at"},
    ),
    _tool(
        "reply",
        "Answer a message: to its sender, in its thread.",
        _WRITES,
        ["id", "text"],
        id=_TEXT,
        text=_TEXT,
        kind={"type": "string", "enum": ["reply", "ack"]},
        data=_DATA,
    ),
    _tool(
        "ask",
        "Send a request and wait for the reply.",
        _WRITES,
        ["to", "text"],
        to=_TO,
        text=_TEXT,
        timeout=_SECONDS,
    ),
    _tool(
        "wait",
        "Sleep until a message comes, show it, mark it read.",
        _WRITES,
        [],
        **{"from": {"type": "string", "description": "only from @name"}},
        kind={"type": "string", "enum": [*_KINDS, "reply", "ack"]},
        timeout=_SECONDS,
    ),
    _tool("who", "List sessions: name, client, directory, busy or idle, unread.", _LOOKS, []),
    _tool(
        "search",
        "Find past messages by words, newest first.",
        _LOOKS,
        ["words"],
        words=_TEXT,
        limit={"type": "integer"},
    ),
)
_BY_NAME = {tool.name: tool for tool in TOOLS}


class Default:
    """The tools that `telex mcp` offers unless told otherwise."""

    tools = TOOLS

    async def answer(self, call: Call, name: str, arguments: Arguments) -> Answer:
        """Do what was asked. Raises TelexError."""
        check(_BY_NAME[name], arguments)
        if name == "wait":
            return await _wait(call, arguments)
        if name == "ask":
            return await _ask(call, arguments)
        function = _FUNCTIONS[name]
        if name == "read":
            return await call.take(lambda bus: function(bus, arguments))
        return await call.do(lambda bus: function(bus, arguments))


class Marks:
    """Messages that an answer shows, to be marked read: taken from the queue, or named."""

    def __init__(self, bus: Bus, taking: Taking | None, letters: list[Letter]) -> None:
        self._bus = bus
        self._taking = taking
        self._letters = letters

    def finish(self, took: bool) -> None:
        """Mark them read if they arrived."""
        queued = {one.id for one in self._taking.letters} if self._taking else set()
        if self._taking:
            self._taking.finish(took, only=[one for one in self._letters if one.id in queued])
        others = [one.id for one in self._letters if one.state in UNREAD and one.id not in queued]
        if took and others:
            self._bus.read(*others)


def _send(bus: Bus, given: Arguments) -> Answer:
    kind = given.get("kind", "note")
    return _sent(bus.send(given["to"], given["text"], kind=kind, data=_data(given), key=given.get("key", "")))


def _reply(bus: Bus, given: Arguments) -> Answer:
    return _sent(bus.reply(given["id"], given["text"], kind=given.get("kind", "reply"), data=_data(given)))


def _data(given: Arguments) -> str:
    if "data" not in given:
        return ""
    import json

    return json.dumps(given["data"], ensure_ascii=False)


def _sent(sent: Sent) -> Answer:
    parts = [f"{one.name} ({one.note})" for one in sent.recipients]
    again = "; sent before under this key" if sent.repeated else ""
    return Answer(text=f"{sent.id} -> {', '.join(parts)}{again}", structured=sent.as_dict())


def _inbox(bus: Bus, given: Arguments) -> Answer:
    letters = bus.inbox(everything=given.get("all", False))
    unread = bus.unread()
    words = render.listing(letters, bus.clock()) if letters else "nothing unread"
    more = unread - sum(one.state in UNSEEN for one in letters)
    if more > 0 and not given.get("all"):
        words += f"\n{more} more: read shows the oldest first"
    return Answer(text=words, structured={"me": _me(bus), "unread": unread, "messages": _headings(letters)})


def _read(bus: Bus, given: Arguments) -> Answer:
    if ids := given.get("ids"):
        return _named(bus, ids, max(0, given.get("offset", 0)))
    taking = bus.take()
    if not taking.letters:
        taking.finish(False)
        return Answer(text="nothing unread", structured={"messages": [], "left": 0})
    return _shown(bus, taking.letters, taking, bus.unread(handed=False) - len(taking.letters))


def _named(bus: Bus, ids: list[str], offset: int) -> Answer:
    if len(ids) > limits.INBOX_WAITING:
        raise ArgumentsInvalid(tool="read", problem=f"more than {limits.INBOX_WAITING} ids", takes="fewer at a time")
    found = {one.id: one for one in (bus.show(written).message for written in ids)}
    for one in found.values():
        if not one.sound:
            bus.read(one.id)  # raises, and its sender is told that it cannot be shown
    letters = list(found.values())
    taking = _all_waiting(bus) if any(one.state == "queued" for one in letters) else None
    return _shown(bus, letters, taking, 0, offset if len(letters) == 1 else 0)


def _shown(bus: Bus, letters: list[Letter], taking: Taking | None, left: int, offset: int = 0) -> Answer:
    """Messages as they are put before the model, with what marks those that it really shows."""
    more = _paged(letters[0], offset)
    words, shown = render.framed(letters, bus.me.address.name, bus.clock(), max(0, left))
    left += len(letters) - len(shown)
    structured: dict[str, Any] = {
        "notice": words.partition("\n")[0],
        "messages": [render.message(one) for one in shown],
    }
    structured["left"] = max(0, left)
    if more:
        words, structured["more"] = f"{words}\n{more}", more
    return Answer(text=words, structured=structured, taking=Marks(bus, taking, shown))


def _paged(one: Letter, offset: int) -> str:
    """Keep one page of a long message; which, and how to get the next. '' for a message that is no longer."""
    whole, end = len(one.body), offset + limits.MCP_ANSWER_CHARS // 2
    if not offset and end >= whole:
        return ""
    one.body = one.body[offset:end]
    more = f"; go on: read with ids {one.id} and offset {end}" if end < whole else ""
    return f"{one.id}: characters {offset:,} to {min(end, whole):,} of {whole:,}{more}"


def _who(bus: Bus, _: Arguments) -> Answer:
    found = bus.who()
    structured = {"me": _me(bus), "sessions": [render.session(one) for one in found]}
    return Answer(text=render.roster(found, bus.clock()), structured=structured)


def _search(bus: Bus, given: Arguments) -> Answer:
    most = min(max(1, given.get("limit", limits.LIST_ROWS)), limits.INBOX_WAITING)
    letters = bus.search(*given["words"].split(), most=most)
    words = render.listing(letters, bus.clock()) if letters else "nothing found"
    return Answer(text=words, structured={"messages": _headings(letters)})


_FUNCTIONS = {"send": _send, "reply": _reply, "inbox": _inbox, "read": _read, "who": _who, "search": _search}


async def _wait(call: Call, given: Arguments) -> Answer:
    word = given.get("from", "")
    sender = await call.do(lambda bus: bus.address_of(word)) if word else ""
    kind = given.get("kind", "")

    def look(bus: Bus) -> Answer | None:
        if not bus.unread(handed=False):
            return None
        taking = _all_waiting(bus) if sender or kind else bus.take()
        letters = [one for one in taking.letters if _matches(one, sender, kind)]
        letters = [one if one.whole else bus.show(one.id).message for one in letters[: limits.LIST_ROWS]]
        if letters:
            return _shown(bus, letters, taking, bus.unread(handed=False) - len(letters))
        taking.finish(False)
        return None

    timeout_s = await _patience(call, given, limits.MCP_WAIT_BACKGROUND_SECONDS)
    answer = await call.sleep(look, timeout_s)
    if answer:
        return answer
    return Answer(text=f"nothing came within {timeout_s:g} s", structured={"messages": [], "left": 0})


def _matches(one: Letter, sender: str, kind: str) -> bool:
    return (not sender or one.sender == f"@{sender}") and (not kind or one.kind == kind)


async def _ask(call: Call, given: Arguments) -> Answer:
    timeout_s = await _patience(call, given, limits.MCP_ASK_SECONDS)
    deadline_s = max(timeout_s, 1) + limits.ASK_SLACK_SECONDS  # the call ends first, so that it is told once
    sent = await call.do(lambda bus: bus.send(given["to"], given["text"], kind="request", deadline_s=deadline_s))

    def look(bus: Bus) -> Answer | None:
        replies = [bus.show(one).message for one in bus.show(sent.id).replies]
        replies = [one for one in replies if one.sender != _me(bus)]
        if not replies:
            return _asked_first(bus, sent.id)
        taking = _all_waiting(bus) if replies[0].state == "queued" else None
        return _shown(bus, replies[:1], taking, 0)

    answer = await call.sleep(look, timeout_s)
    if answer is None:
        await call.do(lambda bus: inbox.gave_up(bus.db, int(sent.id[1:])))
        states = await call.do(
            lambda bus: ", ".join(f"{one.name}: {one.state}" for one in bus.show(sent.id).deliveries)
        )
        advice = f"{sent.id} stands ({states}); a late reply comes to your inbox"
        raise TimedOut(seconds=f"{timeout_s:g}", advice=advice)
    return answer


def _asked_first(bus: Bus, mine: str) -> Answer | None:
    """The request of whoever was asked, where there is an unread one: both would wait for each other."""
    first = bus.asked_first(mine)
    if not first:
        return None
    letter = bus.show(first).message
    problem = AskedFirst(who=letter.sender, id=first, mine=mine)
    answer = _shown(bus, [letter], _all_waiting(bus), 0)
    answer.text = f"{problem.message}; {problem.advice}\n{answer.text}"
    return answer


async def _patience(call: Call, given: Arguments, background_s: float) -> float:
    """How long a call may sleep: as it says, else as long as its client is known to wait."""
    if "timeout" in given:
        return max(0.0, min(float(given["timeout"]), limits.MCP_WAIT_MOST_SECONDS))
    client = await call.do(lambda bus: bus.me.client)
    return background_s if client == "claude" else limits.MCP_WAIT_SECONDS


def _all_waiting(bus: Bus) -> Taking:
    return bus.take(most=limits.INBOX_WAITING, whole=False)


def _me(bus: Bus) -> str:
    return f"@{bus.me.address.name}"


def _headings(letters: list[Letter]) -> list[dict[str, Any]]:
    return [render.heading(one) for one in letters]
