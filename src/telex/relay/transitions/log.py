"""The log: appending envelopes, one origin at a time, gap-free.

Rules kept here:
- for each origin the relay remembers the last number that it has; what `core.sync.admit` says decides;
- an item that can never be taken is kept as a tombstone with its reason, so that it blocks nothing, and is told
  again to whoever offers it again;
- an item that may be taken later (another key, parts that are not here yet, a full team or machine, too much of this
  machine for one that does not read) refuses the whole push, and leaves nothing of it behind;
- what a machine may have waiting, and how many bytes, is its own share: one machine uses up nobody else's.
"""

from __future__ import annotations

from _blake2 import blake2b
from typing import NamedTuple

import msgspec

from telex import limits
from telex.core import sync
from telex.errors.between import RelayRefused
from telex.relay import commands
from telex.relay.state import Book
from telex.wire.api import Item, Pushed, Refusal
from telex.wire.envelope import EVERY_MACHINE, Header
from telex.wire.faults import refusal
from telex.wire.records import MEMBER, OWNER

_HEADER = msgspec.json.Decoder(Header)
_TO_MOST = limits.RELAY_HEADER_BYTES // 32


class _Push(NamedTuple):
    """One push, while it is worked on."""

    book: Book
    command: commands.Push
    role: str
    key: int  # the epoch of the team's key
    given: dict[str, int]  # for machines that something is for: how much ever was


def push(book: Book, command: commands.Push) -> Pushed:
    """Append what comes next of an origin."""
    role = book.standing(command.team, command.machine, (OWNER, MEMBER))
    team = command.team
    key, head, size = book.row("team.for_push", team) or (0, 0, 0)
    owner, last = book.row("entry.origin", team, command.origin) or (command.machine, 0)
    epoch = book.epoch
    if owner != command.machine:
        return Pushed(epoch=epoch, last_oseq=0, forked=True)
    work = _Push(book, command, role, key, {})
    refused: list[Refusal] = []
    first, before, forked = head + 1, size, False
    for item in command.items:
        name, header = _read(item)
        kept = book.row("entry.kept", team, command.origin, item.oseq) if item.oseq <= last else None
        verdict = sync.admit(last, item.oseq, name, kept[0] if kept else None)
        if verdict == sync.APPEND:
            try:
                reason = _append(work, item, name, header, head + 1)
            except RelayRefused as problem:
                if item is command.items[0] or problem.facts["code"] != "inbox-full":
                    raise
                break  # what came before it is here: the answer says so, even if all of it was known
            head, last = head + 1, item.oseq
            size += len(item.header) + (0 if reason else len(item.sealed))
        elif verdict == sync.KNOWN and kept:
            reason = kept[1]
        else:
            forked = verdict == sync.FORKED
            break
        if reason:
            refused.append(Refusal(oseq=item.oseq, code=reason))
    if head >= first:
        _close(work, head, last, size, size - before)
    return Pushed(epoch=epoch, last_oseq=last, refused=refused, forked=forked)


def _read(item: Item) -> tuple[str, Header | None]:
    """The id of an item and its header; an unreadable one is known by its digest."""
    try:
        header = _HEADER.decode(item.header)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return blake2b(item.header, digest_size=16).hexdigest(), None
    return header.id, header


def _append(work: _Push, item: Item, name: str, header: Header | None, seq: int) -> str:
    """One item into the log; why it is a tombstone, or ''."""
    command, book = work.command, work.book
    to: list[str] = []
    reason = "header-wrong"
    if header is not None and _fits(header, item, command):
        if header.key != work.key:
            raise refusal("key-old", key=work.key)
        to, reason = _recipients(work, header)
    sealed = b"" if reason else item.sealed
    book.run(
        "entry.add", command.team, seq, command.origin, item.oseq, name, item.header, sealed, command.at_ms, reason
    )
    if header is not None and not reason:
        _need(work, header, seq)
    for machine in to:
        work.given[machine] += 1
        book.run("entry.address", command.team, machine, seq, work.given[machine], command.machine)
    return reason


def _fits(header: Header, item: Item, command: commands.Push) -> bool:
    """Whether the header says what its sender is and does."""
    return (
        (header.team, header.machine, header.origin, header.oseq)
        == (command.team, command.machine, command.origin, item.oseq)
        and 0 < len(header.to) <= _TO_MOST
        and len(header.id) <= limits.NAME_CHARS
    )


def _recipients(work: _Push, header: Header) -> tuple[list[str], str]:
    """The machines that an item is for and that are in the team, and why it is a tombstone, or ''.

    A tombstone is for them too: else they would miss a number and take it for withheld.
    """
    team = work.command.team
    if EVERY_MACHINE in header.to:
        wanted = [machine for (machine,) in work.book.rows("chain.members", team) if machine != header.machine]
    else:
        wanted = list(dict.fromkeys(header.to))
    found = []
    for machine in wanted:
        if machine not in work.given:
            row = work.book.row("chain.counts", machine, team)
            if row is None:
                continue
            work.given[machine] = row[0]
        _hold_share(work, machine)
        found.append(machine)
    if not found:
        return [], "nobody-there"
    return found, "owners-only" if EVERY_MACHINE in header.to and work.role != OWNER else ""


def _hold_share(work: _Push, machine: str) -> None:
    """So much of one machine may wait for another. Raises RelayRefused."""
    command, most = work.command, work.command.waiting_most
    given, taken, cursor = work.book.row("chain.counts", machine, command.team) or (0, 0, 0)
    if max(given, work.given[machine]) - taken < most:  # of all machines together: most pushes need no closer look
        return
    if work.book.value("entry.over_share", command.team, machine, command.machine, cursor, most - 1):
        raise refusal("inbox-full", retry_after_ms=limits.RELAY_INBOX_RETRY_MS, most=most)


def _need(work: _Push, header: Header, seq: int) -> None:
    """The parts that an entry refers to must be here, and stay while it does. Raises RelayRefused."""
    for digest in dict.fromkeys(header.blobs):
        if not work.book.value("part.is_there", work.command.team, digest):
            raise refusal("part-missing", digest=digest[: limits.NAME_CHARS])
        work.book.run("part.use", work.command.team, digest, seq)


def _close(work: _Push, head: int, last: int, size: int, added: int) -> None:
    """What the items changed of the team, the origin and the machines that they are for. Raises RelayRefused."""
    book, command = work.book, work.command
    if size > command.team_bytes_most:
        raise refusal("team-full", retry_after_ms=limits.RELAY_FULL_RETRY_MS, most=command.team_bytes_most)
    if book.value("chain.bytes", command.machine) + added > command.machine_bytes_most:
        raise refusal("machine-full", retry_after_ms=limits.RELAY_FULL_RETRY_MS, most=command.machine_bytes_most)
    book.run("chain.grew", added, command.machine)
    book.run("team.pushed", head, size, command.team)
    book.run("entry.set_origin", command.team, command.origin, command.machine, last)
    for machine, given in work.given.items():
        book.run("chain.given", given, machine)
        book.touch(command.team, machine)


def drop(book: Book, command: commands.Drop) -> commands.Swept:
    """Empty a machine's oldest entries. They stay as tombstones: else their readers would take them for withheld."""
    team, freed, count = command.team, 0, 0
    for seq, size in book.rows("entry.of_machine", team, command.machine, command.rows):
        book.run("entry.empty", "dropped", team, seq)
        book.run("part.drop_uses", team, seq)
        freed, count = freed + size, count + 1
    book.run("team.freed", freed, team)
    book.run("chain.grew", -freed, command.machine)
    return commands.Swept(entries=count, parts=[])
