"""Who is where: this machine's roster goes out when it changed, the others' come in.

Rules kept here: who came or went is told at once, and wakes the team; who is busy is told every few seconds at most,
and wakes nobody; that a session's process is gone is heard from the kernel, where it tells; whether a machine is there
at all is known from its polls, so an unchanged roster is not sent again; times are the relay's, put into this
machine's clock; a roster that does not open leaves the one before it.
"""

from __future__ import annotations

import asyncio
import os
import time

import msgspec

from telex import limits
from telex.errors.between import EnvelopeRefused, RelayRefused, TeamKeyMissing
from telex.fs import processes
from telex.link import seal
from telex.link.context import Line, first_of
from telex.mail import addresses
from telex.team import alerts, directory, forwarding
from telex.team import link_state as linking
from telex.team.link_state import Link
from telex.wire import api
from telex.wire.envelope import Resident, Roster


class Presence:
    """The task that tells who is here and asks who is there."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._told: tuple[str, int, list[Resident]] | None = None  # in which epoch, under which key, whom
        self._told_s = self._asked_s = -limits.PRESENCE_LOOK_SECONDS * 1.0  # when, by this process's clock
        self._late = False  # what changed has not been told yet
        self._ends: dict[int, int] = {}  # for the process of each session, what becomes readable when it ends

    async def step(self) -> None:
        """Tell and ask, then sleep until somebody comes or goes, here or there. Raises RemoteFault, StoreFault."""
        line = self.line
        line.residing.clear()
        linked = line.link()
        if linked.role != linking.READER:
            await self._tell(linked)
        if line.heard.is_set() or time.monotonic() - self._asked_s >= limits.PRESENCE_LOOK_SECONDS:
            line.heard.clear()
            try:
                await self._ask(linked)
            except BaseException:
                line.heard.set()
                raise
            self._asked_s = time.monotonic()
        await first_of(line.over, seconds=limits.PRESENCE_LEAST_SECONDS)
        rest = limits.PRESENCE_STATES_SECONDS if self._late else limits.PRESENCE_LOOK_SECONDS
        await first_of(line.residing, line.heard, line.over, seconds=rest)

    def close(self) -> None:
        """Listen to no process any more."""
        self._listen(set())

    async def _tell(self, linked: Link) -> None:
        line, own = self.line, self.line.own
        self._listen({pid for one, _ in addresses.living(line.db) for pid in (one.pid, one.twin_pid) if pid > 0})
        found = directory.mine(line.db, line.now_ms())
        here = [
            Resident(
                name=one.name,
                kind=one.kind,
                client=one.client,
                state=one.state,
                channels=one.channels[: limits.ROSTER_CHANNELS],
            )
            for one in found
        ]
        key = own.team.key
        now = (linked.epoch, key, here)
        news = self._told is None or self._told[:2] != now[:2] or _who(self._told[2]) != _who(here)
        self._late = now != self._told and not news and time.monotonic() - self._told_s < limits.PRESENCE_STATES_SECONDS
        if now == self._told or self._late:
            return
        sealed = self._sealed(key, here)
        try:
            await line.relay.ask("roster", api.SetRoster(key=key, sealed=sealed, news=news))
        except RelayRefused as problem:
            if problem.facts["code"] != "roster-old":  # an answer that was lost: the next one is newer again
                raise
        self._told, self._told_s = now, time.monotonic()
        line.log.line(f"presence: {len(here)} names told")

    def _listen(self, pids: set[int]) -> None:
        """Have the kernel say when one of these processes ends, where it can: a session that is killed says nothing."""
        if not hasattr(os, "pidfd_open"):
            return
        loop = asyncio.get_running_loop()
        for pid in set(self._ends) - pids:
            fd = self._ends.pop(pid)
            loop.remove_reader(fd)
            os.close(fd)
        for pid in pids - set(self._ends):
            try:
                fd = self._ends[pid] = os.pidfd_open(pid)
            except OSError:
                continue  # it is gone already, or this system does not say
            loop.add_reader(fd, self._ended, fd)

    def _ended(self, fd: int) -> None:
        asyncio.get_running_loop().remove_reader(fd)
        self.line.residing.set()

    def _sealed(self, key: int, here: list[Resident]) -> bytes:
        """The roster, with as many names as one may have; those that are here now come first."""
        own = self.line.own
        while True:
            roster = Roster(at_ms=self.line.now_ms(), residents=here)
            sealed = seal.seal_roster(own.own, own.team.id, key, own.key(key), roster)
            if len(sealed) <= limits.RELAY_ROSTER_BYTES:
                return sealed
            here = here[: len(here) // 2]

    async def _ask(self, linked: Link) -> None:
        line = self.line
        given: api.Rosters = await line.relay.ask("rosters", query={"after": linked.rosters})
        ahead_ms = line.relay.skew_ms
        opened = [(one, self._opened(one)) for one in given.rosters if one.machine != line.own.own.machine]
        come: list[str] = []
        channels: list[str] = []
        with line.db.write():
            if linking.load(line.db) is None:
                return
            for listed, roster in opened:
                if isinstance(roster, Roster):
                    residents = [directory.Resident(**msgspec.structs.asdict(one)) for one in roster.residents]
                    directory.replace(line.db, listed.machine, residents, listed.received_ms - ahead_ms)
                    come += [one.name for one in residents]
                    channels += [channel for one in residents for channel in one.channels]
                elif roster:
                    alerts.note(line.db, alerts.REFUSED, "", roster, line.now_ms())
            # 0 is a machine that the relay has not heard of yet, in whatever clock
            seen = {machine: max(0, at_ms - ahead_ms) if at_ms else 0 for machine, at_ms in given.seen_ms.items()}
            directory.seen(line.db, seen)
            line.db.run("link.set_rosters", given.n)
            went = forwarding.follow(line.db, come, line.now_ms())
            went += forwarding.follow_channels(line.db, channels, line.now_ms())
        if went:
            line.log.line(f"presence: {went} messages went on to those who have come")

    def _opened(self, listed: api.Listed) -> Roster | str:
        """A roster; or why it is none, where that is to be said."""
        own = self.line.own
        try:
            return seal.open_roster(own.team, listed.machine, listed.key, own.key, listed.sealed)
        except TeamKeyMissing:
            return ""
        except EnvelopeRefused as problem:
            return problem.message if own.team.member(listed.machine) else ""


def _who(here: list[Resident]) -> list[tuple[str, str, bool, list[str]]]:
    """What of a roster is news: names, whether they are there, and their channels; not who is busy."""
    return [(one.name, one.kind, one.state == processes.OFFLINE, one.channels) for one in here]
