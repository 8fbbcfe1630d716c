"""The inbox socket of a Claude Code session: how an idle one is called sooner than by its bell.

Rules kept here:
- the client answers nothing and may hold, drop or refuse what it is sent. So no mail goes through here, only the
  word that mail waits: the hook of the prompt that this brings shows it, framed and once, and the bell remains;
- the client's own record says where the socket is, whose session listens and whether it is idle. Whatever is not
  as it is known to be, there is no call;
- only a socket of the same user is written to.
Seen with Claude Code 2.1.330: a session that bypasses permissions holds the word until its person has looked, unless
its setting `crossSessionInbound` is `accept`; what equals the last word of the same sender is dropped.
"""

from __future__ import annotations

import os
import stat
import time

from telex import limits
from telex.db.connection import Store
from telex.mail import addresses

WORKING = ("busy", "waiting")  # what the record says of a turn that runs; the second waits for its person
_SENDER = "telex"


def status(db: Store, session: addresses.Session) -> str:
    """What the client says that its session does; '' where it does not say."""
    return _look(db, _record(session), session.key)[1]


def idle_at(db: Store, session: addresses.Session) -> str:
    """The path of the socket as soon as the client is idle; '' where it stays busy or has none."""
    record = _record(session)
    end = time.monotonic() + limits.INBOX_SOCKET_IDLE_SECONDS
    while True:
        path, status = _look(db, record, session.key)
        if not path or status == "idle":
            return path if _is_ours(path) else ""
        if time.monotonic() > end:
            return ""
        time.sleep(limits.WAIT_POLL_MS / 1000)


def tell(db: Store, path: str, text: str) -> bool:
    """Whether the words have left for the client; nobody knows what becomes of them there."""
    import socket

    line = str(db.value("hook.claude_message", text, _SENDER)) + "\n"
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(limits.CALL_MOST_SECONDS)
            client.connect(path)
            client.sendall(line.encode())
            client.shutdown(socket.SHUT_WR)
    except OSError:
        return False
    return True


def _record(session: addresses.Session) -> str:
    return f"{_config_directory(session.pid)}/sessions/{session.pid}.json"


def _look(db: Store, record: str, key: str) -> tuple[str, str]:
    """The socket and the state of that session in the client's record of its process."""
    try:
        with open(record, encoding="utf-8") as file:
            found = db.row("hook.claude_socket", file.read(limits.PROC_FILE_BYTES), key)
    except (OSError, ValueError):
        return "", ""
    return (str(found[0]), str(found[1])) if found else ("", "")


def _is_ours(path: str) -> bool:
    try:
        there = os.stat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISSOCK(there.st_mode) and there.st_uid == os.getuid()


def _config_directory(pid: int) -> str:
    """Where the client of that process keeps its records: its environment may name another place than ours."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            words = dict(word.partition(b"=")[::2] for word in file.read().split(b"\0"))
    except OSError:
        words = dict(os.environb)
    chosen = words.get(b"CLAUDE_CONFIG_DIR", b"")
    return os.fsdecode(chosen or words.get(b"HOME", b"") + b"/.claude")
