"""The commands that are the person's alone, as one list, and the check that keeps agents out.

Rules kept here: every command and every form of the older systems stands in exactly one of the two tables, so that a
new one must be judged; what changes limits, history, the team, the relay or another program's settings is the
person's, because a message can ask an agent for it; `install` for the user is not, because people ask their agent for
it; a process that cannot be told from an agent is one.
"""

from __future__ import annotations

import os

from telex.core.record import Record
from telex.errors import HomeUnknown, PersonOnly, StoreFault, WhoAreYou

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.parse import Args


class Reserved(Record):
    """A command that an agent may not run, or not with one of these words, flags or `option=value`."""

    command: str
    deed: str  # what the refusal calls it
    only: tuple[str, ...] = ()  # () in every form


RESERVED = (
    Reserved(command="uninstall", deed="taking telex out of a client"),
    Reserved(command="doctor", deed="repairing the store", only=("repair",)),
    Reserved(command="install", deed="changing settings that others share", only=("scope=project",)),
    Reserved(command="install", deed="denying a client's own tools", only=("only",)),
    Reserved(command="alias", deed="putting commands on the path"),
    Reserved(command="import", deed="importing mail"),
    Reserved(command="purge", deed="deleting mail"),
    Reserved(command="config", deed="changing a setting", only=("value",)),
    Reserved(command="link join", deed="joining a team"),
    Reserved(command="link invite", deed="inviting a machine"),
    Reserved(command="link remove", deed="removing a machine"),
    Reserved(command="link role", deed="changing a role"),
    Reserved(command="link rotate", deed="changing the team's key"),
    Reserved(command="link pause", deed="pausing the link"),
    Reserved(command="link resume", deed="pausing the link"),
    Reserved(command="link leave", deed="leaving a team"),
    Reserved(command="relay serve", deed="running a relay"),
    Reserved(command="relay team create", deed="running a relay"),
    Reserved(command="relay team list", deed="running a relay"),
    Reserved(command="relay team code", deed="running a relay"),
    Reserved(command="relay team machines", deed="running a relay"),
    Reserved(command="relay team drop", deed="running a relay"),
    Reserved(command="relay backup", deed="running a relay"),
    Reserved(command="relay restore", deed="running a relay"),
    Reserved(command="hook uninstall", deed="taking telex out of a client"),
    Reserved(command="coop hook uninstall", deed="taking telex out of a client"),
)
BY_COMMAND = {each.command: [one for one in RESERVED if one.command == each.command] for each in RESERVED}

OPEN = (
    *("send", "ask", "reply", "inbox", "read", "done", "wait", "show", "log", "search", "who", "channels", "join"),
    *("leave", "name", "run", "status", "export", "mcp", "demo", "link status", "link machines", "link verify"),
    *("link run", "link unit", "session init", "session join", "session leave", "session list", "session send"),
    *("session poll", "hook install", "hook status", "coop session", "coop hook", "coop login", "coop init"),
    *("message send", "message inbox", "message read", "message list", "message all", "message channels"),
    *("message names", "message who", "message hook", "kei message", "kei msg", "kei m"),
    *("ipc serve", "ipc register", "ipc send", "ipc check", "ipc list", "ipc rename"),
)


def check(command: str, args: Args) -> None:
    """Refuse an agent a command that is the person's. Raises PersonOnly."""
    for found in BY_COMMAND.get(command, []):
        if (not found.only or any(_given(one, args) for one in found.only)) and (me := _agent()):
            raise PersonOnly(what=found.deed, me=me)


def check_face(name: str, words: list[str]) -> None:
    """The same for a command of an older system. Raises PersonOnly."""
    command = " ".join([name, *words[:2]])
    for found in RESERVED:
        if f"{command} ".startswith(f"{found.command} ") and found.command.startswith(f"{name} ") and (me := _agent()):
            raise PersonOnly(what=found.deed, me=me)


def _given(word: str, args: Args) -> bool:
    name, _, value = word.partition("=")
    if value:
        return args.option(name) == value
    return name in args.flags or bool(args.words.get(name)) or bool(args.option(name))


def _agent() -> str:
    """The agent that runs this process; '' for the person.

    A store that is missing or broken must not keep the person from mending it: there the environment alone decides.
    """
    from telex.bus.identity import marked
    from telex.db.connection import DATABASE
    from telex.wiring import home_directory, open_bus

    try:
        if os.path.exists(f"{home_directory()}/{DATABASE}"):
            with open_bus(own_process=True) as bus:
                return f"@{bus.reader.address.name}" if not bus.persons else ""
    except WhoAreYou:
        return "an agent"
    except (StoreFault, HomeUnknown):
        pass
    return "an agent" if marked(os.environ) else ""
