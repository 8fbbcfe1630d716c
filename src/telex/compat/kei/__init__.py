"""kei's mailbox: `telex message …`, and `telex kei message …`.

Rules kept here:
- words, lines and exit statuses are kei's: 0 done, 1 not done, 2 an option without its value; standard output
  carries kei's lines only, what kei had no line for (a name that nobody holds, a refusal) goes to standard error;
- a kei name is the base name of a directory: `#name` where somebody else is in it, else `@name`, where mail waits
  for the next session there;
- the sender is the bus's caller; `--from` may only repeat a name that is the caller's already;
- looking changes nothing; only the hook marks mail read, and only what it has handed over.
"""

from __future__ import annotations

import os
import sys

from telex import limits
from telex.bus import body_source, here
from telex.compat.kei import lines
from telex.compat.kei.words import Sending, parse_send, value
from telex.core import names, text
from telex.core.delivery import QUEUED
from telex.errors import BodyEmpty, NameInvalid, NameReserved, NobodyThere, TelexError, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus import Bus
    from telex.bus.message_view import Letter
    from telex.bus.send import Sent
    from telex.cli.call import Call

_USAGE = "kei message: send [--to <name|all>] <text> | inbox | list | channels"
_SEND_USAGE = "usage: kei message send [--to <name|all>] <text>"
_WORDS = ("message", "msg", "m")
_AWAY = ("nobody", "offline")


def message(call: Call) -> int:
    """`telex message …`: the exit status."""
    return _run(call, call.words)


def kei(call: Call) -> int:
    """`telex kei message …`: the exit status."""
    if call.words and call.words[0] in _WORDS:
        return _run(call, call.words[1:])
    return _complain("kei: telex answers 'kei message …'; everything else of kei is not telex's")


def _run(call: Call, words: list[str]) -> int:
    verb = words[0] if words else "inbox"
    if verb == "hook":
        from telex.compat.kei import hook

        return hook.run(call)
    act = _VERBS.get(verb)
    if act is None:
        return _complain(_USAGE)
    try:
        return act(call, words[1:])
    except TelexError as problem:
        _complain(f"kei message: {problem.message}")
        return _complain(f"hint: {problem.advice}", 2 if isinstance(problem, Usage) else 1)


def _complain(line: str, status: int = 1) -> int:
    sys.stderr.write(text.visible(line) + "\n")
    return status


# --- sending ---


def _send(call: Call, words: list[str]) -> int:
    said = parse_send(words)
    body = _body(said, call.bus)
    if not body:
        return _complain(_SEND_USAGE)
    if said.sender:
        _check_claim(call.bus, said.sender)
    try:
        sent = _to_all(call.bus, body) if said.to == lines.ALL else _to_one(call.bus, said.to, body)
    except BodyEmpty:
        return _complain(_SEND_USAGE)
    call.out.settled = f"{sent.id} is stored"
    me = said.sender or _base(here()) or call.bus.me.address.name
    call.out.line(f"-> sent to '{lines.shown(said.to)}' (from '{lines.shown(me)}')")
    for one in sent.recipients:
        if one.state != QUEUED or one.presence in _AWAY or "@" in one.name[1:]:
            _complain(f"kei message: {one.name}: {one.note}")
    return 0


def _body(said: Sending, bus: Bus) -> str | bytes:
    """The text, from one place. Raises Usage, FileUnreadable."""
    if (bool(said.body), bool(said.path), said.piped).count(True) > 1:
        raise Usage(problem="give the text once: as words, with --file or with --stdin", verb="message")
    if not said.path and not said.piped:
        return said.body
    return body_source.from_file(bus, said.path) if said.path else body_source.from_pipe()


def _to_all(bus: Bus, body: str | bytes) -> Sent:
    """To every session that is here; where none is, to the person, so that a broadcast is never lost."""
    sent = bus.send(lines.ALL, body, or_person=True)
    if not sent.recipients[0].presence:
        _complain(f"kei message: no other session is here; it is in the inbox of {sent.recipients[0].name}")
    return sent


