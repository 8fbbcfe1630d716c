"""Damaged stores: how bytes go bad, what is then done with the store, and what may not come of it.

Rules kept here: each body carries a sum of its own, so that a showing can be judged without asking the store; what
telex says is damaged is judged no further; rows may become unreadable, but none may go.
"""

from __future__ import annotations

import random
import shutil
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import apsw
from tests.crash.harness import Machine, here

from telex import doctor
from telex.bus import Bus
from telex.bus.message_view import Letter
from telex.db.connection import DATABASE, Store
from telex.errors import TelexError

PAGE = 4096
MESSAGES = 30
LARGE_EVERY = 12

DATABASE_FILE, LOG_FILE = DATABASE, f"{DATABASE}-wal"


def summed(words: str) -> str:
    """A body with its sum at the end."""
    return f"{words} sum{zlib.crc32(words.encode()):08x}"


def is_whole(body: str) -> bool:
    """Whether a body is what was sent."""
    words, found, rest = body.rpartition(" sum")
    return bool(found) and rest == f"{zlib.crc32(words.encode()):08x}"


class Stock(NamedTuple):
    """A sound home, and the bytes of the files that are damaged."""

    home: Path
    files: dict[str, bytes]


def stock(machine: Machine, name: str, *, checkpoint: bool) -> Stock:
    """A home with mail of every kind and state; all of it in the database, or the newer part in the log."""
    home = machine.new_home(name, "alice", "bob", "carol")
    machine.raise_limits(home)
    kinds = ("note", "request", "context", "event")
    with machine.speaking(home, "alice") as bus:
        bus.db.con.set_wal_hook(lambda *_: apsw.SQLITE_OK)
        for number in range(MESSAGES):
            words = f"message {number} {'größer ' * (2_000 if number % LARGE_EVERY == 3 else number)}"
            to = ("@bob", "@carol", "@bob,@carol")[number % 3]
            data = f'{{"number": {number}}}' if number % 5 == 0 else ""
            bus.send(to, summed(words), kind=kinds[number % 4], data=data, ttl_s=9_999 if number % 7 == 0 else 0)
            if checkpoint and number == MESSAGES // 2:
                bus.db.con.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    with machine.speaking(home, "bob") as bus:
        bus.db.con.set_wal_hook(lambda *_: apsw.SQLITE_OK)
        bus.reply("m6", summed("an answer"))
        bus.done("m7")
        if checkpoint:
            bus.db.con.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    names = [DATABASE_FILE, LOG_FILE, *(f"bodies/{path.name}" for path in (home / "bodies").iterdir())]
    return Stock(home, {one: (home / one).read_bytes() for one in names})


def flip(data: bytearray, dice: random.Random) -> None:
    """One bit."""
    data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)


def cut(data: bytearray, dice: random.Random) -> None:
    """The end is missing."""
    del data[dice.randrange(len(data)) :]


def blank(data: bytearray, dice: random.Random) -> None:
    """A page of zeros."""
    start = dice.randrange(len(data)) // PAGE * PAGE
    data[start : start + PAGE] = bytes(len(data[start : start + PAGE]))


def scribble(data: bytearray, dice: random.Random) -> None:
    """A sector of something else."""
    start = dice.randrange(len(data)) // 512 * 512
    data[start : start + 512] = dice.randbytes(len(data[start : start + 512]))


WAYS: dict[str, Callable[[bytearray, random.Random], None]] = {
    "a bit flipped": flip,
    "cut off": cut,
    "a page of zeros": blank,
    "a sector of something else": scribble,
}


def lay_out(stock: Stock, name: str, way: str, dice: random.Random, home: Path) -> None:
    """The sound home with one file damaged."""
    for entry in home.iterdir() if home.exists() else ():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.copytree(stock.home, home, dirs_exist_ok=True)
    (home / f"{DATABASE}-shm").unlink(missing_ok=True)
    data = bytearray(stock.files[name])
    WAYS[way](data, dice)
    (home / name).write_bytes(data)


def numbers(home: Path) -> set[int]:
    """The messages that can be found, as SQLite says; none where it cannot say."""
    con = apsw.Connection(str(home / DATABASE))
    try:
        con.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        return {n for (n,) in con.execute("SELECT n FROM message NOT INDEXED")}
    except (apsw.Error, ValueError):
        return set()
    finally:
        con.close()


def used(machine: Machine, home: Path, told: Counter[str], turn: int) -> Iterator[str]:
    """Use a damaged home; what is wrong with how that went. `told` counts what was said to be damaged.

    `turn` says whose it is: the receiver's verbs, or the sender's.
    """
    before = numbers(home)
    with here(machine.environment(home, ("bob", "alice")[turn % 2])):
        yield from _verbs(home, told)
    for event in ("UserPromptSubmit", ("Stop", "SessionStart")[turn % 2]):
        try:
            ran = machine.hook_here(home, "bob" if event == "Stop" else "carol", event)
        except TelexError:
            continue
        except Exception as problem:
            yield f"the hook: {type(problem).__name__}: {problem}"
            continue
        if ran.status or not _shown_whole(ran.context):
            yield f"the hook showed a damaged body: {ran.out[:300]}"
    try:
        doctor.check(str(home))
    except TelexError:
        pass
    except Exception as problem:
        yield f"doctor: {type(problem).__name__}: {problem}"
    after = numbers(home)
    if after and not before <= after:
        yield f"{sorted(before - after)} are gone without a word"


def _verbs(home: Path, told: Counter[str]) -> Iterator[str]:
    try:
        bus = Bus(Store(str(home)))
    except TelexError as problem:
        told[problem.code] += 1
        return
    letters: list[Letter] = []
    actions: dict[str, Callable[[], object]] = {
        "inbox": lambda: letters.extend(bus.inbox()),
        "inbox --all": lambda: letters.extend(bus.inbox(everything=True, most=99)),
        "log": lambda: letters.extend(bus.log(everything=True, most=99)),
        "search": lambda: letters.extend(bus.search("message", everything=True, most=99)),
        "thread": lambda: letters.extend(bus.thread("m2")),
        "show": lambda: letters.extend(bus.show(f"m{n}").message for n in (1, 4, 20)),
        "who": bus.who,
        "channels": bus.channels,
        "export": lambda: list(bus.export()),
        "read m4": lambda: letters.extend(bus.read("m4")),
        "done": lambda: bus.done("m9"),
        "send": lambda: bus.send("@carol", summed("later")),
        "reply": lambda: bus.reply("m3", summed("later still")),
        "read": lambda: letters.extend(bus.read(most=99)),
    }
    for name, act in actions.items():
        try:
            act()
        except TelexError as problem:
            told[problem.code] += 1
        except Exception as problem:
            yield f"{name}: {type(problem).__name__}: {problem}"
    bus.close()
    told["message"] += sum(not one.sound for one in letters)
    for one in letters:
        if one.sound and one.whole and not is_whole(one.body):
            yield f"{one.id} is damaged and given out as sound: {one.body[:80]!r}"


def _shown_whole(context: str) -> bool:
    """Whether every body in a frame is whole, or one of which only the head is shown."""
    lines = context.split("\n")
    bodies = [line[2:] for line in lines if line.startswith("> ")]
    cut_off = sum(line.startswith("…") for line in lines)
    return sum(not is_whole(body) for body in bodies) <= cut_off
