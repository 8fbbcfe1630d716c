"""The log: appending envelopes, one origin at a time, gap-free.

Rules kept here:
- for each origin the relay remembers the last number that it has; what `core.sync.admit` says decides;
- an item that can never be taken is kept as a tombstone with its reason, so that it blocks nothing, and is told
  again to whoever offers it again;
- an item that may be taken later (another key, parts that are not here yet, a full team) refuses the whole push,
  and leaves nothing of it behind.
"""

from __future__ import annotations

from _blake2 import blake2b
from typing import NamedTuple

import msgspec

from telex import limits
from telex.core import sync
from telex.relay import commands
from telex.relay.book import Book
from telex.wire.api import Item, Pushed, Refusal
from telex.wire.envelope import EVERY_MACHINE, Header
from telex.wire.faults import TOMBSTONES, refusal
from telex.wire.records import MEMBER, OWNER

_HEADER = msgspec.json.Decoder(Header)
_TO_MOST = limits.RELAY_HEADER_BYTES // 32


class _Push(NamedTuple):
    """One push, while it is worked on."""

    book: Book
    command: commands.Push
    role: str
    key: int  # the epoch of the team's key
    given: dict[str, tuple[int, int]]  # for machines that something is for: how much was, and how much it has read


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
    first, forked = head + 1, False
    for item in command.items:
        name, header = _read(item)
        kept = book.row("entry.kept", team, command.origin, item.oseq) if item.oseq <= last else None
        verdict = sync.admit(last, item.oseq, name, kept[0] if kept else None)
        if verdict == sync.APPEND:
            reason = _append(work, item, name, header, head + 1)
            head, last = head + 1, item.oseq
            size += len(item.header) + (0 if reason else len(item.sealed))
        elif verdict == sync.KNOWN and kept:
            reason = kept[1]
        else:
            forked = verdict == sync.FORKED
            break
        if reason:
            refused.append(Refusal(oseq=item.oseq, code=reason, reason=TOMBSTONES[reason]))
    if head >= first:
        _close(work, head, last, size)
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
        given, taken = work.given[machine]
        work.given[machine] = given + 1, taken
        book.run("entry.address", command.team, machine, seq, given + 1)
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
            work.given[machine] = row[0], row[1]
        found.append(machine)
    if not found:
        return [], "nobody-there"
    if any(work.given[one][0] - work.given[one][1] >= work.command.waiting_most for one in found):
        return found, "inbox-full"
    return found, "owners-only" if EVERY_MACHINE in header.to and work.role != OWNER else ""


def _need(work: _Push, header: Header, seq: int) -> None:
    """The parts that an entry refers to must be here, and stay while it does. Raises RelayRefused."""
    for digest in dict.fromkeys(header.blobs):
        if not work.book.value("part.is_there", work.command.team, digest):
            raise refusal("part-missing", digest=digest[: limits.NAME_CHARS])
        work.book.run("part.use", work.command.team, digest, seq)


def _close(work: _Push, head: int, last: int, size: int) -> None:
    """What the items changed of the team, the origin and the machines that they are for. Raises RelayRefused."""
    book, command = work.book, work.command
    if size > command.team_bytes_most:
        raise refusal("team-full", retry_after_ms=limits.RELAY_FULL_RETRY_MS, most=command.team_bytes_most)
    book.run("team.pushed", head, size, command.team)
    book.run("entry.set_origin", command.team, command.origin, command.machine, last)
    for machine, (given, _) in work.given.items():
        book.run("chain.given", given, machine)
        book.touch(command.team, machine)
