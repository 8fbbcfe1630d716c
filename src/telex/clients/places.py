"""Where a client's files are for the person who runs this command.

Rule kept here: the environment is an argument, so that only entry points read it.
"""

from __future__ import annotations

from telex import homes
from telex.clients import registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypedDict

    class Place(TypedDict):
        """What `install`, `uninstall` and `inspect` are told."""

        home: str
        user_home: str
        project_dir: str
        config_dir: str


def of(client: str, home: str, directory: str, environment: Mapping[str, str]) -> Place:
    """The places of one client, with telex's home and the working directory. Raises ClientUnknown, HomeUnknown,
    PathNotAbsolute."""
    adapter = registry.client(client)
    return {
        "home": home,
        "user_home": homes.of_user(environment),
        "project_dir": directory,
        "config_dir": environment.get(adapter.config_variable, "") if adapter.config_variable else "",
    }
