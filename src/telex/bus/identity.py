"""Who the caller is, without being told.

Rules kept here, in this order:
1. a process under a live session's process is that session, whatever its environment says: `/clear` makes the
   environment stale, and an agent cannot become another by setting a variable;
2. a client's own session id in the environment names a session that is known and lives, perhaps in another PID
   namespace (a sandbox); an id that is not known names a session only below a process of that client, and is what a
   session left behind else;
3. `TELEX_NAME` is a session of its own: a script, a terminal that wants a name, an agent that telex does not know;
4. an agent's process that does not say which session it belongs to is refused, never taken for the person
   (telex.bus.agents);
5. all others are the person;
6. where one process runs several sessions, only what the call itself says tells them apart; else it is refused.
A verb that only reads registers nothing.
"""

from __future__ import annotations

import os

from telex.bus import agents
from telex.core import names
from telex.core.record import Record
from telex.db.connection import Store
from telex.errors import NameTaken, WhoAreYou
from telex.fs import processes
from telex.mail import addresses, registration

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
SHELL = "shell"


class Caller(Record):
    """Whoever speaks to the bus."""

    address: addresses.Address
    session: addresses.Session | None  # None for the person
    directory: str
    marked: bool = False  # its environment is an agent's

    @property
    def client(self) -> str:
        """claude, codex, …, shell; '' for the person."""
        return self.session.client if self.session else ""

    @property
    def is_agent(self) -> bool:
        """Whether this is neither the person nor a script of theirs."""
        return self.address.kind != "person" and (self.client != SHELL or self.marked)


def marked(environment: Mapping[str, str]) -> bool:
    """Whether an agent runs this process, as far as its environment tells."""
    return agents.marked(environment, processes.has_terminal())


def onlooker(directory: str) -> Caller:
    """The caller where nothing can be written and it was never registered: it has no name and no mail, and may look."""
    place = addresses.Address(id=0, kind="session", name="unregistered", session=0, bell="", wake="")
    return Caller(address=place, session=None, directory=directory)


def identify(
    db: Store,
    now_ms: int,
    environment: Mapping[str, str],
    directory: str,
    pid: int,
    name: str = "",
    *,
    reads: bool = False,
) -> Caller:
    """The caller. Raises WhoAreYou, NameTaken. `name` stands in for TELEX_NAME; with `reads` no session is registered,
    and one that is not known yet has the address 0."""
    line = processes.ancestors(pid)
    above = _above(db, line)
    if len(above) == 1:
        return _caller(db, above[0], directory)
    if above:
        keys = [environment.get(variable, "") for variable, _ in SESSION_VARIABLES]
        meant = [one for one in above if one.key in keys]
        if len(meant) != 1:
            raise WhoAreYou()
        return _caller(db, meant[0], directory)
    gone = []
    for variable, client in SESSION_VARIABLES:
        if key := environment.get(variable, ""):
            session = addresses.session_by_key(db, client, key)
            if session and session.lives():
                return _caller(db, session, directory)
            if process := _process_above(client, line, environment):
                who = _arrival(client, key, process, environment, directory)
                return _unknown(who) if reads else _registered(db, who, now_ms)
            gone.append(client)
    agent = agents.marked(environment, processes.has_terminal(), gone)
    if wish := name or environment.get("TELEX_NAME", ""):
        found = named(db, names.fold_own(wish), os.getppid(), directory, now_ms, reads=reads)
        return Caller(address=found.address, session=found.session, directory=directory, marked=agent)
    if agent:
        raise WhoAreYou()
    return _person(db, directory, now_ms)


def _process_above(client: str, line: list[int], environment: Mapping[str, str]) -> int:
    """The process of that client among these; 0 for none."""
    word = environment.get(PROCESS_VARIABLES.get(client, ""), "")
    if word.isascii() and word.isdigit() and int(word) in line:
        return int(word)
    return next((pid for pid in line[1:] if processes.is_program(pid, client)), 0)


def _arrival(
    client: str, key: str, pid: int, environment: Mapping[str, str], directory: str, title: str = ""
) -> addresses.Arrival:
    return addresses.Arrival(
        client=client,
        key=key,
        pid=pid,
        directory=directory,
        title=title,
        wish=environment.get("TELEX_NAME", ""),
        follows=True,
    )


def _unknown(who: addresses.Arrival) -> Caller:
    """A session that telex meets for the first time, before it has an address."""
    name = names.slug(who.wish, default="") or addresses.place_name(who.directory) or "session"
    place = addresses.Address(id=0, kind="session", name=name, session=0, bell="", wake="direct")
    return Caller(address=place, session=addresses.Session.unknown(who), directory=who.directory)


def by_process(db: Store, pid: int, directory: str) -> Caller | None:
    """The one live session that the process, or one above it, runs; None where none is known.

    Raises WhoAreYou where two could be meant.
    """
    above = _above(db, processes.ancestors(pid))
    if len(above) > 1:
        raise WhoAreYou()
    return _caller(db, above[0], directory) if above else None


