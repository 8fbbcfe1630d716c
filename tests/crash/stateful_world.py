"""The store of a few sessions, beside a dictionary that says what must be in it.

Rules kept here:
- the dictionary knows a message's body, who it is for and how far it has come there: queued, handed over, seen, done or
  expired. The clients drop as they like: a prompt is taken back by the next one, a session goes before it has asked;
  it asks the store nothing but which address a session was given, and what telex's own notices are;
- processes and the clock are made up, so that sessions crash and time jumps as the test likes;
- after every step the store must hold exactly what the dictionary says, and each bell ring if and only if mail waits.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from hypothesis.stateful import RuleBasedStateMachine, invariant
from tests.crash.harness import Machine, here

from telex.bus import Bus
from telex.db.connection import Store
from telex.fs import bells, processes
from telex.hook import claude, delivery, payloads
from telex.mail import messages

QUEUED, HANDED, SEEN, DONE, EXPIRED = "queued", "handed", "seen", "done", "expired"
COMES_TO = {"queued": QUEUED, "handed": HANDED, "shown": SEEN, "read": SEEN, "done": DONE, "expired": EXPIRED}
HOUR_MS = 3_600_000
_SHOWN = re.compile(r"^m(\d+) from (?!.* is not answered yet)", re.MULTILINE)


class Post(NamedTuple):
    """One message, as it must be."""

    body: str
    sender: int
    kind: str
    expires_ms: int
    at: dict[int, str]  # by address: how far it has come


class Slot:
    """A terminal in which one session after another may run."""

    def __init__(self, number: int) -> None:
        self.directory = ("alpha", "beta")[number % 2]
        self.key = f"session-{number}"
        self.pid = 0  # 0: nothing runs
        self.address = 0  # 0: was never here
        self.fresh = False  # its process was started and telex does not know it yet


class World(RuleBasedStateMachine):
    """What the steps of `stateful.Sessions` change, and what must hold after each."""

    machine: Machine  # set by the test
    template: Path
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self.home = self.machine.root / "stateful"
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.copytree(self.template, self.home)
        self.now = self.latest = 1_800_000_000_000
        self.slots = [Slot(number) for number in range(5)]
        self.living: set[int] = set()
        self.posts: dict[int, Post] = {}
        self.names: dict[str, int] = {}  # name -> address
        self.held: set[int] = set()  # the addresses that a session has had
        self.handed: dict[tuple[int, int], str] = {}  # message and address -> the event at which it was handed over
        self.pids = self.keys = self.said = 0
        self.db = Store(str(self.home))
        self.patches = ExitStack()
        for where, name, value in (
            (processes, "alive", lambda pid, started: pid in self.living),
            (processes, "started", lambda pid: 1),
            (processes, "ancestors", lambda pid: [pid]),
            (delivery, "now_ms", lambda: self.now),
        ):
            self.patches.enter_context(mock.patch.object(where, name, value))

    def teardown(self) -> None:
        """Every row is still what was stored."""
        try:
            for (number,) in list(self.db.con.execute("SELECT n FROM message")):
                found = messages.get(self.db, number)
                assert found is not None
                assert found.sound()
            assert next(self.db.con.execute("PRAGMA integrity_check"))[0] == "ok"
        finally:
            self.patches.close()
            self.db.close()

    # --- what must hold after each ---

    @invariant()
    def the_store_is_as_the_dictionary_says(self) -> None:
        """No delivery lost, made up, shown early, expired early."""
        type(self).steps += 1
        real = self.deliveries()
        for (number, address), state in real.items():
            said = self.posts[number].at[address]
            if (state != said and EXPIRED in (state, said)) or (state, said) == (SEEN, EXPIRED):
                assert said != DONE
                assert 0 < self.posts[number].expires_ms <= self.latest, f"m{number} expired early"
                self.posts[number].at[address] = state
            else:
                assert state == said, f"m{number} is {state} and should be {said}"
        assert len(real) == sum(len(post.at) for post in self.posts.values()), "a delivery is gone"
        self.each_bell_rings_if_and_only_if_mail_waits()

    def each_bell_rings_if_and_only_if_mail_waits(self) -> None:
        """And no two live sessions share an address."""
        live = [slot for slot in self.slots if slot.pid]
        assert len({slot.address for slot in live}) == len(live), "two sessions have one address"
        for slot in live:
            waits = bool(self.queue(slot.address, also_expired=True)) or HANDED in self.at(slot.address)
            assert bells.rings(str(self.home), bells.bell_name(slot.key)) == waits, f"the bell of {slot.key}"

    # --- helpers ---

    def body(self) -> str:
        """A text that was never sent."""
        self.said += 1
        return f"saying{self.said} something"

    def hook(self, slot: Slot, event: str, **payload: object) -> None:
        """Run a hook; what it hands over must be the oldest of what waits, and of what its client has dropped."""
        self.settle(slot, event, **payload)
        waiting = self.queue(slot.address) if slot.address else []
        payload_text = self.machine.payload(
            slot.key, event, session_id=slot.key, cwd=f"/src/{slot.directory}", **payload
        )
        said: list[str] = []
        with here(self.environment(slot)), mock.patch.object(payloads, "write", lambda _, text: said.append(text)):
            assert claude.handle(event, payload_text) == 0
        row = self.db.con.execute("SELECT address FROM session WHERE key = ?", (slot.key,))
        slot.address = next(row)[0]
        self.held.add(slot.address)
        self.names = self.held_names()
        context = "".join(said).replace("\\n", "\n").replace('"additionalContext":"', "\n")
        shown = [int(number) for number in _SHOWN.findall(context)]
        if event == "SessionStart":
            waiting = []  # it may be closed before anything is asked
        assert shown == waiting[: len(shown)], f"{shown} shown of {waiting}"
        speaks = event in ("UserPromptSubmit", "PostToolBatch") or (
            event == "Stop" and not payload.get("stop_hook_active")
        )
        assert shown or not waiting or not speaks, f"{waiting} wait and nothing is shown"
        assert all(self.posts[number].body in context for number in shown)
        for number in shown:
            self.posts[number].at[slot.address] = HANDED
            self.handed[number, slot.address] = event

    def settle(self, slot: Slot, event: str, **payload: object) -> None:
        """What an event says of what was handed over before it."""
        if event in ("PostToolBatch", "Stop"):
            self.move_handed({slot.address}, SEEN)
        elif event == "UserPromptSubmit":
            self.move_handed({slot.address}, QUEUED, "UserPromptSubmit")
        elif event == "SessionEnd" and payload.get("reason") != "clear":
            self.move_handed({slot.address}, QUEUED)
        elif event == "SessionStart":
            gone = {other.address for other in self.slots if not other.pid} | (
                {slot.address} if payload.get("source") == "clear" or slot.fresh else set()
            )
            self.move_handed(gone - {other.address for other in self.slots if other.pid and other is not slot}, QUEUED)
            slot.fresh = False

    def move_handed(self, addresses: set[int], state: str, only: str = "") -> None:
        """What was handed over there is seen, or waits again."""
        for (number, address), event in list(self.handed.items()):
            if address in addresses and only in ("", event):
                if self.posts[number].at[address] == HANDED:
                    self.posts[number].at[address] = state
                del self.handed[number, address]

    def at(self, address: int) -> list[str]:
        """How far everything for an address has come."""
        return [post.at[address] for post in self.posts.values() if address in post.at]

    def environment(self, slot: Slot) -> dict[str, str]:
        """What a process of this session finds."""
        made = {"PATH": os.defpath, "HOME": str(self.home), "TELEX_HOME": str(self.home)}
        return made | {"CLAUDE_CODE_SESSION_ID": slot.key, "CLAUDE_PID": str(slot.pid)}

    def verb(self, slot: Slot, act: Callable[[Bus], Any]) -> Any:
        """Use the bus as a session."""
        with here(self.environment(slot)):
            return act(Bus(self.db, clock=lambda: self.now))

    def refused(self, slot: Slot, error: type[Exception], act: Callable[[Bus], object]) -> None:
        """This must be refused."""
        try:
            self.verb(slot, act)
        except error:
            return
        raise AssertionError(f"no {error.__name__}")

    def see(self, address: int, numbers: list[int]) -> None:
        """These were shown or read."""
        for number in numbers:
            if self.posts[number].at[address] in (QUEUED, HANDED):
                self.posts[number].at[address] = SEEN

    def queue(self, address: int, *, also_expired: bool = False) -> list[int]:
        """What waits at an address, oldest first."""
        self.deliveries()
        return sorted(
            number
            for number, post in self.posts.items()
            if post.at.get(address) == QUEUED and (also_expired or not 0 < post.expires_ms <= self.now)
        )

    def deliveries(self) -> dict[tuple[int, int], str]:
        """What the store says; telex's own notices become known here."""
        query = "SELECT d.message, d.recipient, d.state, m.body, m.sender, m.sender_kind FROM delivery d JOIN message m"
        found = {}
        for number, address, state, body, sender, kind in self.db.con.execute(f"{query} ON m.n = d.message"):
            if number not in self.posts and kind == "system":
                self.posts[number] = Post(body, sender, "event", 0, {address: COMES_TO[state]})
            found[number, address] = COMES_TO[state]
        return found

    def held_names(self) -> dict[str, int]:
        """Every name of a session, and its address."""
        return dict(self.db.con.execute("SELECT name, id FROM address WHERE kind = 'session'"))

    def leads_to(self, name: str) -> int:
        """Whom a name means: whoever has it, or had it last not long ago."""
        if name in self.names:
            return self.names[name]
        forward = self.db.con.execute("SELECT address FROM forward WHERE name = ?", (name,))
        return int(next(forward)[0])
