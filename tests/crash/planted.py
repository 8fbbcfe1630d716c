"""Mistakes for launchers: each is put into telex at its start, and some test must notice it.

Rules kept here: a mistake is one that a hurried change could make, and as small as that; it changes behaviour only
through the names that the product itself calls.
"""

from __future__ import annotations

TWO_TRANSACTIONS = """
from telex.mail import messages as mail
_add = mail.add
def add(db, new):
    number = _add(db, new)
    db.con.execute("COMMIT")
    db.con.execute("BEGIN IMMEDIATE")
    return number
mail.add = add
"""

ANSWER_BEFORE_COMMIT = """
import os
from telex.db import connection as sqlite
_exit = sqlite.Write.__exit__
def leave(self, *problem):
    os.write(1, b"m5 -> @bob, @carol\\n")
    return _exit(self, *problem)
sqlite.Write.__exit__ = leave
"""

RECORD_BEFORE_SHOWING = """
import os
from telex.hook import payloads
_leave, _held = os._exit, []
payloads.write = lambda fd, text: _held.append((fd, text))
def leave(status):
    for fd, text in _held:
        os.write(fd, text.encode())
    _leave(status)
os._exit = leave
"""

BODY_IN_PLACE = """
import os
from telex.core.message import digest
from telex.fs import bodies
def keep(home, body):
    name = digest(body)
    fd = os.open(bodies.path(home, name), os.O_WRONLY | os.O_CREAT, 0o600)
    for start in range(0, len(body), 4096):
        os.write(fd, body[start:start + 4096])
    os.fsync(fd)
    os.close(fd)
    return name
bodies.keep = keep
"""

RING_AFTER_COMMIT = """
from telex.fs import bells
from telex.db import connection as sqlite
sqlite.Store.ring = lambda self, bell: self.after_commit(bells.ring, self.home, bell)
"""

SILENCE_BEFORE_COMMIT = """
from telex.db import connection as sqlite
sqlite.Store.after_commit = lambda self, action, *values: action(*values)
"""

NOTED_BEFORE_THE_COMMIT = """
from telex.fs import high_water as newest
from telex.db import connection as sqlite
_after = sqlite.Store.after_commit
def after(self, action, *values):
    if getattr(action, "__func__", None) is newest.Newest.note:
        action(*values)
    else:
        _after(self, action, *values)
sqlite.Store.after_commit = after
"""

SYNC_NORMAL = """
from telex.db import connection as sqlite
_connect = sqlite._connect
def connect(*values):
    con = _connect(*values)
    con.execute("PRAGMA synchronous = NORMAL")
    return con
sqlite._connect = connect
"""

SYNC_OFF = SYNC_NORMAL.replace("NORMAL", "OFF")

UNSYNCED_BODY = """
import os
from telex.fs import bodies
class _Careless:
    def __getattr__(self, name):
        return (lambda fd: None) if name == "fsync" else getattr(os, name)
bodies.os = _Careless()
"""

SAYS_SENT_ANYWAY = """
from telex.bus import Bus
from telex.bus.send import Sent
from telex.errors import StoreFault
_send = Bus.send
def send(self, to, *words, **options):
    try:
        return _send(self, to, *words, **options)
    except StoreFault:
        return Sent(id="m5", uuid="", to=to, recipients=[])
Bus.send = send
"""

HOOK_SPEAKS_OF_ITS_FAULT = """
import os, sys
from telex import hook
def speak(problem):
    os.write(1, f"telex failed: {problem}".encode())
hook.log_fault = speak
"""

NO_INBOX_LOCK = """
from telex.fs import lock
_within = lock.FileLock.acquire_within
lock.FileLock.acquire_within = lambda self, most_ms: True if "/inboxes/" in self.path else _within(self, most_ms)
"""

HANDS_OVER_WHAT_IS_GONE = """
from telex.mail import messages as mail
_hand_over = mail.hand_over
mail.hand_over = lambda *values: _hand_over(*values) or True
"""

FORGETS_TO_RECORD = """
from telex.hook import delivery
from telex.mail import messages
class _Forgetful:
    def __getattr__(self, name):
        return (lambda *values: True) if name == "hand_over" else getattr(messages, name)
delivery.messages = _Forgetful()
"""

DIES_ONCE_IT_HAS_SPOKEN = """
import os
from telex.hook import payloads
_write = payloads.write
def write(fd, text):
    _write(fd, text)
    os.kill(os.getpid(), 9)
payloads.write = write
"""

GUARD = """
import os, sys
_TOUCHING = ("open", "os.remove", "os.rename", "os.link", "os.symlink", "os.truncate", "shutil.copyfile")
def watch(event, words):
    if event in _TOUCHING and any("telex.db" in str(word) for word in words):
        os.write(2, f"\\nGUARD: {event} {words}\\n".encode())
sys.addaudithook(watch)
_guarded_leave = os._exit
def guarded_leave(status):
    if "apsw" in sys.modules and not {"sqlite3", "_sqlite3"}.isdisjoint(sys.modules):
        os.write(2, b"\\nGUARD: two SQLite libraries\\n")
    _guarded_leave(status)
os._exit = guarded_leave
"""

HASHES_THE_STORE = """
from telex.db import connection as sqlite
_opened = sqlite.Store.__init__
def opened(self, home, **options):
    _opened(self, home, **options)
    with open(f"{home}/telex.db", "rb") as file:
        self.fingerprint = hash(file.read())
sqlite.Store.__init__ = opened
"""

SECOND_SQLITE = """
import sqlite3
"""

SHORT_LOG = """
from telex import limits
limits.CHECKPOINT_PAGES = 40
"""

LOG_NEVER_EMPTIED = """
from telex.db import connection as sqlite
_connected = sqlite._connect
def connected(*values):
    con = _connected(*values)
    con.wal_autocheckpoint(40)
    return con
sqlite._connect = connected
"""

RELEASE_RAISES = """
from telex.errors import StoreUnreachable
from telex.fs import lock
_release = lock.FileLock.release
def release(self):
    _release(self)
    raise StoreUnreachable(home="", problem="no locks available")
lock.FileLock.release = release
"""

WAKE_WITHOUT_ITS_TRY = """
from telex.hook import claude
def fail(problem):
    raise problem
claude.log_fault = fail
"""

RECORD_BEFORE_WAKING = """
from telex.hook import delivery
_begun = delivery.Store.write
class _Early:
    def __init__(self, db):
        self.write = _begun(db)
    def __enter__(self):
        return self.write.__enter__()
    def __exit__(self, kind, value, trace):
        return self.write.__exit__(None, None, None)
delivery.Store.write = lambda self: _Early(self)
"""

WRITES_PARTLY = """
import os
from telex.hook import payloads
_write = payloads.write
def write(fd, text):
    _write(fd, text[:40])
    raise OSError(5, "broken")
payloads.write = write
"""

SPEAKS_BEFORE_THE_LOCK = """
from telex.hook import delivery
_showing = delivery.show_held
def show_held(db, session, point, emit, turn=delivery.NO_TURN, taken=0):
    rows, now = delivery.messages.queued(db, session.address, 20), delivery.now_ms()
    emit(delivery._framed(db, session, rows, 0, now, taken).text)
    return _showing(db, session, point, lambda text: None, turn, taken)
delivery.show_held = show_held
"""
