"""mcp: the MCP server, put together from the tool sets that were asked for."""

from __future__ import annotations

from telex import limits
from telex.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from telex.bus import Bus
    from telex.cli.call import Call
    from telex.mcp.toolset import Offer, ToolSet

SETS = ("default", "ipc", "all")
PREFIX = "ipc_"  # before the names of claude-ipc's tools that telex has too, where both sets are offered


def mcp(call: Call) -> None:
    """`telex mcp`"""
    args = call.args
    chosen = args.option("tools") or "default"
    if chosen not in SETS:
        raise Usage(problem=f"--tools takes {', '.join(SETS)}, not '{chosen[:20]}'", verb="mcp")
    over_http, channels = "http" in args.flags, "channel" in args.flags
    if over_http and channels:
        raise Usage(problem="--channel is for standard input and output, not for --http", verb="mcp")
    if "port" in args.options and not over_http:
        raise Usage(problem="--port goes with --http", verb="mcp")
    port = args.count("port", limits.MCP_PORT, "mcp")
    if port > limits.MCP_PORT_HIGHEST:
        raise Usage(problem=f"there is no port {port}", verb="mcp")

    from telex.wiring import home_directory, open_bus

    if over_http:
        from telex.mcp.http import serve as serve_http

        def tell(url: str) -> None:
            if call.out.as_json:
                call.out.json({"url": url})
            else:
                call.out.line(f"{url}  (the path is a secret: whoever has it can send and read as you)")
            call.out.flush()

        serve_http(open_bus, offer(chosen), home_directory(), port, tell, name=args.option("name"))
    else:
        from telex.mcp import serve

        serve(open_bus, offer(chosen), name=args.option("name"), channels=channels)


def offer(chosen: str) -> Offer:
    """What `--tools` names."""
    from telex.mcp.toolset import Offer

    return Offer(toolsets=toolsets(chosen), status=_status)


def _status(bus: Bus) -> str:
    from telex.compat.ipc import tools as ipc

    return ipc.status(bus)


def toolsets(chosen: str) -> Sequence[ToolSet]:
    """The sets that `--tools` names."""
    from telex.mcp.tools import Default
    from telex.mcp.toolset import Renamed

    if chosen == "default":
        return [Default()]
    older = ipc_tools()
    if chosen == "ipc":
        return [older]
    return [Default(), Renamed(older, PREFIX, {tool.name for tool in Default.tools})]


def ipc_tools() -> ToolSet:
    """The nine tools of claude-ipc-mcp."""
    from telex.compat.ipc import tools as ipc
    from telex.mcp.answer import Answer
    from telex.mcp.toolset import Plain, Tool

    def answer(bus: Bus, name: str, arguments: dict[str, Any]) -> Answer:
        said = ipc.call(bus, name, arguments)
        return Answer(text=said.text, is_error=said.is_error, taking=said.taking)

    listed = [
        Tool(name=one.name, description=one.description, input_schema=one.input_schema, annotations=one.annotations)
        for one in ipc.TOOLS
    ]
    return Plain(listed, answer)
