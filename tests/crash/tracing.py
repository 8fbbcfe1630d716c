"""strace as the hand that kills, or that breaks a disk, at one exact system call.

Rules kept here: a point is the n-th call of one kind, counted in an undisturbed run; only calls that touch the home
or the process's output are points, because before them nothing has happened; without strace a test fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.crash.harness import Ran, program

CALLS: tuple[str, ...] = ("write", "pwrite64", "fsync", "fdatasync", "ftruncate", "unlink", "rename")
CALLS += ("openat", "flock", "fcntl", "mkdir", "utimensat")

_LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)")
_OUTPUT = re.compile(r"[12]<(pipe|socket|/dev)")

Action = Callable[[tuple[str, ...]], Ran]  # runs the verb under what it is given


class Point(NamedTuple):
    """The n-th call of one kind, and what it was for."""

    call: str
    nth: int
    about: str

    def __str__(self) -> str:
        return f"{self.call} {self.nth} ({self.about})"


def tracer(*options: str, log: str = "/dev/null") -> tuple[str, ...]:
    """The beginning of a command line that runs the rest of it under strace (whose --seccomp-bpf cannot kill)."""
    return (program("strace"), "-f", "-qq", "-o", log, *options)


def killing(point: Point) -> tuple[str, ...]:
    """Kill the process as it enters that call."""
    return tracer("-e", f"trace={point.call}", "-e", f"inject={point.call}:signal=SIGKILL:when={point.nth}")


def failing(point: Point, error: str, log: Path, *, sticky_on: Path | None = None) -> tuple[str, ...]:
    """Let that call fail; with `sticky_on`, the n-th one on that path and all later ones."""
    narrowed, when = (("-P", str(sticky_on)), f"{point.nth}+") if sticky_on else ((), str(point.nth))
    inject = f"inject={point.call}:error={error}:when={when}"
    return tracer(*narrowed, "-e", f"trace={point.call}", "-e", inject, log=str(log))


def failed(log: Path) -> bool:
    """Whether a call under `failing` has failed."""
    return "(INJECTED)" in log.read_text(encoding="utf-8", errors="replace")


def points(act: Action, home: Path, log: Path, *, only: tuple[str, ...] = CALLS, output: bool = True) -> list[Point]:
    """Every point of an undisturbed run, in the order they come."""
    ran = act(tracer("-y", "-s", "0", "-e", f"trace={','.join(only)}", log=str(log)))
    assert not ran.killed, ran
    return parsed(log.read_text(encoding="utf-8", errors="replace"), home, output=output)


def parsed(log: str, home: Path, *, output: bool = True) -> list[Point]:
    """The points of a log."""
    counts: dict[str, int] = {}
    found = []
    for line in log.splitlines():
        matched = _LINE.match(line)
        if not matched:
            continue
        call, rest = matched.groups()
        counts[call] = counts.get(call, 0) + 1
        if str(home) in rest:
            about = rest.partition(f"{home}")[2]
            found.append(Point(call, counts[call], re.split(r'[>",]', about)[0].lstrip("/") or "the home"))
        elif output and call == "write" and _OUTPUT.match(rest):
            found.append(Point(call, counts[call], "output"))
    return found


def freezing(point: Point, log: Path) -> tuple[str, ...]:
    """Stop the process right after that call, until somebody sends it SIGCONT."""
    inject = f"inject={point.call}:signal=SIGSTOP:when={point.nth}"
    return tracer("-e", f"trace={point.call}", "-e", inject, log=str(log))


def frozen(log: Path) -> bool:
    """Whether the process under `freezing` has stopped."""
    return log.exists() and "stopped by SIGSTOP" in log.read_text(encoding="utf-8", errors="replace")
