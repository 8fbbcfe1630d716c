"""Joining, leaving, listing a coop session, and sending to it.

Rules kept here: one positional word of `send` is the text, two are session and text, as in coop; a body over 10 KB is
refused with its size and the way around; who did not get the message is named.
"""

from __future__ import annotations

from telex import limits
from telex.bus import body_source
from telex.compat.coop.words import Words, one_name, parse
from telex.core import names
from telex.core.delivery import QUEUED
from telex.errors import NoSession, TooLargeForCoop, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus import Bus
    from telex.cli.call import Call


def join(call: Call) -> None:
    """`session init|join NAME`: enter it, and make it the active one."""
    name = call.bus.join(one_name("session", call.words, needed=True))
    call.out.line(f"Joined {name[1:]}; it is the active session")


def leave(call: Call) -> None:
    """`session leave [NAME]`"""
    name = one_name("session", call.words, needed=False) or _active(call.bus)
    left = call.bus.leave(name)
    now = call.bus.active_channel()
    call.out.line(f"Left {left[1:]}" + (f"; the active session is {now[1:]}" if now and now != left else ""))


def listing(call: Call) -> None:
    """`session list`"""
    if parse("session", call.words).texts:
        raise Usage(problem="list takes no name", verb="session")
    active, rows = call.bus.active_channel(), []
    for one in call.bus.channels():
        mark = "active" if one.name == active else "joined" if one.mine else "-"
        rows.append([one.name[1:], mark, ", ".join(one.members)])
    if rows:
        call.out.table(["session", "you", "members"], rows)
    else:
        call.out.line("No sessions yet: telex session join NAME")


def send(call: Call) -> None:
    """`session send [SESSION] TEXT`, `--file F`, `--stdin`, `--kind K`"""
    said = parse("session", call.words, values=("file", "kind"), flags=("stdin",))
    name, body = _addressed(said, call.bus)
    size = len(body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body)
    if size > limits.COOP_BODY_BYTES:
        counted = f"over {size - 1:,}" if size > limits.BODY_MOST_BYTES else f"{size:,}"
        raise TooLargeForCoop(size=counted, most=f"{limits.COOP_BODY_BYTES:,}")
    channel = names.fold((name or _active(call.bus)).removeprefix("#"))
    sent = call.bus.send(f"#{channel}", body, kind=said.options.get("kind", "note"), keep=not name)
    call.out.settled = f"{sent.id} is stored"
    far = [one for one in sent.recipients if one.state == QUEUED and "@" in one.name[1:]]
    kept = [one for one in sent.recipients if one.state == QUEUED and one.name.startswith("#")]
    got = [one.name for one in sent.recipients if one.state == QUEUED and one not in far + kept]
    if kept:
        call.out.line(f"Sent to {channel} ({sent.id}): {kept[0].note}")
    else:
        call.out.line(f"Sent to {channel} ({sent.id}): {', '.join(got) or 'nobody here'}")
    for one in far:
        call.out.line(f"On its way to {one.name}: {one.note}")
    for one in sent.recipients:
        if one.state != QUEUED:
            call.out.line(f"Not to {one.name}: {one.note}")


def _active(bus: Bus) -> str:
    active = bus.active_channel()
    if not active:
        raise NoSession()
    return active


def _addressed(words: Words, bus: Bus) -> tuple[str, str | bytes]:
    """The session, or '' for the active one, and the text. Raises Usage, FileUnreadable, FileForbidden."""
    texts, path, piped = words.texts, words.options.get("file"), "stdin" in words.flags
    if path is None and not piped:
        if not texts:
            raise Usage(
                problem="the message is missing: give it in quotes, with --file F or with --stdin", verb="session"
            )
        if len(texts) > 2:
            raise Usage(problem="more than a session and a text: put the text in quotes", verb="session")
        return (texts[0] if len(texts) == 2 else ""), texts[-1]
    if (path is not None and piped) or len(texts) > 1:
        raise Usage(problem="give the text once: in quotes, with --file or with --stdin", verb="session")
    return (texts[0] if texts else ""), (body_source.from_pipe() if path is None else body_source.from_file(bus, path))
