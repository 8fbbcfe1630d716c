"""What two machines that pair say to each other, sealed under the key that the code gave them.

Rule kept here: the relay sees none of this; a field that is not known is passed over.
"""

from __future__ import annotations

import msgspec


class Proof(msgspec.Struct, frozen=True, kw_only=True, tag="proof"):
    """Who joins."""

    id: str
    name: str
    exact: bool  # this name or none; else one with a number behind it will do
    sign: bytes
    seal: bytes
    proof: bytes  # made with the secret key of `sign`, over all that was said before


class Founding(msgspec.Struct, frozen=True, kw_only=True, tag="found"):
    """The code founds a team: the one who joins makes its first record."""

    team: str
    team_name: str


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag="welcome"):
    """The machine is in the team; and by what its chain is known."""

    team: str
    team_name: str
    name: str  # the machine's
    first: str  # the digest of the chain's first record
    newest: str  # and of its newest, which is number `n`
    n: int
    inviter: str  # a machine's id; the joining machine's own where it founded the team


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """The inviter knows who asks, and cannot take it in."""

    code: str  # name-taken, team-full or failed
    words: str


Answer = Founding | Welcome | Refused
