"""What a tool is, what it answers, and how a set of tools is offered.

Rules kept here: a set checks its own arguments; an answer that shows unread mail carries what marks it (`taking`),
and whoever sends the answer finishes that once the bytes have left; nothing here knows the SDK, so that sets may
come from elsewhere.
"""

from __future__ import annotations

from typing import Protocol

from telex.core.record import Record
from telex.errors import ArgumentsInvalid
from telex.mcp.answer import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from telex.bus import Bus
    from telex.mcp.call import Call


class Tool(Record):
    """One tool as a client is told of it."""

    name: str
    description: str
    input_schema: dict[str, Any]
    annotations: dict[str, Any]
    sends: bool = False  # what it is given goes to others: on a linked machine perhaps to other people's machines

    def listed(self, linked: bool = False) -> dict[str, Any]:
        """As it stands in tools/list of a machine that is in a team, or is not."""
        shown = {"name": self.name, "description": self.description, "inputSchema": self.input_schema}
        annotations = self.annotations | ({"openWorldHint": True} if self.sends and linked else {})
        return shown | ({"annotations": annotations} if annotations else {})


class ToolSet(Protocol):
    """Some tools and what calls them."""

    @property
    def tools(self) -> Sequence[Tool]:
        """The tools, in the order they are listed in."""

    async def answer(self, call: Call, name: str, arguments: dict[str, Any]) -> Answer:
        """Do what was asked. Raises TelexError."""


class Offer(Record):
    """What a server offers: sets of tools, and what writes the resource ipc://status."""

    toolsets: Sequence[ToolSet]
    status: Callable[[Bus], str]


class Plain:
    """Tools that are functions of a bus and never wait."""

    def __init__(self, tools: Sequence[Tool], function: Callable[[Bus, str, dict[str, Any]], Answer]) -> None:
        self.tools = tools
        self._function = function

    async def answer(self, call: Call, name: str, arguments: dict[str, Any]) -> Answer:
        """Call the function with the caller's bus."""
        return await call.take(lambda bus: self._function(bus, name, arguments))


class Renamed:
    """The same tools under names that do not meet those of another set."""

    def __init__(self, inner: ToolSet, prefix: str, taken: set[str]) -> None:
        self._inner = inner
        self._names = {(prefix + one.name if one.name in taken else one.name): one.name for one in inner.tools}
        by_name = {one.name: one for one in inner.tools}
        self.tools = [
            Tool(
                name=shown,
                description=by_name[name].description,
                input_schema=by_name[name].input_schema,
                annotations=by_name[name].annotations,
                sends=by_name[name].sends,
            )
            for shown, name in self._names.items()
        ]

    async def answer(self, call: Call, name: str, arguments: dict[str, Any]) -> Answer:
        """Call it by its own name."""
        return await self._inner.answer(call, self._names[name], arguments)


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "array": (list,),
}


def check(tool: Tool, given: dict[str, Any]) -> None:
    """Hold arguments against a tool's schema, as far as our schemas go. Raises ArgumentsInvalid."""
    known = tool.input_schema.get("properties", {})
    takes = ", ".join(known) or "no arguments"
    for name in tool.input_schema.get("required", []):
        if name not in given:
            raise ArgumentsInvalid(tool=tool.name, problem=f"'{name}' is missing", takes=takes)
    for name, value in given.items():
        if name not in known:
            problem = f"it has no argument {name[:40]!a}"
        else:
            problem = _problem(known[name], value)
            problem = problem and f"'{name}' {problem}"
        if problem:
            raise ArgumentsInvalid(tool=tool.name, problem=problem, takes=takes)


def _problem(schema: dict[str, Any], value: Any) -> str:
    """What is wrong with a value; '' for nothing."""
    kind = schema.get("type", "")
    if kind and not _is(kind, value):
        return f"must be of type {kind}"
    if "enum" in schema and value not in schema["enum"]:
        return f"must be one of {', '.join(schema['enum'])}"
    if kind == "array" and any(_problem(schema["items"], one) for one in value):
        return f"must hold {schema['items']['type']}s"
    return ""


def _is(kind: str, value: Any) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _KINDS[kind])
