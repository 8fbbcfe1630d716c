"""A session for the life of a command that says nothing of itself: `telex run`.

Rules kept here:
- the process that waits for the command is the session's, so whatever runs below it is that session, and when it is
  killed the session is over like any other whose process is gone;
- whoever is a session already takes no second name by this;
- a name that a script held by `TELEX_NAME` alone passes to the command of that name, with its mail.
"""

from __future__ import annotations

import os

from telex.bus.identity import SHELL, Caller, by_process, marked
from telex.core import names
from telex.db.connection import Store
from telex.errors import AlreadySession, NameTaken, WhoAreYou
from telex.fs import processes
from telex.hook import delivery
from telex.mail import addresses, registration, retention

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT = "run"


def enter(db: Store, name: str, environment: Mapping[str, str], directory: str, now_ms: int) -> Caller:
    """Register this process, by that very name, or by the first of its wishes that is free.

    Raises AlreadySession, WhoAreYou, NameTaken.
    """
    pid = os.getpid()
    if inside := by_process(db, pid, directory):
        raise AlreadySession(me=f"@{inside.address.name}")
    if marked(environment):
        raise WhoAreYou()
    wish = name or names.slug(environment.get("TELEX_NAME", ""), default="")
    key = f"{addresses.GUEST}{CLIENT}:{pid}:{processes.started(pid)}"
    who = addresses.Arrival(client=CLIENT, key=key, pid=pid, directory=directory, wish=wish)
    with db.write():
        retention.end_dead(db, now_ms)
        found = addresses.address_at(db, wish) if wish else None
        holder = addresses.holder(db, found) if found else None
        if name and found and (found.kind != "session" or (holder and holder.client != SHELL)):
            raise NameTaken(name=name, holder="the person" if found.kind == "person" else "a live session")
        at = found if holder and holder.client == SHELL else None
        session, place = registration.register(db, who, addresses.user_name(), now_ms, at)
    return Caller(address=place, session=session, directory=directory)


def leave(db: Store, key: str, why: str) -> None:
    """The command is over: those who wait for its reply are told, its mail waits for whoever takes the name."""
    session = addresses.session_by_key(db, CLIENT, key)
    if session and not session.ended_ms:
        delivery.leave(db, session, why)
