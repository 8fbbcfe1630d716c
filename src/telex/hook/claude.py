"""Claude Code's dialect: its events, payloads and answers, as of 2.1.332.

Rules kept here:
- SessionStart and CwdChanged answer `watchPaths`, without which FileChanged goes deaf after a `cd`; a start answers it
  even where the session could not be registered;
- `claude -p` with text output never sees what a FileChanged hook says: there it says nothing, and the mail waits for
  the next tool call or the end of the turn;
- an event first settles what was handed over before it (telex.core.evidence), then hands over what waits;
- nothing is handed over at a session's start: the bell stays and wakes it, so that its person sees that mail came;
- a stop that telex itself caused to go on is not held up again, and the gate's own marks say which one that is:
  `stop_hook_active` is true at the first stop of a turn that a wake-up began, too. It goes on by `additionalContext`,
  because `decision: block` puts the text into the request twice and calls it an error;
- a bell that rings in a busy session is left to the turn's own hooks: what the client is given meanwhile starts the
  agent again after its person has stopped it (Esc). After that no hook fires, so the client's record of its process
  says whether the turn still runs;
- what a wake-up shows its person is the same for every message, so the prompt that it becomes says who wrote;
- an idle session that has a monitor (telex.hook.monitor) is woken by it alone, which is sooner.
"""

from __future__ import annotations

import os

from telex.core.evidence import FAILED, PROMPT, SINGLE_TOOL, STOP, TOOL, WOKEN
from telex.db.connection import Store
from telex.fs import bells, monitors, processes
from telex.hook import delivery, introduction, log_fault, payloads, sessions
from telex.mail import addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.hook.payloads import Payload

CLIENT = "claude"
WAKE = 2  # exit status by which an asyncRewake hook starts a turn


def handle(event: str, raw: str) -> int:
    """Handle one event; the exit status."""
    act = _EVENTS.get(event)
    if act is None or not raw:
        return 0
    db = payloads.open_store()
    payload = payloads.read(db, raw, "hook.payload", subagents=event == SENT)
    return 0 if payload is None else act(db, payload, raw)


def _start(db: Store, payload: Payload, _raw: str) -> int:
    bell, line = bells.bell_name(payload.session_id), ""
    try:
        session, place = _register(db, payload)
        monitors.tell(db.home, _client_pid(), session.bell)
        line = delivery.introduction(db, session, place)
        _offer_path(db.home)
    except Exception as problem:
        log_fault(problem)  # the next prompt registers the session; the bell to watch can be said only here
    watch = bells.path(db.home, bells.BELLS, bell)
    if line:
        payloads.say(db.value("hook.claude_start_with_context", watch, line))
    else:
        payloads.say(db.value("hook.claude_start", watch))
    return 0


def _prompt(db: Store, payload: Payload, raw: str) -> int:
    session = _session(db, payload)
    brought = delivery.settle(db, session, PROMPT, payload, raw)
    if not _answers_a_call(db, payload, raw):
        who = delivery.line_for_person(db, session, brought)
        if not _add_context(db, session, payload, "UserPromptSubmit", PROMPT, who=who) and who:
            payloads.say(db.value("hook.line", who))
    return 0


def _answers_a_call(db: Store, payload: Payload, raw: str) -> bool:
    """Whether this prompt was brought by telex's word through the inbox socket; then it is answered."""
    bell = bells.bell_name(payload.session_id)
    if not os.path.exists(bells.path(db.home, bells.CALLS, bell)):
        return False
    from telex.hook import nudge
    from telex.mail import nudges

    if nudge.asked_for(db, CLIENT, raw):
        session = _session(db, payload)
        nudge.answer(
            db, session, payload, lambda text: payloads.say(db.value("hook.context", "UserPromptSubmit", text))
        )
        return True
    if not nudges.pending(db.home, bell):
        bells.drop_call(db.home, bell)  # it was held, and nobody let it through
    return False


def _tools(db: Store, payload: Payload, _raw: str) -> int:
    session = _session(db, payload)
    delivery.settle(db, session, TOOL, payload)
    _add_context(db, session, payload, "PostToolBatch", TOOL)
    return 0


def _tool(db: Store, payload: Payload, _raw: str) -> int:
    """After one tool of perhaps several: the line of an older installation."""
    session = _session(db, payload)
    delivery.settle(db, session, SINGLE_TOOL, payload)
    _add_context(db, session, payload, "PostToolUse", TOOL, SINGLE_TOOL)
    return 0


def _sent(db: Store, payload: Payload, raw: str) -> int:
    """After the client's own tool for messages, whoever of the session used it; nothing is handed over here."""
    from telex.hook import observed

    observed.note(db, _session(db, payload), raw)
    return 0


def _add_context(
    db: Store, session: addresses.Session, payload: Payload, event: str, name: str, stage: str = "", *, who: str = ""
) -> bool:
    """Hand over what waits, with a line for the person, after `who`; whether anything was said."""
    said: list[str] = []

    def emit(text: str) -> None:
        said.append(text)
        line = "\n".join(filter(None, (who, getattr(text, "line", ""))))
        query = "hook.context_and_line" if line else "hook.context"
        payloads.say(db.value(query, event, text, line) if line else db.value(query, event, text))

    point = delivery.Point(name, payload, stage=stage)
    if name != PROMPT:
        delivery.show(db, session, point, emit)
        return bool(said)
    news = introduction.News(db, session, emit, delivery.now_ms())
    delivery.show(db, session, point, news.emit, taken=news.taken)
    news.finish()
    return bool(said)


