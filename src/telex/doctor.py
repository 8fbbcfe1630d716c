"""Checking a store, and mending what can be mended.

Rules kept here: a check changes nothing; a repair first makes a backup through SQLite; a store that SQLite itself
finds damaged is never overwritten: what can be read is saved into a new one and the old one is kept under
`backups/`; every finding says in words what is wrong and what mends it.
"""

from __future__ import annotations

import os
import stat
import time

import apsw

from telex import limits, salvage
from telex.core.record import Record
from telex.db import search_index
from telex.db.connection import APPLICATION_ID, DATABASE, Store, fault
from telex.errors import StoreCorrupt, StoreFault, StoreShut
from telex.fs import bells, bodies, mounts, swap
from telex.fs.lock import FileLock
from telex.mail import gaps, messages
from telex.private import make_directory

OK, MENDABLE, BROKEN = "ok", "mendable", "broken"
BACKUPS = "backups"
_SAFE_SQLITE = (3, 51, 3)


class Check(Record):
    """One thing looked at."""

    what: str
    state: str  # ok, mendable (by --repair) or broken
    detail: str


def check(home: str) -> list[Check]:
    """Look at a store without changing it."""
    found = [_sqlite_version()]
    if not os.path.isdir(home):
        return [*found, Check(what="home", state=OK, detail=f"{home} is not there yet; the first message makes it")]
    if hasattr(os, "getuid") and os.stat(home).st_uid != os.getuid():  # and nothing in it can be looked at
        return [*found, Check(what="home", state=BROKEN, detail=f"{home} belongs to another user; set TELEX_HOME")]
    found += [_home(home), _modes(home)]
    if not os.path.exists(f"{home}/{DATABASE}"):
        return [*found, Check(what="store", state=OK, detail="not there yet; the first message makes it")]
    try:
        db = Store(home)
    except StoreFault as problem:
        return [*found, Check(what="store", state=_mendable(problem), detail=problem.message), _hook_fault(home)]
    try:
        for look in (_integrity, _words, _rows, _bodies, _bells):
            found.append(look(db))
        found += [*_lost(db), *_link(db)]
    except StoreFault as problem:
        found.append(Check(what="store", state=_mendable(problem), detail=problem.message))
    db.close()
    return [*found, _hook_fault(home)]


def repair(home: str) -> list[str]:
    """Mend what `check` calls mendable; what was done, in words. Raises StoreFault."""
    done = _mend_modes(home)
    try:
        db = Store(home)
        damaged = _integrity(db).state != OK
    except StoreFault as problem:
        if _mendable(problem) != MENDABLE:
            raise
        damaged, db = True, None
    if damaged:
        if db:
            db.close()
        done += _save(home)
        db = Store(home)
        done += _acknowledge(db)
        db.close()
        return done
    assert db is not None
    done.append(f"backup made: {_backup(db)}")
    done += _mend_words(db) + _mend_bells(db) + _mend_bodies(db) + _acknowledge(db)
    try:
        os.unlink(f"{home}/hook-fault")
        done.append("the record of the last hook fault is cleared")
    except OSError:
        pass
    db.close()
    return done


def _mendable(problem: StoreFault) -> str:
    return MENDABLE if problem.code == "store-corrupt" or "open to other users" in problem.message else BROKEN


def _sqlite_version() -> Check:
    version = apsw.sqlite_lib_version()
    numbers = tuple(int(part) for part in version.split(".")[:3])
    if numbers < _SAFE_SQLITE:
        return Check(what="sqlite", state=BROKEN, detail=f"{version} can corrupt a WAL store; install a newer apsw")
    return Check(what="sqlite", state=OK, detail=f"{version} through apsw {apsw.apsw_version()}")


def _home(home: str) -> Check:
    kind = mounts.kind(os.path.realpath(home))
    if kind in mounts.NETWORK:
        return Check(what="home", state=BROKEN, detail=f"{home} lies on a network filesystem ({kind})")
    return Check(what="home", state=OK, detail=f"{home} on {kind or 'a filesystem that cannot be told here'}")


def _private(home: str) -> list[tuple[str, int]]:
    """Everything in the home that others could reach, with the mode it should have."""
    found = []
    for directory, _, files in os.walk(home):
        for path, wanted in [(directory, 0o700), *((os.path.join(directory, name), 0o600) for name in files)]:
            mode = stat.S_IMODE(os.lstat(path).st_mode)
            if mode & 0o077 and not os.path.islink(path):
                found.append((path, wanted | (mode & 0o100)))
    return found


