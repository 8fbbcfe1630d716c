"""Three NATS nodes and two relays on loopback: `make cluster` starts them, Ctrl-C or `make cluster-stop` ends them.

Rules kept here: a node syncs every write before it answers; every process is known by its id, and only those that were
started here are ended.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.ports import held_port

BIN = Path(sys.executable).parent
NAMES = ("one", "two", "three")
RUNNING = Path(tempfile.gettempdir()) / f"telex-cluster-{os.getuid()}.pid"
_CONFIG = """\
server_name: {name}
listen: "{host}:{port}"
max_payload: 4MB
jetstream {{
  store_dir: "{folder}"
  sync_interval: always
}}
"""
_PEERS = """\
cluster {{
  name: telex
  listen: "{host}:{route}"
  routes: [{routes}]
}}
"""


class Node:
    """One nats-server: its place, its folder, its process. `within` is what it is started with, for a namespace."""

    def __init__(self, folder: Path, name: str, host: str = "127.0.0.1", within: tuple[str, ...] = ()) -> None:
        self.folder, self.name, self.host, self.within = folder / name, name, host, within
        self.port, self.route = held_port(), held_port()
        self.url = f"nats://{host}:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def configure(self, peers: list[Node], more: str = "") -> None:
        """Write its configuration, and what else is to stand in it; with peers it is one of a cluster."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = _CONFIG.format(name=self.name, host=self.host, port=self.port, folder=self.store) + more
        if peers:
            routes = ", ".join(f'"nats://{one.host}:{one.route}"' for one in peers)
            text += _PEERS.format(host=self.host, route=self.route, routes=routes)
        (self.folder / "nats.conf").write_text(text)

    @property
    def store(self) -> Path:
        """Where its streams lie."""
        return self.folder / "store"

    def start(self) -> None:
        """Run it; it may take a moment before it answers."""
        words = [*self.within, str(BIN / "nats-server"), "-c", str(self.folder / "nats.conf")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP pauses it, SIGCONT lets it go on."""
        if self.process is not None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """kill -9."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait(timeout=60)

    def wipe(self) -> None:
        """Take away what it keeps; it must not run."""
        shutil.rmtree(self.store, ignore_errors=True)


class Nodes:
    """A few nodes that are one cluster."""

    def __init__(self, folder: Path, count: int = 3, hosts: tuple[str, ...] = (), within: tuple[str, ...] = ()) -> None:
        self.all = [
            Node(folder, name, hosts[at] if hosts else "127.0.0.1", (*within, f"n{at + 1}") if within else ())
            for at, name in enumerate(NAMES[:count])
        ]
        for one in self.all:
            one.configure([peer for peer in self.all if peer is not one])

    @property
    def log(self) -> str:
        """What `telex relay serve --log` takes."""
        return ",".join(one.url for one in self.all)

    def start(self) -> None:
        """Run all; returns when all take connections."""
        for one in self.all:
            one.start()
        for one in self.all:
            self.await_port(one)

    def await_port(self, node: Node) -> None:
        """Until a node takes connections."""
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection((node.host, node.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < end, (node.folder / "log").read_text()
                time.sleep(0.05)

    def kill(self) -> None:
        """kill -9 for all, also those that are paused."""
        for one in self.all:
            one.kill()


def run() -> None:
    """Serve until Ctrl-C, or until `stop` says so."""
    if RUNNING.exists():
        sys.exit(f"a cluster runs already; 'make cluster-stop' ends it, or remove {RUNNING}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    relays: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="telex-cluster-") as folder:
        nodes = Nodes(Path(folder) / "nodes")
        try:
            RUNNING.write_text(str(os.getpid()))
            nodes.start()
            print(f"nodes at {nodes.log}", flush=True)
            environment = {**os.environ, "TELEX_HOME": f"{folder}/home"}
            for port in (8738, 8739):
                words = [str(BIN / "telex"), "relay", "serve", "--listen", f"127.0.0.1:{port}", "--log", nodes.log]
                relays.append(subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL))
            print(f"a team:  TELEX_HOME={folder}/home telex relay team create acme --log {nodes.log}", flush=True)
            for relay in relays:
                relay.wait()
        except KeyboardInterrupt:
            pass
        finally:
            for relay in relays:
                relay.terminate()
                relay.wait()
            nodes.kill()
            RUNNING.unlink(missing_ok=True)


def stop() -> None:
    """End what `run` started, from another terminal."""
    try:
        os.kill(int(RUNNING.read_text()), signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        RUNNING.unlink(missing_ok=True)
        print("no cluster runs")


if __name__ == "__main__":
    stop() if sys.argv[1:] == ["stop"] else run()
