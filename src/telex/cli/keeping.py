"""export, import, purge, config."""

from __future__ import annotations

import os
import sys

from telex.config import BY_NAME, SETTINGS, variable
from telex.core import duration
from telex.errors import FileUnreadable, SettingUnknown, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.main import Call


def export(call: Call) -> None:
    """`telex export`"""
    for line in call.bus.export():
        call.out.line(line)
    call.out.flush()


def import_(call: Call) -> None:
    """`telex import FILE`"""
    path = call.args.word("file")
    try:
        if path == "-":
            lines = sys.stdin.buffer.read().decode("utf-8").splitlines()
        else:
            with open(path, encoding="utf-8") as file:
                lines = file.read().split("\n")
    except (OSError, UnicodeDecodeError) as problem:
        raise FileUnreadable(path=path, problem=getattr(problem, "strerror", None) or "it is not UTF-8") from None
    taken, known = call.bus.take_in(lines)
    if call.out.as_json:
        call.out.json({"taken": taken, "known": known})
    else:
        call.out.line(f"{_messages(taken)} taken in, {known} {'was' if known == 1 else 'were'} here already")


def purge(call: Call) -> None:
    """`telex purge`"""
    args = call.args
    span = args.option("older-than")
    if not span and not args.option("with"):
        raise Usage(problem="purge what? give --older-than SPAN or --with NAME", verb="purge")
    if "yes" not in args.flags and sys.stdin.isatty():
        sys.stderr.write("delete for good? [y/N] ")
        sys.stderr.flush()
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
    found = [one for one in SETTINGS if not name or one.name == name]
    if call.out.as_json:
        listed = [
            {
                "name": one.name,
                "value": getattr(values, one.name),
                "source": values.sources[one.name],
                "default": one.default,
                "least": one.least,
                "most": one.most,
                "meaning": one.meaning,
            }
            for one in found
        ]
        call.out.json({"settings": listed})
        return
    rows = [[one.name, str(getattr(values, one.name)), values.sources[one.name], one.meaning] for one in found]
    call.out.table(["setting", "value", "source", "meaning"], rows)
    if value and variable(name) in os.environ:
        call.out.line(f"{variable(name)} in the environment overrides what is stored")


def _messages(count: int) -> str:
    return f"{count} message" + ("" if count == 1 else "s")
