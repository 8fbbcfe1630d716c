"""claude-ipc-mcp's messages.db as lines that `telex import` takes.

Rules kept here: the foreign database is opened for reading only, through the one SQLite library that telex has; a
row's UUID is made from the row, so that importing twice takes nothing twice; what was unread is queued, what was read
is read; a large message's file is read in where it is a regular one beside the database, else its summary stays: the
database may be a stranger's, and names any path it likes. For the same reason its messages must stand in a table, no
text may be larger than a message, and the reading ends after a time.
"""

from __future__ import annotations

import json
import os
import stat
import time
from datetime import datetime
from hashlib import blake2b
from typing import Any

import apsw

from telex import limits
from telex.compat.ipc import ids, letters
from telex.core import names
from telex.core.ids import written
from telex.errors import FileUnreadable, IpcRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTENT = "## Content"
_PERSON = b"claude-ipc-mcp"


def records(path: str) -> Iterator[str]:
    """Every message, oldest first, as `telex export` writes one. Raises FileUnreadable."""
    with open(f"{os.path.dirname(__file__)}/archive.sql", encoding="utf-8") as file:
        query = file.read()
    try:
        con = apsw.Connection(path, flags=apsw.SQLITE_OPEN_READONLY)
        con.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        con.limit(apsw.SQLITE_LIMIT_LENGTH, 4 * limits.BODY_MOST_BYTES)
        end = time.monotonic() + limits.IMPORT_SECONDS
        con.set_progress_handler(lambda: time.monotonic() > end, limits.IMPORT_STEPS)
        try:
            if not con.table_exists("main", "messages"):  # a view is none, and may have no end
                raise FileUnreadable(path=path, problem="it is no messages.db of claude-ipc-mcp: it has no such table")
            folder = os.path.dirname(os.path.realpath(path))
            for row in con.execute(query):
                yield json.dumps(_record(row, folder), ensure_ascii=False)
        finally:
            con.close()
    except (apsw.Error, UnicodeDecodeError) as problem:
        raise FileUnreadable(path=path, problem=f"it is no messages.db of claude-ipc-mcp: {problem}") from None


def _record(row: tuple[Any, ...], folder: str) -> dict[str, Any]:
    number, from_id, to_id, content, timestamp, data, summary, large, read = row
    moment_ms = _moment_ms(str(timestamp))
    body, beside = _message(_file(_text(large), folder), _text(content) or _text(summary), _text(data))
    system = from_id == letters.SYSTEM
    raw = "\0".join(str(one) for one in (number, from_id, to_id, timestamp, content)).encode("utf-8", "replace")
    uuid = blake2b(raw, digest_size=16, person=_PERSON).digest()
    to = _name(_text(to_id))
    times = {"changed_ms": moment_ms, "shown_ms": 0, "read_ms": moment_ms if read else 0, "closed_ms": 0}
    delivery = {"name": to, "kind": "session", "state": "read" if read else "queued", "via": "direct", "reason": ""}
    return {
        "telex": 1,
        "uuid": written(uuid),
        "sender": "telex" if system else _name(_text(from_id)),
        "sender_kind": "system" if system else "session",
        "client": "" if system else "ipc",
        "place": "",
        "to": f"@{to}",
        "kind": "event" if system else "note",
        "body": body,
        "data": beside,
        "thread": "",
        "topic": "",
        "reply_to": "",
        "hops": 0,
        "auto": int(system),
        "quiet": 0,
        "created_ms": moment_ms,
        "expires_ms": 0,
        "deadline_ms": 0,
        "key": "",
        "sound": True,
        "deliveries": [{**delivery, **times}],
    }


def _message(large: str, content: str, data: str) -> tuple[str, str]:
    """The body and the data that a row holds."""
    body = large or content
    try:
        found = json.loads(data) if data else None
    except ValueError:
        found = None
        body += f"\n\ndata:\n{data}"
    try:
        body, beside = letters.packed({"content": body, "data": found})
    except IpcRefused:
        beside = ""
    return body if body.strip() else "(empty message)", beside


def _file(path: str, folder: str) -> str:
    """What a large message's file holds below its head; '' where it is gone, or is no regular file of that folder."""
    real = os.path.realpath(path)
    if not path or not real.startswith(folder + os.sep):
        return ""
    try:
        fd = os.open(real, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(fd, encoding="utf-8") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return ""
            text = file.read(limits.BODY_MOST_BYTES // 4)
    except (OSError, ValueError):
        return ""
    _, head, content = text.partition(_CONTENT)
    return content.strip("\n").replace("\0", "") if head else ""


def _text(value: object) -> str:
    """A column as text that telex can hold."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return "" if value is None else str(value).replace("\0", "")


def _name(given: str) -> str:
    """The name that an id stands for; the nearest one for what is none."""
    name = ids.name_of(given) if ids.is_id(given, limits.NAME_CHARS - 1) else given
    return names.slug(name)


def _moment_ms(timestamp: str) -> int:
    """Local time, as the original writes it; 1970 for what is no time."""
    try:
        return max(0, int(datetime.fromisoformat(timestamp).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        return 0
