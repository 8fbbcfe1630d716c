"""Where a client's files are for the person who runs this command.

Rule kept here: the environment is an argument, so that only entry points read it.
"""

from __future__ import annotations

from telex.clients import registry
from telex.errors import HomeUnknown

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


def user_home(environment: Mapping[str, str]) -> str:
    """The person's home directory. Raises HomeUnknown."""
    found = environment.get("HOME") or environment.get("USERPROFILE")
    if not found:
        raise HomeUnknown()
    return found


def of(client: str, home: str, directory: str, environment: Mapping[str, str]) -> Place:
    """The places of one client, with telex's home and the working directory. Raises ClientUnknown, HomeUnknown."""
    adapter = registry.client(client)
    return {
        "home": home,
        "user_home": user_home(environment),
        "project_dir": directory,
        "config_dir": environment.get(adapter.config_variable, "") if adapter.config_variable else "",
    }
