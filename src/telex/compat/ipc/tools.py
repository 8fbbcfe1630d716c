"""The nine tools of claude-ipc-mcp, on the bus.

Rules kept here:
- names, descriptions and schemas are the original's, from the file beside this one; texts too, but where they were
  faults: an error is marked as one and never reads "No new messages", and what another session wrote cannot pass
  for a line of ours;
- the instance is the calling session; an id that is not its own is refused;
- mail is marked read by whoever called, once the answer has left: `Answer.taking.finish(True)`;
- auto_process shows each message whole, because it is marked read with that.
"""

from __future__ import annotations

import json
import os

from telex import limits
from telex.compat.ipc import actions, letters, sharing
from telex.core import text
from telex.core.record import Record
from telex.errors import IpcRefused, TelexError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.bus import Bus

STATUS_URI = "ipc://status"
NOT_REGISTERED = "Not registered. Please register first."
_ACKNOWLEDGED = ("fred", "claude", "nessa")  # the original's: whom auto_process answers
_ACK_CHARS = 30

_READS = {"readOnlyHint": True, "openWorldHint": False}
_WRITES = {"readOnlyHint": False, "destructiveHint": False, "openWorldHint": False}
_ANNOTATIONS: dict[str, dict[str, Any]] = {
    "check": {"title": "Check for messages and mark them read", **_WRITES},
    "list_instances": {"title": "List instances", **_READS},
    "auto_process": {"title": "Show all new messages and mark them read", **_WRITES},
    "share_file": {"title": "Read a file and send its content", **_WRITES, "openWorldHint": True},
    "share_command": {
        "title": "Run a command on this machine and send its output",
        "readOnlyHint": False,
        "destructiveHint": True,
        "openWorldHint": True,
    },
}


class Tool(Record):
    """One tool as a client is told of it."""

    name: str
    description: str
    input_schema: dict[str, Any]
    annotations: dict[str, Any]


class Answer(Record):
    """What a tool answers. `taking`, where there is one, is to be finished once the answer has left."""

    text: str
    is_error: bool = False
    taking: letters.Handed | None = None


def _tools() -> tuple[Tool, ...]:
    with open(f"{os.path.dirname(__file__)}/tools.json", encoding="utf-8") as file:
        listed = json.load(file)
    return tuple(
        Tool(
            name=one["name"],
            description=one["description"],
            input_schema=one["inputSchema"],
            annotations=_ANNOTATIONS.get(one["name"], {"title": one["name"].capitalize(), **_WRITES}),
        )
        for one in listed
    )


TOOLS = _tools()
BY_NAME = {tool.name: tool for tool in TOOLS}


def call(bus: Bus, name: str, arguments: dict[str, Any]) -> Answer:
    """One call of a tool by the session that the bus acts for."""
    tool = BY_NAME.get(name)
    if tool is None:
        return Answer(text=f"Unknown tool: {name}", is_error=True)
    complaint = _complaint(tool, arguments)
    if complaint:
        return Answer(text=f"Input validation error: {complaint}", is_error=True)
    try:
        return _DOES[name](bus, arguments)
    except IpcRefused as problem:
        return Answer(text=problem.message, is_error=True)
    except TelexError as problem:
        return Answer(text=f"Error: {actions.refusal(problem)['message']}", is_error=True)


def status(bus: Bus) -> str:
    """The resource ipc://status: this session and everybody else, as JSON."""
    found = {
        "status": "ok",
        "instance_id": bus.spelling(bus.me.address.name),
        "unread": bus.unread(),
        "instances": actions.instances(bus)["instances"],
    }
    return json.dumps(found, indent=2)


def _complaint(tool: Tool, arguments: dict[str, Any]) -> str:
    """What does not fit the schema, in the words of the original's validator; '' where all does."""
    known = tool.input_schema["properties"]
    for name in tool.input_schema.get("required", ()):
        if name not in arguments:
            return f"'{name}' is a required property"
    for name, value in arguments.items():
        wanted = known.get(name, {}).get("type")
        fits = {"string": str, "object": dict}.get(wanted, object)
        if not isinstance(value, fits):
            return f"{json.dumps(value)[: limits.PREVIEW_CHARS]} is not of type '{wanted}'"
    return ""


def _as_json(answer: dict[str, Any]) -> Answer:
    return Answer(text=json.dumps(answer, indent=2), is_error=answer["status"] != "ok")


def _own(bus: Bus, given: str) -> None:
    """Raises IpcRefused for an id that is not the session's."""
    if actions.owns(bus, given):
        return
    mine = bus.spelling(bus.me.address.name)
    if not bus.registered():
        raise IpcRefused(words=f"Error: {NOT_REGISTERED}")
    raise IpcRefused(words=f"Error: this session is {mine}, not {given[: limits.NAME_CHARS]}")


def _register(bus: Bus, given: dict[str, Any]) -> Answer:
    def admit(name: str, written: str) -> tuple[Bus, str]:
        token = bus.settle(name, written)
        return bus, token

    return _as_json(actions.answered(lambda: actions.register(bus, given["instance_id"], admit)))


