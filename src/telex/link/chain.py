"""The membership chain as bytes that are verified and made: the rules are those of `core.members`.

Rules kept here: what came from the relay is verified, part by part as it comes, before anything of it is believed; what
was verified and stored is not verified again; a record is signed by the machine that makes it.
"""

from __future__ import annotations

import time

import msgspec

from telex.core import members as rules
from telex.core.members import FIRST_KEY, FOUND, OWNER, VERSION, Team
from telex.crypto import signatures
from telex.errors import StoreCorrupt
from telex.errors.between import ChainBroken
from telex.team import chain_store
from telex.wire import records
from telex.wire.records import Signed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telex.db.connection import Store
    from telex.link.keys import MachineKeys
    from telex.wire import api
    from telex.wire.records import Grant

Row = tuple[int, bytes, bytes]  # a record: number, body, signature


def kept(db: Store) -> Team:
    """The team that this machine is in. Raises StoreCorrupt where its chain is gone."""
    team = replayed(chain_store.records(db))
    if team is None:
        raise StoreCorrupt(home=db.home, problem="it has no record of the team that this machine is in")
    return team


def replayed(rows: list[Row], team: Team | None = None) -> Team | None:
    """The team that stored records make. They were checked before they were stored: signatures are not again."""
    for _, body, signature in rows:
        team = rules.extend(team, records.read(body), body, signature, lambda *_: True)
    return team


def extended(team: Team | None, count: int, given: list[Signed]) -> tuple[Team, list[Row]]:
    """The team after further records, and those that were new; `count` are known. Raises ChainBroken."""
    new: list[Row] = []
    for signed in given:
        told = records.read(signed.body)
        if told.n < count:
            continue
        team = rules.extend(team, told, signed.body, signed.signature, signatures.record_good)
        new.append((told.n, signed.body, signed.signature))
    if team is None:
        raise ChainBroken(n=0, problem="there is none")
    return team, new


def changes(before: Team, after: Team, me: str) -> str:
    """What is different in a team, in words; '' for nothing that a person need know."""
    words = []
    for one in after.machines.values():
        was = before.machines.get(one.id)
        who = "this machine" if one.id == me else one.name
        if was is None:
            words.append(f"{who} joined as {one.role}" + (", and is gone again" if one.removed else ""))
        elif one.removed and not was.removed:
            words.append(f"{who} was removed")
        elif one.role != was.role:
            words.append(f"{who} is {one.role} now")
    return ", ".join(words)


async def whole(ask: Callable[[int], Awaitable[api.Records]]) -> tuple[Team, list[Row], list[Grant]]:
    """The chain from its first record on, verified, and this machine's grants. Raises ChainBroken.

    The relay cuts what is long: it is asked until nothing new comes, and each part is verified before the next.
    """
    team: Team | None = None
    rows: list[Row] = []
    while True:
        given = await ask(len(rows))
        team, new = extended(team, len(rows), given.records)
        rows += new
        if not new:
            return team, rows, given.grants


# --- making records ---------------------------------------------------------------------------------------


def founding(own: MachineKeys, team: str, team_name: str, name: str, commit: str, now_ms: int) -> Signed:
    """The first record of a team, by its first owner."""
    body = records.Body(
        team=team,
        n=0,
        prev="",
        at_ms=now_ms,
        by=own.machine,
        act=FOUND,
        machine=said(own.machine, name, OWNER, own.sign_public, own.seal_public),
        key=FIRST_KEY,
        commit=commit,
        team_name=team_name,
        v=VERSION,
    )
    return _signed(own, body)


def following(own: MachineKeys, team: Team, act: str, about: records.Machine, commit: str = "") -> Signed:
    """The next record of a team; with a commitment it begins a key."""
    body = records.Body(
        team=team.id,
        n=team.n + 1,
        prev=team.newest,
        at_ms=int(time.time() * 1000),
        by=own.machine,
        act=act,
        machine=about,
        key=team.key + bool(commit),
        commit=commit,
        v=VERSION,
    )
    return _signed(own, body)


def _signed(own: MachineKeys, body: records.Body) -> Signed:
    raw = msgspec.json.encode(body)
    return Signed(body=raw, signature=own.sign(signatures.record(raw)))


def said(machine: str, name: str, role: str, sign: bytes, sealing: bytes) -> records.Machine:
    """A machine, as a record says it."""
    return records.Machine(id=machine, name=name, role=role, sign=sign, seal=sealing)
