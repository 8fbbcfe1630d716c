"""The dialects of Codex CLI, Gemini CLI, Copilot CLI and OpenCode: one table, because they differ in words only.

Rules kept here:
- an event of a client is one of a few moments; the query beside it puts the answer in that client's words;
- a prompt that telex asked for itself (telex.mail.nudges) is no person's word; where its mail was read meanwhile it
  is turned away before the model is asked;
- the end of a turn goes on once: a stop that telex itself caused to go on is not held up again;
- an event first settles what was handed over before it (telex.core.evidence), then hands over what waits;
- where the client calls what continues a turn a new prompt, its gate counts a prompt more, and so does the record of
  who spoke: `NEW_TURN`;
- nothing is handed over at a session's start, which may be closed before anything is asked; the start of Copilot and
  OpenCode comes with the first prompt;
- Gemini CLI fires the event of a turn's end after an Esc and after an error too: its own record tells them apart;
- OpenCode's plugin is code of telex's own: it says when OpenCode has kept a text, and only then does it count, and
  which end of a turn was the person's doing.
Seen with Codex CLI 0.169.0, Gemini CLI 0.61.0, GitHub Copilot CLI 1.0.102, OpenCode 1.18.33.
"""

from __future__ import annotations

from telex.core.evidence import ANSWER, INTERRUPTED, PROMPT, START, STOP, TOOL, WOKEN
from telex.core.record import Record
from telex.db.connection import Store
from telex.fs import bells, processes
from telex.hook import delivery, introduction, nudge, payloads, sessions
from telex.mail import addresses, nudges

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from telex.hook.payloads import Payload

END = "end"
ASKS = "waiting for approval"


class Dialect(Record):
    """How one client says it: per event, which moment it is and the query that words the answer."""

    client: str
    payload: str
    events: dict[str, tuple[str, str]]
    stop_turn: str  # whether going on at the end of a turn is the same turn to the client, or a new prompt
    start_shows: bool = False  # whether a session's start comes with its first prompt
    confirms: bool = False  # whether the client says that it has kept a text
    ends_untold: bool = False  # whether the end of a turn that was stopped, or failed, looks like any other
    says_held: bool = False  # whether it says itself which turn went on because of telex; else the gate's marks do


DIALECTS = {
    "codex": Dialect(
        client="codex",
        payload="hook.payload",
        events={
            "SessionStart": (START, "hook.context"),
            "UserPromptSubmit": (PROMPT, "hook.context"),
            "PostToolUse": (TOOL, "hook.context"),
            "PermissionRequest": (ASKS, ""),
            "Stop": (STOP, "hook.block"),
            "Interrupt": (INTERRUPTED, ""),
            "SessionEnd": (END, ""),
        },
        stop_turn=delivery.SAME_TURN,
    ),
    "gemini": Dialect(
        client="gemini",
        payload="hook.payload",
        events={
            "SessionStart": (START, "hook.context"),
            "BeforeAgent": (PROMPT, "hook.context"),
            "AfterTool": (TOOL, "hook.context"),
            "Notification": (ASKS, ""),
            "AfterAgent": (STOP, "hook.deny"),
            "SessionEnd": (END, ""),
        },
        stop_turn=delivery.NEW_TURN,
        ends_untold=True,
    ),
    "copilot": Dialect(
        client="copilot",
        payload="hook.camel_payload",
        events={
            "sessionStart": (START, "hook.plain_context"),
            "userPromptSubmitted": (PROMPT, "hook.plain_context"),
            "postToolUse": (TOOL, "hook.plain_context"),
            "permissionRequest": (ASKS, ""),
            "agentStop": (STOP, "hook.block"),
            "sessionEnd": (END, ""),
        },
        stop_turn=delivery.NEW_TURN,
        start_shows=True,
    ),
    "opencode": Dialect(
        client="opencode",
        payload="hook.payload",
        events={
            "SessionStart": (START, "hook.bell_and_text"),
            "Prompt": (PROMPT, "hook.bell_and_text"),
            "Tool": (TOOL, "hook.bell_and_text"),
            "Answer": (ANSWER, "hook.bell_and_text"),
            "Idle": (STOP, "hook.bell_and_text"),
            "Wake": (WOKEN, "hook.bell_and_text"),
            "SessionEnd": (END, ""),
        },
        stop_turn=delivery.NEW_TURN,
        start_shows=True,
        confirms=True,
        says_held=True,
    ),
}


