"""What a simulated history must hold to, each with a verdict of its own.

Rules kept here: what a fault excuses is excused by what is visible of it (a gap that was recorded, a refusal that was
told, a disk that was put back), never because it is inconvenient; in a history without such faults nothing is.

    lost        committed, and at its end in no inbox, without a reason that somebody was shown
    duplicated  twice in one inbox, or an item twice in one log
    unexpected  in an inbox for which nobody sent it, or from after a removal
    unknown     its sender was never told whether it was sent, and it came
    order       of one sender, out of the order in which it was sent
    state       a sender believes what is not so
    stuck       not everything was carried through, though nothing is in the way
    alarm       trouble was reported, and there was none
    replay      taking in the log once more changed something
"""

from __future__ import annotations

from tests.simulation.host import Host
from tests.simulation.parts import LETTER, Letter
from tests.simulation.world import HARD, World

from telex.core import delivery


def judge(world: World) -> list[str]:
    """Every violation, as "verdict: what"."""
    found: list[str] = []
    for host in world.hosts:
        found += [f"{kind}: {words} at {host.name}" for kind, words in _of_inbox(world, host)]
        if world.relay.disk.team.member(host.machine):
            found += [f"lost: {words}" for words in _lost(world, host)]
            found += [f"{kind}: {words} at {host.name}" for kind, words in _of_link(world, host)]
            found += [f"state: {words} at {host.name}" for words in _states(world, host)]
    found += _of_log(world)
    if not found:
        found += _of_replay(world)
    return found


def _of_inbox(world: World, host: Host) -> list[tuple[str, str]]:
    disk = host.disk
    found = []
    if len(disk.order) != len(set(disk.order)):
        found.append(("duplicated", "a message is twice in the inbox"))
    last: dict[str, int] = {}
    for name in disk.order:
        letter = world.committed.get(name)
        if letter is None:
            found.append(("unknown" if name in world.letters else "unexpected", name))
            continue
        if host.machine not in letter.to:
            found.append(("unexpected", f"{name} is not for it"))
        if host.machine == world.removed and letter.number > world.after_removal:
            found.append(("unexpected", f"{name} was sent after its removal"))
        if name in world.undone:  # its sender's disk was put back, and a copy of it may still have sent it
            continue
        if letter.number < last.get(letter.host, 0) and not _gapped(world, host, letter):
            found.append(("order", f"{name} came after a later one"))
        last[letter.host] = max(letter.number, last.get(letter.host, 0))
    return found


def _gapped(world: World, host: Host, letter: Letter) -> bool:
    """Whether this machine recorded that it missed where the letter was; a log that went back keeps its numbers."""
    places = world.relay.placements.get(letter.id, [])
    return any(
        (epoch == gap[0] or gap[1] == 1) and gap[1] <= seq <= gap[2] for epoch, seq in places for gap in host.disk.gaps
    )


def _lost(world: World, host: Host) -> list[str]:
    return [
        f"{letter.id} of {letter.host} for {host.name}"
        for letter in world.committed.values()
        if host.machine in letter.to
        and letter.kind == LETTER
        and letter.id not in host.disk.inbox
        and not _excused(world, host, letter)
    ]


def _excused(world: World, host: Host, letter: Letter) -> bool:
    sender = next(one for one in world.hosts if one.name == letter.host)
    if letter.id in world.undone or sender.machine == world.removed or _left_branch(world, letter):
        return True
    told = sender.disk.mine.get((letter.id, host.machine), ("", ""))
    if letter.bad and told[0] == delivery.REFUSED:
        return True
    if (host.machine, letter.id) in world.relay.withheld:
        return _noticed(world, host, letter)
    return _gapped(world, host, letter) or (letter.id in world.dropped and host.disk.anew > 0)


def _left_branch(world: World, letter: Letter) -> bool:
    """Whether the relay was put back to what a machine had sent before its own disk was: one number then has two
    messages, and nobody can tell (docs/protocol/sync.md says so)."""
    both = {"roll-back", "restore"} <= world.faults_were
    return both and any(letter.id in some and len(some) > 1 for some in world.relay.numbered.values())


def _noticed(world: World, host: Host, letter: Letter) -> bool:
    """Whether what the relay left out was noticed, where anything later of the same origin came."""
    suspects = {origin for origin, _ in host.disk.trouble}
    for entry in world.relay.disk.log.values():
        if entry.item.letter.id == letter.id and host.disk.had.get(entry.origin, 0) > entry.item.oseq:
            return entry.origin in suspects
    return True


def _of_link(world: World, host: Host) -> list[tuple[str, str]]:
    disk, relay = host.disk, world.relay.disk
    found = []
    if disk.epoch == relay.epoch and disk.cursor > relay.head:
        found.append(("stuck", "the cursor is beyond the head"))
    if (disk.epoch, disk.cursor) != (relay.epoch, relay.head):
        found.append(("stuck", f"it has read to {disk.epoch} {disk.cursor} of {relay.epoch} {relay.head}"))
    if disk.at_relay != disk.given:
        found.append(("stuck", f"it has pushed {disk.at_relay} of {disk.given}"))
    if not world.faults_were & set(HARD) - {"clone", "roll-back", "remove"} and disk.trouble:
        found.append(("alarm", str(disk.trouble)))
    return found


def _states(world: World, host: Host) -> list[str]:
    """What a sender believes of its messages, where nobody's disk was put back or copied."""
    if world.silent or world.faults_were & {"roll-back", "clone", "trim", "withhold", "remove", "restore", "wipe"}:
        return []
    found = []
    for (name, machine), (state, where) in host.disk.mine.items():
        other = next(one for one in world.hosts if one.machine == machine)
        letter = world.letters[name]
        really = other.disk.inbox.get(name, delivery.REFUSED if letter.bad else "nowhere")
        if state != really:
            found.append(f"{name} is {state} ({where}), and really {really}")
    return found


def _of_log(world: World) -> list[str]:
    seen = set()
    found = []
    for seq, entry in world.relay.disk.log.items():
        if (entry.origin, entry.item.oseq) in seen:
            found.append(f"duplicated: {entry.origin} {entry.item.oseq} is twice in the log, at {seq}")
        seen.add((entry.origin, entry.item.oseq))
    return found


def _of_replay(world: World) -> list[str]:
    """Reading any part of the log again changes nothing."""
    host = world.rng.choice(world.hosts)
    if host.disk.epoch != world.relay.disk.epoch or not world.relay.disk.team.member(host.machine):
        return []
    before = (host.disk.inbox, host.disk.order, host.disk.mine)
    again = host.disk.copy()
    again.cursor = world.rng.randint(0, again.cursor)
    host.disk = again
    while host.disk.cursor < world.relay.disk.head:
        page = world.relay.pull(host.machine, host.disk.epoch, host.disk.cursor)
        assert page is not None
        host.pulled(host.disk.cursor, page)
        if before != (host.disk.inbox, host.disk.order, host.disk.mine):
            return [f"replay: {host.name} is not as it was"]
    return []
