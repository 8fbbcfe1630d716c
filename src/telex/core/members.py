"""Who belongs to a team: the rules of the membership chain, for the relay and every machine alike.

Rules kept here:
- a team is what its chain of records says, from the first one on; each record names the one before it by digest;
- only an owner changes anything, by its own signature, as the owner that it was before that record;
- a machine that was removed never comes back; ids and keys are used once, names once at a time;
- nobody removes itself, and an owner always remains: whoever makes the new key of the team must stay in it;
- whoever is removed knows no later key: a removal begins a new key epoch, and each epoch has a key of its own.
Signatures are checked by the caller's function, so that nothing here needs a library.
"""

from __future__ import annotations

from _blake2 import blake2b

from telex import limits
from telex.core import names
from telex.core.record import Record
from telex.errors import NameInvalid, NameReserved
from telex.errors.between import ChainBroken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[bytes, bytes, bytes], bool]  # public key, the record's body, signature

FOUND, ADD, ROLE, REMOVE, ROTATE = "found", "add", "role", "remove", "rotate"
OWNER, MEMBER, READER = "owner", "member", "reader"
ROLES = (OWNER, MEMBER, READER)
VERSION = 1
FIRST_KEY = 1
KEY_BYTES = 32  # of a public key
ID_DIGITS, DIGEST_DIGITS = 32, 64

_HEX = frozenset("0123456789abcdef")


class Saying(Record):
    """A machine, as a record says it."""

    id: str
    name: str
    role: str
    sign: bytes
    seal: bytes


class Said(Record):
    """What a record says, decoded."""

    v: int
    team: str
    n: int
    prev: str
    by: str
    act: str
    machine: Saying
    key: int
    commit: str
    team_name: str


class Machine(Record):
    """One machine that a team has or had."""

    id: str
    name: str
    role: str  # now, or when it was removed
    sign: bytes
    seal: bytes
    added: int  # by the record of that number
    removed: int = 0  # likewise; 0 is still in
    roles: tuple[tuple[int, str], ...]  # each role from the record of that number on

    def role_at(self, n: int) -> str:
        """Its role after the record of that number; '' before it was added and from its removal on."""
        if n < self.added or (self.removed and n >= self.removed):
            return ""
        return next(role for since, role in reversed(self.roles) if since <= n)


class Team(Record):
    """A team after the newest record of its chain."""

    id: str
    name: str
    n: int  # the newest record's number
    newest: str  # its digest
    first: str  # the digest of the record that founded it
    machines: dict[str, Machine]
    epochs: tuple[tuple[int, str], ...]  # for each key, from 1 on: the record that began it, and its commitment

    @property
    def key(self) -> int:
        """The epoch of the team's key now."""
        return len(self.epochs)

    def key_at(self, n: int) -> int:
        """The epoch of the key after the record of that number."""
        return sum(since <= n for since, _ in self.epochs)

    def commit(self, key: int) -> str:
        """What the key of an epoch must hash to; '' for an epoch that there is not."""
        return self.epochs[key - 1][1] if 0 < key <= len(self.epochs) else ""

    def member(self, machine: str) -> Machine | None:
        """The machine of that id, unless it was removed."""
        found = self.machines.get(machine)
        return found if found and not found.removed else None

    def members(self) -> list[Machine]:
        """Every machine that is in the team, in the order in which they came."""
        return [one for one in self.machines.values() if not one.removed]

    def named(self, name: str) -> Machine | None:
        """The machine that has that name now."""
        return next((one for one in self.members() if one.name == name), None)


def digest(body: bytes) -> str:
    """How a record is named by the next one."""
    return blake2b(body, digest_size=32).hexdigest()


def extend(team: Team | None, said: Said, body: bytes, signature: bytes, check: Check) -> Team:
    """The team after one more record; None is a team that has no record yet. Raises ChainBroken."""
    problem = _shape(said) or (_found(said) if team is None else _follows(team, said))
    if problem:
        raise ChainBroken(n=said.n, problem=problem)
    signer = said.machine.sign if team is None else team.machines[said.by].sign
    if not check(signer, body, signature):
        raise ChainBroken(n=said.n, problem="it is not signed by the machine that it names")
    return _after(team, said, digest(body))


