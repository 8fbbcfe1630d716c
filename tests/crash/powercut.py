"""What a power cut can leave on a disk: a log of writes and syncs, and every state that it allows.

Rules kept here:
- the log is strace's, of the real command; what was promised stands in it where the answer was written;
- bytes are safe once their file was synced, a name once its directory was; names come to the disk in their order;
- of what was not synced, nothing, everything, or any part may be there, and the last write may be torn at a sector;
- memory that processes share (`-shm`), bells, marks, locks and the reserve mean nothing after it, and are left out.
"""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.crash.harness import Machine, Ran
from tests.crash.tracing import tracer

SECTOR = 512
_CALLS = "write,pwrite64,fsync,fdatasync,ftruncate,unlink,rename,openat,mkdir"
_LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FD = re.compile(r"^(\d+)<((?:\\x[0-9a-f]{2})*)>")
_IGNORED = ("telex.db-shm", "bells/", "owed/", "turns/", "inboxes/", "write.lock", "hook-fault", "reserve")


class Op(NamedTuple):
    """One thing that was done to a home, or the answer that promised it."""

    what: str  # write, truncate, sync, create, rename, unlink, promise
    path: str  # within the home; '' for the home itself
    data: bytes = b""
    at: int = 0  # where, or how long
    other: str = ""  # what a file is called now, or the body that was promised


def record(machine: Machine, home: Path, bodies: list[str]) -> list[Op]:
    """Send these bodies as a script, one process each, into a home that is not there yet; what was done to the disk."""
    ops: list[Op] = []
    known: set[str] = set()
    log = machine.root / "writes.log"
    for body in bodies:
        prefix = tracer("-y", "-xx", "-s", str(1 << 24), "-e", f"trace={_CALLS}", log=str(log))
        ran = machine.telex(home, "alice", "send", "@bob", "--stdin", stdin=body, prefix=prefix, script=True)
        assert (ran.status, ran.err) == (0, ""), ran
        ops += _parsed(log.read_text(encoding="ascii"), home, body, ran, known)
    return ops


def _parsed(log: str, home: Path, body: str, ran: Ran, known: set[str]) -> Iterator[Op]:
    ends: dict[str, int] = {}
    for line in log.splitlines():
        matched = _LINE.match(line)
        if not matched or matched[3].startswith("-"):
            continue
        call, words = matched[1], matched[2]
        on = _FD.match(words)
        if call == "write" and on and on[1] == "1":
            yield Op("promise", "", other=body)
            continue
        texts = [_plain(text) for text in _TEXT.findall(words)]
        path = _within(home, _plain(on[2]) if on else texts[0] if texts else b"")
        if path is not None and not path.startswith(_IGNORED):
            yield from _op(call, path, words, texts, home, known, ends)
    assert "->" in ran.out


def _op(
    call: str, path: str, words: str, texts: list[bytes], home: Path, known: set[str], ends: dict[str, int]
) -> Iterator[Op]:
    if call == "pwrite64":
        yield Op("write", path, texts[-1], int(words.rpartition(", ")[2]))
    elif call == "write":
        yield Op("write", path, texts[-1], ends.get(path, 0))
        ends[path] = ends.get(path, 0) + len(texts[-1])
    elif call == "ftruncate":
        yield Op("truncate", path, at=int(words.rpartition(", ")[2]))
    elif call in ("fsync", "fdatasync"):
        yield Op("sync", path)
    elif call in ("openat", "mkdir"):
        new = path not in known and (call == "mkdir" or "O_CREAT" in words)
        if new and path:
            known.add(path)
            yield Op("create", path, other="directory" if call == "mkdir" else "")
    elif call == "rename":
        other = _within(home, texts[1])
        assert other is not None
        known.add(other)
        yield Op("rename", path, other=other)
    elif call == "unlink":
        known.discard(path)
        yield Op("unlink", path)


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _within(home: Path, path: bytes) -> str | None:
    whole = os.fsdecode(path)
    if whole == str(home):
        return ""
    return whole.removeprefix(f"{home}/") if whole.startswith(f"{home}/") else None


