"""Calling an idle client, and answering the prompt that this brings: Codex by `codex queue`, Claude Code by the
session's inbox socket (telex.hook.inbox_socket).

Rules kept here:
- it is the program of the very Codex session's process that is run, with that process's environment;
- everything is looked at again right before it speaks: nothing is said to a session that is busy, that was called
  already, or that has read its mail meanwhile;
- the prompt of a call is never taken for a person's;
- a call whose words did not leave is given back, so that the next look calls again;
- a `codex exec` is not called: it ends with its turn, and the call would wait for whoever resumes it.
Seen with Codex CLI 0.169.0: its daemon takes a queued message at once, a Codex without one within ten seconds.
"""

from __future__ import annotations

import os
import time

from telex import limits
from telex.core import evidence, message
from telex.db.connection import Store
from telex.fs import bells, monitors, processes
from telex.hook import delivery, inbox_socket, log_fault, payloads, sessions
from telex.mail import addresses, nudges

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from telex.hook.payloads import Payload

READ_MEANWHILE = "telex: the mail that this prompt was about has been read meanwhile"


def call(client: str, keys: list[str]) -> int:
    """Call those of these sessions for which something waits that wakes them; the exit status."""
    db = payloads.open_store()
    for key in keys:
        try:
            session = addresses.session_by_key(db, client, key)
            if session and session.runs_here():
                (_call_claude if client == nudges.CLAUDE else _call_codex)(db, session)
        except Exception as problem:
            log_fault(problem)  # the next session is called all the same
    return 0


def _call_codex(db: Store, session: addresses.Session) -> None:
    if not sessions.one_shot(nudges.CODEX, session.pid):
        _call(db, session, lambda senders, _: _queue(session, nudges.text(senders)))


def _call_claude(db: Store, session: addresses.Session) -> None:
    path = inbox_socket.idle_at(db, session)
    if path:
        _call(db, session, lambda *waiting: inbox_socket.tell(db, path, nudges.text(*waiting)))


def ring(pid: int) -> int:
    """Wake the Claude Code of that process by a line on standard output, where it is due; its monitor listens there."""
    db = payloads.open_store()
    found = [one for one in addresses.sessions_in(db, pid) if one.client == nudges.CLAUDE]
    if found:
        monitors.tell(db.home, pid, found[0].bell)
        _call(db, found[0], _speak)
    return monitors.LOOKED


def _speak(senders: list[str], newest: str) -> bool:
    """Whether the words have left for the client."""
    try:
        payloads.say(nudges.text(senders, newest))
    except OSError:
        return False
    return True


def _call(db: Store, session: addresses.Session, speak: Callable[[list[str], str], bool]) -> None:
    """Call a session, unless there is no reason to any more. Raises StoreFault and OSError.

    The call is given back where the words did not leave, whatever kept them: a mark without a call would keep the
    session from being called, and its monitor would take the bell for answered.
    """
    marked = said = False
    try:
        with db.write():
            if not nudges.due(db.home, session.bell) or not db.value("mail.any_waking", session.address):
                return
            senders, newest = _waiting(db, session)
            marked = True
            bells.mark_call(db.home, session.bell)
            delivery.note_turn(db, session, delivery.SAME_TURN)
        said = speak(senders, newest)
    finally:
        if marked and not said:
            bells.drop_call(db.home, session.bell)


def _waiting(db: Store, session: addresses.Session) -> tuple[list[str], str]:
    """Who wrote what waits, and the newest of it."""
    found = list(db.rows("hook.waking_senders", session.address, limits.SHOW_ROWS))
    newest = max((number for _, number in found), default=0)
    return list(dict.fromkeys(name for name, _ in found)), message.short_id(newest)


def asked_for(db: Store, client: str, raw: str) -> bool:
    """Whether the prompt in a payload is one that a call brought."""
    return client in (nudges.CODEX, nudges.CLAUDE) and bool(db.value("hook.is_call", raw, nudges.OPENING))


def answer(db: Store, session: addresses.Session, payload: Payload, emit: Callable[[str], None]) -> None:
    """Hand the mail over in the turn that was asked for, or turn its prompt away where nothing waits any more."""
    with delivery.Reading(db, session) as held:
        # A client that has telex's line twice runs two of us for one prompt: whoever finds the call gone says nothing,
        # or it would turn away the very prompt in which the other one has shown the mail.
        if held and bells.drop_call(db.home, session.bell):
            _answer(db, session, payload, emit)


def _answer(db: Store, session: addresses.Session, payload: Payload, emit: Callable[[str], None]) -> None:
    turns = processes.Turns(db.home, session.bell)
    with db.write():
        if turns.prompts > session.prompts_woken + 1:  # a person has typed too since it was asked for
            db.run("people.spoken", turns.changed_ms, session.address, delivery.now_ms())
        db.run("people.woken", turns.prompts, session.id)
    point = delivery.Point(evidence.WOKEN, payload, stage=evidence.PROMPT)
    if not delivery.show_held(db, session, point, emit):
        bells.note(db.home, session.bell, processes.STOP)  # the client says nothing more of such a prompt
        payloads.say(db.value("hook.block", "UserPromptSubmit", READ_MEANWHILE))


def _queue(session: addresses.Session, text: str) -> bool:
    """Whether Codex took the message."""
    program, environment = _program(session.pid)
    if not program:
        return False
    words = [program, "queue", "--thread", session.key, "--message", text]
    null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    child = os.posix_spawnp(program, words, environment, file_actions=null)
    end = time.monotonic() + limits.CALL_MOST_SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(limits.WAIT_POLL_MS / 1000)
    os.kill(child, 9)
    return False


def _program(pid: int) -> tuple[str, dict[bytes, bytes]]:
    """The program that runs the session and its environment: another one might have another home for its threads."""
    try:
        program = os.readlink(f"/proc/{pid}/exe")
        with open(f"/proc/{pid}/environ", "rb") as file:
            words = [word.partition(b"=") for word in file.read().split(b"\0") if b"=" in word]
    except OSError:
        return "codex", dict(os.environb)  # no /proc here
    if not os.path.exists(program):  # upgraded under the running session
        program = "codex"
    return program, {name: value for name, _, value in words}
