"""What another OS user tries, in a process of its own. Each deed answers with what it achieved."""

from __future__ import annotations

import contextlib
import io
import os
import socket
from collections.abc import Callable

Tried = dict[str, list[str]]


def _reach(deed: Callable[[str], object], path: str) -> bool:
    try:
        deed(path)
    except (OSError, ValueError):
        return False
    return True


def _read(path: str) -> None:
    with open(path, "rb") as file:
        file.read(1)


def _write(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY))


def _create(path: str) -> None:
    name = os.path.join(path, "planted")
    os.close(os.open(name, os.O_WRONLY | os.O_CREAT, 0o666))
    os.unlink(name)


def _connect(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)


DEEDS: dict[str, Callable[[str], object]] = {
    "stat": os.stat,
    "list": os.listdir,
    "enter": os.chdir,
    "read": _read,
    "write": _write,
    "create in": _create,
    "connect": _connect,
    "chmod": lambda path: os.chmod(path, 0o777),
    "link to": lambda path: os.link(path, f"{path}.linked"),
    "truncate": lambda path: os.truncate(path, 0),
    "remove": os.unlink,
    "rename": lambda path: os.rename(path, f"{path}.moved"),
}


def attack(paths: list[str]) -> Tried:
    """Everything on every path; what worked, by deed."""
    tried = {name: [path for path in paths if _reach(deed, path)] for name, deed in DEEDS.items()}
    return {name: worked for name, worked in tried.items() if worked}


def telex(*words: str) -> tuple[int, str, str]:
    """Run a command in this very process, as whoever this is; (status, output, errors)."""
    from telex.cli import main

    out, err = io.BytesIO(), io.BytesIO()
    with (
        contextlib.redirect_stdout(io.TextIOWrapper(out, write_through=True)),
        contextlib.redirect_stderr(io.TextIOWrapper(err, write_through=True)),
    ):
        status = main.run(list(words))
        return status, out.getvalue().decode(), err.getvalue().decode()


def telex_in(home: str, *words: str) -> tuple[int, str, str]:
    """The same in a home that is not ours."""
    os.environ["TELEX_HOME"] = home
    return telex(*words)


def make_home(home: str) -> list[str]:
    """Make a home of one's own with a message in it; its paths."""
    os.environ["TELEX_HOME"] = home
    assert telex("send", "@later", "hello")[0] == 0
    return [os.path.join(where, name) for where, _, files in os.walk(home) for name in files]
