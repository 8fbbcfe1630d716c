"""send, ask, reply, inbox, read, done, wait."""

from __future__ import annotations

import os
import sys

from telex import limits
from telex.cli.output import remark
from telex.core.delivery import UNREAD, UNSEEN
from telex.errors import RecipientMissing, Usage
from telex.errors.answers import Unwritten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus import Emit
    from telex.bus.message_view import Letter
    from telex.bus.send import Sent
    from telex.cli.call import Call
    from telex.cli.parse import Args


def send(call: Call) -> None:
    """`telex send TO [TEXT…]`"""
    args, bus = call.args, call.bus
    _claim(call)
    sent = bus.send(
        args.word("to"),
        _body(call, "send"),
        kind=args.option("kind") or "note",
        data=args.option("data"),
        reply_to=args.option("reply-to"),
        thread=args.option("thread"),
        ttl_s=_span(args, "ttl", 0),
        deadline_s=_span(args, "deadline", 0),
        key=args.option("key"),
        strict="strict" in args.flags,
        quiet="quiet" in args.flags,
        team="team" in args.flags,
    )
    _say_sent(call, sent)


def ask(call: Call) -> None:
    """`telex ask TO TEXT`"""
    _claim(call)
    timeout_s = _span(call.args, "timeout", 600)
    body = _body(call, "ask")
    call.bus.ask(call.args.word("to"), body, timeout_s=timeout_s, data=call.args.option("data"), emit=_emitter(call))


def reply(call: Call) -> None:
    """`telex reply ID TEXT`"""
    args = call.args
    _claim(call)
    kind = args.option("kind") or "reply"
    body = _body(call, "reply")
    sent = call.bus.reply(args.word("id"), body, kind=kind, data=args.option("data"), key=args.option("key"))
    _say_sent(call, sent)


def inbox(call: Call) -> None:
    """`telex inbox`"""
    args = call.args
    most = args.count("limit", limits.LIST_ROWS, "inbox")
    letters = call.bus.inbox(everything="all" in args.flags, most=most)
    unread = call.bus.unread()
    if call.out.as_json:
        call.out.json({"me": f"@{call.bus.reader.address.name}", "unread": unread, "messages": letters})
    elif not letters:
        call.out.line("nothing unread")
    else:
        listing(call, letters)
        waiting = sum(one.state in UNSEEN for one in letters)
        if unread > waiting and "all" not in args.flags:
            call.out.line(f"{unread - waiting} more: telex inbox --limit {unread + len(letters)}")
    listed = [one.id for one in letters if one.state in UNREAD]
    if "mark-read" in args.flags and listed:
        try:
            call.out.flush()
        except Unwritten as problem:
            problem.keeps_mail = True
            raise
        call.bus.read(*listed)


def read(call: Call) -> None:
    """`telex read [ID…]`"""
    most = call.args.count("limit", limits.LIST_ROWS, "read")
    found = call.bus.read(*call.args.words["id"], emit=_emitter(call), most=most)
    left = call.bus.unread(handed=False) if not call.args.words["id"] else 0
    if call.out.as_json:
        if not found:
            call.out.json({"messages": []})
    elif not found:
        call.out.line("nothing unread")
    elif left:
        call.out.line(f"{left} more unread: telex read")


def done(call: Call) -> None:
    """`telex done ID`"""
    finished = call.bus.done(*call.args.words["id"])
    if call.out.as_json:
        call.out.json({"done": finished})
    else:
        call.out.line(f"{', '.join(finished)} done")


def wait(call: Call) -> None:
    """`telex wait`"""
    args = call.args
    timeout_s = _span(args, "timeout", 0)
    call.bus.wait(sender=args.option("from"), kind=args.option("kind"), timeout_s=timeout_s, emit=_emitter(call))


def listing(call: Call, letters: list[Letter]) -> None:
    """Messages, a line each."""
    from telex.bus.message_view import COLUMNS, cells

    now = call.bus.clock()
    call.out.table([*COLUMNS], [cells(one, now) for one in letters])


def _emitter(call: Call) -> Emit:
    def emit(letters: list[Letter]) -> None:
        try:
            if call.out.as_json:
                call.out.json({"messages": letters})
            else:
                call.out.line(framed(call, letters))
            call.out.flush()
        except Unwritten as problem:
            problem.keeps_mail = True
            raise

    return emit


def framed(call: Call, letters: list[Letter]) -> str:
    """Messages in the frame, whole."""
    from telex.bus.message_view import item
    from telex.core.frame import frame

    budget = 4 * limits.FRAME_CHARS + sum(8 * (one.size + len(one.data)) + limits.FRAME_CHARS for one in letters)
    items = [item(one) for one in letters]
    home = os.environ.get("HOME", "")
    return frame(items, call.bus.looker.address.name, call.bus.clock(), budget=budget, home=home).text


def _claim(call: Call) -> None:
    if name := call.args.option("from"):
        call.bus.claim(name)


def _say_sent(call: Call, sent: Sent) -> None:
    call.out.settled = f"{sent.id} is stored"
    if call.out.as_json:
        call.out.json(sent)
        return
    parts = [f"{one.name} ({one.note})" for one in sent.recipients]
    again = "; sent before under this key" if sent.repeated else ""
    call.out.line(f"{sent.id} -> {', '.join(parts)}{again}")


def _span(args: Args, name: str, default: float) -> float:
    given = args.option(name)
    if not given:
        return default
    from telex.core import duration

    return duration.seconds(given)


def _body(call: Call, verb: str) -> bytes | str:
    """The text of a message: from words, a file or a pipe, exactly one of them. Raises Usage, RecipientMissing."""
    args = call.args
    words, path, piped = args.words["text"], args.option("file"), "stdin" in args.flags
    if sum((bool(words), bool(path), piped)) > 1:
        raise Usage(problem="give the text once: as words, with --file or with --stdin", verb=verb)
    if words:
        return " ".join(words)
    from telex.bus import body_source

    if path or piped:
        return body_source.from_file(call.bus, path) if path else body_source.from_pipe()
    unsaid = sys.stdin is None or sys.stdin.isatty()
    if not unsaid:
        _say_what_it_waits_for(verb)
    found = b"" if unsaid else body_source.from_pipe()
    if not found.strip() and _stands_alone(args.word("to")):
        raise RecipientMissing(text=args.word("to")[:40], verb=verb)
    if unsaid:
        raise Usage(problem="the message is missing: give words, --file F or --stdin", verb=verb)
    return found


def _stands_alone(word: str) -> bool:
    """Whether a word without a text is more probably the text than a recipient."""
    return bool(word) and not word.startswith(("@", "#")) and word.lower() != "all" and "," not in word


def _say_what_it_waits_for(verb: str) -> None:
    """Nobody asked for standard input: where it stays open and silent, say that this is what the command reads."""
    import select

    try:
        there = select.select([0], [], [], limits.STDIN_SILENCE_SECONDS)[0]
    except (OSError, ValueError):  # no such look at a pipe on this system
        return
    if not there:
        remark(f"telex: reading the message from standard input, because 'telex {verb}' was given no text")
