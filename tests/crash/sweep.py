"""What a kill sweep does: the homes that verbs start from, the kill, and what is wrong afterwards.

Rules kept here: what a verb printed is its promise, also if it was killed after that; what it stores is there whole
or not at all; what it recorded as shown or read has left the process before.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import apsw
from tests.crash.audit import Look, drafts, look, whole_bodies
from tests.crash.harness import LONG, Machine, Ran
from tests.crash.tracing import Point, killing
from tests.crash.verbs import ANSWERED, FINISHED, IMPORTED, REQUEST, SESSIONS, WAITING, Verb

from telex.db.connection import DATABASE
from telex.fs import bells
from telex.hook import claude


class Stage(NamedTuple):
    """The homes that sweeps start from, and what is in them."""

    machine: Machine
    homes: dict[str, Path]
    before: dict[str, Look]
    exported: str


def stage(machine: Machine) -> Stage:
    """Make the homes."""
    settled = machine.new_home("settled", *SESSIONS)
    for who, to, body, more in (
        ("alice", "@bob", REQUEST, ("--kind", "request")),
        ("alice", "@carol", FINISHED, ()),
        ("bob", "@alice", ANSWERED, ()),
    ):
        _done(machine.telex(settled, who, "send", to, *more, "--stdin", stdin=body))
    for who in ("bob", "carol"):
        assert machine.hook(settled, who, "UserPromptSubmit").context
        assert machine.hook(settled, who, "PostToolBatch").status == 0  # the model has answered
    _done(machine.telex(settled, "carol", "done", "m2"))
    homes = {"settled": settled, "none": machine.root / "none"}
    homes["shown"] = machine.copied(settled, "shown")
    _done(machine.telex(settled, "alice", "send", "@bob", WAITING))
    homes["handed"] = machine.copied(settled, "handed")
    assert machine.hook(homes["handed"], "bob", "UserPromptSubmit").context
    homes["long log"] = _long_log(machine, settled)
    other = machine.new_home("other", *SESSIONS)
    for body in IMPORTED:
        _done(machine.telex(other, "carol", "send", "@bob", "--stdin", stdin=body))
    homes["damaged"] = _damaged(machine, settled)
    before = {name: look(home) for name, home in homes.items() if name not in ("none", "damaged")}
    before["none"] = Look({}, {}, {}, set(), [])
    before["damaged"] = before["settled"]
    assert all(found.problems == [] for found in before.values()), before
    assert look(homes["damaged"]).problems
    exported = machine.telex(other, "", "export").out
    return Stage(machine, homes, before, exported)


def _done(ran: Ran) -> None:
    assert ran.status == 0, ran.err


def _long_log(machine: Machine, settled: Path) -> Path:
    """A home whose write-ahead log is so long that the next commit makes a checkpoint."""
    home = machine.copied(settled, "long log")
    with machine.speaking(home, "carol") as bus:
        bus.db.con.wal_autocheckpoint(0)
        for number in range(30):
            bus.send("@alice", f"filler {number}")
    return home


def _damaged(machine: Machine, settled: Path) -> Path:
    """A home with a page of an index gone; every message can still be read."""
    home = machine.copied(settled, "damaged")
    con = apsw.Connection(str(home / DATABASE))
    con.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    page = next(con.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'message_channel'"))[0]
    size = next(con.execute("PRAGMA page_size"))[0]
    con.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    con.close()
    with (home / DATABASE).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))
    return home


def act(stage: Stage, verb: Verb, home: Path, prefix: tuple[str, ...] = ()) -> Ran:
    """Run a verb in a home."""
    machine = stage.machine
    if verb.words[0] == "hook":
        fields = dict(word.split("=") for word in verb.words[2:])
        return machine.hook(home, verb.who, verb.words[1], prefix, **fields)
    stdin = stage.exported if verb.name == "import" else verb.stdin
    first = verb.home == "none"  # no session was started there
    return machine.telex(home, verb.who, *verb.words, stdin=stdin, prefix=prefix, script=first)


def fresh(stage: Stage, verb: Verb, name: str) -> Path:
    """A copy of the home that a verb starts from."""
    return stage.machine.copied(stage.homes[verb.home], name)


def killed_at(stage: Stage, verb: Verb, point: Point, name: str) -> tuple[bool, list[str]]:
    """Kill a verb at a point: whether it was reached, and what is wrong then."""
    home = fresh(stage, verb, name)
    ran = act(stage, verb, home, killing(point))
    return ran.killed, [f"{verb.name}, killed at {point}: {words}" for words in wrong(stage, verb, home, ran)]


def wrong(stage: Stage, verb: Verb, home: Path, ran: Ran) -> list[str]:
    """What is wrong with a home in which a verb was killed or ran to its end, and with what comes next."""
    before, after = stage.before[verb.home], _tolerant(look(home), verb)
    found = list(after.problems) + whole_bodies(home)
    if not ran.killed and ran.status and not (verb.wakes and ran.status == claude.WAKE):
        found.append(f"ended with {ran.status}: {ran.err}")
    found += [
        f"m{n} is lost" for n, body in before.bodies.items() if after.bodies.get(n) != body and body not in verb.removes
    ]
    stored = [body for body in verb.stores if after.number(body)]
    if stored and len(stored) < len(verb.stores):
        found.append(f"{len(stored)} of {len(verb.stores)} messages are there")
    found += [
        f"m{after.number(body)} is torn: for {after.recipients(after.number(body))} of {verb.recipients}"
        for body in stored
        if after.recipients(after.number(body)) != verb.recipients
    ]
    if verb.promise and verb.promise in ran.out and not verb.kept(after):
        found.append(f"it said {ran.out!r}, and that is not so")
    found += _recorded_unseen(before, after, ran)
    if not ran.killed and (home / bells.BODIES).exists() and drafts(home):
        found.append("a draft of a body was left")
    return found + [words for words in next_showings(stage.machine, home, after) if not _mended(words, verb)]


def _tolerant(found: Look, verb: Verb) -> Look:
    """What a look found, without the problems that a verb is there to mend."""
    return found._replace(problems=[words for words in found.problems if not _mended(words, verb)])


def _mended(words: str, verb: Verb) -> bool:
    return bool(verb.mends) and words.removeprefix("after the next hook: ").startswith(verb.mends)


def _recorded_unseen(before: Look, after: Look, ran: Ran) -> list[str]:
    """Messages that are recorded as shown or read, and were not in what the process wrote."""
    return [
        f"m{number} for @{name} is {after.states[number, name]}, and nobody was shown it"
        for (number, name), was in before.states.items()
        if was == "queued" and after.states.get((number, name)) in ("handed", "shown", "read")
        if before.bodies[number][:60].strip() not in ran.given
    ]


def next_showings(machine: Machine, home: Path, found: Look) -> list[str]:
    """Whether what waits for each session is in front of it at the next moment, and recorded then."""
    wrong = []
    for who in SESSIONS:
        name = "bobby" if who == "bob" and "bobby" in found.names else who
        waiting, lives = found.queued(name), found.names.get(name)
        if not waiting:
            continue
        hook = machine.hook if LONG else machine.hook_here
        if not lives:
            hook(home, who, "SessionStart")
        ran = hook(home, who, "UserPromptSubmit")
        shown = [n for n in waiting if f"m{n} from" in ran.context]
        if not shown or (len(shown) < len(waiting) and "more wait" not in ran.context):
            wrong.append(f"{waiting} wait for @{name} and {shown} are shown")
        later = look(home)
        wrong += [f"after the next hook: {words}" for words in later.problems]
        wrong += [f"m{n} was shown and is still queued" for n in shown if later.states[n, name] == "queued"]
    return wrong
