"""Who is where: this machine's roster goes out when it changed, the others' come in.

Rules kept here: a roster goes out no more often than every few seconds, however often a session's state moves; whether
a machine is there at all is known from its polls, so an unchanged roster is not sent again; times are the relay's,
put into this machine's clock; a roster that does not open leaves the one before it.
"""

from __future__ import annotations

import msgspec

from telex import limits
from telex.errors.between import EnvelopeRefused, RelayRefused, TeamKeyMissing
from telex.link import seal
from telex.link.line import Line, first_of
from telex.store import link as linking
from telex.store import rosters, trouble
from telex.store.link import Link
from telex.wire import api
from telex.wire.envelope import Resident, Roster


class Presence:
    """The task that tells who is here and asks who is there."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self._told: tuple[str, int, list[Resident]] | None = None  # in which epoch, under which key, whom

    async def step(self) -> None:
        """Tell and ask, then sleep until somebody comes or goes. Raises RemoteFault, StoreFault."""
        line = self.line
        line.residing.clear()
        linked = line.link()
        if linked.role != linking.READER:
            await self._tell(linked)
        await self._ask(linked)
        await first_of(line.over, seconds=limits.PRESENCE_LEAST_SECONDS)
        await first_of(line.residing, line.over, seconds=limits.PRESENCE_LOOK_SECONDS)

    async def _tell(self, linked: Link) -> None:
        line, own = self.line, self.line.own
        found = rosters.mine(line.db, line.now_ms())
        here = [
            Resident(name=one.name, kind=one.kind, client=one.client, state=one.state, channels=one.channels)
            for one in found
        ]
        now = (linked.epoch, own.team.key, here)
        if now == self._told:
            return
        key = own.team.key
        sealed = self._sealed(key, here)
        try:
            await line.relay.ask("roster", api.SetRoster(key=key, sealed=sealed))
        except RelayRefused as problem:
            if problem.facts["code"] != "roster-old":  # an answer that was lost: the next one is newer again
                raise
        self._told = now
        line.log.line(f"presence: {len(here)} names told")

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
        with line.db.write():
            if linking.load(line.db) is None:
                return
            for listed, roster in opened:
                if isinstance(roster, Roster):
                    residents = [rosters.Resident(**msgspec.structs.asdict(one)) for one in roster.residents]
                    rosters.replace(line.db, listed.machine, residents, listed.received_ms - ahead_ms)
                elif roster:
                    trouble.note(line.db, trouble.REFUSED, "", roster, line.now_ms())
            rosters.seen(line.db, {machine: at_ms - ahead_ms for machine, at_ms in given.seen_ms.items()})
            line.db.run("link.set_rosters", given.n)

    def _opened(self, listed: api.Listed) -> Roster | str:
        """A roster; or why it is none, where that is to be said."""
        own = self.line.own
        try:
            return seal.open_roster(own.team, listed.machine, listed.key, own.key, listed.sealed)
        except TeamKeyMissing:
            return ""
        except EnvelopeRefused as problem:
            return problem.message if own.team.member(listed.machine) else ""
