"""Acceptance: what `telex install CLIENT --mcp` wrote is the door of each real client's own agent.

The model calls telex's tools by the names that the client gives them, and no shell. The message that it sends is from
the session that the client's hooks know; what it reads it is shown once.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clients import codex_lab, copilot_lab, gemini_lab, opencode_lab
from tests.clients.codex_lab import CodexLab
from tests.clients.conftest import claude_program
from tests.clients.copilot_lab import CopilotLab
from tests.clients.gemini_lab import GeminiLab
from tests.clients.lab import Lab, marker
from tests.clients.model_server import Model, Turn
from tests.clients.opencode_lab import OpenCodeLab
from tests.support.cli import TELEX

pytestmark = pytest.mark.real_client

LABS: dict[str, Callable[[Path], Lab]] = {
    "claude": lambda root: Lab(root, claude_program()),
    "codex": lambda root: Installed(root, codex_lab.program()),
    "gemini": lambda root: GeminiLab(root, gemini_lab.program()),
    "opencode": lambda root: OpenCodeLab(root, opencode_lab.program()),
    "copilot": lambda root: CopilotLab(root, copilot_lab.program()),
}
NAMES = {"claude": "mcp__telex__{}", "gemini": "mcp_telex_{}", "opencode": "telex_{}", "copilot": "telex-{}"}


class Installed(CodexLab):
    """A Codex in its default sandbox, into whose settings telex is put after the lab has written them."""

    def client_environment(self, model: Model) -> dict[str, str]:
        """The settings of a start, with telex's server in them."""
        self.sandbox = "workspace-write"
        found = super().client_environment(model)
        self.telex("install", "codex", "--mcp")
        return found


def name_of(client: str, name: str) -> str:
    """What the client calls a tool of the server `telex`."""
    return NAMES.get(client, "{}").format(name)


def space_of(client: str) -> str:
    """Codex has a namespace for each server."""
    return "mcp__telex" if client == "codex" else ""


def tool(client: str, name: str, **given: Any) -> Turn:
    """The model calls one of telex's tools."""
    return Turn(tool=name_of(client, name), namespace=space_of(client), input=given)


def starting(client: str) -> list[Turn]:
    """Codex asks its model at once and offers a server's tools as soon as that has started."""
    return [codex_lab.shell("sleep 4")] if client == "codex" else []


@pytest.fixture(params=list(LABS))
def client(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def lab(client: str, tmp_path_factory: pytest.TempPathFactory, offline: None) -> Iterator[Lab]:
    """A machine on which a person ran `telex install CLIENT --mcp`."""
    lab = LABS[client](tmp_path_factory.mktemp("machine"))
    try:
        lab.telex("install", client, "--mcp")
        yield lab
    finally:
        lab.close()


def test_an_agent_sends_and_reads_by_the_tools_as_the_session_that_it_is(client: str, lab: Lab) -> None:
    project, model, sent, read = lab.directory("frontend"), lab.model(), marker(), marker()
    received: list[str] = []
    arrive = Turn(
        tool=name_of(client, "read"),
        namespace=space_of(client),
        input=lambda _: {"ids": received},
        first=lambda: received.append(lab.send("@frontend", read, "--quiet")),
    )
    model.script(*starting(client), tool(client, "send", to="@api", text=sent), arrive)
    lab.headless(model, "write to api", project)
    messages = {one["body"]: one for one in lab.telex("log", "--all")["messages"]}
    assert sent in messages, model.last
    assert messages[sent]["sender"] == "@frontend"
    assert len(model.last.where(read)) == 1 and lab.arrived(received[0]), model.last
    assert [name for name, one in lab.present().items() if one["client"] == client] == ["@frontend"]


def test_the_entry_goes_and_the_clients_settings_stay(client: str, lab: Lab) -> None:
    """The client has read, and maybe rewritten, its file since."""
    project, model = lab.directory("frontend"), lab.model()
    lab.headless(model, "hello", project)
    asked = [TELEX, "status", "--json"]  # it ends with 1 where Codex trusts no hook yet
    done = subprocess.run(asked, cwd=lab.root, env=lab.environment(), capture_output=True, text=True, check=False)
    installed = json.loads(done.stdout)["installed"]
    assert "telex" in json.dumps(installed)
    lab.telex("uninstall", client)
    found = [path for path in lab.home.rglob("*") if path.is_file() and not path.is_relative_to(lab.telex_home)]
    configured = [path for path in found if path.suffix in (".json", ".toml") and path.stat().st_size < 100_000]
    assert not [path for path in configured if b"bin/telex" in path.read_bytes()]
    model.script(Turn(text="still here"))
    assert "still here" in lab.headless(model, "hello again", project)
