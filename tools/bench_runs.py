"""Measuring: rounds in which everything has its turn, and what is made of them.

Rules kept here: the cases of a table run one after the other in each round, so that a machine that is busy for a
while is so for all of them; the first rounds only warm up; a ratio is the median of the rounds' own ratios; beside
the time on the wall stands the CPU time of the whole process.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

from telex.core.record import Record

WARM_UP = 2
Case = Callable[[], tuple[float, float]]  # one run: milliseconds on the wall, and of CPU (0: not measured)


class Row(Record):
    """One line of a table."""

    group: str
    what: str
    median: float
    p95: float
    p99: float = 0
    unit: str = "ms"
    cpu: float = 0
    cpu_ratio: float = 0
    against: str = ""  # what the ratio is to
    ratio: float = 0
    target: str = ""
    ok: bool | None = None  # None where there is no target


class Target(Record):
    """What a case must keep to: its time as a multiple of another's, or the other's as a share of its own."""

    case: str
    against: str
    ratio: float
    below: bool = False  # the ratio itself is too much already
    share: bool = False  # at least this much of the other's speed


class Program:
    """A process to be started, measured from outside: `Program(argv, env)` is a case."""

    def __init__(
        self,
        argv: list[str] | Callable[[], list[str]],
        env: dict[str, str],
        stdin: str = os.devnull,
        before: Callable[[], object] | None = None,
        says: str = "",
    ) -> None:
        self.argv = argv
        self.env = env
        self.stdin = stdin
        self.before = before
        self.says = says  # must be in what it writes, or the measurement would be of something else

    def __call__(self) -> tuple[float, float]:
        """Run it once."""
        if self.before:
            self.before()
        argv = self.argv() if callable(self.argv) else self.argv
        read, write = os.pipe()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, self.stdin, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, write, 1),
            (os.POSIX_SPAWN_DUP2, write, 2),
        ]
        began = time.perf_counter()
        pid = os.posix_spawn(argv[0], argv, self.env, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
        wall = time.perf_counter() - began
        os.close(write)
        said = os.read(read, 1 << 16).decode("utf-8", "replace")
        os.close(read)
        assert status == 0, f"{argv} ended with {status}: {said}"
        assert self.says in said if self.says else not said, f"{argv} said {said!r}, not {self.says!r}"
        return wall * 1000, (used.ru_utime + used.ru_stime) * 1000


def call(action: Callable[[], object], times: int = 1) -> Case:
    """A case inside this process: the time of one call, from several in a row."""

    def run() -> tuple[float, float]:
        began, used = time.perf_counter(), time.process_time()
        for _ in range(times):
            action()
        wall, cpu = time.perf_counter() - began, time.process_time() - used
        return wall * 1000 / times, cpu * 1000 / times

    return run


def compare(group: str, cases: dict[str, Case], targets: list[Target], rounds: int) -> list[Row]:
    """Run all cases in turns; a row for each."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for number in range(rounds + WARM_UP):
        for name, case in cases.items():
            ran = case()
            if number >= WARM_UP:
                runs[name].append(ran)
    wanted = {target.case: target for target in targets}
    return [_row(group, name, runs, wanted.get(name)) for name in cases]


def _row(group: str, name: str, runs: dict[str, list[tuple[float, float]]], target: Target | None) -> Row:
    walls = [wall for wall, _ in runs[name]]
    row = Row(
        group=group,
        what=name,
        median=statistics.median(walls),
        p95=percentile(walls, 0.95),
        cpu=statistics.median([cpu for _, cpu in runs[name]]),
    )
    if target:
        row.cpu_ratio = row.cpu / statistics.median([cpu for _, cpu in runs[target.against]])
        floors = [wall for wall, _ in runs[target.against]]
        pairs = zip(walls, floors, strict=True)
        row.against = target.against
        row.ratio = statistics.median([floor / wall if target.share else wall / floor for wall, floor in pairs])
        row.target = f"{'≥' if target.share else '<' if target.below else '≤'} {target.ratio:g} ×"
        row.ok = row.ratio >= target.ratio if target.share else row.ratio <= target.ratio
        row.ok = row.ok and not (target.below and row.ratio == target.ratio)
    return row


def percentile(values: list[float], part: float) -> float:
    """The value that this part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
