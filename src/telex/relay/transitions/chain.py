"""Teams and their membership chains.

Rules kept here:
- the relay holds a chain to the same rules as every machine (`core.members`), so it can refuse what they would
  refuse, but nobody has to believe it;
- a record is appended to exactly the chain that it was made for; the same one again is no error, because its first
  answer may have been lost;
- who is removed is out at once: its tokens, roster and invitations go in the same step.
"""

from __future__ import annotations

from telex.core import members
from telex.crypto import signatures
from telex.errors.between import ChainBroken
from telex.relay import commands
from telex.relay.state import Book
from telex.wire import records
from telex.wire.faults import refusal
from telex.wire.records import Grant, Signed


def make_team(book: Book, command: commands.MakeTeam) -> None:
    """A team that waits for its first owner."""
    if book.value("team.is_there", command.team, command.name):
        raise refusal("team-exists")
    book.run("team.add", command.team, command.name, command.at_ms)


def append(book: Book, command: commands.Append) -> None:
    """The next record of a team's chain."""
    book.standing(command.team, command.machine, (members.OWNER,))
    extend(book, command.team, command.record, command.grants)


def extend(book: Book, team: str, record: Signed, grants: list[Grant]) -> members.Team:
    """Append a record to a chain; the team after it. Raises RelayRefused."""
    try:
        said = records.read(record.body)
        count = book.value("team.records", team)
        if said.n != count:
            return _again(book, team, record, said.n, count)
        if said.team != team:
            raise refusal("record-wrong", problem="it is of another team")
        now = members.extend(current(book, team), said, record.body, record.signature, signatures.record_good)
    except ChainBroken as problem:
        raise refusal("record-wrong", problem=problem.message) from None
    book.run("chain.add", team, now.n, record.body, record.signature)
    book.run("team.extended", now.n + 1, now.key, team)
    _machine_after(book, team, now, now.machines[said.machine.id], said.act)
    _grants_after(book, now, grants)
    book.remember(now)
    book.touch_team(team)
    return now


def current(book: Book, team: str) -> members.Team | None:
    """The team as its chain says; None where it has no record yet."""
    count = book.value("team.records", team)
    known = book.teams.get(team)
    if known and known.n == count - 1 and known.newest == members.digest(book.value("chain.body", team, known.n)):
        return known
    state = None
    for body, signature in book.rows("chain.after", team, 0):
        state = members.extend(state, records.read(body), body, signature, _was_checked)
    if state:
        book.remember(state)
    return state


def _was_checked(_public: bytes, _body: bytes, _signature: bytes) -> bool:
    """A record that is in the book was checked before it came in."""
    return True


def _again(book: Book, team: str, record: Signed, n: int, count: int) -> members.Team:
    """The answer to a record that does not come next."""
    now = current(book, team)
    if now is None or not 0 <= n < count or book.value("chain.body", team, n) != record.body:
        raise refusal("chain-conflict", n=count)
    return now


def _machine_after(book: Book, team: str, now: members.Team, machine: members.Machine, act: str) -> None:
    """What the newest record says of its machine, as the book keeps it for asking."""
    if act in (members.FOUND, members.ADD):
        if book.row("chain.standing", machine.id):
            raise refusal("record-wrong", problem="that machine is in another team at this relay")
        book.run("chain.add_machine", machine.id, team, machine.role, machine.sign)
    elif act == members.ROLE:
        book.run("chain.role", machine.role, machine.id)
    elif act == members.REMOVE:
        book.touch(team, machine.id)
        book.run("chain.remove", now.n, machine.id)
        book.run("token.revoke", machine.id)
        book.run("roster.drop", team, machine.id)
        book.run("pairing.drop_of", team, machine.id)


def _grants_after(book: Book, now: members.Team, grants: list[Grant]) -> None:
    """The keys that came with a record."""
    for one in grants:
        giver = now.member(one.by)
        if giver is None or giver.role != members.OWNER or not 0 < one.key <= now.key or not now.member(one.machine):
            raise refusal("record-wrong", problem="a grant is not by an owner, or not for a machine of the team")
        if not signatures.good(giver.sign, signatures.grant(now.id, one.key, one.machine, one.sealed), one.signature):
            raise refusal("record-wrong", problem="a grant is not signed by the owner that it names")
        book.run("chain.grant", now.id, one.machine, one.key, one.by, one.sealed, one.signature)
