"""Ports for programs that tests start: nobody else gets them in between."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tools.ports import held_port

ANY = 0


def test_a_server_binds_a_held_port_again_and_again() -> None:
    port = held_port()
    for _ in range(3):
        server = socket.create_server(("127.0.0.1", port))  # sets SO_REUSEADDR, as servers do
        with server, socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()


def test_nobody_else_gets_a_held_port() -> None:
    """Would break: a test's server finds its port taken by a test beside it."""
    port = held_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))


def test_a_port_that_is_only_looked_up_is_anybodys() -> None:
    """The planted fault: a port as it was chosen before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", ANY))
        port = probe.getsockname()[1]
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


def test_a_process_that_held_ports_ends_without_a_word() -> None:
    program = "from tools.ports import held_port; held_port(); held_port()"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=root, capture_output=True, check=True)
    assert done.stderr == b""
