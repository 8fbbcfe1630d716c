"""Membership chains made by hand: honest ones, and every hostile record that a rule should refuse.

Rule kept here: a hostile record is signed as well as its maker can, so that only the rule it breaks refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

from telex.core import members
from telex.crypto import signatures
from telex.wire import records
from telex.wire.records import Body, Machine, Signed

TEAM = "ab" * 16


class Player:
    """A machine with its keys, made from one byte so that every run has the same."""

    def __init__(self, letter: str) -> None:
        self.name = letter
        self.seed = letter.encode() * 32
        self.id = letter.encode().hex() * 16
        self.sign_public = signatures.public_of(self.seed)
        self.seal_public = (letter.encode() + b"s") * 16

    def said(self, role: str = records.MEMBER, **changed: Any) -> Machine:
        """This machine as a record says it."""
        plain = Machine(id=self.id, name=self.name, role=role, sign=self.sign_public, seal=self.seal_public)
        return msgspec.structs.replace(plain, **changed)

    def signed(self, body: bytes) -> Signed:
        """A record signed by this machine."""
        return Signed(body=body, signature=signatures.sign(self.seed, signatures.record(body)))


ALICE, BOB, CAROL, DAVE = (Player(letter) for letter in "abcd")


def commit(number: int) -> str:
    """A commitment to some key."""
    return f"{number:064x}"


def founded(**changed: Any) -> Signed:
    """A first record by alice."""
    body = Body(
        team=TEAM,
        n=0,
        prev="",
        at_ms=1,
        by=ALICE.id,
        act=records.FOUND,
        machine=ALICE.said(records.OWNER),
        key=1,
        commit=commit(1),
        team_name="acme",
    )
    return ALICE.signed(msgspec.json.encode(msgspec.structs.replace(body, **changed)))


def following(team: members.Team, by: Player, act: str, about: Machine, /, **changed: Any) -> Signed:
    """The next record of a team, by whoever says so."""
    begins = act in (records.REMOVE, records.ROTATE)
    body = Body(
        team=team.id,
        n=team.n + 1,
        prev=team.newest,
        at_ms=2,
        by=by.id,
        act=act,
        machine=about,
        key=team.key + begins,
        commit=commit(team.key + 1) if begins else "",
    )
    return by.signed(msgspec.json.encode(msgspec.structs.replace(body, **changed)))


def extend(rules: ModuleType, team: Any, record: Signed) -> Any:
    """The team after one more record, by these rules. Raises ChainBroken."""
    return rules.extend(team, records.read(record.body), record.body, record.signature, signatures.record_good)


def team_of(rules: ModuleType = members) -> Any:
    """Alice and bob are owners, carol a member, dave was an owner and was removed."""
    team = extend(rules, None, founded())
    for act, about in (
        (records.ADD, BOB.said()),
        (records.ADD, CAROL.said()),
        (records.ADD, DAVE.said()),
        (records.ROLE, BOB.said(records.OWNER)),
        (records.ROLE, DAVE.said(records.OWNER)),
        (records.REMOVE, DAVE.said(records.OWNER)),
    ):
        team = extend(rules, team, following(team, ALICE, act, about))
    return team


class Hostile(NamedTuple):
    """A record that must be refused: what it tries, and how it is made for a team."""

    tries: str
    made: Callable[[Any], Signed]


def _forged(team: Any) -> Signed:
    record = following(team, ALICE, records.ADD, Player("e").said())
    return Signed(body=record.body, signature=CAROL.signed(record.body).signature)


def _self_signed(team: Any) -> Signed:
    return E.signed(following(team, ALICE, records.ADD, E.said()).body)


def _tampered(team: Any) -> Signed:
    record = following(team, ALICE, records.ADD, Player("e").said())
    return Signed(body=record.body.replace(b'"member"', b'"reader"'), signature=record.signature)


E = Player("e")
HOSTILE = (
    Hostile("by a member", lambda team: following(team, CAROL, records.ADD, E.said())),
    Hostile("by a machine that was removed", lambda team: following(team, DAVE, records.ADD, E.said())),
    Hostile("by nobody of the team", lambda team: following(team, E, records.ADD, E.said())),
    Hostile("signed by another than it says", _forged),
    Hostile("signed by the machine that it adds", _self_signed),
    Hostile("the id of one that was removed", lambda team: following(team, ALICE, records.ADD, E.said(id=DAVE.id))),
    Hostile("changed after it was signed", _tampered),
    Hostile("a later number", lambda team: following(team, ALICE, records.ADD, E.said(), n=team.n + 2)),
    Hostile("an earlier number", lambda team: following(team, ALICE, records.ADD, E.said(), n=team.n)),
    Hostile("after another record", lambda team: following(team, ALICE, records.ADD, E.said(), prev=commit(9))),
    Hostile("of another team", lambda team: following(team, ALICE, records.ADD, E.said(), team="cd" * 16)),
    Hostile("of another version", lambda team: following(team, ALICE, records.ADD, E.said(), v=2)),
    Hostile(
        "a second founding",
        lambda team: following(
            team, ALICE, records.FOUND, ALICE.said(records.OWNER), commit=commit(7), team_name="acme"
        ),
    ),
    Hostile("another name for the team", lambda team: following(team, ALICE, records.ADD, E.said(), team_name="evil")),
    Hostile("an act that there is not", lambda team: following(team, ALICE, "promote", E.said())),
    Hostile("brings back who was removed", lambda team: following(team, ALICE, records.ADD, DAVE.said())),
    Hostile("the id of a machine that is there", lambda team: following(team, ALICE, records.ADD, E.said(id=CAROL.id))),
    Hostile("a name that is taken", lambda team: following(team, ALICE, records.ADD, E.said(name="c"))),
    Hostile(
        "the signing key of another", lambda team: following(team, ALICE, records.ADD, E.said(sign=CAROL.sign_public))
    ),
    Hostile(
        "the signing key of one that was removed",
        lambda team: following(team, ALICE, records.ADD, E.said(sign=DAVE.sign_public)),
    ),
    Hostile(
        "the sealing key of another", lambda team: following(team, ALICE, records.ADD, E.said(seal=CAROL.seal_public))
    ),
    Hostile("a short key", lambda team: following(team, ALICE, records.ADD, E.said(sign=b"short"))),
    Hostile("a long sealing key", lambda team: following(team, ALICE, records.ADD, E.said(seal=b"s" * 33))),
    Hostile("a name outside the grammar", lambda team: following(team, ALICE, records.ADD, E.said(name="e\u202e"))),
    Hostile("a reserved name", lambda team: following(team, ALICE, records.ADD, E.said(name="telex"))),
    Hostile("a name in capitals", lambda team: following(team, ALICE, records.ADD, E.said(name="Eve"))),
    Hostile("a role that there is not", lambda team: following(team, ALICE, records.ADD, E.said(role="admin"))),
    Hostile("an id that is none", lambda team: following(team, ALICE, records.ADD, E.said(id="../../etc"))),
    Hostile(
        "a new key with an addition",
        lambda team: following(team, ALICE, records.ADD, E.said(), key=team.key + 1, commit=commit(9)),
    ),
    Hostile("a jump of the key's number", lambda team: following(team, ALICE, records.ADD, E.said(), key=team.key + 1)),
    Hostile(
        "a removal that keeps the key",
        lambda team: following(team, ALICE, records.REMOVE, CAROL.said(), key=team.key, commit=""),
    ),
    Hostile(
        "a removal under the old number",
        lambda team: following(team, ALICE, records.REMOVE, CAROL.said(), key=team.key),
    ),
    Hostile(
        "a removal with a key that was used",
        lambda team: following(team, ALICE, records.REMOVE, CAROL.said(), commit=commit(1)),
    ),
    Hostile("a removal of oneself", lambda team: following(team, ALICE, records.REMOVE, ALICE.said(records.OWNER))),
    Hostile("a removal of nobody", lambda team: following(team, ALICE, records.REMOVE, E.said())),
    Hostile("a second removal", lambda team: following(team, ALICE, records.REMOVE, DAVE.said(records.OWNER))),
    Hostile("a removal that renames", lambda team: following(team, ALICE, records.REMOVE, CAROL.said(name="x"))),
    Hostile(
        "a removal that changes the role",
        lambda team: following(team, ALICE, records.REMOVE, CAROL.said(records.OWNER)),
    ),
    Hostile("a role for who was removed", lambda team: following(team, ALICE, records.ROLE, DAVE.said())),
    Hostile("a role for nobody", lambda team: following(team, ALICE, records.ROLE, E.said(records.OWNER))),
    Hostile("a role that it has", lambda team: following(team, ALICE, records.ROLE, CAROL.said())),
    Hostile(
        "a role with another key",
        lambda team: following(team, ALICE, records.ROLE, CAROL.said(records.READER, sign=E.sign_public)),
    ),
    Hostile(
        "a role with another name",
        lambda team: following(team, ALICE, records.ROLE, CAROL.said(records.READER, name="x")),
    ),
    Hostile(
        "a new key in another's name", lambda team: following(team, ALICE, records.ROTATE, BOB.said(records.OWNER))
    ),
    Hostile("a new key and a new role", lambda team: following(team, ALICE, records.ROTATE, ALICE.said())),
    Hostile(
        "a new key without a commitment",
        lambda team: following(team, ALICE, records.ROTATE, ALICE.said(records.OWNER), commit=""),
    ),
    Hostile(
        "a new key that was used",
        lambda team: following(team, ALICE, records.ROTATE, ALICE.said(records.OWNER), commit=commit(2)),
    ),
)

HOSTILE_FIRST = (
    Hostile("no founding", lambda _: founded(act=records.ADD, commit="", team_name="")),
    Hostile("not number 0", lambda _: founded(n=1)),
    Hostile("after something", lambda _: founded(prev=commit(1))),
    Hostile("founded by another", lambda _: founded(by=BOB.id)),
    Hostile("founded by a member", lambda _: founded(machine=ALICE.said())),
    Hostile("another first key", lambda _: founded(key=2)),
    Hostile("no key", lambda _: founded(commit="")),
    Hostile("no name", lambda _: founded(team_name="")),
    Hostile("a name that cannot be", lambda _: founded(team_name="acme corp")),
    Hostile("signed with another key", lambda _: founded(machine=ALICE.said(records.OWNER, sign=BOB.sign_public))),
)
