"""The team as this machine knows it: verified here, record by record, whatever the relay says.

Rules kept here:
- a record counts once it was checked against all before it; what was taken over is never given up, so a relay that
  shows a shorter or another chain is found out, and said;
- the key of an epoch is the one that the chain commits to, or none;
- after a removal nothing is sealed with an older key; without the new one this machine waits;
- an owner gives the relay back what it has lost of the chain: the records are signed, so anybody may carry them.
"""

from __future__ import annotations

import time

from telex import limits
from telex.core.members import ADD, OWNER, REMOVE, ROLE, ROTATE, Machine, Team
from telex.db.connection import Store
from telex.errors.between import ChainBroken, EnvelopeRefused, RelayRefused, TeamKeyMissing
from telex.link import chain, keys, seal
from telex.link.http import Relay
from telex.link.keys import MachineKeys
from telex.link.seal import Opened
from telex.team import alerts, chain_store, directory
from telex.team import link_state as linking
from telex.wire import api, records
from telex.wire.envelope import Header, Payload
from telex.wire.records import Grant, Signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Made = Callable[[Team], api.Append]  # the next record, for the team as it is


class Membership:
    """This machine's team, its keys, and its own place in it."""

    def __init__(self, db: Store, own: MachineKeys) -> None:
        self.db = db
        self.own = own
        self._keys: dict[int, bytes] = {}
        self.team: Team = chain.kept(db)

    @property
    def me(self) -> Machine | None:
        """This machine in the team; None once it was removed."""
        return self.team.member(self.own.machine)

    @property
    def count(self) -> int:
        """How many records are known here."""
        return self.team.n + 1

    def key(self, epoch: int) -> bytes:
        """The team's key of an epoch. Raises TeamKeyMissing."""
        if epoch not in self._keys:
            self._keys[epoch] = keys.team(self.db.home, epoch)
        return self._keys[epoch]

    def seal(self, header: Header, payload: Payload) -> tuple[bytes, bytes]:
        """The header as it travels, and what is sealed. Raises TeamKeyMissing."""
        return seal.seal(self.own, self.key(header.key), header, payload)

    def open(self, header: bytes, sealed: bytes) -> Opened:
        """What another machine sealed for this one. Raises EnvelopeRefused, EnvelopeEarly, TeamKeyMissing."""
        return seal.open_(self.team, self.own.machine, self.key, header, sealed)

    def take(self, given: api.Records, now_ms: int) -> bool:
        """Take over new records and keys; whether there was any new record. Raises ChainBroken: nothing was taken."""
        count, (team, new) = self.count, chain.extended(self.team, self.count, given.records)
        for one in given.grants:
            self._take_key(team, one, now_ms)
        if not new:
            return False
        with self.db.write():
            self._catch_up()  # another process of this machine may have taken some of it over
            if self.team.n < team.n:
                before, (self.team, new) = self.team, chain.extended(self.team, self.count, given.records)
                chain_store.keep(self.db, self.team, new)
                self._apply(before, self.team, now_ms)
        return self.count > count

    def _catch_up(self) -> None:
        team = chain.replayed(chain_store.records(self.db)[self.count :], self.team)
        assert team is not None
        self.team = team

    def _apply(self, before: Team, team: Team, now_ms: int) -> None:
        """What follows from new records here. Inside a write."""
        me = team.machines.get(self.own.machine)
        if me and not me.removed:
            linking.set_role(self.db, me.role)
        for one in team.machines.values():
            if one.removed and not before.machines.get(one.id, one).removed and one.id != self.own.machine:
                directory.forget(self.db, one.id, now_ms)
        if words := chain.changes(before, team, self.own.machine):
            alerts.tell(self.db, f"the team {team.name}: {words}", now_ms)

    def _take_key(self, team: Team, given: Grant, now_ms: int) -> None:
        """Keep a key that was given, unless it is here. A wrong one is said and passed over."""
        try:
            keys.team(self.db.home, given.key)
            return
        except TeamKeyMissing:
            pass
        try:
            keys.keep_team(self.db.home, given.key, seal.granted(self.own, team, given))
        except EnvelopeRefused as problem:
            with self.db.write():
                alerts.note(self.db, alerts.KEY, str(problem.facts["machine"]), problem.message, now_ms)


# --- what an owner does -----------------------------------------------------------------------------------


