"""What one machine of the team may take of this one: letters, bytes, new names, wake-ups.

Rules kept here:
- each share is one number per machine (flow.share), counted by the relay's time of the letter, so that what waited
  while this machine was off does not count as a flood;
- what is beyond a share is refused to its sender, except for wake-ups: that mail waits for the next moment;
- only a person's word here gives a session's wake-ups back; what another machine says of its persons does not.
"""

from __future__ import annotations

from telex import limits
from telex.core import flow
from telex.db.connection import Store
from telex.errors import reasons
from telex.fs import processes
from telex.mail import addresses

_MINUTE_MS, _DAY_MS = 60_000, 86_400_000


def letter(db: Store, machine: str, size: int, at_ms: int) -> str:
    """Count a letter of `size` bytes that came to the relay at a time; the code of why it is too much, or ''.
    Inside a write."""
    letters_ms, bytes_ms, _ = _row(db, machine)
    most_bytes = limits.MACHINE_MIB_PER_DAY * limits.MIB_BYTES
    letters_ms, one = flow.share(letters_ms, at_ms, 1, limits.MACHINE_LETTERS_PER_MINUTE, _MINUTE_MS)
    bytes_ms, all_of_it = flow.share(bytes_ms, at_ms, size, most_bytes, _DAY_MS)
    if not (one and all_of_it):
        return reasons.TOO_FAST
    db.run("arrivals.set_letters", machine, letters_ms, bytes_ms)
    return ""


def new_name(db: Store, machine: str, at_ms: int) -> bool:
    """Count a name that a machine brings here; False where it has brought too many. Inside a write."""
    names_ms, allowed = flow.share(_row(db, machine)[2], at_ms, 1, limits.MACHINE_NAMES_PER_DAY, _DAY_MS)
    if allowed:
        db.run("arrivals.set_names", machine, names_ms)
    return allowed


def wake(db: Store, machine: str, recipient: addresses.Address, now_ms: int) -> bool:
    """Count one more wake-up of a session by a machine; False where it has had its share. Inside a write."""
    used_ms, heard_ms = db.row("arrivals.wakes", machine, recipient.id) or (0, 0)
    if (heard := spoken_ms(db, recipient, now_ms)) > heard_ms:
        used_ms, heard_ms = 0, heard
    used_ms, allowed = flow.share(used_ms, now_ms, 1, limits.MACHINE_WAKES, limits.MACHINE_WAKE_SECONDS * 1000)
    if allowed:
        db.run("arrivals.set_wakes", machine, recipient.id, used_ms, heard_ms)
    return allowed


def spoken_ms(db: Store, of: addresses.Address, now_ms: int) -> int:
    """When a person here last spoke to an address."""
    row = db.row("people.flow", of.id) or (0,) * 5
    typed_ms = processes.Turns(db.home, row[4] or "-").spoken_ms(row[3])
    return max((one for one in (row[2], typed_ms) if one <= now_ms), default=0)


def _row(db: Store, machine: str) -> tuple[int, int, int]:
    row = db.row("arrivals.flow", machine)
    return (row[0], row[1], row[2]) if row else (0, 0, 0)
