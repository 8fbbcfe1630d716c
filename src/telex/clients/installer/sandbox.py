"""Whether a client's sandbox keeps its agent from sending, and what lets it.

Rules kept here:
- hooks run outside of a sandbox, so mail comes in any case: what a sandbox forbids is writing into telex's home;
- telex's MCP server runs outside as well: where it is installed there is nothing to say;
- nothing is written, and a file that cannot be read says nothing.
"""

from __future__ import annotations

import json
import os
import tomllib

from telex.clients.installer import manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.places import Place

_OPEN = "danger-full-access"  # what Codex calls having no sandbox


def remark(client: str, place: Place) -> str:
    """One line for whoever's agent is shown mail and cannot answer it; '' for everybody else."""
    look = {"claude": _claude, "codex": _codex}.get(client)
    if look is None or _has_server(client, place) or not os.path.isabs(place["config_dir"] or "/"):
        return ""
    return look(place)


def _has_server(client: str, place: Place) -> bool:
    records = [one for one in manifest.all_of(place["home"]) if one.client == client]
    return any(kept.entry for one in records for kept in one.files)


def _claude(place: Place) -> str:
    root = place["config_dir"] or os.path.join(place["user_home"], ".claude")
    project = os.path.join(place["project_dir"], ".claude")
    files = [os.path.join(root, "settings.json")]
    files += [os.path.join(project, name) for name in ("settings.json", "settings.local.json")]
    found = [(path, _within(_json(path), "sandbox")) for path in dict.fromkeys(files)]
    on = [path for path, sandbox in found if sandbox.get("enabled") is True]
    if not on or any(_covers(_within(sandbox, "filesystem").get("allowWrite"), place) for _, sandbox in found):
        return ""
    return (
        f"Claude Code: 'sandbox' is on in {on[0]}, so an agent is shown mail and cannot send: 'telex install claude "
        f"--mcp' gives it tools that can; else add {place['home']} to 'sandbox.filesystem.allowWrite'"
    )


def _codex(place: Place) -> str:
    root = place["config_dir"] or os.path.join(place["user_home"], ".codex")
    settings = _toml(os.path.join(root, "config.toml"))
    roots = _within(settings, "sandbox_workspace_write").get("writable_roots")
    if settings.get("sandbox_mode") == _OPEN or _covers(roots, place):
        return ""
    return (
        "Codex CLI: in its sandbox an agent is shown mail and cannot send: 'telex install codex --mcp' gives it tools "
        "that can"
    )


def _covers(directories: object, place: Place) -> bool:
    """Whether one of these directories is telex's home, or holds it."""
    home = os.path.realpath(place["home"])
    for one in directories if isinstance(directories, list) else []:
        if not isinstance(one, str) or not one:
            continue
        path = place["user_home"] + one[1:] if one == "~" or one.startswith("~/") else one
        root = os.path.realpath(path.removesuffix("/**"))
        if home == root or home.startswith(root.rstrip("/") + "/"):
            return True
    return False


def _within(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _json(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError, RecursionError):
        return {}


def _toml(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, ValueError, RecursionError):
        return {}
