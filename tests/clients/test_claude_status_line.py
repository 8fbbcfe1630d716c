"""Acceptance: the status line of real Claude Code shows what waits, beside what its owner shows there."""

from __future__ import annotations

import json
import time

import pytest
from tests.clients.lab import Lab, marker
from tests.clients.model_server import DONE
from tests.clients.waiting import wait_for

pytestmark = pytest.mark.real_client

OWNERS = "this line is its owner's"


def test_what_waits_for_an_idle_session_is_counted_until_it_is_shown(bare_lab: Lab) -> None:
    lab = bare_lab
    lab.telex("install", "claude", "--status-line")
    project, model, mark = lab.directory("frontend"), lab.model(), marker()
    terminal = lab.terminal(model, project)
    sent = time.monotonic()
    lab.send("@frontend", mark, "--quiet")
    terminal.shows("telex @frontend 1")
    print(f"status line: {time.monotonic() - sent:.2f} s from the start of the send to the screen")
    lab.send("@frontend", "another", "--quiet")
    terminal.shows("telex @frontend 2")
    assert not model.requests
    terminal.type("hello")
    assert model.asked_with("hello").count(mark) == 1
    terminal.shows(DONE)
    wait_for("no count", lambda: "telex @frontend" not in terminal.screen(), instead=terminal.screen)


def test_the_owners_line_stays_and_comes_back_as_it_was(bare_lab: Lab) -> None:
    lab = bare_lab
    own = {"statusLine": {"type": "command", "command": f'printf "{OWNERS}"', "refreshInterval": 2}}
    lab.settings.write_text(json.dumps(own, indent=1))
    lab.telex("install", "claude", "--status-line")
    project, model = lab.directory("frontend"), lab.model()
    terminal = lab.terminal(model, project)
    terminal.shows(OWNERS)
    assert "telex @" not in terminal.screen()
    lab.send("@frontend", "hello", "--quiet")
    terminal.shows("telex @frontend 1")
    lines = [line.strip() for line in terminal.screen().splitlines()]
    assert lines.index("telex @frontend 1") == lines.index(OWNERS) + 1
    terminal.leave()
    lab.telex("uninstall", "claude", "--status-line")
    left = json.loads(lab.settings.read_text())
    assert left["statusLine"] == own["statusLine"] and left["hooks"]
    lab.telex("uninstall", "claude")
    rewritten = json.loads(lab.settings.read_text())
    assert rewritten["statusLine"] == own["statusLine"] and "hooks" not in rewritten