def _modes(home: str) -> Check:
    open_to_others = _private(home)
    if open_to_others:
        names = ", ".join(path for path, _ in open_to_others[:3])
        return Check(what="permissions", state=MENDABLE, detail=f"open to other users: {names}")
    return Check(what="permissions", state=OK, detail="everything is private to this user")


def _mend_modes(home: str) -> list[str]:
    changed = _private(home) if os.path.isdir(home) else []
    for path, mode in changed:
        os.chmod(path, mode)  # by name: the database itself is never opened here
    return [f"made private: {path}" for path, _ in changed]


def _integrity(db: Store) -> Check:
    words = [row[0] for row in db.rows("doctor.integrity")]
    if words != ["ok"]:
        return Check(what="integrity", state=MENDABLE, detail=words[0])
    if db.value("doctor.application_id") != APPLICATION_ID:
        return Check(what="integrity", state=BROKEN, detail=f"{DATABASE} is not a telex store")
    dangling = db.row("doctor.foreign_keys")
    if dangling:
        return Check(what="integrity", state=BROKEN, detail=f"a row of {dangling[0]} refers to nothing")
    total, unread, sessions = db.row("doctor.counts") or (0, 0, 0)
    return Check(what="integrity", state=OK, detail=f"{total} messages, {unread} unread, {sessions} open sessions")


def _words(db: Store) -> Check:
    """integrity_check does not compare the search index with what it indexes."""
    try:
        with db.write(keep=False):
            search_index.update(db)
            db.run("index.check")
    except StoreCorrupt:
        return Check(what="search", state=MENDABLE, detail="the index does not fit the messages")
    except StoreShut as problem:
        return Check(what="search", state=OK, detail=f"not looked at: {problem.message}")
    return Check(what="search", state=OK, detail="the index fits the messages")


def _mend_words(db: Store) -> list[str]:
    if _words(db).state == OK:
        return []
    with db.write():
        db.run("index.rebuild")
    return ["the search index is built anew"]


def _rows(db: Store) -> Check:
    numbers = [n for (n,) in db.rows("doctor.messages_newest", limits.DOCTOR_ROWS)]
    damaged = [n for n in numbers if (found := messages.get(db, n)) and not found.sound()]
    if damaged:
        names = ", ".join(f"m{n}" for n in damaged[:10])
        return Check(what="messages", state=BROKEN, detail=f"{len(damaged)} damaged on disk, never shown: {names}")
    return Check(what="messages", state=OK, detail=f"{len(numbers)} checked against their hashes")


def _lost(db: Store) -> list[Check]:
    """What a damaged log has forgotten cannot be mended; a repair takes note of it."""
    words = gaps.noted(db)
    return [Check(what="losses", state=MENDABLE, detail=gaps.told(words))] if words else []


def _acknowledge(db: Store) -> list[str]:
    if not gaps.noted(db):
        return []
    with db.write():
        words = gaps.acknowledge(db)
    return [f"taken note of: {gaps.told(words)}"]


def _bodies(db: Store) -> Check:
    missing = [n for n, name in db.rows("doctor.aside") if bodies.load(db.home, name) is None]
    if missing:
        names = ", ".join(f"m{n}" for n in missing[:10])
        return Check(what="bodies", state=BROKEN, detail=f"missing or damaged beside the store: {names}")
    orphans = _orphans(db)
    if orphans:
        return Check(what="bodies", state=MENDABLE, detail=f"{len(orphans)} files that no message refers to")
    return Check(what="bodies", state=OK, detail="all there")


def _orphans(db: Store) -> list[str]:
    found = bodies.orphans(db.home, time.time() - limits.ORPHAN_BODY_SECONDS)
    return [path for path, name in found if name is None or not db.value("mail.digest_used", name)]


def _mend_bodies(db: Store) -> list[str]:
    orphans = _orphans(db)
    for path in orphans:
        os.unlink(path)
    return [f"removed {len(orphans)} files that no message refers to"] if orphans else []


