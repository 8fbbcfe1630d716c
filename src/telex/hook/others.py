"""The dialects of Codex CLI, Gemini CLI and Copilot CLI: one table, because they differ in words only.

Rules kept here:
- an event of a client is one of five moments; the query beside it puts the answer in that client's words;
- the end of a turn goes on once: a stop that telex itself caused to go on is not held up again;
- where the client calls what continues a turn a new prompt, its gate counts a prompt more, and so does the record of
  who spoke: `NEW_TURN`.
Seen with Codex CLI 0.169.0, Gemini CLI 0.61.0, GitHub Copilot CLI 1.0.102.
"""

from __future__ import annotations

from telex.core.record import Record
from telex.hook import moments, steps
from telex.store import presence
from telex.store.sqlite import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.hook.steps import Payload

START, PROMPT, TOOL, STOP, END = "session start", "next prompt", "between tool calls", "end of turn", "end"


class Dialect(Record):
    """How one client says it: per event, which moment it is and the query that words the answer."""

    client: str
    payload: str
    events: dict[str, tuple[str, str]]
    stop_turn: str  # whether going on at the end of a turn is the same turn to the client, or a new prompt


DIALECTS = {
    "codex": Dialect(
        client="codex",
        payload="hook.payload",
        events={
            "SessionStart": (START, "hook.context"),
            "UserPromptSubmit": (PROMPT, "hook.context"),
            "PostToolUse": (TOOL, "hook.context"),
            "Stop": (STOP, "hook.block"),
            "SessionEnd": (END, ""),
        },
        stop_turn=moments.SAME_TURN,
    ),
    "gemini": Dialect(
        client="gemini",
        payload="hook.payload",
        events={
            "SessionStart": (START, "hook.context"),
            "BeforeAgent": (PROMPT, "hook.context"),
            "AfterTool": (TOOL, "hook.context"),
            "AfterAgent": (STOP, "hook.deny"),
            "SessionEnd": (END, ""),
        },
        stop_turn=moments.NEW_TURN,
    ),
    "copilot": Dialect(
        client="copilot",
        payload="hook.camel_payload",
        events={
            "sessionStart": (START, "hook.plain_context"),
            "userPromptSubmitted": (PROMPT, "hook.plain_context"),
            "postToolUse": (TOOL, "hook.plain_context"),
            "agentStop": (STOP, "hook.block"),
            "sessionEnd": (END, ""),
        },
        stop_turn=moments.NEW_TURN,
    ),
}


def handle(client: str, event: str, raw: str, pid: int) -> int:
    """Handle one event of a client whose process is `pid`; the exit status."""
    dialect = DIALECTS[client]
    moment, answer = dialect.events.get(event, ("", ""))
    if not moment or not raw:
        return 0
    db = steps.open_store()
    payload = steps.read(db, raw, dialect.payload)
    if payload is None:
        return 0
    if moment == START:
        _start(db, dialect, payload, pid or _parent(), event, answer)
    elif moment == STOP:
        _stop(db, dialect, payload, pid or _parent(), event, answer)
    elif moment == END:
        steps.end(db, client, payload, pid or _parent())
    else:
        session = steps.session(db, client, payload, pid or _parent())
        moments.show(db, session, moment, lambda text: steps.say(db.value(answer, event, text)))
    return 0


def _start(db: Store, dialect: Dialect, payload: Payload, pid: int, event: str, answer: str) -> None:
    session, place = steps.register(db, dialect.client, payload, pid)
    line = moments.introduction(db, session, place)
    said: list[str] = []

    def emit(text: str) -> None:
        steps.say(db.value(answer, event, "\n".join(filter(None, (line, text)))))
        said.append(text)

    if not moments.show(db, session, START, emit, taken=len(line) + 1) and not said and line:
        steps.say(db.value(answer, event, line))


def _stop(db: Store, dialect: Dialect, payload: Payload, pid: int, event: str, answer: str) -> None:
    session = steps.session(db, dialect.client, payload, pid)

    def emit(text: str) -> None:
        steps.say(db.value(answer, event, text))

    if not payload.going_on and (
        moments.show(db, session, STOP, emit, dialect.stop_turn) or moments.remind(db, session, emit, dialect.stop_turn)
    ):
        return
    moments.rest(db, session)


def _parent() -> int:
    """The client's process where the gate did not name it: above this one is the gate's shell."""
    import os

    line = presence.ancestors(os.getpid())
    return line[2] if len(line) > 2 else os.getppid()
