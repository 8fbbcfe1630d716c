"""What the tests with real clients need, or the words that say how to get it.

Rules kept here:
- a client that is not installed, and a network that is reachable, fail these tests: skipping would say "fine"
  about something that nobody looked at;
- `run.sh` installs the client and makes the namespace without a network; the tests only check.
"""

from __future__ import annotations

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clients.lab import TELEX, Lab, install_telex

CHECKOUT = Path(__file__).resolve().parents[2]
HOW = "run `make test-clients`"
BEYOND_LOOPBACK = ("192.0.2.1", 9)  # an address for documentation; connecting UDP sends nothing


def clients_dir() -> Path:
    """Where `run.sh` keeps the clients."""
    return Path(os.environ.get("TELEX_CLIENTS_DIR") or CHECKOUT / ".clients")


def claude_program() -> Path:
    """The pinned Claude Code, or a failure that says how to get it."""
    package = clients_dir() / "claude" / "node_modules" / "@anthropic-ai"
    found = sorted(package.glob("claude-code-*/claude"))
    if not found:
        pytest.fail(f"NOT TESTED: Claude Code is not installed under {package}: {HOW}", pytrace=False)
    if not Path(TELEX).exists():
        pytest.fail(f"missing: {TELEX}: {HOW}", pytrace=False)
    if shutil.which("tmux") is None:
        pytest.fail(f"tmux is missing (apt-get install tmux); then {HOW}", pytrace=False)
    return found[0]


@pytest.fixture(scope="session")
def claude() -> Path:
    """The program of the pinned Claude Code."""
    return claude_program()


@pytest.fixture(scope="session")
def offline() -> None:
    """Real clients run where nothing but loopback exists."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        reached = probe.connect_ex(BEYOND_LOOPBACK)
    if reached not in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        pytest.fail(f"real clients are only started without a network: {HOW}", pytrace=False)


@pytest.fixture
def bare_lab(tmp_path_factory: pytest.TempPathFactory, claude: Path, offline: None) -> Iterator[Lab]:
    """A machine with Claude Code and without telex."""
    # not tmp_path: the client tells the model its directory, and a test's name there would be found in requests
    lab = Lab(tmp_path_factory.mktemp("machine"), claude)
    try:
        yield lab
    finally:
        lab.close()


@pytest.fixture
def lab(bare_lab: Lab) -> Lab:
    """A machine on which a person ran `telex install claude`."""
    install_telex(bare_lab)
    return bare_lab
