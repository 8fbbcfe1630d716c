"""The membership chain as this machine has verified it, and the invitations that it made.

Rules kept here: only records that were verified are put here, each once and in order; the table of machines says what
the chain says; the words of an invitation are used once: whoever takes them removes them.
"""

from __future__ import annotations

from telex.core.members import Team
from telex.core.record import Record
from telex.db.connection import Store


class Invitation(Record):
    """An invitation that somebody may still answer."""

    nameplate: int
    words: str
    role: str
    until_ms: int


def records(db: Store) -> list[tuple[int, bytes, bytes]]:
    """Every record: its number, body and signature, in order."""
    return [(row[0], row[1], row[2]) for row in db.rows("members.records")]


def keep(db: Store, team: Team, new: list[tuple[int, bytes, bytes]]) -> None:
    """Keep new records, and what the team is after them. Inside a write."""
    for number, body, signature in new:
        db.run("members.add_record", number, body, signature)
    for one in team.machines.values():
        db.run("members.put_machine", one.id, one.name, one.role, one.sign, one.seal, one.removed)


def forget(db: Store) -> None:
    """This machine is in no team any more. Inside a write."""
    for name in ("records", "machines", "invitations"):
        db.run(f"members.clear_{name}")


def invite(db: Store, new: Invitation) -> None:
    """Keep the words of an invitation. Inside a write."""
    db.run("members.invite", new.nameplate, new.words, new.role, new.until_ms)


def claim(db: Store, nameplate: int, now_ms: int) -> Invitation | None:
    """Take the words of an invitation, once: None where there is none, or it is over. Inside a write."""
    db.run("members.drop_expired", now_ms)
    row = db.row("members.invitation", nameplate)
    db.run("members.claim", nameplate)
    return Invitation(nameplate=nameplate, words=row[0], role=row[1], until_ms=row[2]) if row else None


def invitations(db: Store, now_ms: int) -> list[tuple[int, str, int]]:
    """The open ones: number, role and end."""
    return [(row[0], row[1], row[2]) for row in db.rows("members.invitations", now_ms)]