def by_key(db: Store, client: str, key: str, pid: int, directory: str, now_ms: int) -> Caller:
    """The session that its client calls by that id, registered where it is new."""
    session = addresses.session_by_key(db, client, key)
    if session and session.lives():
        return _caller(db, session, directory)
    return _registered(db, addresses.Arrival(client=client, key=key, pid=pid, directory=directory), now_ms)


def check_thread(db: Store, client: str, key: str, pid: int) -> None:
    """Whether a process of that client, this one or above it, may speak as the session of that id: it holds that
    session, or nobody does. Raises WhoAreYou."""
    line = processes.ancestors(pid)
    session = addresses.session_by_key(db, client, key)
    if session and session.lives():
        may = any(session.runs_in(one) for one in line)
    else:  # where nothing can be told of processes, the client's own word counts
        may = not processes.started(pid) or any(processes.is_program(one, client) for one in line)
    if not may:
        raise WhoAreYou()


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
    session = addresses.session_by_key(db, client, key)
    if session and session.lives():
        return _caller(db, session, directory)
    line = processes.ancestors(pid)
    word = environment.get(PROCESS_VARIABLES.get(client, ""), "")
    process = int(word) if word.isascii() and word.isdigit() else line[min(2, len(line) - 1)]
    return _registered(db, _arrival(client, key, process, environment, directory, title), now_ms)


def guest(db: Store, client: str, pid: int, directory: str, now_ms: int, wish: str = "") -> Caller:
    """The session of a client that does not say its id: known by its process alone."""
    key = f"{addresses.GUEST}{client}:{pid}:{processes.started(pid)}"
    session = addresses.session_by_key(db, client, key)
    if session and session.lives():
        return _caller(db, session, directory)
    return _registered(db, addresses.Arrival(client=client, key=key, pid=pid, directory=directory, wish=wish), now_ms)


def _above(db: Store, line: list[int]) -> list[addresses.Session]:
    """The sessions of the nearest process above that runs any."""
    for pid in line:
        found = [one for one in addresses.sessions_in(db, pid) if one.client not in (SHELL, addresses.BY_TOKEN)]
        if found:
            return found
    return []


def _caller(db: Store, session: addresses.Session, directory: str) -> Caller:
    return Caller(address=addresses.address(db, session.address), session=session, directory=directory)


def _registered(db: Store, who: addresses.Arrival, now_ms: int) -> Caller:
    with db.write():
        session, place = registration.register(db, who, addresses.user_name(), now_ms)
    return Caller(address=place, session=session, directory=who.directory)


def named(db: Store, name: str, pid: int, directory: str, now_ms: int, *, reads: bool = False) -> Caller:
    """A name without a client: the same name is the same sender, from whichever process, also after a rename.

    Raises NameTaken while somebody else lives there.
    """
    found = addresses.address_named(db, name, now_ms)
    session = _script(db, name, found)
    if session and session.lives():
        return Caller(address=addresses.address(db, session.address), session=session, directory=directory)
    if session is None and found and not _is_free(db, found):
        raise NameTaken(name=name, holder="the person" if found.kind == "person" else "a live session")
    key, wish = (session.key, session.wish) if session else (f"{SHELL}:{name}", name)  # no plain word: no client's bell
    who = addresses.Arrival(client=SHELL, key=key, pid=pid, directory=directory, wish=wish)
    if not reads:
        return _registered(db, who, now_ms)
    place = addresses.address(db, session.address) if session else found
    unknown = _unknown(who)
    return Caller(address=place, session=unknown.session, directory=directory) if place else unknown


def _script(db: Store, name: str, found: addresses.Address | None) -> addresses.Session | None:
    """The script that is called so, or was when it asked for its name, and still has an address of its own."""
    for session in (
        addresses.session(db, found.session) if found else None,
        addresses.session_by_key(db, SHELL, f"{SHELL}:{name}"),
    ):
        if session and session.client == SHELL:
            place = addresses.address(db, session.address)
            if place.session == session.id and place.kind == "session":
                return session
    return None


def _is_free(db: Store, found: addresses.Address) -> bool:
    return found.kind == "session" and addresses.holder(db, found) is None


def _person(db: Store, directory: str, now_ms: int) -> Caller:
    user = addresses.user_name()
    found = addresses.address_named(db, user, now_ms)
    if found is None or found.kind != "person":
        if known := db.value("people.persons"):
            return Caller(address=addresses.address(db, known), session=None, directory=directory)
        with db.write():
            found = addresses.person(db, user, now_ms)
    return Caller(address=found, session=None, directory=directory)


def bell_of(caller: Caller) -> str:
    """What is rung when something waits for the caller."""
    return caller.address.bell or (caller.session.bell if caller.session else addresses.PERSON_BELL)
