"""Reading: the inbox, marking, and waiting for what comes.

Rules kept here:
- what a command prints has reached its caller, so it is read at once. Without an id it prints what waits; what was
  handed over to a client and is not proved is in the list of what is unread, and is printed by its id;
- looking consumes nothing; what is printed is recorded only after `emit` has handed it over;
- an inbox is read under its lock, so that a hook and a command never show the same message twice;
- waiting sleeps in the kernel; a bell that rang before its commit is answered by waiting for the writer's lock;
- no sleep goes past the next deadline: a wait is told in time that a request of its caller got no reply.
"""

from __future__ import annotations

import time

from telex import limits
from telex.bus.identity import Caller, bell_of
from telex.bus.message_view import Letter, letter
from telex.core import delivery, message
from telex.core.delivery import UNREAD
from telex.db.connection import Store, fault
from telex.errors import AskedFirst, MessageUnknown, StoreBusy, TimedOut
from telex.fs import bells
from telex.fs.lock import FileLock
from telex.mail import addresses, messages, notices, retention

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Emit = Callable[[list[Letter]], None]
    Clock = Callable[[], int]


def inbox(db: Store, caller: Caller, *, everything: bool, most: int) -> list[Letter]:
    """What is unread or a request not answered yet, oldest first; with `everything` what was ever sent here, the
    newest of it. Heads only."""
    if everything:
        numbers = [row[0] for row in db.rows("inbox.received", caller.address.id, most)][::-1]
        found = [one for number in numbers if (one := messages.get(db, number))]
    else:
        found = messages.open_mail(db, caller.address.id, most)
    return [letter(db, one, caller.address.id, whole=False) for one in found]


def read(db: Store, caller: Caller, written: list[str], emit: Emit, clock: Clock, *, most: int) -> list[Letter]:
    """Hand over the named messages, or all that is unread, and mark those of the caller's inbox read."""
    if written:
        found = [_sound(db, messages.number_of(db, one), caller, clock()) for one in written]
        letters = [letter(db, one, caller.address.id) for one in found]
        emit(letters)
        _record(db, caller, letters, clock())
        return letters
    with _Inbox(db, caller):
        rows = messages.queued(db, caller.address.id, most)
        return _take(db, caller, rows, emit, clock())


def done(db: Store, caller: Caller, written: list[str], now_ms: int) -> list[int]:
    """Mark messages handled; a request so marked owes no reply. Raises MessageUnknown, MoveRefused."""
    numbers = [messages.number_of(db, one) for one in written]
    with db.write():
        handled = [n for n in numbers if (row := db.row("mail.delivery", n, caller.address.id)) and row[0] in UNREAD]
        messages.note_cause(db, caller.address.id, handled, now_ms)
        for number in numbers:
            messages.move(db, number, caller.address.id, delivery.DONE, "done", now_ms)
            db.run("mail.settle", number, caller.address.id)
        messages.settle_bell(db, caller.address.id)
    return numbers


def wait(
    db: Store,
    caller: Caller,
    emit: Emit,
    clock: Clock,
    *,
    sender: int = 0,
    kind: str = "",
    timeout_s: float = 0,
) -> list[Letter]:
    """Sleep until something matching is queued, hand it over, mark it read. Raises TimedOut."""

    def matching() -> list[Letter]:
        with _Inbox(db, caller):
            most = limits.INBOX_WAITING if sender or kind else limits.LIST_ROWS
            rows = messages.queued(db, caller.address.id, most)
            rows = [one for one in rows if (not sender or one.sender == sender) and (not kind or one.kind == kind)]
            return _take(db, caller, rows, emit, clock()) if rows else []

    found = until(db, caller, matching, clock, timeout_s)
    if not found:
        raise TimedOut(seconds=_seconds(timeout_s), advice="'telex inbox' lists what came before")
    return found


def until(db: Store, caller: Caller, look: Callable[[], list[Letter]], clock: Clock, timeout_s: float) -> list[Letter]:
    """Call `look` whenever the caller's bell moves or a deadline passes, until it finds something or the time is up."""
    from telex.fs.watch import Watch

    fetch(db)
    bell = bell_of(caller)
    end = time.monotonic() + timeout_s if timeout_s else None
    barrier = FileLock(f"{db.home}/write.lock")
    with Watch(f"{db.home}/{bells.BELLS}", bell) as watch:
        while True:
            retention.notice(db, clock())
            found = look()
            if not found and bells.rings(db.home, bell):
                try:
                    barrier.acquire()  # whoever rang may not have committed yet
                except OSError as problem:
                    raise fault(db.home, problem) from None
                barrier.release()
                found = look()
            if found:
                return found
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return []
            pause = retention.pause_s(db, clock())
            watch.wait(pause if left is None else min(left, pause))


def fetch(db: Store) -> None:
    """See to it that what comes from other machines is fetched, where this one is in a team."""
    if addresses.linked(db):
        from telex.team import link_process

        link_process.ensure(db)


