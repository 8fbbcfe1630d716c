"""The simulated relay: its durable state, its transactions, and what can befall them.

Rules kept here: what is durable is one `Disk`, which a transaction replaces as a whole at its end; an answer is made
after the commit; numbers, admission and membership are decided by the rules that the real relay goes by.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.simulation.parts import Fuse, Item, Letter, Rules

from telex.core import sync
from telex.core.members import READER, Team

PAGE = 4  # entries in a page, few so that there are many pages


class Entry(NamedTuple):
    """One item in the log; a tombstone has a reason."""

    origin: str
    item: Item
    at: int
    reason: str


class Page(NamedTuple):
    """The answer to a pull."""

    scan: sync.Scan
    entries: list[Entry]
    team: Team


class Pushed(NamedTuple):
    """The answer to a push."""

    epoch: str
    last: int
    forked: bool
    refused: dict[int, str]
    now: int


class Disk:
    """What survives a crash."""

    def __init__(self, epoch: str, team: Team) -> None:
        self.epoch = epoch
        self.head = 0
        self.earliest = 1
        self.team = team
        self.log: dict[int, Entry] = {}
        self.last: dict[str, int] = {}
        self.placed: dict[tuple[str, int], int] = {}

    def copy(self) -> Disk:
        """The same again."""
        other = Disk(self.epoch, self.team)
        other.head, other.earliest = self.head, self.earliest
        other.log, other.last, other.placed = dict(self.log), dict(self.last), dict(self.placed)
        return other


class Relay:
    """The relay's process over its disk."""

    def __init__(self, rules: Rules, fuse: Fuse, team: Team) -> None:
        self.rules = rules
        self.fuse = fuse
        self.disk = Disk("e1", team)
        self.epochs = 1
        self.withheld: set[tuple[str, str]] = set()  # (machine, id) that a dishonest relay leaves out
        self.placements: dict[str, list[tuple[str, int]]] = {}  # where each letter ever was: epoch and number
        self.numbered: dict[tuple[str, int], set[str]] = {}  # what ever was under each number of an origin
        self.backups: list[tuple[int, Disk]] = []

    def push(self, machine: str, origin: str, items: list[Item], now: int) -> Pushed | None:
        """Take the next items of an origin; None is a refusal of the whole request."""
        member = self.disk.team.member(machine)
        if (member is None or member.role == READER) and "serves-removed" not in self.rules.habits:
            return None
        disk = self.disk.copy()
        forked = False
        for item in items:
            seq = disk.placed.get((origin, item.oseq))
            kept = disk.log[seq].item.letter.id if seq else None
            verdict = self.rules.admit(disk.last.get(origin, 0), item.oseq, item.letter.id, kept)
            self.fuse.point()
            if verdict == sync.KNOWN:
                continue
            if verdict != sync.APPEND:
                forked = verdict == sync.FORKED
                break
            reason = self._reason(disk, item.letter)
            if reason and "refused-blocks" in self.rules.habits:
                break
            self._append(disk, Entry(origin, item, now, reason))
        answer = self._pushed(disk, origin, items, forked, now)
        if "answers-first" in self.rules.habits and self.fuse._left >= 0:
            return answer  # and the crash comes before the commit
        self.fuse.point()
        self._commit(disk)
        self.fuse.point()
        return answer

    def _pushed(self, disk: Disk, origin: str, items: list[Item], forked: bool, now: int) -> Pushed:
        refused = {}
        for item in items:
            seq = disk.placed.get((origin, item.oseq))
            fresh = seq and (origin, item.oseq) not in self.disk.placed
            if seq and disk.log[seq].reason and (fresh or "refusal-told-once" not in self.rules.habits):
                refused[item.oseq] = disk.log[seq].reason
        return Pushed(disk.epoch, disk.last.get(origin, 0), forked, refused, now)

    def _append(self, disk: Disk, entry: Entry) -> None:
        disk.head += 1
        disk.log[disk.head] = entry
        disk.last[entry.origin] = entry.item.oseq
        disk.placed[entry.origin, entry.item.oseq] = disk.head

    def _commit(self, disk: Disk) -> None:
        for seq in range(self.disk.head + 1, disk.head + 1):
            origin, item = disk.log[seq].origin, disk.log[seq].item
            self.placements.setdefault(item.letter.id, []).append((disk.epoch, seq))
            self.numbered.setdefault((origin, item.oseq), set()).add(item.letter.id)
        self.disk = disk

    def _reason(self, disk: Disk, letter: Letter) -> str:
        if letter.bad:
            return "header-wrong"
        if not letter.record and not any(disk.team.member(one) for one in letter.to):
            return "nobody-there"
        return ""

    def pull(self, machine: str, epoch: str, after: int) -> Page | None:
        """What is there after a cursor; None is a refusal."""
        disk = self.disk
        if disk.team.member(machine) is None and "serves-removed" not in self.rules.habits:
            return None
        found: list[Entry] = []
        scanned = disk.head
        for seq in range(max(after + 1, disk.earliest), disk.head + 1):
            entry = disk.log[seq]
            letter = entry.item.letter
            if not (machine in letter.to or letter.record) or (machine, letter.id) in self.withheld:
                continue
            if len(found) == PAGE:
                scanned = disk.head if "cut-page" in self.rules.habits else seq - 1
                break
            found.append(entry)
        if "scanned-is-head" in self.rules.habits:
            scanned = disk.head + 1
        return Page(
            sync.Scan(epoch=disk.epoch, earliest=disk.earliest, scanned=scanned, head=disk.head), found, disk.team
        )

    # --- what befalls it ---

    def back_up(self, now: int) -> None:
        """Keep a copy."""
        self.backups.append((now, self.disk.copy()))

    def _new_epoch(self, disk: Disk) -> None:
        self.epochs += 1
        if "epoch-stays" not in self.rules.habits:
            disk.epoch = f"e{self.epochs}"
        self.disk = disk

    def restore(self, backup: Disk) -> None:
        """Go back to a copy. Who is in the team is known from its newest records."""
        disk = backup.copy()
        disk.team = self.disk.team
        self._new_epoch(disk)

    def wipe(self) -> None:
        """Begin with an empty log."""
        self._new_epoch(Disk(self.disk.epoch, self.disk.team))

    def trim(self, before: int) -> None:
        """Drop what was received before that time."""
        disk = self.disk.copy()
        while disk.earliest <= disk.head and disk.log[disk.earliest].at < before:
            gone = disk.log.pop(disk.earliest)
            del disk.placed[gone.origin, gone.item.oseq]
            disk.earliest += 1
        self.disk = disk
