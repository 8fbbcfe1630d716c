"""An MCP server over standard input and output with one tool, `echo`: what a client does with a server's results."""

from __future__ import annotations

import json
import sys
from typing import Any

Json = dict[str, Any]

SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
TOOL = {"name": "echo", "description": "says what it is told", "inputSchema": SCHEMA}


def answer(method: str, given: Json) -> Json | None:
    """The result of a request; None for a method that is not offered."""
    if method == "initialize":
        version = given.get("protocolVersion", "2025-06-18")
        about = {"name": "stand-in", "version": "1"}
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        return {"tools": [TOOL]}
    if method == "tools/call":
        return {"content": [{"type": "text", "text": "said: " + given["arguments"]["text"]}]}
    return {} if method == "ping" else None


def main() -> None:
    """Answer until the client closes the pipe."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" not in asked:
            continue
        result = answer(asked["method"], asked.get("params") or {})
        said: Json = {"error": {"code": -32601, "message": "not offered"}} if result is None else {"result": result}
        print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **said}), flush=True)


if __name__ == "__main__":
    main()