def ask(db: Store, caller: Caller, request: int, emit: Emit, clock: Clock, timeout_s: float) -> list[Letter]:
    """Wait for the reply to a request, hand it over, mark it read.

    Raises TimedOut, and AskedFirst once it has handed over an unread request of whoever was asked.
    """

    def replies() -> list[Letter]:
        found = [one for (number,) in db.rows("mail.replies", request) if (one := messages.get(db, number))]
        found = [one for one in found if not one.auto and one.sender != caller.address.id]
        first = 0 if found else asked_first(db, caller, request)
        if first:
            found = [one] if (one := messages.get(db, first)) else []
        if not found:
            return []
        with _Inbox(db, caller):
            letters = _take(db, caller, found, emit, clock())
        if first and letters:
            raise AskedFirst(who=letters[0].sender, id=letters[0].id, mine=message.short_id(request))
        return letters

    found = until(db, caller, replies, clock, timeout_s)
    if not found:
        gave_up(db, request)
        states = ", ".join(f"@{one.name}: {one.state}" for one in messages.deliveries(db, request))
        advice = f"m{request} stands ({states}); a late reply comes to your inbox"
        raise TimedOut(seconds=_seconds(timeout_s), advice=advice)
    return found


def asked_first(db: Store, caller: Caller, request: int) -> int:
    """The unread request to the caller of whoever owes a reply to its own `request`, or of somebody whom that one waits
    for in its turn: to wait on would be to wait for oneself. 0 for none."""
    return int(db.value("inbox.asked_first", caller.address.id, request) or 0)


def gave_up(db: Store, request: int) -> None:
    """The sender of a request has waited for its reply: no notice tells it again that none came."""
    with db.write():
        for debtor, _ in list(db.rows("mail.owed_for", request)):
            db.run("mail.told", notices.LATE, debtor, request)


class Taking:
    """Unread mail in two steps, for a face that learns later whether its bytes arrived.

    `letters` are the caller's; until `finish` nobody else is shown them. `finish(True)` marks them read,
    `finish(False)` leaves them unread; after the first of the two it does nothing.
    """

    def __init__(
        self,
        db: Store,
        caller: Caller,
        clock: Clock,
        *,
        most: int,
        patience_ms: int = limits.BUSY_MS,
        whole: bool = True,
    ) -> None:
        self._db, self._caller, self._clock = db, caller, clock
        self._held: _Inbox | None = _Inbox(db, caller, patience_ms)
        self._held.__enter__()
        try:
            self._rows = messages.queued(db, caller.address.id, most)
            self._damaged = {one.n for one in self._rows if not one.sound()}
            sound = [one for one in self._rows if one.n not in self._damaged]
            self.letters = [letter(db, one, caller.address.id, whole=whole) for one in sound]
        except BaseException:
            self._held.__exit__()
            raise

    def finish(self, took: bool, *, only: list[Letter] | None = None) -> None:
        """Whether the reader has them, or has `only` these. Raises StoreFault: then they stay unread."""
        if self._held is None:
            return
        try:
            if took or self._damaged:
                had = (self.letters if only is None else only) if took else []
                _store_taken(self._db, self._caller, self._rows, self._damaged, had, self._clock())
        finally:
            held, self._held = self._held, None
            held.__exit__()


class _Inbox:
    """The caller's inbox, to itself."""

    def __init__(self, db: Store, caller: Caller, patience_ms: int = limits.BUSY_MS) -> None:
        self._home = db.home
        self._lock = FileLock(f"{db.home}/{bells.INBOXES}/{caller.address.id}.lock")
        self._patience_ms = patience_ms

    def __enter__(self) -> None:
        try:
            held = self._lock.acquire_within(self._patience_ms)
        except OSError as problem:
            raise fault(self._home, problem) from None
        if not held:
            raise StoreBusy(seconds=_seconds(self._patience_ms / 1000))

    def __exit__(self, *_: object) -> None:
        self._lock.close()


def _take(db: Store, caller: Caller, rows: list[messages.Message], emit: Emit, now_ms: int) -> list[Letter]:
    damaged = {one.n for one in rows if not one.sound()}
    letters = [letter(db, one, caller.address.id) for one in rows if one.n not in damaged]
    if letters:
        emit(letters)
    _store_taken(db, caller, rows, damaged, letters, now_ms)
    return letters


def _store_taken(
    db: Store, caller: Caller, rows: list[messages.Message], damaged: set[int], letters: list[Letter], now_ms: int
) -> None:
    with db.write():
        for one in rows:
            if one.n in damaged and db.row("mail.delivery", one.n, caller.address.id):
                messages.bury(db, one, caller.address.id, now_ms)
        _mark_read(db, caller, letters, now_ms)


def _record(db: Store, caller: Caller, letters: list[Letter], now_ms: int) -> None:
    if any(one.state in UNREAD for one in letters):
        with db.write():
            _mark_read(db, caller, letters, now_ms)


def _mark_read(db: Store, caller: Caller, letters: list[Letter], now_ms: int) -> None:
    mine = [int(one.id[1:]) for one in letters if one.state in UNREAD]
    for number in mine:
        row = db.row("mail.delivery", number, caller.address.id)
        if row and row[0] in UNREAD:
            messages.move(db, number, caller.address.id, delivery.READ, "read", now_ms)
    if mine:
        messages.note_cause(db, caller.address.id, mine, now_ms)
    messages.settle_bell(db, caller.address.id)


def _sound(db: Store, number: int, caller: Caller, now_ms: int) -> messages.Message:
    found = messages.get(db, number)
    assert found is not None
    if not found.sound():
        if db.row("mail.delivery", number, caller.address.id):
            with db.write():
                messages.bury(db, found, caller.address.id, now_ms)
        raise MessageUnknown(id=f"m{number} that is still whole: its row is damaged")
    return found


def _seconds(timeout_s: float) -> str:
    return f"{timeout_s:g}"
