"""Links and a relay that goes away, comes back, is put back to an older state, or tells the time differently."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.link.boxes import Box, Two, linked, until

from telex import limits
from telex.errors.between import RelayRefused, RelayStrange, RelayUnreachable
from telex.link import http, keys
from telex.link.http import Relay
from telex.team import link_state
from telex.wire import api


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with linked(tmp_path) as made:
        yield made


def write(sender: Box, reader: Box, texts: list[str]) -> None:
    with sender.bus("writer") as bus:
        for text in texts:
            bus.send(f"@reader@{reader.name}", text)


def all_pushed(box: Box) -> bool:
    with box.bus() as bus:
        found = link_state.load(bus.db)
    assert found is not None
    return found.at_relay == found.oseq


def requests(two: Two, route: str) -> int:
    """How often the relay answered a route with a success."""
    lines = [json.loads(line) for line in two.relay.log.read_text().splitlines()]
    return sum(one.get("route") == route and one.get("status", 500) < 300 for one in lines)


def test_a_relay_that_was_put_back_is_given_again_what_it_lost(two: Two) -> None:
    """Would break: a link that believes for ever what the relay once said it had."""
    two.alice.quiet()
    two.bob.start()
    write(two.bob, two.alice, ["one", "two", "three"])
    until(lambda: all_pushed(two.bob), "the first to be at the relay")
    two.relay.command("backup", str(two.relay.home / "copy"))
    write(two.bob, two.alice, ["four", "five"])
    until(lambda: all_pushed(two.bob), "all to be at the relay")
    two.relay.stop()
    two.relay.command("restore", str(two.relay.home / "copy"))
    two.relay.start()
    two.alice.start()
    until(lambda: len(two.alice.texts()) == 5, "all that was sent")
    assert two.alice.texts() == ["one", "two", "three", "four", "five"]
    write(two.bob, two.alice, ["six"])
    until(lambda: len(two.alice.texts()) == 6, "what is sent after it")
    assert two.alice.texts()[5:] == ["six"]


def test_a_large_text_goes_on_where_it_was_interrupted(two: Two) -> None:
    two.bob.start()
    parts = 6
    text = "x" * (parts * limits.LINK_PART_BYTES)
    write(two.bob, two.alice, [text])
    until(lambda: requests(two, "put_blob") >= 2, "two parts at the relay")
    two.bob.kill()
    two.bob.start()
    until(lambda: len(two.alice.texts()) == 1, "the text")
    assert requests(two, "put_blob") <= parts + 1, "what was there was not sent again"
    with two.alice.bus() as bus:
        [one] = bus.log(everything=True)[:1]
        assert bus.read(one.id, emit=lambda _: None)[0].size == len(text)
    assert list((two.alice.telex_home / "link" / "parts").iterdir()) == []


def relay_of(box: Box) -> Relay:
    own = keys.machine(str(box.telex_home))
    with box.bus() as bus:
        found = link_state.load(bus.db)
    assert found is not None
    return Relay(found.relay, own.machine, own.sign)


@pytest.mark.parametrize("hours", [-30_000, -3, 5, 200_000])
def test_a_clock_that_is_wrong_is_harmless(two: Two, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """Would break: a client that signs its own time, and is refused for ever."""
    real = http._now_ms
    monkeypatch.setattr(http, "_now_ms", lambda: real() + hours * 3_600_000)

    async def ask() -> api.Rosters:
        async with relay_of(two.alice) as relay:
            found: api.Rosters = await relay.ask("rosters", query={"after": 0})
            assert abs(relay.now_ms() - real()) < limits.CLOCK_WINDOW_MS
            return found

    assert isinstance(asyncio.run(ask()), api.Rosters)


def test_a_token_that_is_void_is_replaced(two: Two) -> None:
    async def ask() -> None:
        async with relay_of(two.alice) as relay:
            await relay.ask("rosters", query={"after": 0})
            relay._token = "0" * 64
            await relay.ask("rosters", query={"after": 0})

    asyncio.run(ask())


def test_what_the_relay_refuses_says_its_code_and_when_to_try_again(two: Two) -> None:
    async def ask() -> None:
        async with relay_of(two.bob) as relay:
            await relay.ask("invite", api.Invite(role="member"))

    with pytest.raises(RelayRefused) as refused:
        asyncio.run(ask())
    assert (refused.value.facts["code"], refused.value.facts["status"]) == ("role-forbids", 403)


def test_what_is_no_relay_is_said_to_be_none(two: Two, tmp_path: Path) -> None:
    two.relay.kill()

    async def ask() -> None:
        async with relay_of(two.alice) as relay:
            await relay.ask("healthz")

    with pytest.raises(RelayUnreachable):
        asyncio.run(ask())


@pytest.mark.parametrize("answer", [b"<html>sign in</html>", b"", b"{}", b'{"well": 1'])
def test_an_answer_that_no_relay_gives_is_strange(answer: bytes) -> None:
    import http.server
    import threading

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    async def ask(port: int) -> None:
        async with Relay(f"http://127.0.0.1:{port}") as relay:
            await relay.ask("healthz")

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(RelayStrange):
            asyncio.run(ask(server.server_port))
        server.shutdown()
