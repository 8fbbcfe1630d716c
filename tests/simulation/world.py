"""One simulated history: machines, a relay, a network between them, and what befalls them, all from one seed.

Rules kept here: the same seed gives the same history; which faults a history has is part of what the seed decides, so
that some have one kind only; after a while every fault ends and everything is carried through, and then it is judged.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from tests.simulation.host import KEEP, Host
from tests.simulation.host import Disk as HostDisk
from tests.simulation.parts import RECEIPTS, Crashed, Fuse, Item, Letter, Rules
from tests.simulation.relay import Page, Pushed, Relay

from telex.core import members
from telex.core.members import Said, Saying, Team

NAMES = ("alice", "bob", "carol", "dave")
STEPS = 170
RETENTION = 110  # steps of time that the relay keeps an entry; the outbox keeps longer
BIG = 400_000  # bytes of a letter that fills a batch with few others
ROUNDS = 60  # of carrying everything through at the end

# Faults of the network and of processes, and of disks. What is in the second row makes a machine lose what it had.
MILD = ("lose", "repeat", "cut", "crash", "relay-crash", "clock", "refuse")
HARD = ("restore", "wipe", "trim", "roll-back", "clone", "remove", "withhold")


def identity(name: str) -> str:
    """A machine's id."""
    return (name.encode().hex() + "0" * 32)[:32]


def _said(n: int, prev: str, act: str, name: str, role: str, key: int, commit: str) -> Said:
    number = NAMES.index(name) + 1
    machine = Saying(id=identity(name), name=name, role=role, sign=bytes([number] * 32), seal=bytes([number + 9] * 32))
    return Said(
        v=members.VERSION,
        team="7" * 32,
        n=n,
        prev=prev,
        by=identity(NAMES[0]),
        act=act,
        machine=machine,
        key=key,
        commit=commit,
        team_name="acme" if n == 0 else "",
    )


def _teams() -> dict[int, Team]:
    """The team after each record: alice founds it and the others join; then one is removed (under a minus)."""
    found: dict[int, Team] = {}
    team: Team | None = None
    for n, name in enumerate(NAMES):
        act, role = (members.FOUND, members.OWNER) if n == 0 else (members.ADD, members.MEMBER)
        said = _said(n, team.newest if team else "", act, name, role, 1, "a" * 64 if n == 0 else "")
        team = found[n] = members.extend(team, said, b"record %d" % n, b"", lambda *_: True)
    for n, name in enumerate(NAMES[1:], 1):
        for size in range(n, len(NAMES)):
            before = found[size]
            said = _said(size + 1, before.newest, members.REMOVE, name, members.MEMBER, 2, "b" * 64)
            found[-10 * size - n] = members.extend(before, said, b"without %d" % n, b"", lambda *_: True)
    return found


TEAMS = _teams()


class Asked(NamedTuple):
    """A request on its way, or its answer on the way back."""

    host: Host
    boot: int
    origin: str
    items: list[Item]  # of a push
    epoch: str
    after: int
    answer: Pushed | Page | None = None


