"""One machine for tests: a home, a clock, a process table, and sessions that sit at their own bus.

Rules kept here: time and processes are arguments, so nothing sleeps and nobody needs to be killed; a session speaks
through the same `Bus` that programs use and hears through the same `moments` that hooks use, only that it need not
be a process of its own to be somebody.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from telex.bus import Bus
from telex.bus.identity import Caller
from telex.bus.message_view import Letter
from telex.bus.send import Sent
from telex.core import evidence
from telex.db.connection import Store
from telex.fs import bells, processes
from telex.hook import delivery
from telex.mail import addresses, registration

START_MS = 1_795_296_600_000  # 2026-11-21 21:30 UTC
USER = "dana"
CLIENT = "claude"
MINUTE, HOUR, DAY = 60, 3_600, 86_400  # seconds


class Clock:
    """Milliseconds since 1970, as the test wants them."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def pass_by(self, seconds: float) -> int:
        """Let time go on (or, with a minus, back)."""
        self.now_ms += int(seconds * 1000)
        return self.now_ms


class Processes:
    """A process table: which ids run, and when each was started."""

    def __init__(self) -> None:
        self._running: dict[int, int] = {}
        self._next = 1_000
        self._ticks = 50

    def start(self, pid: int = 0) -> int:
        """A new process; its id."""
        self._next += 1
        self._ticks += 1
        self._running[pid or self._next] = self._ticks
        return pid or self._next

    def kill(self, pid: int) -> None:
        """It is gone, and told nobody."""
        self._running.pop(pid, None)

    def started(self, pid: int) -> int:
        """What `processes.started` answers."""
        return self._running.get(pid, 0)

    def alive(self, pid: int, pid_started: int) -> bool:
        """What `processes.alive` answers."""
        return pid in self._running and pid_started in (0, self._running[pid])


class Seat(Bus):
    """The bus as one caller sees it, and the hooks of its client."""

    def __init__(self, db: Store, clock: Clock, caller: Callable[[], Caller]) -> None:
        super().__init__(db, clock=clock)
        self._who = caller

    @property
    def me(self) -> Caller:
        """Whoever sits here."""
        return self._who()

    @property
    def reader(self) -> Caller:
        """The same, who only reads."""
        return self._who()

    @property
    def at(self) -> str:
        """@name, as it is now."""
        return f"@{self.me.address.name}"

    @property
    def session(self) -> addresses.Session:
        """The session that sits here."""
        found = self.me.session
        assert found is not None
        return found

    def rings(self) -> bool:
        """Whether its bell rings."""
        return bells.rings(self.db.home, self.me.address.bell)

    def hook(self, turn: str = delivery.NO_TURN) -> str:
        """What its client's next prompt is given, and its model answers; '' for nothing."""
        said = self.handed(turn)
        self.answers()
        return said

    def handed(self, turn: str = delivery.NO_TURN) -> str:
        """What is handed over to its client at a prompt, which it may drop; '' for nothing."""
        said: list[str] = []
        delivery.settle(self.db, self.session, evidence.PROMPT)
        delivery.show(self.db, self.session, evidence.PROMPT, said.append, turn)
        return "".join(said)

    def answers(self) -> None:
        """Its model answers by calling a tool."""
        delivery.settle(self.db, self.session, evidence.TOOL)

    def stop(self) -> str:
        """The end of a turn: what is shown or reminded of; '' when the turn really ends."""
        said: list[str] = []
        delivery.settle(self.db, self.session, evidence.STOP)
        if not delivery.show(self.db, self.session, evidence.STOP, said.append, delivery.SAME_TURN) and not (
            delivery.remind(self.db, self.session, said.append)
        ):
            delivery.rest(self.db, self.session)
        return "".join(said)

    def rest(self) -> None:
        """A turn that telex continued comes to its end."""
        delivery.settle(self.db, self.session, evidence.STOP)
        delivery.rest(self.db, self.session)

    def quit(self) -> None:
        """The session ends in good order."""
        delivery.leave(self.db, self.session, "the session ended (test)")

    def marks(self, signs: str) -> None:
        """What its gate writes: p for a prompt, s for a stop."""
        path = bells.path(self.db.home, bells.TURNS, self.me.address.bell)
        with open(path, "a", encoding="ascii") as file:
            file.write(signs)
        os.utime(path, (self.clock() / 1000,) * 2)

    def heard(self) -> list[str]:
        """What is unread, without consuming it: only what was said."""
        return [one.body for one in self.inbox(most=10_000)]


