"""What a flow of messages costs: durable sends in one process, and the same questions to small and large stores."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable

from tools.bench_lab import NAME, Lab, body_of
from tools.bench_runs import Case, Row, Target, call, compare

from telex import limits
from telex.bus import Bus
from telex.db.connection import query
from telex.mail import messages

BATCH = 100


def sends(lab: Lab, other: Lab, rounds: int) -> list[Row]:
    """`bus.send` against a bare loop that makes the same inserts, each durable, behind the same lock."""
    words = iter(range(1, 1 << 30))
    bare = _bare(other)
    with lab.bus() as bus, lab.bus("api") as api:
        assert api.me
        cases: dict[str, Case] = {
            "bare apsw loop": call(bare, BATCH),
            "bus.send": call(lambda: bus.send("@api", body_of(next(words))), BATCH),
        }
        targets = [Target(case="bus.send", against="bare apsw loop", ratio=0.6, share=True)]
        rows = compare("durable sends in one process", cases, targets, rounds)
    for row in rows:
        row.what += f" ({1000 / row.median:,.0f}/s)"
    return rows


def _bare(lab: Lab) -> Callable[[], None]:
    """One message, its words and one delivery, as simply as it can be done: each put in at once."""
    bus = lab.bus()
    con, lock = bus.db.con, os.open(f"{lab.home}/write.lock", os.O_RDWR)
    with lab.bus("api") as api:
        me, to = bus.me.address.id, api.me.address.id
    add, deliver = (query(f"mail.{name}") for name in ("add_message", "add_delivery"))
    number = iter(range(1 << 30))

    def run() -> None:
        body, now = body_of(next(number)), int(time.time() * 1000)
        values = (os.urandom(16), me, NAME, "session", "shell", lab.user, "@api", "note", body, len(body), 0)
        rest = (os.urandom(16), "", 0, "", 0, 0, 0, 0, now, 0, 0, "", os.urandom(16))
        fcntl.flock(lock, fcntl.LOCK_EX)
        con.execute("BEGIN IMMEDIATE")
        con.execute(add, values + rest)
        row = con.last_insert_rowid()
        con.execute("INSERT INTO words (rowid, body) VALUES (?, ?)", (row, body))
        con.execute(deliver, (row, to, "direct", "queued", 1, now, 0, ""))
        con.execute("COMMIT")
        fcntl.flock(lock, fcntl.LOCK_UN)

    return run


def scale(labs: dict[int, Lab], rounds: int) -> list[Row]:
    """The same question to a small and to a large store."""
    small, large = min(labs), max(labs)
    words = iter(range(1, 1 << 30))
    buses = {size: labs[size].bus() for size in (small, large)}
    asks: dict[str, Callable[[Bus], object]] = {
        "inbox (20 waiting)": lambda bus: bus.inbox(),
        "search, everybody's": lambda bus: bus.search("schema", everything=True),
        "search, one's own": lambda bus: bus.search("schema", most=4),
        "log, one's own": lambda bus: bus.log(),
        "what waits, as the hook asks": lambda bus: messages.queued(bus.db, bus.me.address.id, limits.SHOW_ROWS),
        "send": lambda bus: bus.send("@api", body_of(next(words))),
    }
    rows = []
    for what, ask in asks.items():
        names = {size: f"{what}, {size:,} messages" for size in buses}
        sizes = {_size(ask(bus)) for bus in buses.values()}
        assert len(sizes) == 1, f"{what} finds {sizes}"  # or unequal answers would be compared
        cases = {names[size]: call(lambda bus=bus, ask=ask: ask(bus), 5) for size, bus in buses.items()}  # type: ignore[misc]
        targets = [Target(case=names[large], against=names[small], ratio=1.5)]
        rows += compare("small and large stores", cases, targets, rounds)
    for bus in buses.values():
        bus.close()
    return rows


def _size(answer: object) -> int:
    return len(answer) if isinstance(answer, list) else 1
