"""export, import, purge, config."""

from __future__ import annotations

import os
import stat
import sys

from telex import limits
from telex.cli.output import remark
from telex.config import BY_NAME, EVERY, variable
from telex.core import duration, text
from telex.errors import FileUnreadable, SettingUnknown, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from telex.cli.call import Call

_SQLITE = b"SQLite format 3\0"


def export(call: Call) -> None:
    """`telex export`"""
    lines = call.bus.export()
    if "jsonl" in call.args.flags:
        from telex.compat.kei import archive

        lines = archive.written(lines)
    for line in lines:
        call.out.line(line)
    call.out.flush()


def import_(call: Call) -> int:
    """`telex import FILE`: what FILE is, its content says. 1 where lines of it were skipped."""
    path = call.args.word("file")
    raw = _read(path)
    known, broken = 0, []
    if raw == _SQLITE:
        from telex.compat.ipc.archive import records

        lines: Iterable[str] = records(path)
    elif _is_kei(raw):
        from telex.compat.kei import archive

        found = archive.read(raw, _cursors(path), call.bus.export(), call.bus.clock())
        lines, known, broken = found.lines, found.known, found.broken
    else:
        lines = _text(raw, path).split("\n")
    taken, others = call.bus.take_in(lines, queued="queued" in call.args.flags)
    _say_taken(call, taken, known + others, broken)
    return 1 if broken else 0


def _read(path: str) -> bytes:
    """All of a file; of a database only what begins it, because it is SQLite's to read. Raises FileUnreadable."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # a pipe that nobody writes to must not hold it
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise ValueError("it is no regular file; what comes by a pipe is imported as '-'")
            head = file.read(len(_SQLITE))
            return head if head == _SQLITE else head + file.read()
    except (OSError, ValueError) as problem:
        raise FileUnreadable(path=path, problem=getattr(problem, "strerror", None) or str(problem)) from None


def _text(raw: bytes, path: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise FileUnreadable(path=path, problem="it is not UTF-8") from None


def _is_kei(raw: bytes) -> bool:
    """Whether the first line that says what it is, is a record of kei's."""
    import json

    from telex.compat.kei.archive import looks_like

    for line in raw.split(b"\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if looks_like(value):
            return True
        if isinstance(value, dict) and "telex" in value:
            return False
    return False


def _cursors(path: str) -> dict[str, int]:
    from telex.compat.kei.archive import cursors_beside

    try:
        return {} if path == "-" else cursors_beside(path)
    except OSError as problem:
        raise FileUnreadable(path=os.path.dirname(path) or ".", problem=problem.strerror) from None


def _say_taken(call: Call, taken: int, known: int, broken: list[tuple[int, str]]) -> None:
    if call.out.as_json:
        call.out.json({"taken": taken, "known": known, "skipped": [number for number, _ in broken]})
        return
    skipped = f", {len(broken)} line{'' if len(broken) == 1 else 's'} skipped" if broken else ""
    call.out.line(f"{_messages(taken)} taken in, {known} {'was' if known == 1 else 'were'} here already{skipped}")
    for number, problem in broken[: limits.LIST_ROWS]:
        remark(f"telex: line {number} is no record of kei's: {text.visible(problem)}")
    if len(broken) > limits.LIST_ROWS:
        remark(f"telex: and {len(broken) - limits.LIST_ROWS} more; --json lists them all")


def purge(call: Call) -> None:
    """`telex purge`"""
    args = call.args
    span = args.option("older-than")
    if not span and not args.option("with"):
        raise Usage(problem="purge what? give --older-than SPAN or --with NAME", verb="purge")
    if "yes" not in args.flags and sys.stdin.isatty():
        remark("delete for good? [y/N] ", end="")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            call.out.line("nothing deleted")
            return
    removed = call.bus.purge(
        older_than_s=duration.seconds(span) if span else 0,
        open_too="open" in args.flags,
        partner=args.option("with"),
    )
    if call.out.as_json:
        call.out.json({"deleted": removed})
    else:
        call.out.line(f"{_messages(removed)} deleted")


def config(call: Call) -> None:
    """`telex config [SETTING [VALUE]]`"""
    name, value = call.args.word("setting"), call.args.word("value")
    if name and name not in BY_NAME:
        raise SettingUnknown(name=name)
    if value:
        call.bus.set_setting(name, None if value == "default" else value)
    values = call.bus.settings()
    found = [one for one in EVERY if not name or one.name == name]
    if call.out.as_json:
        listed = [
            {
                "name": one.name,
                "value": getattr(values, one.name),
                "source": values.sources[one.name],
                "default": one.default,
                "least": getattr(one, "least", None),
                "most": getattr(one, "most", None),
                "meaning": one.meaning,
            }
            for one in found
        ]
        call.out.json({"settings": listed})
        return
    most = limits.SETTING_CHARS if name else limits.LISTED_CHARS  # a list of words may be long
    shown = {one.name: text.clip(str(getattr(values, one.name)), most) for one in found}
    rows = [[one.name, shown[one.name], values.sources[one.name], one.meaning] for one in found]
    call.out.table(["setting", "value", "source", "meaning"], rows)
    if value and variable(name) in os.environ:
        call.out.line(f"{variable(name)} in the environment overrides what is stored")
    for one in values.ignored:
        call.out.line(f"{one} is ignored: an agent's environment can only tighten a setting")


def _messages(count: int) -> str:
    return f"{count} message" + ("" if count == 1 else "s")
