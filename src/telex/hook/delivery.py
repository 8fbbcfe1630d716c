"""What a session does at each moment, whatever its client: arrive, be handed its mail, be reminded, leave.

Rules kept here:
- the inbox is held by a lock from reading to recording, so two hooks of one session never hand over the same message;
- what is handed over is recorded in the transaction in which it leaves: whoever cannot have the write lock says
  nothing, and what fails before the text has left is rolled back. A hook that is killed in between hands it over again;
- what was handed over is shown when an event proves that a model request carried it (`settle`), and is taken back when
  the client dropped it. The end of a session proves nothing;
- a subagent's events never come here.
"""

from __future__ import annotations

import os
import time

from telex import limits
from telex.core import evidence, frame, message, text
from telex.core.evidence import Event, Handing
from telex.db import settings
from telex.db.connection import Store
from telex.fs import bells, processes
from telex.fs.lock import FileLock
from telex.hook import introduction as telling
from telex.mail import addresses, messages, notices, retention

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from telex.hook.payloads import Payload

NEW_TURN, SAME_TURN, NO_TURN = "new", "same", "none"


def now_ms() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


class Point:
    """Where a hook hands something over: the hook point, and what is to be remembered of it."""

    def __init__(self, name: str, payload: Payload | None = None, *, stage: str = "", confirms: bool = False) -> None:
        self.name = name
        self.confirms = confirms  # `emit` waits until the client says that it has kept the text
        self.stage = stage or name
        self.turn = payload.turn if payload else ""
        self.transcript = payload.transcript if payload else ""

    def handed(self, db: Store, session: addresses.Session) -> messages.Handed:
        """What is remembered; the message is the caller's."""
        joined = self.stage == evidence.PROMPT and processes.Turns(db.home, session.bell).joined
        how = Handing(stage=self.stage, turn=self.turn, joined=int(joined), armed=int(not self.confirms))
        size = _size(self.transcript)
        return messages.Handed(message=0, session=session.id, handing=how, transcript=self.transcript, size=size)


def show(
    db: Store,
    session: addresses.Session,
    point: Point | str,
    emit: Callable[[str], None],
    turn: str = NO_TURN,
    taken: int = 0,
) -> bool:
    """Hand over what waits; False when there was nothing to hand over or another reader has the inbox.

    `turn` says whether it makes telex the reason of a turn: a new one, or the running one's going on; `taken` is how
    many characters of the injection are used already.
    """
    with Reading(db, session) as held:
        return held and show_held(db, session, point, emit, turn, taken)


class Reading:
    """The session's inbox to itself; False where another reader has it for too long."""

    def __init__(self, db: Store, session: addresses.Session) -> None:
        self._lock = FileLock(f"{db.home}/{bells.INBOXES}/{session.address}.lock")

    def __enter__(self) -> bool:
        return self._lock.acquire_within(limits.READ_LOCK_MS)

    def __exit__(self, *_: object) -> None:
        self._lock.close()


def show_held(
    db: Store,
    session: addresses.Session,
    point: Point | str,
    emit: Callable[[str], None],
    turn: str = NO_TURN,
    taken: int = 0,
) -> bool:
    """The same, by who has the inbox to itself already."""
    at = Point(point) if isinstance(point, str) else point
    now = now_ms()
    rows = messages.queued(db, session.address, limits.SHOW_ROWS)
    damaged = {row.n for row in rows if not row.sound()}
    late = {row.n for row in rows if 0 < row.expires_ms <= now} - damaged
    current = [row for row in rows if row.n not in damaged | late]
    framed = _framed(db, session, current, len(rows) - len(current), now, taken) if current else None
    shown = framed.shown if framed else []
    how = at.handed(db, session)
    with db.write():
        for row in rows:
            if row.n in damaged:
                messages.bury(db, row, session.address, now)
            elif row.n in late:
                retention.expire(db, row.n, "its time to live ran out", now)
        if not _record(db, session, shown, at, how, turn, now):
            return False
        if framed and not at.confirms:
            emit(framed.text)
    if framed and at.confirms:
        _confirmed(db, session, shown, emit, framed.text)
    if shown and (turn == SAME_TURN or at.name == evidence.STOP):
        goes_on(db, session)
    return bool(shown)


