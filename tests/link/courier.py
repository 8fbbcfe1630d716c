"""Several machines of one team, and a courier that carries their items between the stores.

Rules kept here: the stores, the bus and the outboxes are the real ones; the courier does in one process, at the test's
word, what relay and link do over the network: it keeps a log, hands out what was not read, says what it has. Nothing
is sealed here (tests/link/test_seal.py does that), and nothing moves that the test did not ask for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.machine import START_MS, USER, Clock, Machine, Processes

from telex.core import sync
from telex.core.letter import Arrived, Letter, Parcel, Receipt
from telex.db.connection import Store
from telex.fs import processes
from telex.fs.lock import FileLock
from telex.hook import delivery
from telex.mail import addresses
from telex.team import directory, forwarding, inbound, link_state, outbox, receipts

TEAM = "7" * 32


class Entry(NamedTuple):
    """One item of the courier's log."""

    machine: str
    origin: str
    parcel: Parcel
    at_ms: int


class Team:
    """Machines that are linked, and the log between them."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.clock = Clock()
        self.processes = Processes()
        patch.setattr(processes, "alive", self.processes.alive)
        patch.setattr(processes, "started", self.processes.started)
        patch.setattr(addresses, "user_name", lambda: USER)
        patch.setattr(delivery, "now_ms", self.clock)
        self.machines: dict[str, Machine] = {}
        self.log: list[Entry] = []
        self.epoch = "e" * 32
        self.refuses: dict[bytes, str] = {}  # items that the relay does not take, and the code of why
        self._locks: list[FileLock] = []

    def machine(self, name: str, role: str = "member") -> Machine:
        """A machine joins the team."""
        made = Machine(self.root / name, self.processes)
        made.clock = self.clock
        made.person.clock = self.clock
        self._run_link(made)
        join(made.db, name, role, self.epoch)
        self.machines[name] = made
        for one in self.machines.values():
            for other, theirs in self.machines.items():
                known = link_state.load(theirs.db)
                assert known is not None
                introduce(one.db, other, known.role)
        return made

    def _run_link(self, made: Machine) -> None:
        """The courier is the link's process of every machine: no send starts another."""
        lock = FileLock(f"{made.home}/{link_state.LOCK}")
        assert lock.acquire_within(0)
        self._locks.append(lock)

    def close(self) -> None:
        """End of the test."""
        for lock in self._locks:
            lock.close()
        for one in self.machines.values():
            one.db.close()

    # --- what the link of a machine does ---

    def push(self, name: str) -> int:
        """Offer what waits at a machine; how many items the log has more."""
        made, before = self.machines[name], len(self.log)
        receipts.collect(made.db, self.clock())
        linked = link_state.load(made.db)
        assert linked is not None
        refused = []
        forked = False
        offered = outbox.batch(made.db)
        for parcel in offered:
            known = [one for one in self.log if one.origin == linked.origin]
            kept = next((one.parcel.uuid.hex() for one in known if one.parcel.oseq == parcel.oseq), None)
            last = max((one.parcel.oseq for one in known), default=0)
            verdict = sync.admit(last, parcel.oseq, parcel.uuid.hex(), kept)
            if verdict == sync.APPEND:
                self.log.append(Entry(linked.machine, linked.origin, parcel, self.clock()))
                if parcel.uuid in self.refuses:
                    refused.append((parcel.oseq, self.refuses[parcel.uuid]))
            elif verdict in (sync.FORKED, sync.EARLY):
                forked = verdict == sync.FORKED
                break
        last = max((one.parcel.oseq for one in self.log if one.origin == linked.origin), default=0)
        if not offered:
            return 0
        now = sync.pushed(outbox.state(made.db), self.epoch, last, forked, offered[-1].oseq)
        outbox.offered(made.db, linked.origin, now, refused, self.clock(), self.clock())
        return len(self.log) - before

    def pull(self, name: str, *, most: int = 100) -> int:
        """Take in what the log has for a machine; how many messages were new."""
        made = self.machines[name]
        linked = link_state.load(made.db)
        assert linked is not None
        state = sync.Incoming(epoch=linked.epoch, cursor=linked.cursor)
        scanned = min(len(self.log), linked.cursor + most)
        page = sync.Scan(epoch=self.epoch, earliest=1, scanned=scanned, head=len(self.log))
        taken = sync.pulled(state, linked.cursor, page)
        some = self.log[linked.cursor : scanned] if taken.useful else []
        items = [self.arrived(one, linked.machine) for one in some if self._is_for(one, linked.machine)]
        return inbound.take(made.db, items, taken, self.clock())

    def _is_for(self, one: Entry, machine: str) -> bool:
        return one.machine != machine and (one.parcel.everyone or machine in one.parcel.machines)

    def arrived(self, one: Entry, machine: str) -> Arrived:
        """An entry as a machine has it before it."""
        parcel = one.parcel
        tombstone = self.refuses.get(parcel.uuid, "")
        written_ms = parcel.letter.created_ms if parcel.letter else one.at_ms
        return Arrived(
            machine=one.machine,
            origin=one.origin,
            oseq=parcel.oseq,
            uuid=parcel.uuid,
            after=-1 if tombstone else parcel.after.get(machine, -1),
            age_ms=max(0, self.clock() - written_ms),
            relayed_ms=max(0, self.clock() - one.at_ms),
            signed_ms=one.at_ms,
            letter=copied(parcel.letter) if parcel.letter and not tombstone else None,
            receipts=[] if tombstone else [Receipt(**told.as_dict()) for told in parcel.receipts],
            tombstone=tombstone,
        )

    def settle(self) -> None:
        """Carry everything everywhere, until nothing moves any more."""
        for _ in range(100):
            moved = sum(self.push(name) for name in self.machines)
            moved += sum(self.pull(name) for name in self.machines)
            if not moved and all(outbox.waiting(one.db) == 0 for one in self.machines.values()):
                return
        raise AssertionError("it never comes to rest")

    def tell_rosters(self) -> None:
        """Every machine hears who is at the others now."""
        for hearing in self.machines:
            self.hear_rosters(hearing, *self.machines)

    def hear_rosters(self, name: str, *others: str) -> None:
        """One machine hears, in one look, who is at some others now."""
        hearing = self.machines[name].db
        told = {other: directory.mine(self.machines[other].db, self.clock()) for other in others if other != name}
        with hearing.write():
            for other, residents in told.items():
                directory.replace(hearing, number(other), residents, self.clock())
            come = [one.name for residents in told.values() for one in residents]
            forwarding.follow(hearing, come, self.clock())
            channels = [channel for residents in told.values() for one in residents for channel in one.channels]
            forwarding.follow_channels(hearing, channels, self.clock())


def copied(given: Letter) -> Letter:
    """A letter as another process has it: nothing of it is shared."""
    return Letter(**given.as_dict())


def number(name: str) -> str:
    """The id of a machine, or of its outbox."""
    return name.encode().hex().ljust(32, "0")[:32]


def join(db: Store, name: str, role: str, epoch: str) -> None:
    """A store becomes that of a machine of the team."""
    with db.write():
        link_state.create(
            db,
            link_state.Link(
                relay="https://relay.example",
                team=TEAM,
                team_name="acme",
                machine=number(name),
                machine_name=name,
                role=role,
                origin=number(f"{name} outbox"),
                epoch=epoch,
                joined_ms=START_MS,
            ),
        )


def introduce(db: Store, name: str, role: str) -> None:
    """A store learns that a machine is in the team."""
    with db.write():
        db.run("members.put_machine", number(name), name, role, b"sign", b"seal", 0)


@contextmanager
def running(root: Path, patch: pytest.MonkeyPatch) -> Iterator[Team]:
    """A team for one test."""
    team = Team(root, patch)
    try:
        yield team
    finally:
        team.close()
