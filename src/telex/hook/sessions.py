"""The session of a payload: known, registered or ended.

Rule kept here: a session that the hooks meet for the first time, or again after its process ended, is registered at
once, and the link with other machines, where there is one, is started.
"""

from __future__ import annotations

import os

from telex.db.connection import Store
from telex.hook import delivery, payloads
from telex.mail import addresses, messages, registration, retention

# The words of a command line by which a client is told to answer one prompt and leave.
_ONE_SHOT = {
    "codex": (b"exec", b"e", b"review"),
    "gemini": (b"-p", b"--prompt"),
    "copilot": (b"-p", b"--prompt"),
}


def session(db: Store, client: str, payload: payloads.Payload, pid: int) -> addresses.Session:
    """The live session of a payload."""
    found = addresses.session_by_key(db, client, payload.session_id)
    return found if found and found.lives() else register(db, client, payload, pid)[0]


def register(
    db: Store, client: str, payload: payloads.Payload, pid: int
) -> tuple[addresses.Session, addresses.Address]:
    """The session of a payload, with its address; those that left without a word are ended on the way."""
    who = addresses.Arrival(
        client=client,
        key=payload.session_id,
        pid=pid,
        directory=payload.cwd or os.getcwd(),
        title=payload.title,
        wish=os.environ.get("TELEX_NAME", ""),
        follows=payload.source == "clear",
        one_shot=bool(payload.one_shot) or one_shot(client, pid),
    )
    with db.write():
        retention.end_dead(db, delivery.now_ms())
        registered = registration.register(db, who, addresses.user_name(), delivery.now_ms())
    if addresses.linked(db):
        from telex.team import link_process

        link_process.ensure(db)
    return registered


def one_shot(client: str, pid: int) -> bool:
    """Whether the client in that process answers one prompt and leaves; False where that cannot be told."""
    if client == "claude":
        attended = os.environ.get("CLAUDE_CODE_SESSION_ATTENDED", "")
        return attended != "1" if attended else os.environ.get("CLAUDE_CODE_ENTRYPOINT", "")[:3] == "sdk"
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = file.read().split(b"\0")[1:]
    except OSError:
        return False
    signs = _ONE_SHOT.get(client, ())
    return any(word in signs or (word.startswith(b"--prompt=") and signs) for word in words)


def end(db: Store, client: str, payload: payloads.Payload, pid: int) -> None:
    """The session is over in this process; after a `clear` its successor takes its name over."""
    found = addresses.session_by_key(db, client, payload.session_id)
    if found is None or found.ended_ms or payload.reason == "clear":
        return
    with db.write():
        if addresses.close_process(db, found, pid):  # it is open in another terminal too: that one goes on
            messages.take_back(db, found.address, delivery.now_ms())
            return
    delivery.leave(db, found, f"the session ended ({payload.reason or 'no reason given'})")


# The words of a command line by which a client is told to answer one prompt and leave.