class File:
    """The bytes of one file: those that are safe, and the writes that are not."""

    def __init__(self) -> None:
        self.safe = b""
        self.pending: list[Op] = []

    def sync(self) -> None:
        """Make everything safe."""
        self.safe, self.pending = self.content([True] * len(self.pending)), []

    def content(self, chosen: list[bool], torn: int = 0) -> bytes:
        """The bytes with the chosen ones of the pending writes, the last of them up to `torn` bytes only."""
        made = bytearray(self.safe)
        last = max((i for i, one in enumerate(chosen) if one), default=-1)
        for number, (op, wanted) in enumerate(zip(self.pending, chosen, strict=True)):
            if not wanted:
                continue
            if op.what == "truncate":
                del made[op.at :]
                made.extend(bytes(op.at - len(made)))
                continue
            data = op.data[:torn] if torn and number == last else op.data
            made.extend(bytes(max(0, op.at + len(data) - len(made))))
            made[op.at : op.at + len(data)] = data
        return bytes(made)


class Cut(NamedTuple):
    """One state of the disk after a power cut."""

    files: dict[str, bytes]
    directories: list[str]
    promised: list[str]
    about: str


Names = dict[str, File | None]  # None is a directory


class Disk:
    """A disk as it goes through a log."""

    def __init__(self) -> None:
        self.safe: Names = {}
        self.names: Names = {}
        self.waiting: list[tuple[Op, File | None]] = []  # changes of names, with what they are about
        self.promised: list[str] = []
        self._safe_as_shown = -1  # how much was safe or promised when `cuts` last left everything else out
        self._safe_now = 0

    def do(self, op: Op) -> None:
        """One step of the log."""
        self._safe_now += op.what in ("promise", "sync")
        if op.what == "promise":
            self.promised.append(op.other)
        elif op.what in ("write", "truncate"):
            self._file(op.path).pending.append(op)
        elif op.what == "sync":
            self._sync(op.path)
        else:
            about = self.names.get(op.path) if op.what != "create" else None if op.other else File()
            _named(self.names, op, about)
            self.waiting.append((op, about))

    def cuts(self, dice: random.Random, subsets: int) -> Iterator[Cut]:
        """States that a power cut at this moment may leave; each of them once."""
        made: set[tuple[object, ...]] = set()
        ways = ["everything", "torn", *["some"] * subsets]
        if self._safe_as_shown != self._safe_now:
            ways.insert(0, "nothing")
            self._safe_as_shown = self._safe_now
        for how in ways:
            kept = {"nothing": 0, "some": dice.randint(0, len(self.waiting))}.get(how, len(self.waiting))
            names = dict(self.safe)
            for op, about in self.waiting[:kept]:
                _named(names, op, about)
            files, choice = {}, []
            for name, file in sorted(names.items()):
                if file is None:
                    continue
                chosen = [_chosen(how, dice) for _ in file.pending]
                torn = SECTOR * dice.randint(1, 7) if how == "torn" and file.pending else 0
                files[name] = file.content(chosen, torn)
                choice.append((name, tuple(chosen), torn))
            key = (kept, tuple(choice))
            if key not in made:
                made.add(key)
                directories = [name for name, file in names.items() if file is None]
                yield Cut(files, directories, list(self.promised), how)

    def _file(self, path: str) -> File:
        file = self.names[path]
        assert file is not None, path
        return file

    def _sync(self, path: str) -> None:
        if path and (file := self.names[path]) is not None:
            file.sync()
            return
        left = []
        for op, about in self.waiting:  # the home's names with the home, those in a directory with that directory
            if os.path.dirname(op.path) == path:
                _named(self.safe, op, about)
            else:
                left.append((op, about))
        self.waiting = left


def _named(names: Names, op: Op, about: File | None) -> None:
    if op.what == "create":
        names[op.path] = about
    else:
        names.pop(op.path, None)
        if op.what == "rename":
            names[op.other] = about


def _chosen(how: str, dice: random.Random) -> bool:
    return {"nothing": False, "everything": True, "torn": True}.get(how, dice.random() < 0.5)


def lay_out(cut: Cut, home: Path) -> None:
    """Put a state where a store is expected."""
    if home.exists():
        shutil.rmtree(home)
    home.mkdir(mode=0o700)
    for directory in cut.directories:
        (home / directory).mkdir(mode=0o700)
    for name, content in cut.files.items():
        (home / name).write_bytes(content)
