"""A simulated machine: its durable state, its transactions, its link.

Rules kept here: what is durable is one `Disk`, which a transaction replaces as a whole at its end; between every two
steps the process may crash; what to do with an answer of the relay is decided by the rules of `telex.core`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

from tests.simulation.parts import RECEIPTS, Fuse, Item, Letter, Rules
from tests.simulation.relay import Entry, Page, Pushed

from telex.core import delivery, sync
from telex.core.members import Team

HERE, AT_RELAY, THERE = "waits here", "at the relay", "on its machine"
Make = Callable[["Host", str, tuple[tuple[str, str], ...]], Letter]  # receipts for a machine
KEEP = 150  # steps of time that a sent item stays in the outbox; no backup of the relay is older


class Row:
    """One item of the outbox; never changed, only replaced."""

    __slots__ = ("after", "letter", "sent")

    def __init__(self, letter: Letter, after: dict[str, int], sent: int = 0) -> None:
        self.letter = letter
        self.after = after
        self.sent = sent  # when the relay had it, by the relay's clock


class Disk:
    """What survives a crash."""

    def __init__(self, origin: str, team: Team) -> None:
        self.origin = origin
        self.team = team
        self.given = 0
        self.at_relay = 0
        self.epoch = ""
        self.cursor = 0
        self.anew = 0  # how often the log began anew, which the person is told
        self.outbox: dict[int, Row] = {}
        self.sent_to: dict[str, int] = {}
        self.had: dict[str, int] = {}
        self.inbox: dict[str, str] = {}
        self.order: list[str] = []
        self.mine: dict[tuple[str, str], tuple[str, str]] = {}
        self.reports: dict[str, str] = {}
        self.gaps: list[tuple[str, int, int]] = []
        self.trouble: list[tuple[str, str]] = []

    def copy(self) -> Disk:
        """The same again."""
        other = Disk.__new__(Disk)
        values = dict(self.__dict__)
        for name in ("outbox", "sent_to", "had", "inbox", "mine", "reports"):
            values[name] = dict(values[name])
        for name in ("order", "gaps", "trouble"):
            values[name] = list(values[name])
        other.__dict__ = values
        return other


class Host:
    """One installation: a machine's process over its disk."""

    def __init__(self, name: str, machine: str, rules: Rules, fuse: Fuse, rng: Random, disk: Disk) -> None:
        self.name = name
        self.machine = machine
        self.rules = rules
        self.fuse = fuse
        self.rng = rng
        self.disk = disk
        self.boot = 0
        self.clock = 0  # how far its clock is off
        self.relay_now = 0  # as the relay last told
        self.cut = False
        self.asked = {"push": False, "pull": False}
        self.snapshots: list[Disk] = []

    @contextmanager
    def write(self) -> Iterator[Disk]:
        """One transaction."""
        disk = self.disk.copy()
        yield disk
        self.fuse.point()
        self.disk = disk

    def crash(self) -> None:
        """Start again with what is on the disk."""
        self.boot += 1
        self.asked = {"push": False, "pull": False}

    # --- sessions ---

    def send(self, letter: Letter) -> None:
        """Store a message and its outbox row; when this returns it is sent."""
        with self.write() as disk:
            for machine in letter.to:
                disk.mine[letter.id, machine] = (delivery.QUEUED, HERE)
            if "outbox-apart" in self.rules.habits:
                self.disk = disk.copy()
            self.fuse.point()
            self._enqueue(disk, letter)

    def _enqueue(self, disk: Disk, letter: Letter) -> None:
        disk.given += 1
        self.fuse.point()
        disk.outbox[disk.given] = Row(letter, {one: disk.sent_to.get(one, 0) for one in letter.to})
        for one in letter.to:
            disk.sent_to[one] = disk.given

    def read(self) -> bool:
        """A session is shown the oldest that waits, or works on with what it was shown; False where nothing is."""
        for wanted, before in ((delivery.SHOWN, delivery.QUEUED), (delivery.READ, delivery.SHOWN)):
            for one in self.disk.order:
                if self.disk.inbox[one] == before and self.rules.allowed(before, wanted):
                    with self.write() as disk:
                        disk.inbox[one] = wanted
                        self.fuse.point()
                        disk.reports[one] = wanted
                    return True
        return False

    def report(self, letters: dict[str, Letter], make: Make) -> bool:
        """Tell one sender what became of its letters, if anything did: an item of the outbox like any other."""
        if not self.disk.reports:
            return False
        machine = letters[next(iter(self.disk.reports))].machine
        states = [one for one in self.disk.reports.items() if letters[one[0]].machine == machine]
        letter = make(self, machine, tuple(states))
        with self.write() as disk:
            self._enqueue(disk, letter)
            for name, _ in states:
                del disk.reports[name]
        return True

    # --- the link: out ---

    def offer(self) -> list[Item]:
        """The next items for the relay, as many as one request takes."""
        disk = self.disk
        waiting = [oseq for oseq in disk.outbox if oseq > disk.at_relay]
        if "by-clock" in self.rules.habits:
            waiting.sort(key=lambda oseq: disk.outbox[oseq].letter.id[::-1])
        else:
            waiting.sort()
        rows = [(oseq, disk.outbox[oseq]) for oseq in waiting]
        count = self.rules.batch([row.letter.size for _, row in rows]) if rows else 0
        return [Item(oseq, row.letter, row.after) for oseq, row in rows[:count]]

    def sent(self, items: list[Item]) -> None:
        """The request has left; nothing is known yet."""
        if items and "believes-at-once" in self.rules.habits:
            with self.write() as disk:
                disk.at_relay = items[-1].oseq

    def pushed(self, answer: Pushed, asked: int) -> None:
        """The relay has said how far it is."""
        self.relay_now = answer.now
        with self.write() as disk:
            first = min(disk.outbox, default=disk.given + 1)
            state = sync.Outgoing(epoch=disk.epoch, given=disk.given, at_relay=disk.at_relay, first=first)
            offered = self.rules.pushed(state, answer.epoch, answer.last, answer.forked, asked)
            self.fuse.point()
            if offered.renew:
                self._renew(disk)
                return
            disk.at_relay = offered.at_relay
            for oseq, row in list(disk.outbox.items()):
                if oseq <= disk.at_relay and not row.sent:
                    self._settle(disk, oseq, row, answer)
                elif oseq > disk.at_relay and row.sent:
                    disk.outbox[oseq] = Row(row.letter, row.after)
                    self._say(disk, row.letter, AT_RELAY, HERE)
            self._prune(disk)

    def _settle(self, disk: Disk, oseq: int, row: Row, answer: Pushed) -> None:
        disk.outbox[oseq] = Row(row.letter, row.after, answer.now)
        if oseq in answer.refused:
            for one in row.letter.to:
                if (row.letter.id, one) in disk.mine:
                    disk.mine[row.letter.id, one] = (delivery.REFUSED, answer.refused[oseq])
        else:
            self._say(disk, row.letter, HERE, AT_RELAY)

    def _say(self, disk: Disk, letter: Letter, before: str, after: str) -> None:
        for one in letter.to:
            if disk.mine.get((letter.id, one)) == (delivery.QUEUED, before):
                disk.mine[letter.id, one] = (delivery.QUEUED, after)

    def _prune(self, disk: Disk) -> None:
        """What the relay has had for long is not needed any more."""
        now = self.relay_now + (self.clock if "prunes-by-own-clock" in self.rules.habits else 0)
        keep = 0 if "drops-sent" in self.rules.habits else KEEP
        for oseq, row in list(disk.outbox.items()):
            if row.sent and now - row.sent >= keep:
                del disk.outbox[oseq]

    def _renew(self, disk: Disk) -> None:
        """A new origin, under which everything that the outbox has is offered."""
        rows = [disk.outbox[oseq] for oseq in sorted(disk.outbox)]
        disk.origin = f"{self.name}-{self.rng.getrandbits(60):x}"
        disk.outbox, disk.sent_to = {}, {}
        for oseq, row in enumerate(rows, 1):
            after = {one: disk.sent_to.get(one, 0) for one in row.letter.to}
            disk.outbox[oseq] = Row(row.letter, row.after if "old-chain" in self.rules.habits else after)
            disk.sent_to |= dict.fromkeys(row.letter.to, oseq)
            self._say(disk, row.letter, AT_RELAY, HERE)
        disk.given = len(rows)
        if "keeps-pointer" not in self.rules.habits:
            disk.at_relay = 0

    # --- the link: in ---

    def pulled(self, asked: int, page: Page) -> None:
        """A page has come: what is in it and the cursor are one transaction."""
        with self.write() as disk:
            before = sync.Incoming(epoch=disk.epoch, cursor=disk.cursor)
            taken = self.rules.pulled(before, asked, page.scan)
            disk.team = page.team
            if "cursor-first" in self.rules.habits:
                disk.epoch, disk.cursor = taken.state.epoch, taken.state.cursor
                self.disk = disk.copy()
            if taken.useful:
                for entry in page.entries:
                    self.fuse.point()
                    self._take(disk, entry)
            if taken.gap and "no-gap" not in self.rules.habits:
                disk.gaps.append((page.scan.epoch, *taken.gap))
            if taken.went_back:
                disk.anew += 1
                disk.at_relay = self.rules.again(disk.at_relay)
            if "items-first" in self.rules.habits:
                self.disk = disk.copy()
            self.fuse.point()
            disk.epoch, disk.cursor = taken.state.epoch, taken.state.cursor

    def _take(self, disk: Disk, entry: Entry) -> None:
        letter = entry.item.letter
        if letter.machine == self.machine:
            return
        if letter.record and not disk.team.machines[self.machine].role_at(letter.record):
            return  # to every machine, from before this one was in the team
        how = self._follow(disk, entry)
        if entry.reason:
            return
        if letter.kind == RECEIPTS:
            self._settle_receipts(disk, letter)
        elif how == sync.AGAIN and "trusts-numbers" in self.rules.habits:
            return
        elif not self._known(disk, letter.id):
            disk.order.append(letter.id)
            disk.inbox[letter.id] = delivery.QUEUED
            disk.reports[letter.id] = delivery.QUEUED

    def _follow(self, disk: Disk, entry: Entry) -> str:
        had = disk.had.get(entry.origin, 0)
        after = entry.item.after.get(self.machine, 0)
        how = self.rules.follows(had, after, entry.item.oseq)
        if how in (sync.MISSING, sync.BRANCHED):
            disk.trouble.append((entry.origin, how))
        disk.had[entry.origin] = max(had, entry.item.oseq)
        return how

    def _known(self, disk: Disk, name: str) -> bool:
        if "no-dedupe" in self.rules.habits:
            return False
        return name in (disk.order[-3:] if "short-memory" in self.rules.habits else disk.inbox)

    def _settle_receipts(self, disk: Disk, letter: Letter) -> None:
        for name, state in letter.states:
            key = (name, letter.machine)
            if key not in disk.mine:
                continue
            current = disk.mine[key]
            if current[0] == delivery.QUEUED and state == delivery.QUEUED:
                disk.mine[key] = (delivery.QUEUED, THERE)
            elif self.rules.allowed(current[0], state):
                disk.mine[key] = (state, THERE)