def _record(
    db: Store, session: addresses.Session, shown: list[int], at: Point, how: messages.Handed, turn: str, now: int
) -> bool:
    """What is to be known of it afterwards; False where some of it does not wait any more. Inside a write."""
    db.run("mail.went_on", now, session.address, session.started_ms)
    if not messages.hand_over(db, session, shown, at.name, how, now):
        return False
    if shown:
        messages.note_cause(db, session.address, shown, now)
        if turn != NO_TURN:
            note_turn(db, session, turn)
    messages.settle_bell(db, session.address)
    db.run("people.seen", now, session.directory, session.id)
    return True


def _framed(
    db: Store, session: addresses.Session, current: list[messages.Message], aside: int, now: int, taken: int
) -> frame.Framed:
    place = addresses.address(db, session.address)
    count = int(db.value("mail.waiting_count", place.id)) - aside
    items = [row.item(session.address) for row in current]
    budget, user_home = settings.load(db).frame_chars - taken, os.environ.get("HOME", "")
    return frame.frame(items, place.name, now, budget, waiting=count - len(current), home=user_home)


def _confirmed(
    db: Store, session: addresses.Session, numbers: list[int], emit: Callable[[str], None], said: str
) -> None:
    """Say it outside of the transaction, because the client takes its time; it counts once the client has kept it."""
    try:
        emit(said)
    except OSError:
        with db.write():
            messages.take_back(db, session.address, now_ms(), numbers)
            db.ring(session.bell)
        raise
    with db.write():
        for number in numbers:
            db.run("mail.arm", session.address, number)


def settle(
    db: Store, session: addresses.Session, what: str, payload: Payload | None = None, raw: str = ""
) -> list[int]:
    """What an event says of what was handed over before it: proved, taken back, or still open. It returns the messages
    that are the event's own prompt.

    The event's own text must not be handed over before this. Another hook of the session that has the inbox settles it.
    """
    if not db.value("mail.any_handed", session.address):
        return []
    with Reading(db, session) as held:
        return _settle(db, session, what, payload, raw) if held else []


def _settle(db: Store, session: addresses.Session, what: str, payload: Payload | None, raw: str) -> list[int]:
    turn = payload.turn if payload else ""
    verdicts: dict[str, list[tuple[int, str]]] = {}
    named: list[int] = []
    for one in messages.handed(db, session.address):
        own = bool(raw and what == evidence.PROMPT and db.value("hook.is_own", raw, frame.opening_of(one.message)))
        said = evidence.judge(session.client, one.handing, Event(what=what, turn=turn, own=own))
        if said == evidence.DROPPED and _in_transcript(db, one):
            said = evidence.PROVED
        stage = what if own or what == evidence.FAILED else one.handing.stage
        verdicts.setdefault(said, []).append((one.message, stage))
        named += [one.message] if own and said == evidence.JOINED else []
    if not verdicts.keys() - {evidence.OPEN}:
        return named
    now, joined = now_ms(), int(processes.Turns(db.home, session.bell).joined)
    with db.write():
        messages.record_shown(db, session.address, [n for n, _ in verdicts.get(evidence.PROVED, [])], now)
        if dropped := [n for n, _ in verdicts.get(evidence.DROPPED, [])]:
            messages.take_back(db, session.address, now, dropped)
        for number, stage in verdicts.get(evidence.JOINED, []):
            db.run("mail.join_turn", stage, turn, joined, session.address, number)
        messages.settle_bell(db, session.address)
    return named


def line_for_person(db: Store, session: addresses.Session, numbers: list[int]) -> str:
    """The line by which a person learns who wrote these messages; '' for none."""
    found = [one for number in numbers if (one := messages.get(db, number)) and one.sound()]
    return frame.for_person([one.item(session.address) for one in found]) if found else ""


def _in_transcript(db: Store, one: messages.Handed) -> bool:
    if not one.transcript or not one.handing.armed:
        return False
    from telex.hook import transcript

    return transcript.carried(db, one)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size if path else 0
    except (OSError, ValueError):
        return 0


def is_held(db: Store, session: addresses.Session, payload: Payload) -> bool:
    """Whether the turn that ends went on because of telex: by the gate's marks, or else the client's word."""
    turns = processes.Turns(db.home, session.bell)
    return turns.held or bool(payload.going_on and not turns.prompts)


