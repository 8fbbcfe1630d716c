"""Transcripts: what is typed, what is answered, as it would stand in a terminal.

    # a remark
    $ telex send @api hello
    m1 -> @api (nobody holds this name yet; the mail waits)
    $ telex send @api
    ! telex: the message is empty
    ! hint: …
    = 2

Rules kept here: a line after `$ ` is run by `sh` in an empty home; what follows is its standard output; `! ` stands
before a line of standard error and `= ` before an exit status other than 0. A blank line before the next `$` is for
the eye. Columns are compared by what is in them, not by their width, because names and ages have none of their own.
Placeholders: {me} the person's name, {home} the home directory, {age} {time} {uuid} {ms} {n} what they say, {relay} a
relay's URL, {code} an invitation, {safety} half of a safety number, {any} anything, and a line of `...` for any number
of lines.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.support.cli import Ran, Shell

from telex.mail.addresses import user_name

PLACEHOLDERS = {
    "age": r"(?:now|\d+[smhd](?: ago)?)",
    "time": r"\d{4}-\d\d-\d\d \d\d:\d\dZ",
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "ms": r"1\d{12}",
    "n": r"\d+(?:\.\d+)*",
    "relay": r"http://127\.0\.0\.1:\d+",
    "code": r"\d+-[a-z]+-[a-z]+",
    "safety": r"\d{5}(?: \d{5}){5}",
    "any": r".*",
}


class Step(NamedTuple):
    """One command and what it should answer."""

    line: int
    command: str
    out: list[str]
    err: list[str]
    status: int


def steps(path: Path) -> list[Step]:
    """The commands of a transcript."""
    found: list[Step] = []
    for number, row in enumerate(path.read_text().splitlines(), 1):
        if row.startswith("$ "):
            found.append(Step(number, row[2:], [], [], 0))
        elif row.startswith("! "):
            found[-1].err.append(row[2:])
        elif row.startswith("= "):
            found[-1] = found[-1]._replace(status=int(row[2:]))
        elif row.startswith("# "):
            continue
        else:
            assert found, f"{path.name}:{number}: an answer before any command"
            found[-1].out.append(row)
    for step in found:
        while step.out and not step.out[-1]:
            step.out.pop()
    return found


def problem(expected: list[str], answered: str, shell: Shell) -> str:
    """What differs; '' for nothing."""
    pattern = "".join(_pattern(row, shell) for row in expected)
    shown = "".join(_columns(row) + "\n" for row in answered.rstrip("\n").splitlines())
    if re.fullmatch(pattern, shown):
        return ""
    return f"--- expected\n{''.join(row + chr(10) for row in expected)}--- answered\n{answered}"


def run(path: Path, shell: Shell) -> None:
    """Play a transcript through; AssertionError where an answer differs."""
    for step in steps(path):
        # a last command would take the shell's own process, and a script's session lives as long as its shell
        ran: Ran = shell.sh(step.command.replace("{me}", user_name()) + "\nexit $?")
        wrong = problem(step.out, ran.out, shell) or problem(step.err, ran.err, shell)
        if ran.status != step.status:
            wrong += f"--- exit status {ran.status}, not {step.status}\n{ran.err}"
        assert not wrong, f"{path.name}:{step.line}\n$ {step.command}\n{wrong}"


def _columns(row: str) -> str:
    return re.sub(r"  +", "  ", row.rstrip())


def _pattern(row: str, shell: Shell) -> str:
    if row == "...":
        return r"(?:.*\n)*"
    row = row.replace("{me}", user_name()).replace("{home}", str(shell.home))
    parts = re.split(r"\{(\w+)\}", _columns(row))
    parts[::2] = [re.escape(part) for part in parts[::2]]
    parts[1::2] = [PLACEHOLDERS.get(part, re.escape("{" + part + "}")) for part in parts[1::2]]
    return "".join(parts) + "\n"