class World:
    """One history."""

    def __init__(self, seed: int, plant: Callable[[Rules], None] | None = None) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.rules = Rules()
        if plant:
            plant(self.rules)
        self.fuse = Fuse(self.rng)
        self.now = 0
        count = self.rng.randrange(2, len(NAMES) + 1)
        self.size = count - 1
        self.relay = Relay(self.rules, self.fuse, TEAMS[self.size])
        self.hosts = [self._host(name, name) for name in NAMES[:count]]
        self.letters: dict[str, Letter] = {}
        self.committed: dict[str, Letter] = {}
        self.unknown: set[str] = set()  # whose sender crashed before it knew
        self.undone: set[str] = set()  # committed on a disk that was put back since
        self.dropped: set[str] = set()  # out of an outbox by age, rightly
        self.removed = ""
        self.after_removal = 0  # how many letters there were
        self.silent = self.rng.random() < 0.4  # no receipts, so that nothing hides that something is stuck
        self.faults = self._chosen()
        self.faults_were = self.faults
        self.requests: list[Asked] = []
        self.answers: list[Asked] = []
        self.trace: list[str] = []

    def _chosen(self) -> set[str]:
        """Which faults this history has."""
        rng = self.rng
        chance = rng.choice((0.0, 0.15, 0.4, 0.7))
        found = {one for one in (*MILD, *HARD) if rng.random() < chance}
        if "clone" in found:  # a relay put back may hide that two use one origin: docs/protocol/sync.md says so
            found -= {"restore", "wipe"}
        return found

    def _host(self, name: str, machine: str) -> Host:
        disk = HostDisk(f"{name}-0", self.relay.disk.team)
        disk.epoch = self.relay.disk.epoch  # joining reads where the log is
        return Host(name, identity(machine), self.rules, self.fuse, self.rng, disk)

    # --- the history ---

    def run(self) -> World:
        """Live through it, then carry everything through."""
        for _ in range(STEPS):
            self.now += 1
            self._step()
        self._heal()
        return self

    def _step(self) -> None:
        rng = self.rng
        roll = rng.random()
        host = rng.choice(self.hosts)
        if roll < 0.16:
            self._guarded(host, self._send, host)
        elif roll < 0.50:
            self._ask(host, "push" if rng.random() < 0.5 else "pull")
        elif roll < 0.84:
            self._network()
        elif roll < 0.90:
            self._guarded(host, host.read)
        elif roll < 0.94 and not self.silent:
            self._guarded(host, host.report, self.letters, self._receipts)
        elif self.faults:
            self._befall(rng.choice(sorted(self.faults)), host)
        if roll < 0.05:
            self.relay.back_up(self.now)
            host.snapshots.append(host.disk.copy())

    def _guarded(self, host: Host, action: Callable[..., object], *values: object) -> None:
        """An action of a machine, which may crash in the midst of it."""
        if "crash" in self.faults and self.rng.random() < 0.2:
            self.fuse.light()
        try:
            action(*values)
        except Crashed:
            host.crash()
            self._resolve()
        self.fuse.out()

    def _letter(self, host: Host, to: tuple[str, ...], **rest: object) -> Letter:
        number = len(self.letters) + 1
        size = BIG if self.rng.random() < 0.2 else 500
        letter = Letter(f"{self.rng.getrandbits(40):x}.{number}", host.name, host.machine, to, number, size, **rest)  # type: ignore[arg-type]
        self.letters[letter.id] = letter
        return letter

    def _receipts(self, host: Host, machine: str, states: tuple[tuple[str, str], ...]) -> Letter:
        return self._letter(host, (machine,), kind=RECEIPTS, states=states)

    def _send(self, host: Host) -> None:
        others = [one.id for one in host.disk.team.members() if one.id != host.machine]
        if not others:
            return
        rng = self.rng
        bad = "refuse" in self.faults and rng.random() < 0.15
        if host.machine == identity(NAMES[0]) and rng.random() < 0.1:
            letter = self._letter(host, tuple(others), record=host.disk.team.n, bad=bad)
        else:
            letter = self._letter(host, tuple(rng.sample(others, rng.randint(1, min(2, len(others))))), bad=bad)
        self.unknown.add(letter.id)
        host.send(letter)
        self.unknown.discard(letter.id)
        self.committed[letter.id] = letter

    def _resolve(self) -> None:
        """What a crashed sender did not hear of: its store says whether it is sent."""
        for name in list(self.unknown):
            if any(key[0] == name for host in self.hosts for key in host.disk.mine):
                self.unknown.discard(name)
                self.committed[name] = self.letters[name]

    # --- the network ---

    def _ask(self, host: Host, what: str) -> None:
        if host.asked[what] or host.cut:
            return
        disk = host.disk
        items: list[Item] = []
        if what == "push":
            items = host.offer() if disk.epoch else []
            if not items:
                return
            self._guarded(host, host.sent, items)
        host.asked[what] = True
        self.requests.append(Asked(host, host.boot, disk.origin, items, disk.epoch, disk.cursor))

    def _network(self) -> None:
        """Something arrives somewhere, in any order; or does not."""
        rng = self.rng
        back = self.answers and (not self.requests or rng.random() < 0.5)
        queue = self.answers if back else self.requests
        if not queue:
            return
        one = queue.pop(rng.randrange(len(queue)))
        if one.host.cut or ("lose" in self.faults and rng.random() < 0.15):
            self._give_up(one)
        elif back:
            self._hear(one)
        else:
            self._serve(one)
            if "repeat" in self.faults and rng.random() < 0.2:
                self.requests.append(one._replace(boot=-1))  # a copy that nobody waits for

    def _give_up(self, one: Asked) -> None:
        if one.boot == one.host.boot:
            one.host.asked["push" if one.items else "pull"] = False

    def _serve(self, one: Asked) -> None:
        """The relay answers."""
        if "relay-crash" in self.faults and self.rng.random() < 0.15:
            self.fuse.light(6)
        answer: Pushed | Page | None = None
        try:
            if one.items:
                answer = self.relay.push(one.host.machine, one.origin, one.items, self.now)
            else:
                answer = self.relay.pull(one.host.machine, one.epoch, one.after)
        except Crashed:
            answer = None
        self.fuse.out()
        if answer is None:
            self._give_up(one)
        elif one.boot >= 0:
            self.answers.append(one._replace(answer=answer))

    def _hear(self, one: Asked) -> None:
        """A machine takes an answer, if it still waits for it."""
        host = one.host
        if one.boot != host.boot:
            return
        self._give_up(one)
        if isinstance(one.answer, Pushed):
            before = host.disk
            if before.origin == one.origin:
                self._guarded(host, host.pushed, one.answer, one.items[-1].oseq)
                self._note_dropped(before, host)
        elif one.answer:
            self._guarded(host, host.pulled, one.after, one.answer)

    def _note_dropped(self, before: HostDisk, host: Host) -> None:
        kept = {row.letter.id for row in host.disk.outbox.values()}
        for row in before.outbox.values():
            if row.letter.id not in kept and row.sent and self.now - row.sent >= KEEP:
                self.dropped.add(row.letter.id)

    # --- what befalls them ---

    def _befall(self, fault: str, host: Host) -> None:
        rng = self.rng
        self.trace.append(f"{self.now} {fault} {host.name}")
        if fault == "cut":
            host.cut = not host.cut
        elif fault == "crash":
            host.crash()
        elif fault == "clock":
            host.clock = rng.choice((-10_000, 0, KEEP, 10_000))
        elif fault == "restore":
            young = [disk for at, disk in self.relay.backups if self.now - at < RETENTION]
            if young:
                self.relay.restore(rng.choice(young))
        elif fault == "wipe" and rng.random() < 0.3:
            self.relay.wipe()
        elif fault == "trim":
            self.relay.trim(self.now - RETENTION)
        elif fault == "roll-back" and host.snapshots:
            self._roll_back(host)
        elif fault == "clone" and len(self.hosts) < 5:
            self._clone(host)
        elif fault == "remove":
            self._remove()
        elif fault == "withhold" and self.committed:
            letter = self.committed[rng.choice(sorted(self.committed))]
            self.relay.withheld.add((rng.choice(letter.to), letter.id))

    def _roll_back(self, host: Host) -> None:
        disk = self.rng.choice(host.snapshots)
        lost = {name for name, _ in host.disk.mine} - {name for name, _ in disk.mine}
        self.undone |= {name for name in lost if self.letters[name].host == host.name}
        host.disk = disk.copy()
        host.crash()

    def _clone(self, host: Host) -> None:
        other = Host(f"{host.name}+", host.machine, self.rules, self.fuse, self.rng, host.disk.copy())
        if all(one.name != other.name for one in self.hosts):
            self.hosts.append(other)

    def _remove(self) -> None:
        if not self.removed and self.size > 0:
            number = self.rng.randrange(1, self.size + 1)
            self.removed = identity(NAMES[number])
            self.after_removal = len(self.letters)
            self.relay.disk.team = TEAMS[-10 * self.size - number]

    # --- the end ---

    def _heal(self) -> None:
        """No fault befalls anybody any more; whatever is on its way comes, or is asked again."""
        self.faults = set()
        for host in self.hosts:
            host.cut = False
            host.crash()
        self.requests.clear()
        self.answers.clear()
        for _ in range(ROUNDS):
            before = self._standing()
            for host in self.hosts:
                self._carry(host)
            if before == self._standing():
                return

    def _standing(self) -> list[tuple[object, ...]]:
        return [(*self._how_far(host), tuple(host.disk.inbox.values())) for host in self.hosts]

    @staticmethod
    def _how_far(host: Host) -> tuple[object, ...]:
        disk = host.disk
        return disk.origin, disk.epoch, disk.cursor, disk.given, disk.at_relay, len(disk.reports), len(disk.order)

    def _carry(self, host: Host) -> None:
        """One round of everything for one machine."""
        for what in ("pull", "push"):
            self._ask(host, what)
            while self.requests or self.answers:
                if self.answers:
                    self._hear(self.answers.pop())
                else:
                    self._serve(self.requests.pop())
        while host.read():
            pass
        while not self.silent and host.report(self.letters, self._receipts):
            pass


def simulate(seed: int, plant: Callable[[Rules], None] | None = None) -> World:
    """The history of a seed."""
    return World(seed, plant).run()
