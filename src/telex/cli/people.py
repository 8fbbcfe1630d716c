"""who, channels, join, leave, name."""

from __future__ import annotations

import os

from telex import limits
from telex.core import text
from telex.core.message import OBSERVED, sent_with

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call


def who(call: Call) -> None:
    """`telex who`"""
    found = call.bus.who(everybody="all" in call.args.flags)
    if call.out.as_json:
        call.out.json({"me": f"@{call.bus.looker.address.name}", "sessions": found})
        return
    now = call.bus.clock()
    rows = []
    for one in found:
        name = one.name + (" (you)" if one.me else "")
        client = one.client or ("person" if one.kind == "person" else "-")
        where = text.place(one.directory, _user_home(), limits.PLACE_CHARS) if one.directory else "-"
        age = text.age(now - one.seen_ms) if one.state == "offline" or one.machine or one.away else "-"
        state = ", ".join(filter(None, (one.state, one.away)))
        rows.append([name, client, state or "-", str(one.unread), age, where, one.machine or "here"])
    heads = ["name", "client", "state", "unread", "seen", "directory", "machine"]
    shown = len(heads) if any(one.machine for one in found) else len(heads) - 1
    call.out.table(heads[:shown], [row[:shown] for row in rows])
    for one in found:
        if one.observed_ms:
            tool, age = sent_with(one.client, OBSERVED), text.age(now - one.observed_ms)
            ago = age if age == "now" else f"{age} ago"
            call.out.line(f"{one.name} last wrote with {tool}, not by telex, {ago}: telex log --with {one.name}")
    if sum(one.state == "nobody" for one in found) == limits.WHO_AWAITED and "all" not in call.args.flags:
        call.out.line(f"of names that mail waits for, the newest {limits.WHO_AWAITED}; all of them: telex who --all")


def channels(call: Call) -> None:
    """`telex channels`"""
    found = call.bus.channels()
    if call.out.as_json:
        call.out.json({"channels": found})
    elif not found:
        call.out.line("no channels yet: a session joins the channel of its directory when it starts")
    else:
        rows = [[one.name + (" (yours)" if one.mine else ""), ", ".join(one.members)] for one in found]
        call.out.table(["channel", "members"], rows)


def join(call: Call) -> None:
    """`telex join CHANNEL`"""
    _did(call, "joined", call.bus.join(call.args.word("channel")))


def leave(call: Call) -> None:
    """`telex leave CHANNEL`"""
    _did(call, "left", call.bus.leave(call.args.word("channel")))


def name(call: Call) -> None:
    """`telex name [NEW]`"""
    bus, mode = call.bus, call.args.option("wake")
    if mode:
        bus.set_wake(mode)
    if wanted := call.args.word("new"):
        before, after = f"@{bus.me.address.name}", bus.rename(wanted)
        forwards = bus.settings().forward_hours
        if call.out.as_json:
            call.out.json({"name": after, "before": before, "forward_hours": forwards})
        elif before == after:
            call.out.line(f"you are {after}")
        else:
            call.out.line(f"you are {after}; {before} leads to you for {forwards} h")
    else:
        _say_name(call)


def _say_name(call: Call) -> None:
    me = call.bus.reader
    if call.out.as_json:
        call.out.json(
            {
                "name": f"@{me.address.name}",
                "kind": me.address.kind,
                "client": me.client,
                "wake": me.address.wake,
            }
        )
    else:
        kind = f"a {me.client} session" if me.session else "the person" if me.address.id else "who can only look"
        woken = f"; woken by: {_WOKEN_BY[me.address.wake]}" if call.args.option("wake") else ""
        call.out.line(f"you are @{me.address.name}, {kind}{woken}")


_WOKEN_BY = {
    "direct": "what is sent to it by name, and requests",
    "requests": "requests",
    "all": "everything but acks and events",
    "never": "nothing; mail waits for its next prompt",
}


def _did(call: Call, what: str, channel: str) -> None:
    if call.out.as_json:
        call.out.json({what: channel})
    else:
        call.out.line(f"{what} {channel}")


def _user_home() -> str:
    return os.environ.get("HOME", "")
