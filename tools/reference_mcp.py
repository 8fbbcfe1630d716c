"""The page docs/reference/mcp.md: tools with their schemas, resources and prompts, from the tables of telex.mcp."""

from __future__ import annotations

import json
from typing import Any

from tools.reference_text import cell, code, page, table

from telex import limits
from telex.mcp import prompts, resources
from telex.mcp.tools import TOOLS

_INTRO = """\
What `telex mcp` offers unless told otherwise; how to configure it: [MCP](../how-to/mcp.md). `--tools ipc` offers the
nine tools of claude-ipc-mcp instead, with their own schemas; `--tools all` both, and there `send` of the older set is
called `ipc_send`."""

_ANSWERS = """\
Each tool answers with text and with a value (`structuredContent`). Some clients put the text before the model, others
the value; both are safe to show. In a value, fields that say nothing are left out, and bodies are made visible: the
exact text is what [the command line prints with --json](json.md). An error has `isError`, its words and hint as text,
and `code`, `message`, `hint` and `status` as the value ([all errors](errors.md)).

What is shown by `read`, `wait` and `ask` is marked read once the answer's bytes have left. Without a `timeout`, `wait`
returns after {wait} s in clients that give a call up after a minute; in Claude Code, which moves it to the background,
it waits up to {background:,} s, and `ask` up to {ask} s."""

_SUBSCRIBING = f"""\
`{resources.INBOX}` can be subscribed to: with `resources/subscribe` over stdio in the handshake revisions, with
`subscriptions/listen` in 2026-07-28. Reading a resource marks nothing read."""


def mcp() -> str:
    """What the MCP server offers."""
    listed = {"tools": [tool.listed() for tool in TOOLS]}
    size = len(json.dumps(listed, separators=(",", ":"), ensure_ascii=False).encode())
    bytes_of = {tool.name: len(json.dumps(tool.listed(), separators=(",", ":")).encode()) for tool in TOOLS}
    rows = [[f"[{tool.name}](#{tool.name})", cell(tool.description), f"{bytes_of[tool.name]:,}"] for tool in TOOLS]
    about = _ANSWERS.format(
        wait=limits.MCP_WAIT_SECONDS, background=limits.MCP_WAIT_BACKGROUND_SECONDS, ask=limits.MCP_ASK_SECONDS
    )
    parts = [
        "## Tools",
        f"{size:,} bytes in all; the most is {limits.MCP_SCHEMA_BYTES:,}, because every session's model reads them.",
        table(["tool", "does", "bytes"], rows),
        *(_tool(tool.listed()) for tool in TOOLS),
        "## Answers",
        about,
        "## Resources",
        table(["URI", "what", "type"], [_resource(one) for one in (*resources.RESOURCES, *resources.TEMPLATES)]),
        _SUBSCRIBING,
        "## Prompts",
        table(["prompt", "argument", "what"], [_prompt(one) for one in prompts.PROMPTS]),
    ]
    return page("MCP", _INTRO, *parts)


def _tool(listed: dict[str, Any]) -> str:
    hints = ", ".join(code(f"{name}: {str(value).lower()}") for name, value in listed["annotations"].items())
    schema = json.dumps(listed["inputSchema"], indent=2)
    return f"### {listed['name']}\n\n{listed['description']}\n\n{hints}\n\n```json\n{schema}\n```"


def _resource(one: dict[str, str]) -> list[str]:
    return [code(one.get("uri") or one["uriTemplate"]), cell(one["description"]), code(one["mimeType"])]


def _prompt(one: dict[str, Any]) -> list[str]:
    arguments = ", ".join(f"{code(word['name'])}: {word['description']}" for word in one["arguments"])
    return [code(one["name"]), cell(arguments), cell(one["description"])]
