"""What `telex mcp` loads beyond what the SDK loads itself: little."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

BARE = "from mcp.server.lowlevel.server import Server; from mcp.server.stdio import stdio_server"
OURS = "import telex.mcp; from telex.cli import mcp; mcp.offer('default')"
# what the SDK does not load by itself, and why we do
WANTED = {
    "apsw": "the store",
    "mcp.server.subscriptions": "subscriptions/listen",
}


def loaded(code: str) -> set[str]:
    """The modules in a fresh interpreter after some code."""
    tail = "; import sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_only_what_stdio_needs_is_loaded() -> None:
    more = loaded(OURS) - loaded(BARE)
    foreign = {name for name in more if not name.startswith("telex")}
    known = {name for name in foreign if any(name == one or name.startswith(one + ".") for one in WANTED)}
    assert sorted(foreign - known - set(sys.stdlib_module_names) - STANDARD) == []
    assert not {name for name in more if name.startswith(("rich", "uvicorn.", "telex.compat", "telex.mcp.http"))}


STANDARD = {"apsw._unicode", "ctypes._endian", "_ctypes"}


def test_a_running_server_has_loaded_no_terminal_libraries(tmp_path: Path) -> None:
    code = (
        "import sys, io, anyio, telex.mcp, telex.cli.mcp as cli; from telex.wiring import open_bus; "
        f"telex.mcp.serve(lambda: open_bus({str(tmp_path / 'home')!r}), cli.offer('default'), name='frontend'); "
        "sys.stderr.write(' '.join(sys.modules))"
    )
    call = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "inbox", "arguments": {}}}
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    lines = [{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}, call]
    said = "".join(json.dumps(one) + "\n" for one in lines)
    done = subprocess.run([sys.executable, "-c", code], input=said, capture_output=True, text=True, check=True)
    assert '"id":2,"result"' in done.stdout
    modules = set(done.stderr.split())
    assert not {"rich", "argparse", "telex.hook", "telex.compat", "telex.mcp.http", "telex.mcp.channel2"} & modules
