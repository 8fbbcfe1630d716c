"""What starting costs: the silent gate, the hook that has a message to show, the command."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.link.courier import introduce, join
from tools.bench_lab import ENTRY_POINT, Lab
from tools.bench_runs import Case, Program, Row, Target, compare

from telex.clients.launcher.launchers import Launch
from telex.fs.lock import FileLock
from telex.team import link_state

FLOOR = "python -I -S -c pass"
SHELL = "sh -c :"
FAR = "there"  # another machine
_LOCKS: list[FileLock] = []
SILENT = ("UserPromptSubmit", "PostToolBatch", "Stop", "FileChanged")


def gate(labs: dict[int, Lab], rounds: int) -> list[Row]:
    """The lines in the client's settings while nothing waits, beside stores of any size."""
    cases: dict[str, Case] = {SHELL: Program(["/bin/sh", "-c", ":"], next(iter(labs.values())).environment())}
    targets = []
    for size, lab in labs.items():
        for event in SILENT if size == min(labs) else SILENT[:1]:
            name = f"{event}, {size:,} messages of others"
            cases[name] = Program(lab.line(event), lab.environment(), lab.payload)
            targets.append(Target(case=name, against=SHELL, ratio=1.3))
    return compare("the silent gate", cases, targets, rounds)


def hook(lab: Lab, rounds: int) -> list[Row]:
    """The same lines when one message waits: gate, interpreter, showing, recording."""
    words = iter(range(1, 1 << 30))
    with lab.bus("api") as bus:
        to = lab.address(bus)

        def send() -> None:
            bus.send(to, f"the schema moved to v{next(words)}; see docs/schema.md before you touch the loader")

        cases: dict[str, Case] = {FLOOR: floor(lab.launch, lab)}
        targets = []
        for event in ("UserPromptSubmit", "PostToolBatch", "Stop"):
            name = f"{event}, one message"
            cases[name] = _open_gate(lab, event, send)
            targets.append(Target(case=name, against=FLOOR, ratio=2.2))
        cases["SessionStart, nothing waits"] = _session_start(lab)
        return compare("the hook", cases, targets, rounds)


def _open_gate(lab: Lab, event: str, send: Callable[[], None]) -> Program:
    def before() -> None:
        lab.write_payload(event)
        if event == "Stop":
            lab.note_prompt()  # else this is the end of a turn that telex itself made go on, and is not held again
        send()

    return Program(lab.line(event), lab.environment(), lab.payload, before, says="the schema moved")


def _session_start(lab: Lab) -> Program:
    def before() -> None:
        lab.write_payload("SessionStart", source="resume")

    return Program(lab.hook("SessionStart"), lab.environment(), lab.payload, before, says="watchPaths")


def command(lab: Lab, linked: Lab, rounds: int) -> list[Row]:
    """`telex send` and `telex inbox` as processes: pip's entry point, and the launcher that install writes; and the
    same send where the machine is in a team whose link runs."""
    link_up(linked)
    words = iter(range(1, 1 << 30))
    env = lab.environment("script")
    with lab.bus("script") as bus:
        to = lab.address(bus)

    def sending(*start: str) -> Callable[[], list[str]]:
        return lambda: [*start, "send", to, f"the schema moved to v{next(words)}"]

    launcher = lab.command()[0]
    there = Program(
        lambda: [linked.command()[0], "send", f"{to}@{FAR}", f"the schema moved to v{next(words)}"],
        linked.environment("script"),
        says="->",
    )
    here = Program(
        lambda: [linked.command()[0], "send", to, f"the schema moved to v{next(words)}"],
        linked.environment("script"),
        says="->",
    )
    cases: dict[str, Case] = {
        FLOOR: floor(lab.launch, lab),
        "send, launcher": Program(sending(launcher), env, says="->"),
        "inbox, launcher": Program([launcher, "inbox"], env, says="nothing unread"),
        "send on a linked machine": here,
        "send to another machine": there,
        "send, entry point": Program(sending(ENTRY_POINT), env, says="->"),
        "inbox, entry point": Program([ENTRY_POINT, "inbox"], env, says="nothing unread"),
    }
    targets = [
        Target(case="send, launcher", against=FLOOR, ratio=2, below=True),
        Target(case="inbox, launcher", against=FLOOR, ratio=2, below=True),
        Target(case="send on a linked machine", against="send, launcher", ratio=1.15),
        Target(case="send to another machine", against="send, launcher", ratio=1.15),
        Target(case="send, entry point", against=FLOOR, ratio=3),
        Target(case="inbox, entry point", against=FLOOR, ratio=3),
    ]
    return compare("the command", cases, targets, rounds)


def link_up(lab: Lab) -> None:
    """Put a home into a team of two machines; this process stands for its link, as who holds the lock."""
    with lab.bus("script") as bus:
        join(bus.db, "here", "owner", "e" * 32)
        introduce(bus.db, FAR, "member")
    lock = FileLock(f"{lab.home}/{link_state.LOCK}")
    os.makedirs(os.path.dirname(lock.path), mode=0o700, exist_ok=True)
    assert lock.acquire_within(0)
    _LOCKS.append(lock)


def floor(launch: Launch, lab: Lab) -> Program:
    """What every start of this interpreter costs."""
    return Program([os.path.realpath(launch.python), "-I", "-S", "-c", "pass"], lab.environment())
