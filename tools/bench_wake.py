"""Sleepers and crowds: how soon a waiting process is woken, what it uses meanwhile, and many writers at once."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time

from tools.bench_lab import Lab
from tools.bench_runs import Row, percentile

from telex.fs import bells

_IDLE_SECONDS = 3
_LATE_MS = 5
_CROWD_MS = 1_000
_LONGEST_MS = 60_000

_WATCHER = """\
import sys, time
sys.path[:0] = sys.argv[3:]
from telex.fs.watch import Watch
with Watch(*sys.argv[1:3]) as watch:
    for line in sys.stdin:
        for _ in range(4):  # a ring is several events; what is left of the last one must not wake
            watch.wait(0.01)
        print(flush=True)
        watch.wait(9)
        print(time.monotonic_ns(), flush=True)
"""
_WRITER = """\
import sys, time
sys.path[:0] = sys.argv[4:]
import telex
bus = telex.open(sys.argv[1], name=sys.argv[2])
bus.me
print(flush=True)
sys.stdin.readline()
took, failed = [], 0
for number in range(int(sys.argv[3])):
    began = time.perf_counter()
    try:
        bus.send("@api", f"{sys.argv[2]} has come to step {number}")
    except telex.TelexError:
        failed += 1
    took.append((time.perf_counter() - began) * 1000)
print(failed, *took)
"""


def waking(lab: Lab, rounds: int) -> list[Row]:
    """From a send, or a bell, to whoever sleeps for it in another process."""
    late: list[float] = []
    rung: list[float] = []
    watch = [sys.executable, "-c", _WATCHER, f"{lab.home}/{bells.BELLS}", "bench-bell", *lab.launch.import_dirs]
    with subprocess.Popen(watch, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdin and watcher.stdout
        for _ in range(rounds):
            late.append(_late(lab))
            print(file=watcher.stdin, flush=True)
            watcher.stdout.readline()
            time.sleep(0.02)
            began = time.monotonic_ns()
            bells.ring(lab.home, "bench-bell")
            rung.append((int(watcher.stdout.readline()) - began) / 1e6)
        watcher.stdin.close()
    rows = [_spread("waking a sleeper", "a bell rings until Watch returns", rung)]
    target = f"≤ {_LATE_MS} ms"
    rows.append(_spread("waking a sleeper", "`telex send` is done until `telex wait` has printed", late, target))
    rows[-1].ok = rows[-1].median <= _LATE_MS
    return rows


def _late(lab: Lab) -> float:
    """How long after the end of a send a waiting command has printed it; nothing where it was first."""
    read, write = os.pipe()
    waiter = subprocess.Popen(lab.command("wait", "--timeout", "30"), stdout=write, env=lab.environment("sleeper"))
    os.close(write)
    _wait_until_asleep(waiter.pid)
    sender = subprocess.Popen(
        lab.command("send", "@sleeper", f"now {time.monotonic_ns()}"),
        stdout=subprocess.DEVNULL,
        env=lab.environment("script"),
    )
    ended = os.pidfd_open(sender.pid)
    times: dict[int, float] = {}
    poll = select.poll()
    for fd in (read, ended):
        poll.register(fd, select.POLLIN)
    while len(times) < 2:
        for fd, _ in poll.poll(30_000):
            times[fd] = time.monotonic()
            poll.unregister(fd)
    for fd in (read, ended):
        os.close(fd)
    assert sender.wait() == 0
    waiter.wait()
    return max(0.0, (times[read] - times[ended]) * 1000)


def _wait_until_asleep(pid: int) -> None:
    """Until a process has used no CPU for a while."""
    before = -1
    while (now := _ticks(pid)) != before or before == 0:
        before = now
        time.sleep(0.05)


def _ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
    return int(fields[11]) + int(fields[12])


def idle(lab: Lab) -> list[Row]:
    """What a sleeping `telex wait` uses."""
    waiter = subprocess.Popen(lab.command("wait"), stdout=subprocess.DEVNULL, env=lab.environment("idler"))
    _wait_until_asleep(waiter.pid)
    before = _ticks(waiter.pid)
    time.sleep(_IDLE_SECONDS)
    share = 100 * (_ticks(waiter.pid) - before) / os.sysconf("SC_CLK_TCK") / _IDLE_SECONDS
    with open(f"/proc/{waiter.pid}/smaps_rollup", encoding="ascii") as file:
        own = sum(int(line.split()[1]) for line in file if line.startswith("Private_")) / 1024
    waiter.kill()
    waiter.wait()
    group = "a sleeping `telex wait`"
    return [
        Row(group=group, what="CPU", median=share, p95=share, unit="%", target="≤ 0.1 %", ok=share <= 0.1),
        Row(group=group, what="memory of its own", median=own, p95=own, unit="MB"),
    ]


def crowd(lab: Lab, counts: tuple[int, ...], each: int) -> list[Row]:
    """Many processes that send at the same time: each many times, and each once as a command."""
    with lab.bus("api") as bus:
        assert bus.me
    rows = []
    for count in counts:
        began, took, failed, seconds = 0.0, list[float](), 0, 0.0
        writers = [_writer(lab, number, each) for number in range(count)]
        for one in writers:
            assert one.stdout and one.stdout.readline()
        began = time.perf_counter()
        for one in writers:
            assert one.stdin
            print(file=one.stdin, flush=True)
        for one in writers:
            said, _ = one.communicate()
            failures, *times = said.split()
            failed += int(failures)
            took += [float(word) for word in times]
        seconds = time.perf_counter() - began
        rows.append(_crowd_row(f"{count} processes, {each} sends each", took, failed, seconds))
    return rows + [_commands(lab, count) for count in counts]


def _writer(lab: Lab, number: int, each: int) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", _WRITER, lab.home, f"writer-{number}", str(each), *lab.launch.import_dirs]
    env = lab.environment("writer")
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, text=True)


def _commands(lab: Lab, count: int) -> Row:
    poll = select.poll()
    running: dict[int, tuple[float, subprocess.Popen[bytes]]] = {}
    first = time.perf_counter()
    for number in range(count):
        argv = lab.command("send", "@api", f"one of {count}, {time.monotonic_ns()}")
        began = time.perf_counter()
        one = subprocess.Popen(argv, stdout=subprocess.DEVNULL, env=lab.environment(f"command-{number}"))
        fd = os.pidfd_open(one.pid)
        running[fd] = began, one
        poll.register(fd, select.POLLIN)
    took, failed = [], 0
    while running:
        for fd, _ in poll.poll(_LONGEST_MS):
            began, one = running.pop(fd)
            took.append((time.perf_counter() - began) * 1000)
            failed += one.wait() != 0
            poll.unregister(fd)
            os.close(fd)
    return _crowd_row(f"{count} `telex send` at once", took, failed, time.perf_counter() - first)


def _crowd_row(what: str, took: list[float], failed: int, seconds: float) -> Row:
    row = _spread("many writers at once", f"{what} ({len(took) / seconds:,.0f}/s, {failed} failed)", took)
    row.p99 = percentile(took, 0.99)
    row.target = f"p99 < {_CROWD_MS} ms, none fails"
    row.ok = row.p99 < _CROWD_MS and not failed
    return row


def _spread(group: str, what: str, values: list[float], target: str = "") -> Row:
    return Row(group=group, what=what, median=percentile(values, 0.5), p95=percentile(values, 0.95), target=target)
