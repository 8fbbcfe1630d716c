"""The commands of the older systems, as small launchers of this telex: coop, kei, and the five ipc_ scripts.

Rules kept here:
- a launcher is a line of shell that starts this home's telex by its absolute path, in the words of the system;
- they are installed as a client's files are: in a directory of the person's choice, which stands where a client has
  its configuration directory. So a foreign file of that name stays, and only what is unedited is taken out.
"""

from __future__ import annotations

import os
import shlex

from telex.clients.launcher import launchers
from telex.clients.types import USER, OwnFile, Where
from telex.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Client, Moment, Piece, Policy

_IPC = ("register", "send", "check", "list", "rename")
# system: the commands it gives, each with the words of telex that it stands for
_COMMANDS: dict[str, dict[str, str]] = {
    "coop": {"coop": "coop"},
    "kei": {"kei": "kei"},
    # with .py as the original scripts are called
    "ipc": {f"ipc_{verb}{end}": f"ipc {verb}" for verb in _IPC for end in ("", ".py")},
}
_TEXT = """\
#!/bin/sh
# Written by 'telex alias {system}'; 'telex alias {system} --remove' takes it out.
exec {telex} {words} "$@"
"""


class Alias:
    """The commands of one system, as something to install."""

    scopes: tuple[str, ...] = (USER,)
    config_variable = ""
    trace = ""
    moments: tuple[Moment, ...] = ()

    def __init__(self, system: str) -> None:
        self.system = system
        self.name = f"alias-{system}"
        self.title = f"{system}'s commands"
        self.commands = list(_COMMANDS[system])

    def pieces(self, where: Where) -> list[Piece]:
        """One launcher for each command."""
        telex = shlex.quote(launchers.command_path(where.home))
        return [
            OwnFile(
                path=os.path.join(where.config_dir, name),
                part="command",
                content=_TEXT.format(system=self.system, telex=telex, words=words).encode(),
                mode=0o755,
            )
            for name, words in _COMMANDS[self.system].items()
        ]

    def extras(self, where: Where) -> list[Piece]:
        """None."""
        return []

    def is_telex(self, handler: object) -> bool:
        """There are no settings, so there is nothing of telex in them."""
        return False

    def obstacle(self, settings: dict[str, Any]) -> str:
        """Nothing stands in the way."""
        return ""

    def policies(self, where: Where, system: str, directory: str) -> list[Policy]:
        """None either."""
        return []


BY_CLIENT: dict[str, Client] = {f"alias-{system}": Alias(system) for system in _COMMANDS}


def alias(system: str) -> Alias:
    """The commands of that system. Raises Usage."""
    if system not in _COMMANDS:
        raise Usage(problem=f"telex knows no commands of '{system[:20]}', only of {', '.join(_COMMANDS)}", verb="alias")
    return Alias(system)
