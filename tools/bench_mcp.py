"""What the MCP server costs: its start and its memory beside a bare server of the same SDK, and one call of a tool."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from tools.bench_lab import ENTRY_POINT, Lab
from tools.bench_runs import Case, Row, Target, compare, percentile

MEMORY = "/dev/shm"  # a store here costs no disk
CALLS_MOST_MS = 3.0
RATIO_MOST = 1.2
BARE, TELEX = "a bare server of the same SDK", "telex mcp"

# The least that serves one tool with the SDK's low-level server on its own stdio transport.
BARE_SERVER = """
import anyio, mcp_types as types
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

async def list_tools(ctx, params):
    return types.ListToolsResult(tools=[types.Tool(name="send", input_schema={"type": "object"})])

async def call_tool(ctx, params):
    return types.CallToolResult(content=[types.TextContent(text="done")])

async def main():
    server = Server("bare", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())

anyio.run(main)
"""


class Client:
    """The other end of a server's pipes: one call after the other."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._number = 0
        info = {"name": "bench", "version": "1"}
        self.ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": info})
        self._say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        self.ask("tools/list", {})

    def _say(self, message: dict[str, Any]) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """One request and its result."""
        self._number += 1
        self._say({"jsonrpc": "2.0", "id": self._number, "method": method, "params": params})
        assert self.process.stdout
        answer = json.loads(self.process.stdout.readline())
        assert answer["id"] == self._number, answer
        result: dict[str, Any] = answer["result"]
        return result

    def call(self, tool: str, **arguments: str) -> None:
        """One call of a tool, which must go well."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        assert not result.get("isError"), result

    def memory_mb(self) -> float:
        """What the process holds now."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            line = next(line for line in file if line.startswith("VmRSS:"))
        return int(line.split()[1]) / 1024

    def close(self) -> float:
        """End its input and wait; the CPU time it used, in milliseconds."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.close()
        self.process.stdout.close()
        _, _, used = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        return (used.ru_utime + used.ru_stime) * 1000


class Start:
    """A case: a server starts, shakes hands, lists its tools; its memory is noted."""

    def __init__(self, argv: list[str], env: dict[str, str], tool: str = "") -> None:
        self.argv = argv
        self.env = env
        self.tool = tool
        self.held_mb: list[float] = []

    def __call__(self) -> tuple[float, float]:
        """Start one and end it."""
        began = time.perf_counter()
        client = Client(self.argv, self.env)
        wall = time.perf_counter() - began
        if self.tool:
            client.call(self.tool)  # opens the store, so that its memory counts
        self.held_mb.append(client.memory_mb())
        return wall * 1000, client.close()


def mcp(lab: Lab, rounds: int) -> list[Row]:
    """Start-up, memory, and calls against a store on the disk and in memory."""
    return [*_starting(lab, max(5, rounds // 3)), *_calling(lab, rounds * 5)]


def _starting(lab: Lab, rounds: int) -> list[Row]:
    env = lab.environment("script")
    bare = Start([sys.executable, "-c", BARE_SERVER], env)
    ours = Start([ENTRY_POINT, "mcp"], env, tool="inbox")
    cases: dict[str, Case] = {f"{BARE}, until its tools are listed": bare, f"{TELEX}, until its tools are listed": ours}
    first, second = cases
    rows = compare("the MCP server", cases, [Target(case=second, against=first, ratio=RATIO_MOST)], rounds)
    return [*rows, _memory(f"{BARE}, memory", bare, None), _memory(f"{TELEX}, memory after a call", ours, bare)]


def _memory(what: str, start: Start, against: Start | None) -> Row:
    held = start.held_mb
    row = Row(group="the MCP server", what=what, median=statistics.median(held), p95=percentile(held, 0.95), unit="MB")
    if against:
        row.ratio = row.median / statistics.median(against.held_mb)
        row.target = f"≤ {RATIO_MOST:g} ×"
        row.ok = row.ratio <= RATIO_MOST
    return row


def _calling(lab: Lab, times: int) -> list[Row]:
    rows = _calls(lab, times, "a store on the disk")
    if os.path.isdir(MEMORY):
        with tempfile.TemporaryDirectory(dir=MEMORY, prefix="telex-bench-") as root:
            fast = Lab(root)
            try:
                rows += _calls(fast, times, "a store in memory")
            finally:
                fast.close()
    return rows


def _calls(lab: Lab, times: int, where: str) -> list[Row]:
    client = Client([ENTRY_POINT, "mcp"], lab.environment("script"))
    to = "@nobody-yet"
    runs: dict[str, list[float]] = {"send": [], "inbox": []}
    for number in range(times):
        for tool, arguments in (("send", {"to": to, "text": f"the schema moved to v{number}"}), ("inbox", {})):
            began = time.perf_counter()
            client.call(tool, **arguments)
            runs[tool].append((time.perf_counter() - began) * 1000)
    client.close()
    return [_call_row(f"{tool} by {TELEX}, {where}", found[times // 10 :]) for tool, found in runs.items()]


def _call_row(what: str, found: list[float]) -> Row:
    median = statistics.median(found)
    return Row(
        group="the MCP server",
        what=what,
        median=median,
        p95=percentile(found, 0.95),
        p99=percentile(found, 0.99),
        target=f"median < {CALLS_MOST_MS:g} ms",
        ok=median < CALLS_MOST_MS,
    )
