"""Why a client would not run what is installed: what its other settings, or its administrator's, say.

Rules kept here:
- only files that stand on this machine are looked into; what an organisation hands out by other ways is not seen;
- a file that is missing, or that cannot be read or understood, says nothing: telex does not guess;
- nothing is written, and nothing of these files is shown but their path and the switch that stands in the way.
"""

from __future__ import annotations

import glob
import os

from telex.clients.edit import json_edit
from telex.clients.installer.transaction import content
from telex.errors.settings import SettingsUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Client, Where


def obstacle(adapter: Client, where: Where, system: str, directory: str) -> str:
    """The first thing that stands in the way of a session in that directory, with the file that says it; empty if
    nothing does."""
    for policy in adapter.policies(where, system, directory):
        if not os.path.isabs(policy.path):
            continue  # a project's, and there is none
        for path in sorted(glob.glob(policy.path)) if "*" in policy.path else [policy.path]:
            values = _values(path)
            if values and (why := policy.why(values)):
                return f"{why} (in {path})"
            if policy.settles and policy.settles(values):
                return ""
    return ""


def _values(path: str) -> dict[str, Any]:
    try:
        raw = content(path) or b""
        if path.endswith(".toml"):
            import tomllib

            return tomllib.loads(raw.decode())
        return json_edit.value_of(json_edit.checked(path, raw, json_edit.JSONC))
    except (SettingsUnreadable, ValueError, RecursionError):
        return {}


def said(values: dict[str, Any], switch: str, wanted: bool, words: str) -> str:
    """The words, where that switch (`a.b`) stands so in the values."""
    found: Any = values
    for name in switch.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return f"'{switch}' is {str(wanted).lower()}, so {words}" if found is wanted else ""


def beneath(system: str, *parts: str) -> str:
    """The path of an administrator's file."""
    return os.path.join(glob.escape(system), *parts)
