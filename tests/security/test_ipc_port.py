"""The claude-ipc port: who is served, and how much one process may ask for, whatever ids it takes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.compat.ipc.port import Port, until
from tests.support.cli import Shell
from tests.support.fixtures import machine
from tests.support.machine import Machine

from telex import limits
from telex.compat.ipc import peer
from telex.compat.ipc.visitor import Visitor
from telex.core import names
from telex.db.connection import Store
from telex.errors import NobodyThere

__all__ = ["machine"]

ROOT_ONLY = pytest.mark.needs_root("it acts as another user")

# As another user: `tries` registrations, each of another name, whose connection is reset, closed, or kept.
ATTACK = """
import json, os, socket, struct, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
port, way, tries = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(tries):
    made = socket.socket()
    made.connect(("127.0.0.1", port))
    made.sendall(json.dumps({"action": "register", "instance_id": f"eve-{number}", "auth_token": ""}).encode())
    if way == "reset":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    try:
        if way == "half":
            made.shutdown(socket.SHUT_WR)
        if way == "wait":
            made.recv(65536)
    except OSError:  # the port was quicker
        pass
    made.close()
"""

# The port as it was: who cannot be told is served, and nobody is looked at again.
FAILS_OPEN = """
from telex.compat.ipc import peer, visitor
visitor.Visitor.welcome = property(lambda self: self._first is None or self._first.user == 0)
visitor.Visitor.still_there = property(lambda self: True)
from telex.cli.main import main; main()
"""


class Home:
    """A home with its port, and another user of the machine."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.opened: list[Port] = []

    def port(self, program: list[str] | None = None, **environment: str) -> Port:
        self.opened.append(Port(self.shell, environment, program=program))
        return self.opened[-1]

    def attacked(self, port: Port, way: str, tries: int = 40) -> list[str]:
        """The names that the other user has, after so many tries."""
        subprocess.run([sys.executable, "-c", ATTACK, str(port.number), way, str(tries)], cwd="/", check=True)
        last = port.client("the-last")  # requests are answered one after the other
        return [one["id"] for one in last.ask("list")["instances"] if one["id"].startswith("eve")]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(Shell(tmp_path))
    yield made
    for one in made.opened:
        one.kill()


@ROOT_ONLY
@pytest.mark.parametrize("way", ["reset", "close", "half", "wait"])
def test_another_user_takes_no_name_however_it_leaves(home: Home, way: str) -> None:
    assert home.attacked(home.port(), way) == []


@ROOT_ONLY
def test_the_attack_takes_names_where_a_check_that_cannot_tell_lets_pass(home: Home) -> None:
    """The planted fault: what is above must be able to fail."""
    assert home.attacked(home.port([sys.executable, "-c", FAILS_OPEN]), "reset")


@pytest.mark.parametrize(
    ("first", "now", "served"),
    [
        (peer.End(user=os.getuid(), inode=7), peer.End(user=os.getuid(), inode=7), True),
        (peer.End(user=os.getuid(), inode=7), peer.End(user=peer.NOBODY, inode=0), True),  # it closed its end
        (peer.End(user=0, inode=7), peer.End(user=0, inode=7), True),
        (peer.End(user=os.getuid(), inode=7), None, False),  # reset meanwhile
        (peer.End(user=os.getuid(), inode=7), peer.End(user=54_321, inode=8), False),
        (None, peer.End(user=os.getuid(), inode=7), False),
        (peer.End(user=peer.NOBODY, inode=0), peer.End(user=peer.NOBODY, inode=0), False),
        (peer.End(user=54_321, inode=7), peer.End(user=os.getuid(), inode=7), False),
    ],
)
def test_only_who_was_proven_and_is_still_there_is_served(
    monkeypatch: pytest.MonkeyPatch, first: peer.End | None, now: peer.End | None, served: bool
) -> None:
    answers = iter([first, now])
    monkeypatch.setattr(peer, "other_end", lambda _: next(answers))
    with socket.socket() as sock:
        visitor = Visitor(sock, has_secret=False)
        assert (visitor.welcome and visitor.still_there) == served


