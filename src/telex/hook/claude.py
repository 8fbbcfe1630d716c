"""Claude Code's dialect: its events, payloads and answers, as of 2.1.330.

Rules kept here:
- the session is the payload's `session_id`; a payload with an `agent_id` comes from a subagent, which shares its
  parent's session and must neither be shown nor consume the parent's mail;
- SessionStart and CwdChanged answer `watchPaths`, without which FileChanged goes deaf after a `cd`;
- text `claude -p` never sees what a FileChanged hook says, so there it says nothing and the mail waits for the
  next tool call or the end of the turn;
- a stop that telex itself caused to go on (`stop_hook_active`) is not held up again; it goes on by
  `additionalContext`, because `decision: block` puts the text into the request twice and calls it an error;
- a bell that rings in a busy session is answered at once: its text joins the running turn's next request, and
  after an interruption (Esc) no other hook would fire.
"""

from __future__ import annotations

import os

from telex import limits
from telex.core.record import Record
from telex.hook import moments
from telex.store import bells, people, presence, sweep
from telex.store.sqlite import Store

CLIENT = "claude"
WAKE = 2  # exit status by which an asyncRewake hook starts a turn


class Payload(Record):
    """What telex reads of a hook's standard input."""

    session_id: str
    cwd: str
    title: str
    source: str
    reason: str
    subagent: int
    going_on: int  # the turn goes on because of a Stop hook


def handle(event: str, raw: str) -> int:
    """Handle one event; the exit status."""
    act = _EVENTS.get(event)
    home = os.environ.get("TELEX_HOME") or os.environ["HOME"] + "/.telex"
    if act is None or not raw:
        return 0
    db = Store(home, own_process=True, patience_ms=limits.HOOK_BUSY_MS)
    if not db.value("hook.valid", raw):
        return 0
    payload = Payload.of_row(db.row("hook.claude_payload", raw) or ())
    if payload.subagent or not payload.session_id:
        return 0
    return act(db, payload)


def _start(db: Store, payload: Payload) -> int:
    session, place = _register(db, payload)
    said: list[str] = []
    line = moments.introduction(db, session, place)
    emit = said.append
    watch = bells.path(db.home, bells.BELLS, bells.bell_name(session.key))

    def answer(text: str) -> None:
        context = "\n".join(filter(None, (line, text)))
        _print(db.value("hook.claude_start_with_context", watch, context))
        emit(text)

    _offer_path(db.home)
    if not moments.show(db, session, "session start", answer, taken=len(line) + 1) and not said:
        if line:
            _print(db.value("hook.claude_start_with_context", watch, line))
        else:
            _print(db.value("hook.claude_start", watch))
    return 0


def _prompt(db: Store, payload: Payload) -> int:
    return _add_context(db, payload, "UserPromptSubmit", "next prompt")


def _tool(db: Store, payload: Payload) -> int:
    return _add_context(db, payload, "PostToolUse", "between tool calls")


def _add_context(db: Store, payload: Payload, event: str, door: str) -> int:
    session = _session(db, payload)
    moments.show(db, session, door, lambda text: _print(db.value("hook.claude_context", event, text)))
    return 0


def _stop(db: Store, payload: Payload) -> int:
    session = _session(db, payload)

    def emit(text: str) -> None:
        _print(db.value("hook.claude_context", "Stop", text))

    if not payload.going_on and (
        moments.show(db, session, "end of turn", emit, moments.SAME_TURN) or moments.remind(db, session, emit)
    ):
        return 0
    moments.rest(db, session)
    return 0


def _end(db: Store, payload: Payload) -> int:
    session = people.session_by_key(db, CLIENT, payload.session_id)
    if session is None or payload.reason == "clear":  # after a clear the session's successor takes its name over
        return 0
    with db.write():
        if people.close_process(db, session, _client_pid()):  # it is open in another terminal too: that one goes on
            return 0
    moments.leave(db, session, f"the session ended ({payload.reason or 'no reason given'})")
    return 0


def _directory(db: Store, payload: Payload) -> int:
    watch = bells.path(db.home, bells.BELLS, bells.bell_name(payload.session_id))
    _print(db.value("hook.claude_watch", "CwdChanged", watch))
    return 0


def _bell(db: Store, payload: Payload) -> int:
    session = people.session_by_key(db, CLIENT, payload.session_id)
    if session is None or os.environ.get("CLAUDE_CODE_SESSION_ATTENDED") != "1":
        return 0
    if not db.value("mail.any_waking", session.address):
        return 0
    shown = moments.show(db, session, "woken", lambda text: _write(2, text), moments.NEW_TURN)
    return WAKE if shown else 0


_EVENTS = {
    "SessionStart": _start,
    "UserPromptSubmit": _prompt,
    "PostToolUse": _tool,
    "Stop": _stop,
    "SessionEnd": _end,
    "CwdChanged": _directory,
    "FileChanged": _bell,
}


def _session(db: Store, payload: Payload) -> people.Session:
    found = people.session_by_key(db, CLIENT, payload.session_id)
    return found if found and found.lives() else _register(db, payload)[0]


def _register(db: Store, payload: Payload) -> tuple[people.Session, people.Address]:
    who = people.Arrival(
        client=CLIENT,
        key=payload.session_id,
        pid=_client_pid(),
        directory=payload.cwd or os.getcwd(),
        title=payload.title,
        wish=os.environ.get("TELEX_NAME", ""),
        follows=payload.source == "clear",
    )
    with db.write():
        sweep.end_dead(db, moments.now_ms())
        return people.register(db, who, people.user_name(), moments.now_ms())


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
    line = f"export PATH=\"$PATH\":'{quoted}'\n"
    with open(name, "a+", encoding="utf-8") as file:
        file.seek(0)
        if line not in file.read():  # the same file is offered again at resume and compact
            file.write(line)


def _print(text: str) -> None:
    _write(1, text + "\n")


def _write(fd: int, text: str) -> None:
    data = memoryview(text.encode("utf-8", "replace"))
    while data:
        data = data[os.write(fd, data) :]