def _asks(db: Store, payload: Payload, _raw: str) -> int:
    bells.mark_asks(db.home, _session(db, payload).bell)
    return 0


def _stop(db: Store, payload: Payload, _raw: str) -> int:
    session = _session(db, payload)
    delivery.settle(db, session, STOP, payload)

    def emit(text: str) -> None:
        payloads.say(db.value("hook.context", "Stop", text))

    point = delivery.Point(STOP, payload)
    if not delivery.is_held(db, session, payload) and (
        delivery.show(db, session, point, emit, delivery.SAME_TURN) or delivery.remind(db, session, emit)
    ):
        return 0
    delivery.rest(db, session)
    if db.value("mail.any_waking", session.address):
        from telex.mail import nudges

        nudges.start(db, [session])
    return 0


def _failed(db: Store, payload: Payload, _raw: str) -> int:
    """A request failed, which ends the turn; what this hook says is shown to nobody."""
    session = _session(db, payload)
    delivery.settle(db, session, FAILED, payload)
    delivery.rest(db, session, FAILED)
    return 0


def _end(db: Store, payload: Payload, _raw: str) -> int:
    sessions.end(db, CLIENT, payload, _client_pid())
    return 0


def _directory(db: Store, payload: Payload, _raw: str) -> int:
    watch = bells.path(db.home, bells.BELLS, bells.bell_name(payload.session_id))
    payloads.say(db.value("hook.claude_watch", "CwdChanged", watch))
    return 0


def _bell(db: Store, payload: Payload, _raw: str) -> int:
    session = addresses.session_by_key(db, CLIENT, payload.session_id)
    if session is None or os.environ.get("CLAUDE_CODE_SESSION_ATTENDED") != "1":
        return 0
    if not db.value("mail.any_waking", session.address) or _is_left_to_others(db, session):
        return 0
    said: list[str] = []

    def emit(text: str) -> None:
        payloads.write(2, text)
        said.append(text)

    try:
        delivery.show(db, session, delivery.Point(WOKEN, payload), emit, delivery.NEW_TURN)
    except Exception as problem:
        log_fault(problem)  # what was said must be delivered, whatever became of the record
    return WAKE if said else 0


def _is_left_to_others(db: Store, session: addresses.Session) -> bool:
    """Whether something else brings the mail: the hooks of the turn that runs, or an idle session's monitor."""
    if not processes.Turns(db.home, session.bell).busy:
        return monitors.stands(db.home, _client_pid())
    from telex.hook import inbox_socket

    return inbox_socket.status(db, session) in inbox_socket.WORKING


def status_line() -> int:
    """The segment of the status line: a line of its own, after whatever its owner has shown."""
    db = payloads.open_store()
    session = addresses.session_by_key(db, CLIENT, os.environ.get("CLAUDE_CODE_SESSION_ID", ""))
    waiting = int(db.value("mail.waiting_count", session.address)) if session else 0
    if session and waiting:
        # The client drops empty lines, and an owner's output may lack its last end of line.
        payloads.write(1, f"\ntelex @{addresses.address(db, session.address).name} {waiting}\n")
    return 0


SENT = "PostToolUseSendMessage"  # the word of the line of PostToolUse that this tool alone runs
OLDER = ("PostToolUse",)  # events of lines that an earlier telex wrote into a client's settings
_EVENTS = {
    "SessionStart": _start,
    "UserPromptSubmit": _prompt,
    "PostToolBatch": _tools,
    "PostToolUse": _tool,
    SENT: _sent,
    "PermissionRequest": _asks,
    "Stop": _stop,
    "StopFailure": _failed,
    "SessionEnd": _end,
    "CwdChanged": _directory,
    "FileChanged": _bell,
}


def _session(db: Store, payload: Payload) -> addresses.Session:
    return sessions.session(db, CLIENT, payload, _client_pid())


def _register(db: Store, payload: Payload) -> tuple[addresses.Session, addresses.Address]:
    return sessions.register(db, CLIENT, payload, _client_pid())


def _client_pid() -> int:
    word = os.environ.get("CLAUDE_PID", "")
    if word.isascii() and word.isdigit():
        return int(word)
    line = processes.ancestors(os.getpid())
    return line[2] if len(line) > 2 else os.getppid()  # above this process is the gate's shell


def _offer_path(home: str) -> None:
    """Let the session's shell commands find `telex`, whatever PATH the client was started with."""
    name = os.environ.get("CLAUDE_ENV_FILE", "")
    if not name or not os.path.exists(f"{home}/{bells.BIN}/telex"):
        return
    quoted = f"{home}/{bells.BIN}".replace("'", "'\\''")
    line = f"export PATH='{quoted}':\"$PATH\"\n"  # in front: another `telex` of the PATH starts in twice the time
    with open(name, "a+", encoding="utf-8") as file:
        file.seek(0)
        if line not in file.read():  # the same file is offered again at resume and compact
            file.write(line)