class Machine:
    """A home with whoever the test lets live in it."""

    def __init__(self, home: Path, processes: Processes) -> None:
        self.clock = Clock()
        self.processes = processes
        self.home = str(home)
        self.db = Store(self.home)
        with self.db.write():
            addresses.person(self.db, USER, self.clock())
        self.person = Seat(self.db, self.clock, self._person)

    def _person(self) -> Caller:
        row = self.db.row("people.persons")
        assert row is not None
        return Caller(address=addresses.address(self.db, row[0]), session=None, directory="/home/dana")

    def arrive(
        self,
        directory: str = "/src/session",
        *,
        key: str = "",
        pid: int = 0,
        title: str = "",
        wish: str = "",
        follows: bool = False,
        client: str = CLIENT,
    ) -> Seat:
        """A session starts (or comes back, with a key that is known); its seat."""
        pid = pid or self.processes.start()
        who = addresses.Arrival(
            client=client,
            key=key or f"{client}-{pid}",
            pid=pid,
            directory=directory,
            title=title,
            wish=wish,
            follows=follows,
        )
        with self.db.write():
            registration.register(self.db, who, USER, self.clock())

        def caller() -> Caller:
            session = addresses.session_by_key(self.db, client, who.key)
            assert session is not None
            return Caller(address=addresses.address(self.db, session.address), session=session, directory=directory)

        return Seat(self.db, self.clock, caller)

    def named(self, *wanted: str) -> list[Seat]:
        """One session for each name."""
        return [self.arrive(f"/src/{name}") for name in wanted]

    def crash(self, *seats: Seat) -> None:
        """Their processes are gone; nobody was told."""
        for seat in seats:
            self.processes.kill(seat.session.pid)

    def set(self, **values: int) -> None:
        """Change settings."""
        for name, value in values.items():
            self.person.set_setting(name, str(value))

    def states(self, sent: Sent) -> dict[str, str]:
        """How far a message got with each recipient."""
        return {one.name: one.state for one in self.person.show(sent.id).deliveries}

    def reason(self, sent: Sent, name: str) -> str:
        """Why a delivery is where it is."""
        return next(one.reason for one in self.person.show(sent.id).deliveries if one.name == name)


def tree(root: str) -> set[str]:
    """Every path under a directory, relative to it."""
    found = set()
    for where, directories, files in os.walk(root):
        found |= {os.path.relpath(os.path.join(where, name), root) for name in (*directories, *files)}
    return found


def said(letters: list[Letter]) -> list[str]:
    """Only the bodies."""
    return [one.body for one in letters]


def made(tmp_path: Path, patch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """For a fixture: a machine whose process table and clock are the test's."""
    children = Processes()
    patch.setattr(processes, "alive", children.alive)
    patch.setattr(processes, "started", children.started)
    patch.setattr(addresses, "user_name", lambda: USER)
    machine = Machine(tmp_path / "home", children)
    patch.setattr(delivery, "now_ms", machine.clock)
    yield machine
    machine.db.close()


def alone(patch: pytest.MonkeyPatch) -> None:
    """An environment in which no session of the real machine shows: tests may run inside an agent's shell."""
    for variable in list(os.environ):
        if variable.startswith(("TELEX_", "CLAUDE", "CODEX_", "GEMINI_", "COPILOT_", "OPENCODE", "AI_AGENT")):
            patch.delenv(variable)
