"""The five scripts of claude-ipc-mcp: `telex ipc register|send|check|list|rename`.

Rules kept here:
- they work on the bus, no port is needed; outputs are the originals', `~/.ipc-session` too;
- inside an agent's session the identity is that session, and the file, of which a user has one, is left alone;
- an error ends with 1 (the originals end with 0), on the same stream and in the same shape;
- mail is marked read after it was handed over.
"""

from __future__ import annotations

import json
import os

from telex import limits
from telex.bus import here
from telex.bus.identity import SHELL
from telex.compat.ipc import actions
from telex.compat.ipc.tools import contained, text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.bus import Bus
    from telex.cli.call import Call

SESSION_FILE = "~/.ipc-session"
_RULE = "-" * 50
_FAILED = 1


def register(call: Call) -> int:
    """`telex ipc register ID`"""
    if len(call.words) != 2:
        return _usage(call, "register <instance_id>")
    written = call.words[1]
    known = _remembered()

    def admit(name: str, spelled: str) -> tuple[Bus, str]:
        if _in_session(call.bus):
            return call.bus, call.bus.settle(name, spelled)
        return call.bus.admit(name, spelled, pid=os.getppid(), directory=here(), token=known["session_token"])

    answer = actions.answered(lambda: actions.register(call.bus, written, admit))
    if answer["status"] != "ok":
        return _failed(call, answer)
    if not _in_session(call.bus):
        _remember(written, answer["session_token"])
    call.out.line(f"Registered as {written}")
    call.out.line(answer["message"])
    return 0


def send(call: Call) -> int:
    """`telex ipc send TO WORDS…`"""
    if len(call.words) < 3:
        return _usage(call, "send <to_instance> <message>")
    to, words = call.words[1], " ".join(call.words[2:])
    bus = _acting(call)
    if bus is None:
        return _not_registered(call)
    answer = actions.answered(lambda: actions.send(bus, to, {"content": words}))
    if answer["status"] != "ok":
        return _failed(call, answer)
    call.out.settled = "the message is stored"
    call.out.line(f"Sent to {to}: {words}")
    if answer["message"] != "Message sent":
        call.out.line(answer["message"])
    return 0


def check(call: Call) -> int:
    """`telex ipc check`"""
    bus = _acting(call)
    if bus is None:
        return _not_registered(call)
    handed = actions.check(bus)
    if not handed.messages:
        handed.finish(True)
        call.out.line("No new messages")
        return 0
    try:
        call.out.line("New messages:")
        call.out.line(_RULE)
        for one in handed.messages:
            _print(call, one)
        if handed.more:
            call.out.line(f"{handed.more} more wait: check again")
        call.out.flush()
    except BaseException:
        handed.finish(False)
        raise
    handed.finish(True)
    return 0


def list_(call: Call) -> int:
    """`telex ipc list`"""
    bus = _acting(call)
    if bus is None:
        return _not_registered(call)
    found = actions.instances(bus)["instances"]
    if not found:
        call.out.line("No active instances found")
        return 0
    call.out.line("Active IPC instances:")
    for one in found:
        call.out.line()
        call.out.line(f"ID: {one['id']}")
        call.out.line(f"Last seen: {one['last_seen']}")
    return 0


def rename(call: Call) -> int:
    """`telex ipc rename NEW`"""
    if len(call.words) != 2:
        return _usage(call, "rename <new_id>")
    bus = _acting(call)
    if bus is None:
        return _not_registered(call)
    old, new = bus.spelling(bus.me.address.name), call.words[1]
    answer = actions.answered(lambda: actions.rename(bus, old, new))
    if answer["status"] != "ok":
        return _failed(call, answer)
    if not _in_session(call.bus):
        _remember(new, _remembered()["session_token"])
    hours = bus.settings().forward_hours
    call.out.line(f"✅ Renamed from {old} to {new}")
    call.out.line()
    call.out.line(f"Your old name '{old}' will forward to '{new}' for {hours} hour{'' if hours == 1 else 's'}.")
    return 0


def _print(call: Call, one: dict[str, Any]) -> None:
    call.out.line(f"From: {one['from']}")
    call.out.line(f"Time: {one['timestamp']}")
    call.out.line(f"Content: {contained(one['message']['content'])}")
    if one["message"]["data"]:
        call.out.line(f"Data: {text_of(one['message']['data'])}")
    call.out.line(_RULE)


def _in_session(bus: Bus) -> bool:
    """Whether this process belongs to an agent's session. Raises WhoAreYou where that cannot be told."""
    return bus.me.session is not None and bus.me.client != SHELL


def _acting(call: Call) -> Bus | None:
    """The bus of whoever asks: the session around this process, or whoever the file's token names."""
    if _in_session(call.bus):
        return call.bus
    token = _remembered()["session_token"]
    return call.bus.guest(token, pid=os.getppid()) if token else None


def _remembered() -> dict[str, str]:
    """What the session file says; empty words where it is missing or not one."""
    try:
        with open(os.path.expanduser(SESSION_FILE), encoding="utf-8") as file:
            found = json.loads(file.read(limits.IPC_SEGMENT_BYTES))
        return {name: str(found[name]) for name in ("instance_id", "session_token")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"instance_id": "", "session_token": ""}


def _remember(written: str, token: str) -> None:
    """Write the session file, 0600 from its first byte on."""
    path = os.path.expanduser(SESSION_FILE)
    draft = f"{path}.{os.urandom(8).hex()}"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps({"instance_id": written, "session_token": token}))
    os.replace(draft, path)


def _failed(call: Call, answer: dict[str, Any]) -> int:
    call.out.line(json.dumps(answer, indent=2))
    return _FAILED


def _not_registered(call: Call) -> int:
    call.out.line("Error: Not registered. Run ipc_register.py first.")
    return _FAILED


def _usage(call: Call, form: str) -> int:
    call.out.line(f"Usage: telex ipc {form}")
    return _FAILED


DOES = {"register": register, "send": send, "check": check, "list": list_, "rename": rename}