def _shape(said: Said) -> str:
    """What is wrong with a record by itself; '' for nothing."""
    machine = said.machine
    if said.v != VERSION:
        return f"it is of version {said.v}, and this telex knows {VERSION}"
    if not (_is_hex(said.team, ID_DIGITS) and _is_hex(said.by, ID_DIGITS) and _is_hex(machine.id, ID_DIGITS)):
        return "an id is not 32 hexadecimal digits"
    if machine.role not in ROLES:
        return "it names a role that there is not"
    if not (_may_hold(machine.name) and len(machine.sign) == len(machine.seal) == KEY_BYTES):
        return "its machine has no valid name or keys"
    begins = said.act in (FOUND, REMOVE, ROTATE)
    if begins != _is_hex(said.commit, DIGEST_DIGITS) or (not begins and said.commit):
        return "it commits to a key where it must not, or does not where it must"
    if (said.act == FOUND) != bool(said.team_name):
        return "the first record, and no other, names the team"
    return ""


def _found(said: Said) -> str:
    """What is wrong with the first record."""
    if said.act != FOUND or said.n != 0 or said.prev:
        return "the first record must found the team"
    if said.machine.id != said.by or said.machine.role != OWNER:
        return "a team is founded by its first owner"
    if said.key != FIRST_KEY:
        return "the first key is number 1"
    return "" if _may_hold(said.team_name) else "the team has no valid name"


def _follows(team: Team, said: Said) -> str:
    """What is wrong with a later record."""
    if said.team != team.id or said.n != team.n + 1 or said.prev != team.newest:
        return "it does not follow the record before it"
    by = team.member(said.by)
    if by is None or by.role != OWNER:
        return "it is by a machine that is no owner"
    if said.act not in _ACTS:
        return "it says what no record can say"
    begins = said.act in (REMOVE, ROTATE)
    if said.key != team.key + begins:
        return "it has the wrong number of the team's key"
    if begins and said.commit in (commit for _, commit in team.epochs):
        return "its key was used before"
    return _ACTS[said.act](team, said)


def _added(team: Team, said: Said) -> str:
    new = said.machine
    if new.id in team.machines:
        return "that machine was in the team before"
    if team.named(new.name):
        return f"the name {new.name} is taken"
    if any(one.sign == new.sign or one.seal == new.seal for one in team.machines.values()):
        return "its keys are another machine's"
    if len(team.members()) >= limits.TEAM_MACHINES:
        return f"the team has {limits.TEAM_MACHINES} machines, the most there can be"
    return ""


def _role_changed(team: Team, said: Said) -> str:
    before = team.member(said.machine.id)
    if before is None or not _same(before, said.machine):
        return "it changes more than a role, or of a machine that is not there"
    if before.role == said.machine.role:
        return "the machine has that role"
    if before.role == OWNER and sum(one.role == OWNER for one in team.members()) == 1:
        return "a team must keep an owner"
    return ""


def _removed(team: Team, said: Said) -> str:
    before = team.member(said.machine.id)
    if before is None or not _same(before, said.machine) or before.role != said.machine.role:
        return "it removes a machine that is not there"
    return "no machine removes itself" if said.machine.id == said.by else ""


def _rotated(team: Team, said: Said) -> str:
    by = team.machines[said.by]
    whole = said.machine.id == by.id and _same(by, said.machine) and by.role == said.machine.role
    return "" if whole else "a new key is made by the machine that signs"


_ACTS = {ADD: _added, ROLE: _role_changed, REMOVE: _removed, ROTATE: _rotated}


def _after(team: Team | None, said: Said, newest: str) -> Team:
    """The state after a record that was found good."""
    machines = dict(team.machines) if team else {}
    epochs = team.epochs if team else ()
    if said.act != ROTATE:
        machines[said.machine.id] = _machine_after(machines.get(said.machine.id), said)
    if said.commit:
        epochs = (*epochs, (said.n, said.commit))
    return Team(
        id=said.team,
        name=team.name if team else said.team_name,
        n=said.n,
        newest=newest,
        first=team.first if team else newest,
        machines=machines,
        epochs=epochs,
    )


def _machine_after(before: Machine | None, said: Said) -> Machine:
    now = said.machine
    since = (said.n, now.role)
    return Machine(
        id=now.id,
        name=now.name,
        role=now.role,
        sign=bytes(now.sign),
        seal=bytes(now.seal),
        added=before.added if before else said.n,
        removed=said.n if said.act == REMOVE else 0,
        roles=(*before.roles, since) if before and said.act == ROLE else before.roles if before else (since,),
    )


def _same(before: Machine, now: Saying) -> bool:
    return (before.name, before.sign, before.seal) == (now.name, now.sign, now.seal)


def _may_hold(name: str) -> bool:
    """Whether a machine or a team may be called that."""
    try:
        return names.fold_own(name) == name
    except (NameInvalid, NameReserved):
        return False


def _is_hex(text: str, digits: int) -> bool:
    return len(text) == digits and _HEX.issuperset(text)
