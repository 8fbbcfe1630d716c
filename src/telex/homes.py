"""Where telex's home and its user's are: the one reading of TELEX_HOME and HOME, for commands, hooks and relays.

Rules kept here:
- a path from the environment is absolute or refused. A relative one, or a `~` that no shell expanded, would be another
  directory in each working directory, and the gates in clients' settings, which are shell, would look in a third;
- an empty variable counts as unset, as it does for the gates;
- this module loads nothing but `os`, because hooks need it.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "TELEX_HOME"


def of_telex(environment: Mapping[str, str]) -> str:
    """The state directory: TELEX_HOME, else ~/.telex. Raises HomeUnknown, PathNotAbsolute."""
    if chosen := environment.get(VARIABLE):
        return absolute(VARIABLE, chosen)
    return os.path.join(of_user(environment), ".telex")


def of_user(environment: Mapping[str, str]) -> str:
    """The person's home directory. Raises HomeUnknown, PathNotAbsolute."""
    for name in ("HOME", "USERPROFILE"):
        if found := environment.get(name):
            return absolute(name, found)
    from telex.errors import HomeUnknown

    raise HomeUnknown()


def absolute(variable: str, path: str) -> str:
    """The normal form of the path that an environment variable names. Raises PathNotAbsolute."""
    if "\0" in path or not os.path.isabs(path):
        from telex.errors import PathNotAbsolute

        raise PathNotAbsolute(variable=variable, path=path[:200])
    return os.path.normpath(path)
