"""Invitations: the mailbox of two machines that pair, and the relay's own part for a team's first owner.

Rules kept here:
- the first attempt has an invitation to itself; the same request again is no error, another attempt is refused;
- what was said cannot be said anew: both messages and the proof stand; only the inviter's seal may be replaced;
- an invitation that is void or over stays until its time is up, without words and keys, so that its number does not
  come to mean another one too soon.
"""

from __future__ import annotations

from typing import NamedTuple

from telex import limits
from telex.relay import commands
from telex.relay.state import JOIN, Book
from telex.relay.transitions import chain
from telex.wire.api import Invited
from telex.wire.faults import refusal
from telex.wire.records import OWNER

_OWNERS = (OWNER,)


class Invitation(NamedTuple):
    """One invitation, and what was said so far."""

    nameplate: int
    team: str
    machine: str
    role: str
    until_ms: int
    words: str
    attempt: str
    message: bytes
    proof: bytes
    answer: bytes
    sealed: bytes
    secret: bytes
    over: int


def find(book: Book, nameplate: int, at_ms: int) -> Invitation:
    """An invitation that is not over. Raises RelayRefused."""
    row = book.row("pairing.one", nameplate)
    found = Invitation(*row) if row else None
    if found is None or found.over or found.until_ms <= at_ms:
        raise refusal("invitation-unknown")
    return found


def invite(book: Book, command: commands.Invite) -> Invited:
    """A new invitation, under the first of its numbers that is free."""
    if command.machine:
        book.standing(command.team, command.machine, _OWNERS)
        book.once(command.machine, command.asked)
    book.run("pairing.expire", command.at_ms)
    free = [one for one in command.nameplates if not book.value("pairing.is_there", one)]
    if not free or book.value("pairing.open", command.team, command.machine) >= command.most:
        raise refusal("many-invitations", retry_after_ms=limits.INVITATION_MS)
    book.run("pairing.add", free[0], command.team, command.machine, command.role, command.until_ms, command.words)
    return Invited(nameplate=free[0], until_ms=command.until_ms)


def claim(book: Book, command: commands.Claim) -> None:
    """Somebody joins: this attempt has the invitation from now on."""
    found = find(book, command.nameplate, command.at_ms)
    if found.attempt:
        if (found.attempt, found.message) != (command.attempt, command.message):
            raise refusal("claimed")
        return
    if bool(found.words) != bool(command.secret):
        raise refusal("invitation-unknown")
    said = (command.attempt, command.message, command.answer, command.sealed, command.secret)
    book.run("pairing.claim", *said, command.nameplate)
    _touch(book, found)


def answer(book: Book, command: commands.Answer) -> None:
    """The inviter's message, or what it seals at the end."""
    book.standing(command.team, command.machine, _OWNERS)
    found = own(book, command.nameplate, command.team, command.machine, command.at_ms)
    book.run("pairing.answer", found.answer or command.message, command.sealed or found.sealed, command.nameplate)
    _touch(book, found)


def own(book: Book, nameplate: int, team: str, machine: str, at_ms: int) -> Invitation:
    """An invitation of this machine's. Raises RelayRefused."""
    found = find(book, nameplate, at_ms)
    if (found.team, found.machine) != (team, machine):
        raise refusal("invitation-unknown")
    return found


def prove(book: Book, command: commands.Prove) -> None:
    """What the joiner seals for the inviter."""
    found = attempted(book, command.nameplate, command.attempt, command.at_ms)
    book.run("pairing.prove", found.proof or command.sealed, command.nameplate)
    _touch(book, found)


def attempted(book: Book, nameplate: int, attempt: str, at_ms: int) -> Invitation:
    """An invitation that this attempt has. Raises RelayRefused."""
    found = find(book, nameplate, at_ms)
    if not found.attempt or found.attempt != attempt:
        raise refusal("claimed" if found.attempt else "invitation-unknown")
    return found


def found(book: Book, command: commands.Found) -> None:
    """The first owner proved the code: its record begins the team's chain."""
    invitation = attempted(book, command.nameplate, command.attempt, command.at_ms)
    if invitation.machine or not invitation.secret:
        raise refusal("invitation-unknown")
    chain.extend(book, invitation.team, command.record, command.grants)
    book.run("pairing.prove", command.sealed, command.nameplate)
    book.run("pairing.founded", command.answer, command.nameplate)
    _touch(book, invitation)


def burn(book: Book, command: commands.Burn) -> None:
    """An invitation is void: its inviter, or a wrong guess at the relay's own, says so."""
    if command.machine:
        book.standing(command.team, command.machine, _OWNERS)
        invitation = own(book, command.nameplate, command.team, command.machine, command.at_ms)
    else:
        invitation = find(book, command.nameplate, command.at_ms)
        if invitation.machine or invitation.attempt not in ("", command.attempt):
            raise refusal("claimed")
    book.run("pairing.burn", command.nameplate)
    _touch(book, invitation)


def _touch(book: Book, invitation: Invitation) -> None:
    book.touch(JOIN, str(invitation.nameplate))
    if invitation.machine:
        book.touch(invitation.team, invitation.machine)
