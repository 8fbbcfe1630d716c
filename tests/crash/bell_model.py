"""The protocol of the bell as a machine small enough to walk through every state it can reach.

Rules kept here:
- a step is what happens at once: one change of a file, one commit, one lock; between two steps anybody may move;
- whoever is killed has let go of its locks and loses what was not committed, and what it did to files stays;
- one address is modelled, with its bell: that of the session that holds it now;
- a mistake is a flag in `Rules`; the sound protocol is `Rules()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

Names = frozenset[str]
Numbers = frozenset[int]
NONE: Numbers = frozenset()


class Rules(NamedTuple):
    """What the protocol does; each flag is one mistake."""

    rings_after_commit: bool = False
    rings_before_lock: bool = False
    silences_before_commit: bool = False
    silences_outside_lock: bool = False
    decides_before_commit: bool = False  # whether nothing is queued, in the middle of its own transaction
    shows_without_inbox_lock: bool = False
    records_before_showing: bool = False
    waits_without_barrier: bool = False
    takes_over_without_ringing: bool = False


class World(NamedTuple):
    """What all processes share: the disk and the kernel's locks."""

    lock: str = ""  # who holds write.lock
    inbox: str = ""  # who holds the inbox's lock
    bells: Names = frozenset()
    bell: str = "old"  # of the session that holds the address, as it is committed
    committed: Numbers = NONE
    queued: Numbers = NONE  # of those, as it is committed
    shown: Numbers = NONE  # what a client was handed
    twice: bool = False
    killed: bool = False  # anybody
    moved: bool = False  # the watched bell, since the waiter last slept


class Local(NamedTuple):
    """What one process knows."""

    at: int = 0
    seen: Numbers = NONE
    empty: bool = False


DONE = -1
Step = Callable[[World, Local, str], Iterator[tuple[World, Local]]]
Program = tuple[Step, ...]


def on(local: Local, **changes: object) -> Local:
    """The next step."""
    return local._replace(at=local.at + 1)._replace(**changes)  # type: ignore[arg-type]


def take_lock(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Wait for write.lock."""
    if not world.lock:
        yield world._replace(lock=me), on(local)


def drop_lock(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Let go of write.lock."""
    yield world._replace(lock=""), on(local)


def take_inbox(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Wait for the inbox's lock, or give up after a while and leave the mail for the next moment."""
    if not world.inbox:
        yield world._replace(inbox=me), on(local)
    else:
        yield world, local._replace(at=DONE)


def drop_inbox(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Let go of the inbox's lock."""
    yield world._replace(inbox=""), on(local)


def ring(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Make the bell of whoever holds the address ring."""
    yield world._replace(bells=world.bells | {world.bell}, moved=True), on(local)


def ring_new(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """A newcomer rings its own bell if mail waits."""
    yield (world._replace(bells=world.bells | {"new"}) if world.queued else world), on(local)


def hold(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Commit: the address is the newcomer's."""
    yield world._replace(bell="new"), on(local)


def forget_old(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Remove the files of the session that went before."""
    yield world._replace(bells=world.bells - {"old"}), on(local)


def commit(number: int) -> Step:
    """Commit a message."""

    def step(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
        yield world._replace(committed=world.committed | {number}, queued=world.queued | {number}), on(local)

    return step


def gate(name: str) -> Step:
    """The shell's test: a silent bell ends the hook."""

    def step(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
        yield world, on(local) if name in world.bells else local._replace(at=DONE)

    return step


def read(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Read what is queued, without a lock on the store."""
    yield world, on(local, seen=world.queued)


def show(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Hand it to the client."""
    twice = world.twice or bool(world.shown & local.seen)
    yield world._replace(shown=world.shown | local.seen, twice=twice), on(local)


def record(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Commit: it was shown."""
    yield world._replace(queued=world.queued - local.seen), on(local)


def peek(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Whether nothing is queued, as it is committed."""
    yield world, on(local, empty=not world.queued)


def peek_inside(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Whether nothing is queued, as this transaction sees it before it is committed."""
    yield world, on(local, empty=not world.queued - local.seen)


def silence(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
    """Remove the bell, if nothing was queued."""
    yield world._replace(bells=world.bells - {world.bell}) if local.empty else world, on(local)


def sender(number: int, rules: Rules) -> Program:
    """`telex send`."""
    if rules.rings_after_commit:
        return take_lock, commit(number), ring, drop_lock
    if rules.rings_before_lock:
        return ring, take_lock, commit(number), drop_lock
    return take_lock, ring, commit(number), drop_lock


def recording(rules: Rules) -> Program:
    """What follows a showing."""
    if rules.silences_before_commit:
        return take_lock, peek_inside, silence, record, drop_lock
    if rules.silences_outside_lock:
        return take_lock, record, drop_lock, peek, silence
    return take_lock, record, peek, silence, drop_lock


def hook(name: str, rules: Rules) -> Program:
    """A hook behind its gate."""
    if rules.records_before_showing:
        return gate(name), take_inbox, read, *recording(rules), show, drop_inbox
    if rules.shows_without_inbox_lock:
        return gate(name), read, show, *recording(rules)
    return gate(name), take_inbox, read, show, *recording(rules), drop_inbox


def replier(number: int, rules: Rules) -> Program:
    """A transaction that first settles its own bell and then queues a notice for its own address."""
    if rules.decides_before_commit:
        return take_lock, peek_inside, ring, commit(number), silence, drop_lock
    return take_lock, ring, commit(number), peek, silence, drop_lock


def taker(rules: Rules) -> Program:
    """A session that takes an address over from the one before it (`/clear`)."""
    ringing = () if rules.takes_over_without_ringing else (ring_new,)
    return (take_lock, *ringing, hold, forget_old, drop_lock)


def waiter(rules: Rules) -> Program:
    """`telex wait`: watch; look; if the bell rings, wait for the writer and look again; sleep until it moves."""

    def watch(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
        yield world._replace(moved=False), on(local)

    def look(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
        yield world, local._replace(at=DONE) if world.queued else on(local)

    def barrier(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
        if world.bell not in world.bells:
            yield world, local._replace(at=local.at + 2)
        elif rules.waits_without_barrier or not world.lock:
            yield world, on(local)

    def sleep(world: World, local: Local, me: str) -> Iterator[tuple[World, Local]]:
        if world.moved:
            yield world._replace(moved=False), local._replace(at=1)

    return watch, look, barrier, look, sleep
