"""What two machines that pair say to each other, sealed under the key that the code gave them.

Rule kept here: the relay sees none of this; a field that is not known is passed over.
"""

from __future__ import annotations

import msgspec

from telex.wire import bounds as b


class Proof(msgspec.Struct, frozen=True, kw_only=True, tag="proof"):
    """Who joins."""

    id: b.Id
    name: b.Line
    exact: bool  # this name or none; else one with a number behind it will do
    sign: b.Key
    seal: b.Key
    proof: b.Signature  # made with the secret key of `sign`, over all that was said before


class Founding(msgspec.Struct, frozen=True, kw_only=True, tag="found"):
    """The code founds a team: the one who joins makes its first record."""

    team: b.Id
    team_name: b.Name


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag="welcome"):
    """The machine is in the team; and by what its chain is known."""

    team: b.Id
    team_name: b.Name
    name: b.Name  # the machine's
    first: b.Digest  # the digest of the chain's first record
    newest: b.Digest  # and of its newest, which is number `n`
    n: b.Count
    inviter: b.Id  # a machine's id; the joining machine's own where it founded the team


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """The inviter knows who asks, and cannot take it in; `code` is one of REFUSALS."""

    code: b.Code


# Why the inviter does not take a machine in: what the machine that asked says of it, and what it advises.
REFUSALS = {
    "name-taken": (
        "the name that it asked for is taken there",
        "choose another one with --name, and ask for a new code",
    ),
    "name-invalid": ("the name that it asked for is no name", "choose another one with --name, and ask for a new code"),
    "team-full": ("the team has as many machines as it may", "ask an owner to remove one, then for a new code"),
    "failed": ("the inviter's machine could not add it", "ask the person who invited you, then for a new code"),
}


Answer = Founding | Welcome | Refused