def _send(bus: Bus, given: dict[str, Any]) -> Answer:
    _own(bus, given["from_id"])
    message = {"content": given["content"], "data": given.get("data")}
    return _as_json(actions.answered(lambda: actions.send(bus, given["to_id"], message)))


def _broadcast(bus: Bus, given: dict[str, Any]) -> Answer:
    _own(bus, given["from_id"])
    message = {"content": given["content"], "data": given.get("data")}
    return _as_json(actions.answered(lambda: actions.broadcast(bus, message)))


def _check(bus: Bus, given: dict[str, Any]) -> Answer:
    _own(bus, given["instance_id"])
    handed = actions.check(bus)
    if not handed.messages:
        handed.finish(True)
        return Answer(text="No new messages")
    return Answer(text=f"New messages:\n{listed(handed)}", taking=handed)


def listed(handed: letters.Handed) -> str:
    """Messages as the original lists them; what goes on for several lines is quoted from the second on."""
    parts = []
    for one in handed.messages:
        body, data = one["message"]["content"], one["message"]["data"]
        part = f"\nFrom: {one['from']}\nTime: {one['timestamp']}\nContent: {contained(body)}\n"
        if data:
            part += f"Data: {text_of(data)}\n"
        parts.append(part)
    if handed.more:
        parts.append(f"\n{handed.more} more wait: check again\n")
    return "".join(parts)


def contained(body: str) -> str:
    """A text of which no line but the first can be taken for one of ours."""
    first, *others = text.quoted(body)
    return "\n".join([first.removeprefix("> "), *others])


def text_of(data: dict[str, Any]) -> str:
    """Data as JSON over several lines, each of them safe to show."""
    return "\n".join(text.defused(line) for line in json.dumps(data, indent=2).split("\n"))


def _list_instances(bus: Bus, _: dict[str, Any]) -> Answer:
    return _as_json(actions.answered(lambda: actions.instances(bus)))


def _share_file(bus: Bus, given: dict[str, Any]) -> Answer:
    _own(bus, given["from_id"])
    message = sharing.file_message(bus, given["filepath"], given.get("description", ""))
    return _shared("File shared", actions.answered(lambda: actions.send(bus, given["to_id"], message)))


def _share_command(bus: Bus, given: dict[str, Any]) -> Answer:
    _own(bus, given["from_id"])
    message = sharing.command_message(bus, given["command"], given.get("description", ""))
    return _shared("Command output shared", actions.answered(lambda: actions.send(bus, given["to_id"], message)))


def _shared(done: str, answer: dict[str, Any]) -> Answer:
    if answer["status"] != "ok":
        return Answer(text=f"Error: not shared: {answer['message']}", is_error=True)
    return Answer(text=f"{done}: {json.dumps(answer)}")


def _rename(bus: Bus, given: dict[str, Any]) -> Answer:
    if not bus.registered() and not actions.owns(bus, given["old_id"]):
        raise IpcRefused(words=f"Error: {NOT_REGISTERED}")
    return _as_json(actions.answered(lambda: actions.rename(bus, given["old_id"], given["new_id"])))


def _auto_process(bus: Bus, given: dict[str, Any]) -> Answer:
    _own(bus, given["instance_id"])
    try:
        handed = actions.check(bus)
    except TelexError as problem:
        return Answer(text=f"Error checking messages: {problem.message}", is_error=True)
    if not handed.messages:
        handed.finish(True)
        return Answer(text="No messages to process.")
    parts = [f"Auto-processed {len(handed.messages)} message(s):\n"]
    for number, one in enumerate(handed.messages, 1):
        parts.append(_processed(number, one))
        if one["from"] in _ACKNOWLEDGED:
            handed.after.append(lambda one=one: _acknowledge(bus, one))  # type: ignore[misc]
    if handed.more:
        parts.append(f"{handed.more} more wait: call auto_process again\n")
    return Answer(text="".join(parts), taking=handed)


def _processed(number: int, one: dict[str, Any]) -> str:
    """A line for a message, and below it all of what the line does not hold."""
    body, data = one["message"]["content"], one["message"]["data"]
    preview = text.preview(body, limits.IPC_PREVIEW_CHARS)
    part = f"  {number}. From {one['from']}: {preview}... [Acknowledged]\n"
    if preview != body:
        part += "".join(f"     {line}\n" for line in text.quoted(body))
    if data:
        part += "".join(f"     {line}\n" for line in text.quoted(text_of(data), "data> "))
    return part


def _acknowledge(bus: Bus, one: dict[str, Any]) -> None:
    """What the original answers to three names. It takes no reply, and one that is refused is not tried again."""
    content = f"Auto-processed your message from {one['timestamp']}. "
    content += f"Content received: '{one['message']['content'][:_ACK_CHARS]}...'"
    try:
        bus.send(f"@{one['from']}", content, kind="ack", data='{"auto_processed":true}')
    except TelexError:
        return


_DOES = {
    "register": _register,
    "send": _send,
    "broadcast": _broadcast,
    "check": _check,
    "list_instances": _list_instances,
    "share_file": _share_file,
    "share_command": _share_command,
    "rename": _rename,
    "auto_process": _auto_process,
}