def _bells(db: Store) -> Check:
    silent = [bell for _, bell in db.rows("doctor.silent") if not bells.rings(db.home, bell)]
    if silent:
        return Check(what="bells", state=MENDABLE, detail=f"{len(silent)} silent although mail waits")
    stray = _stray(db)
    if stray:
        return Check(what="bells", state=MENDABLE, detail=f"{len(stray)} files of sessions that are gone")
    return Check(what="bells", state=OK, detail="each rings if and only if something waits")


def _link(db: Store) -> list[Check]:
    """How the link of this machine stands, where it has one."""
    from telex.team import alerts, link_process, link_state, outbox

    linked = link_state.load(db)
    if linked is None:
        return []
    waits = outbox.waiting(db)
    if waits and not linked.paused and not bells.rings(db.home, bells.LINK):
        return [Check(what="link", state=MENDABLE, detail=f"{waits} items wait, and its bell is silent")]
    if (missing := alerts.missing_part(db, linked.reached_ms)) and not link_process.runs(db.home):
        return [Check(what="link", state=BROKEN, detail=f"cannot run, {waits} items wait: {missing}")]
    stands = "rests" if linked.paused else "runs" if link_process.runs(db.home) else "does not run now"
    found = [f"{linked.machine_name} in {linked.team_name}; the link {stands}, {waits} items wait"]
    found += [f"the relay: {linked.fault}"] if linked.fault else []
    found += [f"found wrong last: {one.words}" for one in alerts.recent(db, 1)]
    return [Check(what="link", state=OK, detail="; ".join(found))]


def _stray(db: Store) -> list[str]:
    used = {bell for (bell,) in db.rows("doctor.bells_in_use")} | {bells.LINK}
    found = []
    for directory in filter(lambda one: os.path.isdir(f"{db.home}/{one}"), bells.OF_SESSIONS):
        found += [entry.path for entry in os.scandir(f"{db.home}/{directory}") if entry.name not in used]
    return found


def _mend_bells(db: Store) -> list[str]:
    done = []
    with db.write():
        if db.value("outbox.any_waiting") and not bells.rings(db.home, bells.LINK):
            db.ring(bells.LINK)
            done.append(f"rang the bell {bells.LINK}")
        for _, bell in list(db.rows("doctor.silent")):
            if not bells.rings(db.home, bell):
                db.ring(bell)
                done.append(f"rang the bell {bell}")
        stray = _stray(db)
        for path in stray:
            os.unlink(path)
    return done + ([f"removed {len(stray)} files of sessions that are gone"] if stray else [])


def _hook_fault(home: str) -> Check:
    try:
        with open(f"{home}/hook-fault", encoding="utf-8", errors="replace") as file:
            words = file.read()
            day = time.strftime("%Y-%m-%d %H:%M", time.localtime(os.fstat(file.fileno()).st_mtime))
    except OSError:
        return Check(what="hooks", state=OK, detail="no fault recorded")
    return Check(what="hooks", state=MENDABLE, detail=f"the last fault, {day}: {words}")


def _backup_directory(home: str) -> str:
    path = f"{home}/{BACKUPS}/{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    make_directory(path)
    return path


def _backup(db: Store) -> str:
    path = f"{_backup_directory(db.home)}/{DATABASE}"
    old = os.umask(0o077)
    try:
        copy = apsw.Connection(path)
        with copy.backup("main", db.con, "main") as step:
            while not step.done:
                step.step(limits.BACKUP_STEP_PAGES)
        copy.close()
    except apsw.Error as problem:
        raise fault(db.home, problem) from None
    finally:
        os.umask(old)
    return path


def _save(home: str) -> list[str]:
    """Save what can be read into a new store and put the damaged one, whole, under backups/.

    Nobody writes meanwhile, and whoever waited for the lock finds another file in its place and says so.
    """
    lock = FileLock(f"{home}/write.lock")
    lock.acquire()
    try:
        return _save_locked(home)
    finally:
        lock.close()


def _save_locked(home: str) -> list[str]:
    swap.finish(home)  # a repair that was cut short goes first
    kept = _backup_directory(home)
    draft = swap.draft(kept)
    make_directory(draft)
    saved = salvage.save(home, draft)
    swap.begin(home, kept)
    swap.finish(home)
    counts = ", ".join(f"{count} {table}" for table, count in saved.items() if count)
    return [f"the damaged store is kept in {kept}", f"saved into a new one: {counts or 'nothing could be read'}"]
