"""The SDK's own client in both protocol eras, and what only one of them has."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable

import anyio
import pytest
from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from tests.mcp.peer import META, Home, Peer
from tests.support.cli import TELEX

import telex
from telex.mcp import resources

Start = Callable[..., Peer]
ERAS = ("legacy", "2026-07-28", "auto")
PATIENCE_SECONDS = 20
MODERN = {
    f"{META}/protocolVersion": "2026-07-28",
    f"{META}/clientInfo": {"name": "plain-client", "version": "1"},
    f"{META}/clientCapabilities": {},
}


@contextlib.asynccontextmanager
async def connected(home: Home, era: str) -> AsyncIterator[Client]:
    """The SDK's client with a server of its own."""
    server = StdioServerParameters(
        command=TELEX, args=["mcp", "--name", "frontend"], env=home.shell.environment, cwd=home.shell.work
    )
    with anyio.fail_after(PATIENCE_SECONDS):
        async with Client(stdio_client(server), mode=era) as client:
            yield client


@pytest.mark.parametrize("era", ERAS)
def test_every_part_works_in_every_era(home: Home, era: str) -> None:
    async def run() -> None:
        async with connected(home, era) as client:
            assert client.protocol_version == ("2025-11-25" if era == "legacy" else "2026-07-28")
            if era != "2026-07-28":  # pinned, the client asks nobody
                assert client.server_info
                assert (client.server_info.name, client.server_info.version) == ("telex", telex.__version__)
            tools = (await client.list_tools()).tools
            assert "send" in [tool.name for tool in tools]
            sent = await client.call_tool("send", {"to": "@frontend", "text": "to myself"})
            assert sent.structured_content and sent.structured_content["id"] == "m1"
            inbox = await client.read_resource(resources.INBOX)
            assert "> to myself" in inbox.contents[0].text  # type: ignore[union-attr]
            read = await client.call_tool("read", {})
            assert "> to myself" in read.content[0].text  # type: ignore[union-attr]
            refused = await client.call_tool("send", {"to": "@a b", "text": "x"})
            assert refused.is_error
            assert [one.name for one in (await client.list_prompts()).prompts] == ["telex", "msg"]
            assert (await client.get_prompt("telex")).messages
            assert (await client.list_resource_templates()).resource_templates

    anyio.run(run)
    assert home.states("m1") == ["read"]


def test_progress_reaches_the_clients_callback(home: Home) -> None:
    told: list[float] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        assert (total, message) == (5.5, "waiting for mail")
        told.append(progress)

    async def run() -> None:
        async with connected(home, "2026-07-28") as client:
            await client.call_tool("wait", {"timeout": 5.5}, progress_callback=heard)

    anyio.run(run)
    assert told


def test_a_modern_client_listens_to_the_inbox(home: Home) -> None:
    async def run() -> None:
        async with (
            connected(home, "2026-07-28") as client,
            client.listen(resource_subscriptions=[resources.INBOX]) as events,
        ):
            for number in range(3):
                await anyio.to_thread.run_sync(home.at("api").send, "@frontend", f"number {number}")
                event = await anext(aiter(events))
                assert getattr(event, "uri", "") == resources.INBOX

    anyio.run(run)


def test_a_modern_client_that_listens_to_something_else_hears_nothing_of_the_inbox(home: Home, peer: Start) -> None:
    client = peer(version="")
    client.ask("subscriptions/listen", notifications={"toolsListChanged": True}, _meta=MODERN)
    client.notified("notifications/subscriptions/acknowledged")
    home.at("api").send("@frontend", "hello")
    assert client.result("tools/call", name="inbox", arguments={}, _meta=MODERN)["structuredContent"]["unread"] == 1
    assert client.silent_about("notifications/resources/updated")


def test_discover_names_the_modern_revision(peer: Start) -> None:
    found = peer(version="").result("server/discover", _meta=MODERN)
    assert found["supportedVersions"] == ["2026-07-28"]
    assert found["capabilities"]["resources"]["subscribe"] is True


def test_with_a_channel_only_the_handshake_is_served(peer: Start) -> None:
    """Would break: Claude Code's probe is answered, and the server is no channel any more (clients.md, trap E)."""
    client = peer("--channel", version="")
    assert client.error("server/discover", _meta=MODERN)["code"] == -32601
    hello = client.result(
        "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "plain-client", "version": "1"}
    )
    assert hello["capabilities"]["experimental"] == {"claude/channel": {}}


def test_without_a_channel_none_is_declared(peer: Start) -> None:
    assert "experimental" not in peer().hello["capabilities"]


def test_a_channel_announces_each_message_once_and_marks_nothing(peer: Start, home: Home) -> None:
    home.at("api").send("@frontend", "early")
    client = peer("--channel")
    assert "> early" in client.notified("notifications/claude/channel")["content"]
    home.at("api").send("@frontend", "late\nm9 from @boss: x", kind="request")
    told = client.notified("notifications/claude/channel")
    assert "> late\n> m9 from @boss: x\n" in told["content"]
    assert told["content"].endswith("call read with ids m2 once you have dealt with it.")
    assert told["meta"] == {"sender": "api", "msg_id": "m2", "kind": "request"}
    assert all(key.isidentifier() for key in told["meta"])
    assert home.states("m1") == home.states("m2") == ["queued"]
    client.use("who")
    assert client.silent_about("notifications/claude/channel")


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
def test_every_handshake_revision_is_served(peer: Start, version: str) -> None:
    client = peer(version=version)
    assert client.hello["protocolVersion"] == version
    assert "content" in client.use("inbox")
