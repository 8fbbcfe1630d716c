"""Commands that keep the book itself: probes, what was heard of machines, and what is too old.

Rule kept here: a team's log is trimmed from its beginning only, up to the first entry that is young enough, and says
from where on it still has everything.
"""

from __future__ import annotations

from telex import limits
from telex.relay import commands
from telex.relay.state import Book


def probe(book: Book, command: commands.Probe) -> None:
    """A write, and nothing else."""
    book.run("book.probe", command.at_ms)


def renew(book: Book, command: commands.Renew) -> None:
    """Another epoch: every machine reads again and offers again."""
    book.run("book.renew", command.epoch)
    for (team,) in book.rows("team.ids"):
        book.touch_team(team)


def heard(book: Book, command: commands.Heard) -> None:
    """When machines were last heard of, and how far they have read."""
    for one in command.signs:
        book.run("chain.heard", one.seen_ms, one.cursor, one.machine, one.team)
        _count_taken(book, one.team, one.machine, one.cursor)


def _count_taken(book: Book, team: str, machine: str, cursor: int) -> None:
    """Everything that was for a machine and is not waiting for it any more."""
    following = book.value("entry.place_after", team, machine, cursor)
    if following is None:
        book.run("chain.taken_all", machine, team)
    else:
        book.run("chain.taken", following - 1, machine, team)


def sweep(book: Book, command: commands.Sweep) -> commands.Swept:
    """Trim one team's log; forget parts that no entry needs any more."""
    team, last, freed, count = command.team, 0, 0, 0
    of_machine: dict[str, int] = {}
    for seq, received_ms, size, machine in book.rows("entry.oldest", team, command.rows):
        if received_ms >= command.before_ms:
            break
        last, freed, count = seq, freed + size, count + 1
        of_machine[machine] = of_machine.get(machine, 0) + size
    if count:
        book.run("entry.trim", team, last)
        book.run("part.trim_uses", team, last)
        for (machine,) in book.rows("chain.everyone", team):
            book.run("entry.trim_addressed", team, machine, last)
            _count_taken(book, team, machine, max(last, book.value("chain.cursor", machine)))
        book.run("team.trimmed", last + 1, freed, team)
        for machine, size in of_machine.items():
            book.run("chain.grew", -size, machine)
    gone = book.rows("part.unused", team, command.parts_before_ms, command.rows)
    for digest, size, machine in gone:
        book.run("part.drop", team, digest)
        book.run("part.drop_data", team, digest)
        book.run("team.freed", size, team)
        book.run("chain.grew", -size, machine)
    return commands.Swept(entries=count, parts=[row[0] for row in gone])


def expire(book: Book, command: commands.Expire) -> None:
    """Forget tokens, invitations and requests that are over."""
    book.run("chain.forget_asked", command.at_ms - 2 * limits.CLOCK_WINDOW_MS)
    book.run("token.expire", command.at_ms)
    book.run("pairing.expire", command.at_ms)
