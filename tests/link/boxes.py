"""Two machines as processes: homes of their own, agents of their own, a real relay, a wire that can be cut.

`with linked(tmp_path) as two:` gives `two.alice`, `two.bob`, `two.relay` and `two.wire`; whatever runs is ended when
the block is left.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.link.cutter import Cutter
from tests.relay.running import Relay, running
from tests.support.cli import Ran, Shell
from tools.ports import held_port

from telex.bus import Bus
from telex.link.log import NAME as LOG
from telex.team import link_process, link_state
from telex.wiring import open_bus

ROOT = Path(__file__).resolve().parents[2]
LONGEST_SECONDS = 90.0


def until(true: Callable[[], Any], what: str, seconds: float = LONGEST_SECONDS) -> Any:
    """Wait for a condition; what it gave."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"it did not come: {what}"
        time.sleep(0.02)
    return found


class Box(Shell):
    """One machine, whose clock may be off."""

    def __init__(self, root: Path, name: str, off: float = 0.0, **environment: str) -> None:
        super().__init__(root / name)
        self.name = f"{name}-laptop"
        self.off = off
        self.environment |= {"PYTHONPATH": str(ROOT), "USER": name, "LOGNAME": name, **environment}
        self.agent: subprocess.Popen[bytes] | None = None

    @property
    def words(self) -> list[str]:
        """The telex command here."""
        return [sys.executable, "-m", "tests.link.elsewhen", str(self.off)]

    def run(
        self, argv: list[str | bytes] | list[str], stdin: bytes = b"", cwd: Any = None, /, **environment: str
    ) -> Ran:
        """Run a program; telex with the clock of this machine."""
        if self.off and argv[0] == str(Path(sys.executable).parent / "telex"):
            argv = [*self.words, *(os.fsdecode(word) for word in argv[1:])]
        return super().run(argv, stdin, cwd, **environment)

    def bus(self, name: str = "") -> Bus:
        """The bus of this machine, in the test's own process."""
        return open_bus(str(self.telex_home), name=name)

    def start(self) -> subprocess.Popen[bytes]:
        """Run the link, by this machine's clock; it is the one once this returns."""
        while True:
            self.quiet()
            with self.bus() as bus, bus.db.write():
                link_state.pause(bus.db, False)
            words = [*self.words, "link", "run", "--quiet"]
            made = subprocess.Popen(words, env=self.environment, cwd=self.work, stderr=subprocess.PIPE)
            self.agent = made
            serves = f"process {made.pid} serves"
            until(lambda made=made, serves=serves: serves in self.log() or made.poll() is not None, "the link")  # type: ignore[misc]
            if made.poll() is None:
                return made
            # one that telex had started by itself was on its way, and quicker

    def kill(self) -> None:
        """kill -9 of the link."""
        self.end(signal.SIGKILL)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End the link that `start` started; its status."""
        process, self.agent = self.agent, None
        if process is None:
            return 0
        process.send_signal(how)
        status = process.wait(timeout=LONGEST_SECONDS)
        assert process.stderr is not None
        process.stderr.close()
        return status

    def log(self) -> str:
        """What its links wrote."""
        files = [self.telex_home / f"{LOG}.1", self.telex_home / LOG]
        return "".join(path.read_text() for path in files if path.exists())

    def quiet(self) -> None:
        """No link runs here any more, whoever started it."""
        self.end(signal.SIGKILL)
        if not self.telex_home.exists():
            return
        self.telex("link", "pause")
        until(lambda: not link_process.runs(str(self.telex_home)), f"the end of the link of {self.name}")

    def texts(self, most: int = 100_000) -> list[str]:
        """Everything that other machines sent here, oldest first."""
        with self.bus() as bus:
            found = bus.log(everything=True, most=most)
        return [one.body for one in reversed(found) if "@" in one.sender.removeprefix("@")]


class Two(NamedTuple):
    """Two machines of one team."""

    alice: Box
    bob: Box
    relay: Relay
    wire: Cutter


@contextmanager
def linked(root: Path, off: tuple[float, float] = (0.0, 0.0), **environment: str) -> Iterator[Two]:
    """A team of two machines, both linked; nobody's link is started by the test yet."""
    port = held_port()
    with running(root, "--public-url", f"http://127.0.0.1:{port}", serve=False) as relay:
        relay.told = f"http://127.0.0.1:{port}"
        relay.start()
        wire = Cutter(port, relay.port)
        alice, bob = Box(root, "alice", off[0], **environment), Box(root, "bob", off[1], **environment)
        try:
            _join(alice, wire.url, relay.code("acme"))
            invited = alice.telex("link", "invite", "--json")
            _join(bob, wire.url, invited.json["code"])
            yield Two(alice, bob, relay, wire)
        finally:
            for box in (alice, bob):
                with suppress(subprocess.TimeoutExpired):
                    box.quiet()
            wire.close()


def _join(box: Box, url: str, code: str) -> None:
    done = box.telex("link", "join", url, "--name", box.name, stdin=code.encode())
    assert done.status == 0, done
