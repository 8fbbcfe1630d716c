"""Claude Code's dialect: its events, payloads and answers, as of 2.1.330.

Rules kept here:
- SessionStart and CwdChanged answer `watchPaths`, without which FileChanged goes deaf after a `cd`;
- text `claude -p` never sees what a FileChanged hook says, so there it says nothing and the mail waits for the
  next tool call or the end of the turn;
- a stop that telex itself caused to go on (`stop_hook_active`) is not held up again; it goes on by
  `additionalContext`, because `decision: block` puts the text into the request twice and calls it an error;
- a bell that rings in a busy session is answered at once: its text joins the running turn's next request, and
  after an interruption (Esc) no other hook would fire;
- an idle session that has a monitor (telex.hook.monitor) is woken by it alone, which is sooner.
"""

from __future__ import annotations

import os

from telex.hook import introduction, moments, steps
from telex.store import bells, monitors, people, presence
from telex.store.sqlite import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.hook.steps import Payload

CLIENT = "claude"
WAKE = 2  # exit status by which an asyncRewake hook starts a turn


def handle(event: str, raw: str) -> int:
    """Handle one event; the exit status."""
    act = _EVENTS.get(event)
    if act is None or not raw:
        return 0
    db = steps.open_store()
    payload = steps.read(db, raw, "hook.payload")
    if payload is None or (event == "UserPromptSubmit" and _answers_a_call(db, payload, raw)):
        return 0
    return act(db, payload)


def _start(db: Store, payload: Payload) -> int:
    session, place = _register(db, payload)
    monitors.tell(db.home, _client_pid(), session.bell)
    said: list[str] = []
    line = moments.introduction(db, session, place)
    emit = said.append
    watch = bells.path(db.home, bells.BELLS, session.bell)

    def answer(text: str) -> None:
        context = "\n".join(filter(None, (line, text)))
        steps.say(db.value("hook.claude_start_with_context", watch, context))
        emit(text)

    _offer_path(db.home)
    if not moments.show(db, session, "session start", answer, taken=len(line) + 1) and not said:
        if line:
            steps.say(db.value("hook.claude_start_with_context", watch, line))
        else:
            steps.say(db.value("hook.claude_start", watch))
    return 0


def _prompt(db: Store, payload: Payload) -> int:
    return _add_context(db, payload, "UserPromptSubmit", "next prompt")


def _answers_a_call(db: Store, payload: Payload, raw: str) -> bool:
    """Whether this prompt was brought by telex's word through the inbox socket; then it is answered."""
    bell = bells.bell_name(payload.session_id)
    if not os.path.exists(bells.path(db.home, bells.CALLS, bell)):
        return False
    from telex.hook import calling
    from telex.store import calls

    if calling.asked_for(db, CLIENT, raw):
        session = _session(db, payload)
        calling.answer(db, session, lambda text: steps.say(db.value("hook.context", "UserPromptSubmit", text)))
        return True
    if not calls.pending(db.home, bell):
        bells.drop_call(db.home, bell)  # it was held, and nobody let it through
    return False


def _tool(db: Store, payload: Payload) -> int:
    return _add_context(db, payload, "PostToolUse", "between tool calls")


def _add_context(db: Store, payload: Payload, event: str, door: str) -> int:
    session = _session(db, payload)

    def emit(text: str) -> None:
        line = getattr(text, "line", "")
        query = "hook.context_and_line" if line else "hook.context"
        steps.say(db.value(query, event, text, line) if line else db.value(query, event, text))

    if event != "UserPromptSubmit":
        moments.show(db, session, door, emit)
        return 0
    news = introduction.News(db, session, emit, moments.now_ms())
    moments.show(db, session, door, news.emit, taken=news.taken)
    news.finish()
    return 0


def _asks(db: Store, payload: Payload) -> int:
    bells.mark_asks(db.home, _session(db, payload).bell)
    return 0


def _stop(db: Store, payload: Payload) -> int:
    session = _session(db, payload)

    def emit(text: str) -> None:
        steps.say(db.value("hook.context", "Stop", text))

    if not payload.going_on and (
        moments.show(db, session, "end of turn", emit, moments.SAME_TURN) or moments.remind(db, session, emit)
    ):
        return 0
    moments.rest(db, session)
    if db.value("mail.any_waking", session.address):
        from telex.store import calls

        calls.start(db, [session])
    return 0


def _end(db: Store, payload: Payload) -> int:
    steps.end(db, CLIENT, payload, _client_pid())
    return 0


def _directory(db: Store, payload: Payload) -> int:
    watch = bells.path(db.home, bells.BELLS, bells.bell_name(payload.session_id))
    steps.say(db.value("hook.claude_watch", "CwdChanged", watch))
    return 0


def _bell(db: Store, payload: Payload) -> int:
    session = people.session_by_key(db, CLIENT, payload.session_id)
    if session is None or os.environ.get("CLAUDE_CODE_SESSION_ATTENDED") != "1":
        return 0
    if not db.value("mail.any_waking", session.address) or _is_monitored(db, session):
        return 0
    shown = moments.show(db, session, "woken", lambda text: steps.write(2, text), moments.NEW_TURN)
    return WAKE if shown else 0


def _is_monitored(db: Store, session: people.Session) -> bool:
    """Whether to wake it is its monitor's business. A busy one is not woken, and after an interruption it counts as
    busy while nothing but this event tells it of mail."""
    return not presence.Turns(db.home, session.bell).busy and monitors.stands(db.home, _client_pid())


def status_line() -> int:
    """The segment of the status line: a line of its own, after whatever its owner has shown."""
    db = steps.open_store()
    session = people.session_by_key(db, CLIENT, os.environ.get("CLAUDE_CODE_SESSION_ID", ""))
    waiting = int(db.value("mail.waiting_count", session.address)) if session else 0
    if session and waiting:
        # The client drops empty lines, and an owner's output may lack its last end of line.
        steps.write(1, f"\ntelex @{people.address(db, session.address).name} {waiting}\n")
    return 0


_EVENTS = {
    "SessionStart": _start,
    "UserPromptSubmit": _prompt,
    "PostToolUse": _tool,
    "PermissionRequest": _asks,
    "Stop": _stop,
    "SessionEnd": _end,
    "CwdChanged": _directory,
    "FileChanged": _bell,
}


def _session(db: Store, payload: Payload) -> people.Session:
    return steps.session(db, CLIENT, payload, _client_pid())


def _register(db: Store, payload: Payload) -> tuple[people.Session, people.Address]:
    return steps.register(db, CLIENT, payload, _client_pid())


def _client_pid() -> int:
    word = os.environ.get("CLAUDE_PID", "")
    if word.isascii() and word.isdigit():
        return int(word)
    line = presence.ancestors(os.getpid())
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
