"""The four rules that a store lives by, each with the mistake that breaks it.

1. only SQLite opens, copies or removes the database and its sidecars; 2. one SQLite library in a process;
3. no checkpoint on close, a log that stays short, never mmap; 4. never on a network filesystem.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from tests.crash import planted, sweep
from tests.crash.harness import IMPORTS, PYTHON, Machine, scaled
from tests.crash.sweep import Stage
from tests.crash.verbs import EVERY, Verb

from telex.db import connection
from telex.db.connection import DATABASE, Store
from telex.errors import HomeUnsafe
from telex.fs import mounts

OTHERS: tuple[str, ...] = (
    "inbox",
    "log",
    "search x",
    "show m1",
    "who",
    "channels",
    "config",
    "export",
    "status",
    "doctor",
)
OTHERS += ("doctor --repair", "leave release", "thread m1", "ask @nobody-here x --timeout 1s", "name", "--help")
MORE = tuple(Verb(name=words, who="alice", words=tuple(words.split())) for words in OTHERS)

EXEMPT = {"repair": "GUARD: os.rename"}  # with nobody else at it, a damaged store is put aside whole


@pytest.fixture(scope="module")
def stage(machine: Machine) -> Stage:
    """The homes that the verbs start from."""
    return sweep.stage(machine)


def complaints(stage: Stage, mistake: str, verbs: tuple[Verb, ...]) -> Iterator[str]:
    """What the guard inside each verb's process has seen."""
    with stage.machine.planted(mistake + planted.GUARD):
        for verb in verbs:
            ran = sweep.act(stage, verb, sweep.fresh(stage, verb, "guarded"))
            found = [line for line in ran.err.splitlines() if line.startswith("GUARD")]
            yield from (f"{verb.name}: {line}" for line in found if not line.startswith(EXEMPT.get(verb.name, "-")))


def test_no_verb_touches_the_store_but_through_one_sqlite(stage: Stage) -> None:
    """Would break: POSIX locks, which all fall when any descriptor of the file closes in a process that holds them."""
    assert list(complaints(stage, "", EVERY + MORE)) == []


@pytest.mark.parametrize(
    ("mistake", "sign"),
    [(planted.HASHES_THE_STORE, "GUARD: open"), (planted.SECOND_SQLITE, "GUARD: two SQLite libraries")],
    ids=["hashes the file", "imports sqlite3"],
)
def test_a_verb_that_breaks_the_rule_is_noticed(stage: Stage, mistake: str, sign: str) -> None:
    """Would break: the guard itself."""
    found = list(complaints(stage, mistake, EVERY))
    assert all(any(one.startswith(f"{verb.name}: {sign}") for one in found) for verb in EVERY)


_TWO_WRITERS = """
import os, subprocess, sys
sys.path += {imports!r}
import apsw
home, sidecar = sys.argv[1:3]
con = apsw.Connection(f"{{home}}/telex.db")
con.execute("BEGIN IMMEDIATE")
def other():
    code = (
        "import sys; sys.path += {imports!r}; import apsw; "
        "con = apsw.Connection(sys.argv[1]); con.execute('BEGIN IMMEDIATE')"
    )
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code, f"{{home}}/telex.db"], capture_output=True, text=True)
    return "writes too" if ran.returncode == 0 else "waits" if "BusyError" in ran.stderr else ran.stderr
print(other())
if sidecar:
    open(f"{{home}}/{{sidecar}}", "rb").close()
print(other())
"""


@pytest.mark.parametrize(("opened", "then"), [("", "waits"), ("telex.db-shm", "writes too")])
def test_closing_another_descriptor_takes_a_writers_lock_away(stage: Stage, opened: str, then: str) -> None:
    """Would break: nothing of telex; this is what the first rule is for, seen."""
    home = stage.machine.copied(stage.homes["settled"], "two writers")
    code = _TWO_WRITERS.format(imports=IMPORTS)
    argv = [PYTHON, "-I", "-S", "-c", code, str(home), opened]
    ran = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["waits", then]


def log_frames(home: Path) -> int:
    """How many pages the next process finds in the log and must read."""
    con = apsw.Connection(str(home / DATABASE))
    con.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    next(con.execute("SELECT count(*) FROM message"))
    pages, _ = con.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    con.close()
    return pages


def log_bytes(home: Path) -> int:
    """How long the write-ahead log is; -1 when it is gone."""
    path = home / f"{DATABASE}-wal"
    return path.stat().st_size if path.exists() else -1


def test_the_log_outlives_a_short_lived_process_and_a_closed_store(stage: Stage) -> None:
    """Would break: NO_CKPT_ON_CLOSE: every command would pay for a checkpoint, and race the others for it."""
    home = stage.machine.copied(stage.homes["settled"], "closing")
    before = log_bytes(home)
    assert stage.machine.telex(home, "alice", "send", "@bob", "x").status == 0
    assert log_bytes(home) > before > 0
    Store(str(home)).close()
    assert log_bytes(home) > before


