"""Acceptance: a real Claude Code session on one machine is woken by a message from another machine, and answers it."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from tests.clients.lab import Lab, marker
from tests.clients.model_server import Request, Turn, bash
from tests.link.boxes import Box, until
from tests.relay.running import running

pytestmark = pytest.mark.real_client

WATCHER_SECONDS = 3.0  # after its start the client takes a moment before it watches files


def _replies(text: str) -> Turn:
    """The agent answers as the frame told it to."""

    def command(request: Request) -> str:
        shown = re.findall(r"telex reply (m\d+)", json.dumps(request.body))
        return f"telex reply {shown[-1]} {text}"

    return bash(command)


def _state(machine: Box, message: str) -> str:
    """How far the one delivery of a message got, as its sender is told."""
    return str(machine.telex("show", message, "--json").json["deliveries"][0]["state"])


def test_bobs_message_wakes_alices_session_and_her_answer_reaches_him(lab: Lab, tmp_path: Path) -> None:
    project, model, mark, answer = lab.directory("frontend"), lab.model(), marker(), marker()
    with running(tmp_path / "relay") as relay:
        bob = Box(tmp_path, "bob")
        try:
            lab.telex("link", "join", relay.url, "--name", "alice-laptop", stdin=relay.code("acme"))
            code = lab.telex("link", "invite", "--role", "member")["code"]
            assert bob.telex("link", "join", relay.url, "--name", "bob-laptop", stdin=code.encode()).status == 0
            model.script(_replies(answer))
            lab.terminal(model, project)
            lab.becomes("@frontend", "idle")
            until(lambda: "@frontend@alice-laptop" in bob.telex("who").out, "bob's machine to know of alice's session")
            time.sleep(WATCHER_SECONDS)
            sent = time.monotonic()
            message = bob.telex("send", "@frontend@alice-laptop", mark, "--json", name="api").json["id"]
            request = model.asked_with(mark)
            print(f"from bob's machine to alice's model: {request.at - sent:.2f} s")
            assert request.count("@api@bob-laptop") >= 1
            got = bob.telex("wait", "--timeout", "60s", name="api").out
            assert answer in got and "@frontend@alice-laptop" in got
            until(
                lambda: (
                    bob.telex("show", message, "--json").json["deliveries"][0]["state"] in ("shown", "read", "done")
                ),
                "bob to be told that it was shown",
            )
            assert model.last.count(mark) == 1
        finally:
            lab.telex("link", "pause")
            bob.quiet()
