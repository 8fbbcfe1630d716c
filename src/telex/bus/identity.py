"""Who the caller is, without being told.

Rules kept here, in this order:
1. a process under a live session's process is that session, whatever its environment says: `/clear` makes the
   environment stale, and an agent cannot become another by setting a variable;
2. a client's own session id in the environment names its session (registered here if its hooks never ran);
3. an agent's process that does not say which session it belongs to is refused, never taken for the person;
4. `TELEX_NAME` outside of any agent is a session of its own: a script, a terminal that wants a name;
5. whoever is left is the person;
6. where one process runs several sessions, only what the call itself says tells them apart; else it is refused.
"""

from __future__ import annotations

import os

from telex.core import names
from telex.core.record import Record
from telex.errors import NameTaken, WhoAreYou
from telex.store import people, presence
from telex.store.sqlite import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

SESSION_VARIABLES = (
    ("CLAUDE_CODE_SESSION_ID", "claude"),
    ("CODEX_THREAD_ID", "codex"),
    ("GEMINI_SESSION_ID", "gemini"),
    ("COPILOT_AGENT_SESSION_ID", "copilot"),
    ("OPENCODE_SESSION_ID", "opencode"),  # given by telex's plugin
)
PROCESS_VARIABLES = {"claude": "CLAUDE_PID", "copilot": "COPILOT_LOADER_PID"}
AGENT_MARKS = (
    "CLAUDECODE",
    "AI_AGENT",
    "CODEX_SESSION_ID",
    "GEMINI_CLI",
    "COPILOT_CLI",
    "OPENCODE",
)
SHELL = "shell"


class Caller(Record):
    """Whoever speaks to the bus."""

    address: people.Address
    session: people.Session | None  # None for the person
    directory: str

    @property
    def client(self) -> str:
        """claude, codex, …, shell; '' for the person."""
        return self.session.client if self.session else ""

    @property
    def is_agent(self) -> bool:
        """Whether this is a session of some client: neither the person nor a script of theirs."""
        return self.session is not None and self.client != SHELL


def marked(environment: Mapping[str, str]) -> bool:
    """Whether an environment is that of an agent's process."""
    return any(environment.get(name) for name in (*AGENT_MARKS, *[variable for variable, _ in SESSION_VARIABLES]))


def is_persons(caller: Caller, environment: Mapping[str, str]) -> bool:
    """Whether the caller is the person, or a script of theirs: not an agent that gave itself a name."""
    return caller.address.kind == "person" or (caller.client == SHELL and not marked(environment))


def onlooker(directory: str) -> Caller:
    """The caller where nothing can be written and it was never registered: it has no name and no mail, and may look."""
    place = people.Address(id=0, kind="session", name="unregistered", session=0, bell="", wake="")
    return Caller(address=place, session=None, directory=directory)


def identify(
    db: Store, now_ms: int, environment: Mapping[str, str], directory: str, pid: int, name: str = ""
) -> Caller:
    """The caller. Raises WhoAreYou, NameTaken. `name` stands in for TELEX_NAME."""
    line = presence.ancestors(pid)
    above = _above(db, line)
    if len(above) == 1:
        return _caller(db, above[0], directory)
    if above:
        keys = [environment.get(variable, "") for variable, _ in SESSION_VARIABLES]
        meant = [one for one in above if one.key in keys]
        if len(meant) != 1:
            raise WhoAreYou()
        return _caller(db, meant[0], directory)
    for variable, client in SESSION_VARIABLES:
        if key := environment.get(variable, ""):
            return _by_key(db, client, key, line, environment, directory, now_ms)
    wish = name or environment.get("TELEX_NAME", "")
    if wish:
        return named(db, names.fold_own(wish), os.getppid(), directory, now_ms)
    if any(environment.get(mark) for mark in AGENT_MARKS):
        raise WhoAreYou()
    return _person(db, directory, now_ms)


