"""A store on a disk that fills up: a program, because the small disk is seen only inside its own namespace.

    unshare --mount python -m tests.crash.disk_full MIB DIRECTORY

It mounts a tmpfs of that size on the directory, sends until nothing fits any more, looks at what still works, makes
room and looks again. It ends with 0 and one line, or with what did not hold.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.crash.audit import look
from tests.crash.harness import Machine, Ran

from telex.fs import reserve

BALLAST_BYTES = 384 * 1024  # the room that is made
THROWN_AWAY = "thrown away " * 700
REFUSALS = 5  # in a row, then the disk counts as full


def code(ran: Ran) -> str:
    """The code of a telex error in JSON; '' for a success."""
    return str(json.loads(ran.err)["error"]["code"]) if ran.status else ""


def fill(machine: Machine, home: Path, acknowledged: list[str]) -> None:
    """Send until the disk is full: large bodies first, then smaller ones, then a word."""
    for size in (100_000, 9_000, 900, 1):
        refused = 0
        while refused < REFUSALS:
            body = f"{len(acknowledged)} {refused} " + "x" * size
            ran = machine.telex(home, "alice", "send", "@bob", "--stdin", "--json", stdin=body)
            assert "Traceback" not in ran.err, ran.err
            if ran.status == 0:
                acknowledged.append(body)
                continue
            assert (ran.status, code(ran)) == (1, "store-full"), ran
            refused += 1


def while_full(machine: Machine, home: Path) -> None:
    """What needs no room works; what needs room says so and breaks nothing."""
    for verb in ("inbox", "log", "show m2", "who", "channels", "search x", "export"):
        ran = machine.telex(home, "bob", *verb.split())
        assert ran.status == 0, (verb, ran)
    short = [n for n, body in look(home).bodies.items() if body.endswith(" x")]
    ran = machine.telex(home, "bob", "search", "x", "--json")
    assert not short or f'"m{max(short)}"' in ran.out, "the newest is not found, because the index has no room"
    doctor = machine.telex(home, "", "doctor", "--json")
    assert "Traceback" not in doctor.err, doctor
    checks = {one["what"]: one["state"] for one in json.loads(doctor.out)["checks"]}
    assert checks["integrity"] == checks["messages"] == checks["bodies"] == "ok", checks
    said = ""
    for event in ("UserPromptSubmit", "PostToolBatch", "SessionStart", "Stop"):
        ran = machine.hook(home, "bob", event)
        assert (ran.status, ran.err) == (0, ""), ran
        said += ran.context
    assert "m2 from @alice" in said
    recorded = [n for (n, name), state in look(home).states.items() if name == "bob" and state != "queued"]
    assert all(f"m{n} from" in said for n in recorded), "recorded as shown and never shown"
    calls: tuple[tuple[str, ...], ...] = (("read", "--json"), ("done", "m2", "--json"))
    for call in calls:
        ran = machine.telex(home, "bob", *call)
        assert ran.status == 0 or code(ran) == "store-full", (call, ran)
    kept = reserve.path(str(home))
    may_fail = not os.path.exists(kept)  # the disk was too small to keep any room for this
    ran = machine.telex(home, "", "purge", "--with", "carol", "--open", "--yes", "--json")
    assert ran.status == 0 or (may_fail and code(ran) == "store-full"), ran
    found = look(home)
    assert found.problems == []
    assert may_fail or not found.number(THROWN_AWAY), "what was deleted is still there"


def after_room(machine: Machine, home: Path, acknowledged: list[str]) -> int:
    """Everything goes on, and everything acknowledged is there; how much was shown at the end."""
    ran = machine.telex(home, "alice", "send", "@bob", "--stdin", stdin="there is room again")
    assert ran.status == 0, ran
    found = look(home)
    assert found.problems == []
    there = set(found.bodies.values())
    assert all(body in there for body in [*acknowledged, "there is room again"]), "an acknowledged message is lost"
    shown = {n for (n, name), state in found.states.items() if name == "bob" and state != "queued"}
    while waiting := look(home).queued("bob"):
        ran = machine.hook(home, "bob", "PostToolBatch")  # a second prompt would be given the first one's mail again
        new = {n for n in waiting if f"m{n} from" in ran.context}
        assert new, ran
        assert not new.intersection(look(home).queued("bob")), "handed over and not recorded, though there is room"
        shown |= new
    assert len(shown) > len(acknowledged)
    purged = machine.telex(home, "", "purge", "--older-than", "1s", "--yes", "--json")
    assert purged.status == 0, purged
    ran = machine.telex(home, "alice", "send", "@bob", "--stdin", stdin="y" * 100_000)
    assert ran.status == 0, ran
    assert look(home).problems == []
    return len(shown)


def main() -> None:
    """Mount, fill, look, make room, look again."""
    mib, directory = int(sys.argv[1]), Path(sys.argv[2])
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "tmpfs", str(directory)], check=True, timeout=60
    )
    machine = Machine()
    try:
        home = directory / "home"
        for who in ("alice", "bob"):
            assert machine.hook(home, who, "SessionStart", source="startup").status == 0
        machine.raise_limits(home)
        ballast = directory / "ballast"
        ballast.write_bytes(bytes(BALLAST_BYTES))
        ran = machine.telex(home, "alice", "send", "@carol", "--stdin", stdin=THROWN_AWAY)
        assert ran.status == 0, ran
        acknowledged: list[str] = []
        fill(machine, home, acknowledged)
        while_full(machine, home)
        ballast.unlink()
        shown = after_room(machine, home, acknowledged)
    finally:
        machine.close()
    sys.stdout.write(f"{len(acknowledged)} acknowledged, {shown} shown afterwards, none lost\n")


if __name__ == "__main__":
    main()