def _to_one(bus: Bus, written: str, body: str | bytes) -> Sent:
    name = _telex_name(bus, written)
    target = _target(bus, name)
    try:
        return bus.send(target, body)
    except NobodyThere:  # the channel's last member left meanwhile
        return bus.send(f"@{name}", body)


def _telex_name(bus: Bus, written: str) -> str:
    """The name that a kei name means. Raises NameInvalid, NameReserved.

    A directory's name may be anything; telex mends it for the sessions there, and so it is mended here where a
    session does work in a directory of that very name.
    """
    word = written.removeprefix("#").removeprefix("@")
    if "@" in word:
        return names.fold_address(word)
    try:
        return names.fold_own(word)
    except (NameInvalid, NameReserved):
        there = next((one.directory for one in bus.who() if _base(one.directory) == word), "")
        if not there:
            raise
        return names.of_directory(there, os.environ.get("HOME", "")) or names.slug(word)


def _target(bus: Bus, name: str) -> str:
    """The channel where somebody else is in it, else the address. A name that is somebody's beside a channel of
    that name means both: who answers a sender by its name must reach it."""
    me, at = f"@{bus.me.address.name}", f"@{name}"
    if "@" in name:
        return at
    members = next((one.members for one in bus.channels() if one.name == f"#{name}"), [])
    if not [one for one in members if one != me]:
        return at
    if at != me and at not in members and any(one.name == at and one.state not in _AWAY for one in bus.who()):
        return f"#{name},{at}"
    return f"#{name}"


def _check_claim(bus: Bus, written: str) -> None:
    """Raises NotYourName, NameTaken, NameInvalid for a sender that the caller is not."""
    me = bus.me
    places = [_base(me.directory), _base(me.session.directory) if me.session else ""]
    if written in places:
        return
    wanted = names.fold(written.removeprefix("@"))
    own = {me.address.name, *(names.slug(place, default="") for place in places)}
    if wanted not in own and f"#{wanted}" not in [one.name for one in bus.channels() if one.mine]:
        bus.claim(wanted)


def _base(directory: str) -> str:
    """`basename`, as kei's `me` is made."""
    return directory.rstrip("/").rpartition("/")[2] or directory[:1]


# --- looking ---


def _inbox(call: Call, words: list[str]) -> int:
    bus = call.bus
    asked = ""
    rest = iter(words)
    for word in rest:
        if word == "--me":
            asked = _telex_name(bus, value(word, next(rest, None)))
    found = [] if asked else bus.inbox(everything=True, most=limits.LIST_ROWS)
    wanted = {asked} if asked else _my_names(bus)
    for name in wanted:
        found += bus.log(partner=f"#{name}", most=limits.LIST_ROWS)
    addresses = {lines.ALL, *(f"@{name}" for name in wanted)}
    newest = bus.log(everything=True, most=limits.KEI_LOOK_BACK_ROWS)
    found += [one for one in newest if not addresses.isdisjoint(one.to.split(","))]
    by_number = {int(one.id[1:]): one for one in found}
    return _print(call, [by_number[number] for number in sorted(by_number)[-limits.LIST_ROWS :]])


def _my_names(bus: Bus) -> set[str]:
    """What the caller is called, and where it works."""
    me = bus.me
    directory = me.session.directory if me.session else me.directory
    return {me.address.name, names.of_directory(directory, os.environ.get("HOME", "")) or me.address.name}


def _list(call: Call, words: list[str]) -> int:
    return _print(call, call.bus.log(everything=True, most=limits.KEI_LIST_ROWS)[::-1])


def _print(call: Call, letters: list[Letter]) -> int:
    for one in letters:
        call.out.line(lines.record(one))
    return 0


def _channels(call: Call, words: list[str]) -> int:
    found = {lines.ALL, *_my_names(call.bus)}
    found |= {one.name.removeprefix("#") for one in call.bus.channels()}
    found |= {one.name.removeprefix("@") for one in call.bus.who()}
    for name in sorted(found):
        call.out.line(name)
    return 0


_VERBS = {
    "send": _send,
    "inbox": _inbox,
    "read": _inbox,
    "list": _list,
    "all": _list,
    "channels": _channels,
    "names": _channels,
    "who": _channels,
}