def test_a_connection_that_is_gone_tells_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        asking = socket.create_connection(server.getsockname())
        taken, _ = server.accept()
        assert peer.other_end(taken) == peer.End(user=os.getuid(), inode=os.fstat(asking.fileno()).st_ino)
        assert peer.process_of(os.fstat(asking.fileno()).st_ino) == os.getpid()
        asking.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        asking.close()
        until(lambda: peer.other_end(taken) is None)
        taken.close()
        assert peer.other_end(taken) is None


def test_one_process_holds_so_many_ids_and_no_more(home: Home) -> None:
    port = home.port(TELEX_IPC_REQUESTS_PER_MINUTE="100000")
    answers = [port.client().register(f"id-{number}") for number in range(limits.IPC_IDS_OF_ONE + 5)]
    assert [one["status"] for one in answers] == ["ok"] * limits.IPC_IDS_OF_ONE + ["error"] * 5
    assert f"{limits.IPC_IDS_OF_ONE} are registered" in answers[-1]["message"]
    other = [sys.executable, "-c", _REGISTER, str(port.number), "elsewhere"]
    assert "ok" in subprocess.run(other, start_new_session=True, capture_output=True, text=True, check=True).stdout


def test_a_lease_that_is_over_makes_room(home: Home) -> None:
    port = home.port(TELEX_IPC_LEASE_SECONDS="0")
    for number in range(limits.IPC_IDS_OF_ONE + 5):
        assert port.client().register(f"id-{number}")["status"] == "ok"


def test_one_process_registers_so_often_and_no_oftener(home: Home) -> None:
    port = home.port(TELEX_IPC_LEASE_SECONDS="0")
    most = limits.IPC_REGISTRATIONS_PER_MINUTE
    states = [port.client().register(f"id-{number}")["status"] for number in range(most + 3)]
    assert states == ["ok"] * most + ["error"] * 3


def test_all_ids_of_one_process_share_its_messages(home: Home) -> None:
    """Would break: 60 ids write to one agent, and no budget is met."""
    port = home.port(TELEX_SENDS_PER_MINUTE="20")
    clients = [port.client(f"id-{number}") for number in range(10)]
    states = [one.send("web", f"{number} {one.id}")["status"] for number in range(3) for one in clients]
    assert states == ["ok"] * 20 + ["error"] * 10


_REGISTER = """
import json, socket, sys
made = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
made.sendall(json.dumps({"action": "register", "instance_id": sys.argv[2], "auth_token": ""}).encode())
print(made.recv(65536).decode())
"""


@pytest.mark.parametrize("strict", [False, True])
def test_words_are_compared_outside_of_the_write(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, strict: bool
) -> None:
    """Would break: with thousands of names, a send to a name that nobody holds holds up every other writer."""
    api, _ = machine.named("api", "frontend")
    writing: list[bool] = []
    compared: list[bool] = []
    write, nearest = Store.write, names.nearest

    def noted_write(db: Store, *, keep: bool = True) -> object:
        made = write(db, keep=keep)
        enter, leave = type(made).__enter__, type(made).__exit__

        class Noted:
            def __enter__(self) -> object:
                writing.append(True)
                return enter(made)

            def __exit__(self, *found: object) -> object:
                writing.pop()
                return leave(made, *found)  # type: ignore[arg-type]

        return Noted()

    def noted_nearest(name: str, known: list[str]) -> str:
        compared.append(bool(writing))
        return nearest(name, known)

    monkeypatch.setattr(Store, "write", noted_write)
    monkeypatch.setattr(names, "nearest", noted_nearest)
    if strict:
        with pytest.raises(NobodyThere) as refused:
            api.send("@frontent", "x", strict=True)
        assert "did you mean @frontend?" in str(refused.value.advice)
    else:
        assert "did you mean @frontend?" in api.send("@frontent", "x").recipients[0].note
    assert compared == [False]