def test_a_store_that_checks_its_log_in_on_close_is_noticed(stage: Stage) -> None:
    """Would break: the test above."""
    home = stage.machine.copied(stage.homes["settled"], "careless")
    db = Store(str(home))
    db.con.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
    db.close()
    assert log_bytes(home) == -1


@pytest.mark.parametrize(("mistake", "short"), [("", True), (planted.LOG_NEVER_EMPTIED, False)], ids=["sound", "grows"])
def test_the_log_stays_short_though_every_process_ends(stage: Stage, mistake: str, short: bool) -> None:
    """Would break: emptying the log. SQLite's own checkpoint never restarts it when no process outlives its commit:
    each process would read all of it, for ever."""
    home = stage.machine.copied(stage.homes["settled"], "short")
    lengths = []
    with stage.machine.planted(planted.SHORT_LOG + mistake):
        for number in range(scaled(16, 200)):
            assert stage.machine.telex(home, "alice", "send", "@bob", f"message {number}").status == 0
            lengths.append(log_frames(home))
    assert (max(lengths[1:]) < 2 * 40) == short, lengths


def settings_of(db: Store) -> dict[str, object]:
    """What matters of how a connection is set."""
    names = ("journal_mode", "synchronous", "mmap_size", "locking_mode")
    found: dict[str, object] = {name: next(db.con.execute(f"PRAGMA {name}"))[0] for name in names}
    found["checkpoint on close"] = 1 - db.con.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, -1)
    return found


SOUND = {"journal_mode": "wal", "synchronous": 2, "mmap_size": 0, "locking_mode": "normal"} | {"checkpoint on close": 0}


def test_a_connection_is_set_for_safety(stage: Stage) -> None:
    """Would break: durability (synchronous), the log (journal_mode), and reads past the end of a file (mmap)."""
    db = Store(str(stage.machine.copied(stage.homes["settled"], "settings")))
    assert settings_of(db) == SOUND
    for mistake in ("mmap_size = 1048576", "synchronous = NORMAL"):
        db.con.execute(f"PRAGMA {mistake}")
        assert settings_of(db) != SOUND
        db.con.execute("PRAGMA mmap_size = 0")
        db.con.execute("PRAGMA synchronous = FULL")
    db.close()


_FORKED = """
import os, sys
sys.path += {imports!r}
from telex.db.connection import Store
db = Store(sys.argv[1])
child = os.fork()
if not child:
    try:
        with db.write():
            os._exit(0)
    except AssertionError:
        os._exit(7)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_store_is_not_carried_across_a_fork(stage: Stage) -> None:
    """Would break: the locks of parent and child, which SQLite believes to be one process."""
    home = stage.machine.copied(stage.homes["settled"], "forked")
    argv = [PYTHON, "-I", "-S", "-c", _FORKED.format(imports=IMPORTS), str(home)]
    assert subprocess.run(argv, check=False).returncode == 7


MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /home rw,relatime shared:5 - {outer} server:/export rw,vers=4.2
31 30 8:2 / /home/anna/local\\040disk rw shared:9 - {inner} /dev/sdb1 rw
"""


def first_match(path: str, table: str) -> str:
    """A mistake: whichever mount comes first, not the nearest one."""
    mounts = [line.split() for line in Path(table).read_text().splitlines()]
    return next(one[one.index("-") + 1] for one in mounts if path.startswith(one[4].replace("\\040", " ")))


REFUSED = [
    ("/home/anna/.telex", "nfs4", "ext4"),
    ("/home/anna/.telex", "fuse.sshfs", "xfs"),
    ("/home/anna/local disk/t", "ext4", "cifs"),
]
ALLOWED = [
    ("/home/anna/local disk/t", "nfs4", "ext4"),
    ("/homestead/t", "nfs4", "nfs4"),
    ("/home/anna/.telex", "btrfs", "nfs"),
]


def refuses(home: str, outer: str, inner: str, table: Path) -> bool:
    """Whether a home there is refused."""
    table.write_text(MOUNTS.format(outer=outer, inner=inner))
    try:
        mounts.refuse_network(home, str(table))
    except HomeUnsafe:
        return True
    return False


def test_a_network_filesystem_is_refused(tmp_path: Path) -> None:
    """Would break: shared memory, which two machines do not share."""
    assert [refuses(*one, tmp_path / "mounts") for one in REFUSED + ALLOWED] == [True] * 3 + [False] * 3


def test_a_look_at_the_wrong_mount_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: the table above, if the nearest mount did not decide it."""
    monkeypatch.setattr(mounts, "kind", first_match)
    assert [refuses(*one, tmp_path / "mounts") for one in REFUSED + ALLOWED] != [True] * 3 + [False] * 3


def test_on_a_network_filesystem_no_store_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: asking before the database is made; afterwards it would be too late."""
    monkeypatch.setattr(mounts, "kind", lambda path, table: "nfs4")
    for _ in range(2):
        with pytest.raises(HomeUnsafe):
            connection.Store(str(tmp_path / "home"))
    assert not (tmp_path / "home" / DATABASE).exists()
