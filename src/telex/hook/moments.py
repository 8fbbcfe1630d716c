"""What a session does at each moment, whatever its client: arrive, be shown its mail, be reminded, leave.

Rules kept here:
- the inbox is held by a lock from reading to recording, so two hooks of one session never show the same message;
- `emit` must have handed the bytes to the client before anything is recorded; if it raises, nothing is;
- a subagent's events never come here.
"""

from __future__ import annotations

import os
import time

from telex import limits
from telex.core import frame, message, text
from telex.hook import introduction as telling
from telex.store import bells, mail, notices, people, presence, settings, sweep
from telex.store.lock import FileLock
from telex.store.sqlite import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NEW_TURN, SAME_TURN, NO_TURN = "new", "same", "none"


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


def show(
    db: Store, session: people.Session, door: str, emit: Callable[[str], None], turn: str = NO_TURN, taken: int = 0
) -> bool:
    """Show what waits, then record it; False when there was nothing to show or another reader has the inbox.

    `turn` says whether showing it makes telex the reason of a turn: a new one, or the running one's going on;
    `taken` is how many characters of the injection are used already.
    """
    with Reading(db, session) as held:
        return held and show_held(db, session, door, emit, turn, taken)


class Reading:
    """The session's inbox to itself; False where another reader has it for too long."""

    def __init__(self, db: Store, session: people.Session) -> None:
        self._lock = FileLock(f"{db.home}/{bells.INBOXES}/{session.address}.lock")

    def __enter__(self) -> bool:
        return self._lock.acquire_within(limits.READ_LOCK_MS)

    def __exit__(self, *_: object) -> None:
        self._lock.close()


def show_held(
    db: Store, session: people.Session, door: str, emit: Callable[[str], None], turn: str = NO_TURN, taken: int = 0
) -> bool:
    """The same, by who has the inbox to itself already."""
    now = now_ms()
    rows = mail.queued(db, session.address, limits.SHOW_ROWS)
    damaged = {row.n for row in rows if not row.sound()}
    late = {row.n for row in rows if 0 < row.expires_ms <= now}
    current = [row for row in rows if row.n not in damaged | late]
    shown: list[int] = []
    if current:
        place = people.address(db, session.address)
        count = int(db.value("mail.waiting_count", place.id)) - (len(rows) - len(current))
        items = [row.item(session.address) for row in current]
        budget, user_home = settings.load(db).frame_chars - taken, os.environ.get("HOME", "")
        framed = frame.frame(items, place.name, now, budget, waiting=count - len(current), home=user_home)
        emit(framed.text)
        shown = framed.shown
        _goes_on(db, session, turn if shown else NO_TURN)
    with db.write():
        if turn != NO_TURN and shown:
            note_turn(db, session, turn)
        for row in rows:
            if row.n in damaged:
                mail.bury(db, row, session.address, now)
            elif row.n in late:
                sweep.expire(db, row.n, "its time to live ran out", now)
        mail.record_shown(db, session.address, shown, door, now)
        db.run("people.seen", now, session.directory, session.id)
    return bool(shown)


def note_turn(db: Store, session: people.Session, turn: str) -> None:
    """Remember that telex, not a person, is why the next turn begins or this one goes on. Inside a write."""
    turns = presence.Turns(db.home, session.bell)
    spoken = turns.spoken_ms(session.prompts_woken)
    if spoken:
        db.run("people.spoken", spoken, session.address, now_ms())
    db.run("people.woken", turns.prompts + (turn == NEW_TURN), session.id)


def _goes_on(db: Store, session: people.Session, turn: str) -> None:
    """A turn that goes on at its end is busy until its next end, which comes only after this hook is gone."""
    if turn == SAME_TURN:
        bells.note(db.home, session.bell, presence.GOES_ON)


def introduction(db: Store, session: people.Session, place: people.Address) -> str:
    """What a session that starts is told of itself and who else is here; nothing for one that is alone."""
    said = telling.at_start(db, session, place)
    telling.record(db, session, said)
    return said.text


def remind(db: Store, session: people.Session, emit: Callable[[str], None], turn: str = SAME_TURN) -> bool:
    """At the end of a turn: name, once, the requests that were shown and not answered. True when one was named."""
    debts = [
        (number, creditor) for number, reminded, creditor in db.rows("mail.debts", session.address) if not reminded
    ]
    if not debts:
        return False
    lines = []
    for number, creditor in debts[: limits.LIST_ROWS]:
        lines.append(_reminder(db, number, people.address(db, creditor).name))
    emit("telex: a request to this session waits for a reply.\n" + "\n".join(lines))
    _goes_on(db, session, turn)
    with db.write():
        note_turn(db, session, turn)
        for number, _ in debts[: limits.LIST_ROWS]:
            db.run("mail.reminded", session.address, number)
    return True


def _reminder(db: Store, number: int, creditor: str) -> str:
    """One request that is not answered, with how it begins: after a compaction its number alone says nothing."""
    short, found = message.short_id(number), mail.get(db, number)
    begins = f'"{text.preview(found.body, limits.LINE_CHARS)}" ' if found and found.sound() else ""
    return f"{short} from @{creditor} {begins}is not answered yet: {frame.reply_hint(number)}, or telex done {short}"


def rest(db: Store, session: people.Session) -> None:
    """The turn really ends: tell those whose requests stay unanswered, and let what still waits wake it."""
    now = now_ms()
    with db.write():
        db.run("mail.went_on", now, session.address)
        told = [(n, creditor) for n, _, creditor in db.rows("mail.debts", session.address)]
        for number, creditor in db.rows("mail.untold_debts", session.address):
            if (number, creditor) in told:
                notices.no_reply(db, number, session.address, creditor, "idle", notices.IDLE, now)
        sweep.sweep(db, now, settings.load(db).keep_days)
        mail.settle_bell(db, session.address)
        if db.value("mail.any_waking", session.address):
            db.ring(session.bell)


def leave(db: Store, session: people.Session, why: str) -> None:
    """The session is over: those who wait for its reply are told, its mail waits for whoever takes its name."""
    now = now_ms()
    with db.write():
        for number, creditor in list(db.rows("mail.untold_debts", session.address)):
            notices.no_reply(db, number, session.address, creditor, "session-ended", notices.IDLE, now)
        db.run("mail.went_on", now, session.address)
        people.end(db, session, why, now)
        db.after_commit(bells.forget, db.home, session.bell)