def note_turn(db: Store, session: addresses.Session, turn: str) -> None:
    """Remember that telex, not a person, is why the next turn begins or this one goes on. Inside a write."""
    turns = processes.Turns(db.home, session.bell)
    spoken = turns.spoken_ms(session.prompts_woken)
    if spoken:
        db.run("people.spoken", spoken, session.address, now_ms())
    db.run("people.woken", turns.prompts + (turn == NEW_TURN), session.id)


def goes_on(db: Store, session: addresses.Session) -> None:
    """A turn that goes on at its end is busy until its next end, which comes only after this hook is gone."""
    bells.note(db.home, session.bell, processes.GOES_ON)


def introduction(db: Store, session: addresses.Session, place: addresses.Address) -> str:
    """What a session that starts is told of itself and who else is here; nothing for one that is alone."""
    said = telling.at_start(db, session, place)
    telling.record(db, session, said)
    return said.text


def remind(
    db: Store, session: addresses.Session, emit: Callable[[str], None], turn: str = SAME_TURN, *, confirms: bool = False
) -> bool:
    """At the end of a turn: name, once, the requests that were shown and not answered. True when one was named.

    With `confirms` the client is waited for, which nobody may do in a write.
    """
    debts = [
        (number, creditor) for number, reminded, creditor in db.rows("mail.debts", session.address) if not reminded
    ]
    if not debts:
        return False
    lines = []
    for number, creditor in debts[: limits.LIST_ROWS]:
        lines.append(_reminder(db, number, addresses.address(db, creditor).name))
    said = "telex: a request to this session waits for a reply.\n" + "\n".join(lines)
    if confirms:
        emit(said)
    with db.write():
        note_turn(db, session, turn)
        for number, _ in debts[: limits.LIST_ROWS]:
            db.run("mail.reminded", session.address, number)
        if not confirms:
            emit(said)
    goes_on(db, session)
    return True


def _reminder(db: Store, number: int, creditor: str) -> str:
    """One request that is not answered, with how it begins: after a compaction its number alone says nothing.

    The beginning is its sender's text: it stands on a line of its own, marked as in a frame.
    """
    short, found = message.short_id(number), messages.get(db, number)
    said = f"{short} from @{creditor} is not answered yet: {frame.reply_hint(number)}, or telex done {short}"
    if found and found.sound():
        said += "".join(f"\n{line}" for line in text.quoted(text.preview(found.body, limits.LINE_CHARS), "  > "))
    return said


def rest(db: Store, session: addresses.Session, ending: str = evidence.STOP) -> None:
    """The turn really ends: tell those whose requests stay unanswered, and let what still waits wake it.

    Nobody is told before the session was reminded. A turn that was INTERRUPTED or has FAILED did not work on with
    what it was shown. After an interruption what waits does not start the agent again: it comes with the next prompt,
    or with the next message that wakes.
    """
    now = now_ms()
    with db.write():
        if ending == evidence.STOP:
            db.run("mail.went_on", now, session.address, session.started_ms)
        told = [(n, creditor) for n, reminded, creditor in db.rows("mail.debts", session.address) if reminded]
        for number, creditor in db.rows("mail.untold_debts", session.address):
            if (number, creditor) in told:
                notices.no_reply(db, number, session.address, creditor, "idle", notices.IDLE, now)
        retention.sweep(db, now, settings.load(db).keep_days)
        messages.settle_bell(db, session.address)
        if ending != evidence.INTERRUPTED and db.value("mail.any_waking", session.address):
            db.ring(session.bell)


def leave(db: Store, session: addresses.Session, why: str) -> None:
    """The session is over: those who wait for its reply are told, its mail waits for whoever takes its name."""
    now = now_ms()
    proved = [one.message for one in messages.handed(db, session.address) if _in_transcript(db, one)]
    with db.write():
        for number, creditor in list(db.rows("mail.untold_debts", session.address)):
            notices.no_reply(db, number, session.address, creditor, "session-ended", notices.IDLE, now)
        messages.record_shown(db, session.address, proved, now)
        messages.take_back(db, session.address, now)
        addresses.end(db, session, why, now)