def handle(client: str, event: str, raw: str, pid: int) -> int:
    """Handle one event of a client whose process is `pid`; the exit status."""
    dialect = DIALECTS[client]
    moment, answer = dialect.events.get(event, ("", ""))
    if not moment or not raw:
        return 0
    db = payloads.open_store()
    payload = payloads.read(db, raw, dialect.payload)
    if payload is None:
        return 0
    pid = pid or _parent()
    try:
        if moment == START:
            _start(db, dialect, payload, pid, event, answer)
        elif moment == END:
            sessions.end(db, client, payload, pid)
        else:
            _act(db, dialect, payload, pid, event, raw)
    except BrokenPipeError:  # the client went away before it had the text: nothing is recorded
        pass
    return 0


def _act(db: Store, dialect: Dialect, payload: Payload, pid: int, event: str, raw: str) -> None:
    """Whatever is neither the beginning nor the end of a session."""
    moment, answer = dialect.events[event]
    session = sessions.session(db, dialect.client, payload, pid)
    emit = _emitter(db, dialect, session, event, answer)
    if moment == ASKS:
        bells.mark_asks(db.home, session.bell)
        return
    if payload.interrupted or (moment == STOP and dialect.ends_untold and not _is_answered(db, payload)):
        moment = INTERRUPTED
    delivery.settle(db, session, moment, payload, raw)
    if moment == PROMPT and nudge.asked_for(db, dialect.client, raw):
        nudge.answer(db, session, payload, emit)
    elif moment == INTERRUPTED:
        delivery.rest(db, session, INTERRUPTED)  # and no call: Codex keeps its queue until the person goes on
    elif moment == STOP:
        _stop(db, dialect, payload, session, emit)
    elif moment != WOKEN or db.value("mail.any_waking", session.address):  # it may be read by now, or wake nobody
        _show(db, session, delivery.Point(moment, payload, confirms=dialect.confirms), emit)


def _is_answered(db: Store, payload: Payload) -> bool:
    from telex.hook import transcript

    return transcript.ends_in_answer(db, payload.transcript)


def _show(db: Store, session: addresses.Session, point: delivery.Point, emit: Callable[[str], None]) -> None:
    if point.name != PROMPT:
        turn = {WOKEN: delivery.NEW_TURN, ANSWER: delivery.SAME_TURN}.get(point.name, delivery.NO_TURN)
        delivery.show(db, session, point, emit, turn)
        return
    news = introduction.News(db, session, emit, delivery.now_ms())
    delivery.show(db, session, point, news.emit, taken=news.taken)
    news.finish()


def _emitter(db: Store, dialect: Dialect, session: addresses.Session, event: str, answer: str) -> Callable[[str], None]:
    """What hands a text over in the client's words; it raises BrokenPipeError where the client did not keep it."""
    subject = session.bell if dialect.confirms else event

    def emit(text: str) -> None:
        line = getattr(text, "line", "") if answer == "hook.context" else ""
        payloads.say(
            db.value("hook.context_and_line", subject, text, line) if line else db.value(answer, subject, text)
        )
        if dialect.confirms and text:
            payloads.await_kept()

    return emit


def _start(db: Store, dialect: Dialect, payload: Payload, pid: int, event: str, answer: str) -> None:
    session, place = sessions.register(db, dialect.client, payload, pid)
    line = delivery.introduction(db, session, place)
    say = _emitter(db, dialect, session, event, answer)
    said: list[str] = []

    def emit(text: str) -> None:
        say("\n".join(filter(None, (line, text))))
        said.append(text)

    point = delivery.Point(START, payload, confirms=dialect.confirms)
    shown = dialect.start_shows and delivery.show(db, session, point, emit, taken=len(line) + 1)
    if not shown and not said and (line or dialect.confirms):
        say(line)


def _stop(
    db: Store, dialect: Dialect, payload: Payload, session: addresses.Session, emit: Callable[[str], None]
) -> None:
    held = payload.going_on if dialect.says_held else delivery.is_held(db, session, payload)
    point, confirms = delivery.Point(STOP, payload, confirms=dialect.confirms), dialect.confirms
    if not held and (
        delivery.show(db, session, point, emit, dialect.stop_turn)
        or delivery.remind(db, session, emit, dialect.stop_turn, confirms=confirms)
    ):
        return
    delivery.rest(db, session)
    if db.value("mail.any_waking", session.address):
        nudges.start(db, [session])


def _parent() -> int:
    """The client's process where the gate did not name it: above this one is the gate's shell."""
    import os

    line = processes.ancestors(os.getpid())
    return line[2] if len(line) > 2 else os.getppid()