def _by_key(
    db: Store,
    client: str,
    key: str,
    line: list[int],
    environment: Mapping[str, str],
    directory: str,
    now_ms: int,
    title: str = "",
) -> Caller:
    session = people.session_by_key(db, client, key)
    if session is None or not session.lives():
        word = environment.get(PROCESS_VARIABLES.get(client, ""), "")
        pid = int(word) if word.isascii() and word.isdigit() else line[min(2, len(line) - 1)]
        who = people.Arrival(
            client=client,
            key=key,
            pid=pid,
            directory=directory,
            title=title,
            wish=environment.get("TELEX_NAME", ""),
            follows=True,
        )
        with db.write():
            session, place = people.register(db, who, people.user_name(), now_ms)
        return Caller(address=place, session=session, directory=directory)
    return _caller(db, session, directory)


def by_process(db: Store, pid: int, directory: str) -> Caller | None:
    """The one live session that the process, or one above it, runs; None where none is known.

    Raises WhoAreYou where two could be meant.
    """
    above = _above(db, presence.ancestors(pid))
    if len(above) > 1:
        raise WhoAreYou()
    return _caller(db, above[0], directory) if above else None


def by_key(db: Store, client: str, key: str, pid: int, directory: str, now_ms: int) -> Caller:
    """The session that its client calls by that id, registered where it is new."""
    session = people.session_by_key(db, client, key)
    if session and session.lives():
        return _caller(db, session, directory)
    return _registered(db, people.Arrival(client=client, key=key, pid=pid, directory=directory), now_ms)


def of_hook(
    db: Store,
    client: str,
    key: str,
    environment: Mapping[str, str],
    directory: str,
    pid: int,
    now_ms: int,
    title: str = "",
) -> Caller:
    """The session that its own client, in a hook that runs as `pid`, calls by that id; registered where it is new, and
    then the successor of the one before it in the same process."""
    return _by_key(db, client, key, presence.ancestors(pid), environment, directory, now_ms, title)


def guest(db: Store, client: str, pid: int, directory: str, now_ms: int, wish: str = "") -> Caller:
    """The session of a client that does not say its id: known by its process alone."""
    key = f"{people.GUEST}{client}:{pid}:{presence.started(pid)}"
    session = people.session_by_key(db, client, key)
    if session and session.lives():
        return _caller(db, session, directory)
    return _registered(db, people.Arrival(client=client, key=key, pid=pid, directory=directory, wish=wish), now_ms)


def _above(db: Store, line: list[int]) -> list[people.Session]:
    """The sessions of the nearest process above that runs any."""
    for pid in line:
        found = [one for one in people.sessions_in(db, pid) if one.client not in (SHELL, people.BY_TOKEN)]
        if found:
            return found
    return []


def _caller(db: Store, session: people.Session, directory: str) -> Caller:
    return Caller(address=people.address(db, session.address), session=session, directory=directory)


def _registered(db: Store, who: people.Arrival, now_ms: int) -> Caller:
    with db.write():
        session, place = people.register(db, who, people.user_name(), now_ms)
    return Caller(address=place, session=session, directory=who.directory)


def named(db: Store, name: str, pid: int, directory: str, now_ms: int) -> Caller:
    """A name without a client: the same name is the same sender, from whichever process.

    Raises NameTaken while somebody else lives there.
    """
    key = f"{SHELL}:{name}"  # not a plain word: its bell must be no client's
    session = people.session_by_key(db, SHELL, key)
    if session and session.lives():
        place = people.address(db, session.address)
        if place.session == session.id:
            return Caller(address=place, session=session, directory=directory)
    found = people.address_named(db, name, now_ms)
    if found and (found.kind != "session" or ((other := people.holder(db, found)) and other.client != SHELL)):
        raise NameTaken(name=name, holder="the person" if found.kind == "person" else "a live session")
    return _registered(db, people.Arrival(client=SHELL, key=key, pid=pid, directory=directory, wish=name), now_ms)


def _person(db: Store, directory: str, now_ms: int) -> Caller:
    user = people.user_name()
    found = people.address_named(db, user, now_ms)
    if found is None or found.kind != "person":
        with db.write():
            found = people.person(db, user, now_ms)
    return Caller(address=found, session=None, directory=directory)


def bell_of(caller: Caller) -> str:
    """What is rung when something waits for the caller."""
    return caller.address.bell or (caller.session.bell if caller.session else people.PERSON_BELL)
