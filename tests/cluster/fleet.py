"""A whole cluster with machines at it: three nodes, two relays behind one door, four machines with links of their own.

Where the system lets it, every node has a network namespace of its own and can be cut off from everybody.
"""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.link.boxes import ROOT, Box
from tests.link.cutter import Cutter
from tests.relay.running import Relay
from tools.cluster import Node, Nodes
from tools.ports import held_port

NAMES = ("alice", "bob", "carol", "dave")
NO_LIMITS = {"TELEX_INBOX_WAITING": "100000", "TELEX_SENDS_PER_MINUTE": "1000000", "TELEX_REPEAT_SECONDS": "0"}
_BRIDGE, _HOSTS = "10.77.0.1", ("10.77.0.11", "10.77.0.12", "10.77.0.13")


class Door(Cutter):
    """One address for several relays: each connection goes to one of those that take it."""

    def __init__(self, port: int, relays: list[Relay], chance: random.Random) -> None:
        self._relays, self._chance = relays, chance
        super().__init__(port, 0)

    def _far(self) -> socket.socket:
        for relay in self._chance.sample(self._relays, len(self._relays)):
            with suppress(OSError):
                return socket.create_connection(("127.0.0.1", relay.port))
        raise ConnectionRefusedError


class Fleet:
    """Everything, and what can befall it."""

    def __init__(self, root: Path, seed: int, apart: bool, planted: str = "") -> None:
        self.chance = random.Random(seed)
        self.apart = apart
        if apart:
            _lay_wires()
        hosts, within = (_HOSTS, ("ip", "netns", "exec")) if apart else ((), ())
        self.nodes = Nodes(root / "nodes", hosts=hosts, within=within)
        port = held_port()
        url = f"http://127.0.0.1:{port}"
        options = ("--public-url", url, "--log", self.nodes.log)
        self.relays = [Relay(root / f"relay{at}", {"PYTHONPATH": str(ROOT)}, options) for at in (1, 2)]
        for relay in self.relays:
            relay.told = url
            if planted:
                relay.prefix = (sys.executable, "-m", "tests.cluster.planted", planted)
        self.door = Door(port, self.relays, self.chance)
        self.boxes = [Box(root, name, 0.0, **NO_LIMITS) for name in NAMES]

    def start(self) -> None:
        """Run all of it, and make the team."""
        self.nodes.start()
        for relay in self.relays:
            relay.start()
        code = self.relays[0].command("team", "create", "acme", "--log", self.nodes.log)["code"]
        owner, *others = self.boxes
        _join(owner, self.door.url, str(code))
        for box in others:
            _join(box, self.door.url, owner.telex("link", "invite", "--json").json["code"])
        for box in self.boxes:
            box.start()

    def end(self) -> None:
        """End whatever was started."""
        for node in self.nodes.all:
            node.signal(signal.SIGCONT)
        for box in self.boxes:
            with suppress(Exception):
                box.quiet()
        for relay in self.relays:
            relay.kill()
        self.nodes.kill()
        self.door.close()

    def heal(self) -> None:
        """Every node runs and is reached, every relay serves."""
        for at, node in enumerate(self.nodes.all):
            self.join(at)
            node.signal(signal.SIGCONT)
            if node.process is None:
                node.start()
        for node in self.nodes.all:
            self.nodes.await_port(node)
        for relay in self.relays:
            if relay.process is None:
                relay.start()

    # --- faults

    def part(self, at: int) -> None:
        """A node is cut off from the other nodes and from the relays."""
        subprocess.run(["ip", "link", "set", f"v{at + 1}", "down"], check=True)

    def join(self, at: int) -> None:
        """It is not any more."""
        if self.apart:
            subprocess.run(["ip", "link", "set", f"v{at + 1}", "up"], check=True)

    def pause(self, node: Node) -> None:
        """A node stands still, and keeps its connections."""
        node.signal(signal.SIGSTOP)

    def wipe(self, node: Node) -> None:
        """A node is killed and its disk is gone."""
        node.kill()
        node.wipe()


def _lay_wires() -> None:
    """A bridge, and a namespace with one end on it for every node; within a namespace of our own."""
    lines = ["link set lo up", "link add br0 type bridge", f"addr add {_BRIDGE}/24 dev br0", "link set br0 up"]
    for at, host in enumerate(_HOSTS, start=1):
        lines += [
            f"netns add n{at}",
            f"link add v{at} type veth peer name eth0 netns n{at}",
            f"link set v{at} master br0",
            f"link set v{at} up",
            f"-n n{at} addr add {host}/24 dev eth0",
            f"-n n{at} link set eth0 up",
            f"-n n{at} link set lo up",
        ]
    for line in lines:
        subprocess.run(["ip", *line.split()], check=True)


def _join(box: Box, url: str, code: str) -> None:
    done = box.telex("link", "join", url, "--name", box.name, stdin=code.encode())
    assert done.status == 0, done
