"""Who is at the other machines of the team, as they last said; and what this one says of itself.

Rules kept here: a machine's roster is replaced whole; its times are put into this machine's clock when it comes, and
whoever is shown a presence is told how old it is; a machine that was removed has nobody; a name that was here not long
ago is listed too, because mail waits for it there.
"""

from __future__ import annotations

from telex import limits
from telex.core import names, text
from telex.core.record import Record
from telex.db.connection import Store
from telex.fs import processes
from telex.mail import addresses
from telex.team import link_state

_HOUR_MS = 3_600_000


class Resident(Record):
    """One name of a machine."""

    name: str
    kind: str  # session or person
    client: str
    state: str  # busy, idle or offline; '' for the person
    channels: list[str]


class Elsewhere(Record):
    """One name at another machine, and when that was so."""

    machine: str
    machine_name: str
    name: str
    kind: str
    client: str
    state: str
    heard_ms: int  # when its machine last said so, or was there without saying otherwise

    @property
    def address(self) -> str:
        """frontend@alice-laptop."""
        return names.at_machine(self.name, self.machine_name)

    def state_at(self, now_ms: int) -> str:
        """What it is now, as far as can be told: offline where its machine has not been heard of for a while."""
        return processes.OFFLINE if self.kind == "session" and self._silent(now_ms) else self.state

    def words(self, now_ms: int) -> str:
        """What is known of it: "idle there 40s ago"."""
        ago = text.age(now_ms - self.heard_ms)
        when = "now" if ago == "now" else f"{ago} ago"
        if self._silent(now_ms):
            return f"{self.machine_name} was last heard of {when}"
        return f"the person there, {when}" if self.kind == "person" else f"{self.state or 'known'} there {when}"

    def _silent(self, now_ms: int) -> bool:
        return now_ms - self.heard_ms >= limits.PRESENCE_STALE_SECONDS * 1000


class Machine(Record):
    """A machine of the team."""

    id: str
    name: str
    role: str
    removed: int
    roster_ms: int
    seen_ms: int


def machine(db: Store, name: str) -> Machine | None:
    """The machine of that name that is in the team now."""
    row = db.row("rosters.machine_named", name)
    return Machine.of_row(row) if row else None


def machine_by_id(db: Store, number: str) -> Machine | None:
    """The machine with that id, also one that was removed."""
    row = db.row("rosters.machine", number)
    return Machine.of_row(row) if row else None


def machines(db: Store) -> list[Machine]:
    """Every machine that is in the team now, this one too."""
    return [Machine.of_row(row) for row in db.rows("rosters.machines")]


def find(db: Store, name: str) -> list[Elsewhere]:
    """Where in the team that name is."""
    return [Elsewhere.of_row(row) for row in db.rows("rosters.find", name)]


def at(db: Store, machine_id: str, name: str) -> Elsewhere | None:
    """What is known of a name at a machine."""
    return next((one for one in find(db, name) if one.machine == machine_id), None)


def everybody(db: Store) -> list[Elsewhere]:
    """Everybody at the other machines."""
    return [Elsewhere.of_row(row) for row in db.rows("rosters.everybody")]


def members(db: Store, channel: str) -> list[Elsewhere]:
    """The members of a channel at the other machines."""
    return [Elsewhere.of_row(row) for row in db.rows("rosters.members", channel)]


def channels(db: Store) -> dict[str, list[str]]:
    """The channels that have members at other machines, each with those."""
    found: dict[str, list[str]] = {}
    for channel, name, machine_name in db.rows("rosters.channels"):
        found.setdefault(channel, []).append(names.at_machine(name, machine_name))
    return found


def replace(db: Store, machine_id: str, residents: list[Resident], heard_ms: int) -> None:
    """Take a machine's roster, made at `heard_ms` by this machine's clock. Inside a write. What does not fit the
    grammar of names is left out."""
    db.run("rosters.drop_residents", machine_id)
    db.run("rosters.drop_channels", machine_id)
    for one in residents[: limits.ROSTER_RESIDENTS]:
        if not names.is_name(one.name) or one.name in names.RESERVED or one.kind not in ("session", "person"):
            continue
        client = names.slug(one.client, default="")
        state = one.state if one.state in (processes.BUSY, processes.IDLE, processes.OFFLINE) else ""
        db.run("rosters.add", machine_id, one.name, one.kind, client, state)
        for channel in one.channels[: limits.ROSTER_CHANNELS]:
            if names.is_name(channel):
                db.run("rosters.add_channel", channel, machine_id, one.name)
    db.run("rosters.heard", heard_ms, machine_id)


def seen(db: Store, heard: dict[str, int]) -> None:
    """When the relay last heard of each machine, by this machine's clock. Inside a write."""
    for machine_id, at_ms in heard.items():
        db.run("rosters.seen", at_ms, machine_id)


def forget(db: Store, machine_id: str, now_ms: int) -> None:
    """A machine is in the team no more: nobody is there, and what did not come to it is closed. Inside a write."""
    db.run("rosters.drop_residents", machine_id)
    db.run("rosters.drop_channels", machine_id)
    db.run("rosters.drop_arrivals", machine_id)
    db.run("receipts.drop_finals_for", machine_id)
    if found := machine_by_id(db, machine_id):
        link_state.close_open(db, found.name, f"{found.name} was removed from the team", now_ms)


def mine(db: Store, now_ms: int) -> list[Resident]:
    """Who is here, to be told to the team: who lives, the person, and who was here not long ago."""
    living = {place.id: session for session, place in addresses.living(db)}
    found = []
    for row in list(db.rows("rosters.mine", now_ms - limits.ROSTER_PAST_HOURS * _HOUR_MS)):
        place = addresses.Address.of_row(row[:6])
        session = living.get(place.id)
        state = ""
        if place.kind == "session":
            busy = session and processes.Turns(db.home, place.bell).busy
            state = processes.BUSY if busy else processes.IDLE if session else processes.OFFLINE
        joined = [name for name, on_purpose in db.rows("rosters.channels_of", place.id) if session or on_purpose]
        one = Resident(name=place.name, kind=place.kind, client=row[6], state=state, channels=sorted(joined))
        found.append((session is None and place.kind == "session", one))
    found.sort(key=lambda pair: pair[0])  # who is here comes first, where not all are told
    return [one for _, one in found[: limits.ROSTER_RESIDENTS]]