async def add(relay: Relay, own: Membership, new: records.Machine) -> None:
    """Take a machine into the team. Raises RemoteFault."""

    def made(team: Team) -> api.Append:
        epoch = team.key
        to = Machine(id=new.id, name=new.name, role=new.role, sign=new.sign, seal=new.seal, added=0, roles=())
        given = seal.grant(own.own, team.id, epoch, own.key(epoch), to)
        return api.Append(record=chain.following(own.own, team, ADD, new), grants=[given])

    await _append(relay, own, made)


async def set_role(relay: Relay, own: Membership, machine: Machine, role: str) -> None:
    """Give a machine another role; the one that it has is none. Raises RemoteFault."""
    if own.team.machines[machine.id].role == role:
        return
    new = chain.said(machine.id, machine.name, role, machine.sign, machine.seal)
    await _append(relay, own, lambda team: api.Append(record=chain.following(own.own, team, ROLE, new)))


async def remove(relay: Relay, own: Membership, machine: Machine) -> None:
    """Put a machine out of the team: it gets no later key. Raises RemoteFault."""
    said = chain.said(machine.id, machine.name, machine.role, machine.sign, machine.seal)
    await _renew(relay, own, REMOVE, said, machine.id)


async def rotate(relay: Relay, own: Membership) -> None:
    """Give the team a new key. Raises RemoteFault."""
    me = own.team.machines[own.own.machine]
    await _renew(relay, own, ROTATE, chain.said(me.id, me.name, me.role, me.sign, me.seal), "")


async def _renew(relay: Relay, own: Membership, act: str, about: records.Machine, without: str) -> None:
    """Append a record that begins a key, which all but one machine are given."""
    key = keys.new_team_key()

    def made(team: Team) -> api.Append:
        stay = [one for one in team.members() if one.id != without]
        given = [seal.grant(own.own, team.id, team.key + 1, key, one) for one in stay]
        return api.Append(record=chain.following(own.own, team, act, about, commit=keys.commitment(key)), grants=given)

    await _append(relay, own, made)


async def refresh(relay: Relay, own: Membership, now_ms: int = 0) -> bool:
    """Fetch and verify what is new of the chain; whether there was any.

    Raises ChainBroken, which is noted as trouble, and RemoteFaults.
    """
    now_ms, before = now_ms or int(time.time() * 1000), own.count
    try:
        while own.take(await relay.ask("records", query={"after": own.count}), now_ms):
            pass  # the relay cuts what is long
        return own.count > before
    except ChainBroken as problem:
        with own.db.write():
            alerts.note(own.db, alerts.CHAIN, "", problem.message, now_ms)
        raise


async def give_back(relay: Relay, own: Membership, known: int, now_ms: int = 0) -> None:
    """The relay has only `known` records, fewer than are verified here: say so, and, as an owner, give it the rest.

    Raises RemoteFault where the relay's chain is not the beginning of ours.
    """
    words = f"the relay has lost {own.count - known} of the {own.count} records of the team's membership"
    with own.db.write():
        alerts.note(own.db, alerts.CHAIN, "", words, now_ms or int(time.time() * 1000))
    if own.me is None or own.me.role != OWNER:
        return
    rows = chain_store.records(own.db)
    for number, body, signature in rows[known:]:
        team = chain.replayed(rows[: number + 1])
        assert team is not None
        given = _grants_of(own, team, number)
        await relay.ask("append", api.Append(record=Signed(body=body, signature=signature), grants=given))


def _grants_of(own: Membership, team: Team, number: int) -> list[Grant]:
    """The grants that belong to a record, made anew: of its key for all, or for the machine that it added."""
    began = team.key_at(number - 1) < team.key
    to = [one for one in team.members() if began or one.added == number]
    try:
        return [seal.grant(own.own, team.id, team.key, own.key(team.key), one) for one in to]
    except TeamKeyMissing:
        return []


async def _append(relay: Relay, own: Membership, made: Made) -> None:
    """Append a record, and take it over; made anew where another owner was quicker."""
    for _ in range(limits.CHAIN_TRIES):
        await refresh(relay, own)
        try:
            await relay.ask("append", made(own.team))
        except RelayRefused as problem:
            if problem.facts["code"] != "chain-conflict":
                raise
            continue
        await refresh(relay, own)
        return
    raise ChainBroken(n=own.count, problem="other owners change the team at the same time")
