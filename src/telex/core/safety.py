"""Safety numbers: what two people compare to rule out that anybody is in between.

Rule kept here: a number is made of both machines' keys and of the record that founded their team, so it is the same at
both ends only if both have the same keys in the same team.
"""

from __future__ import annotations

from _blake2 import blake2b

from telex.core.members import Machine, Team

GROUP_DIGITS = 5
GROUPS = 6  # of each machine


def number(team: Team, one: Machine, other: Machine) -> str:
    """60 digits in groups of five."""
    return " ".join(sorted(_groups(team, machine) for machine in (one, other)))


def _groups(team: Team, machine: Machine) -> str:
    """A machine's keys in this very team, as digits: each group from five bytes of their digest."""
    about = b"telex safety 1\0" + f"{team.id} {team.first} {machine.id}".encode() + machine.sign + machine.seal
    raw = blake2b(about, digest_size=GROUPS * GROUP_DIGITS).digest()
    parts = (raw[at : at + GROUP_DIGITS] for at in range(0, len(raw), GROUP_DIGITS))
    return " ".join(str(int.from_bytes(part, "big") % 10**GROUP_DIGITS).zfill(GROUP_DIGITS) for part in parts)
