"""Which of telex's hooks Codex does not run, because its person has not trusted them.

Rules kept here:
- Codex records its person's trust in config.toml: for each place of a hook (file, event, number of the group, number in
  the group) the hash of the hook. telex reads these records and never writes one;
- a file that cannot be read has no record: Codex does not run the hook then either.
"""

from __future__ import annotations

import hashlib
import json
import os
import re

from telex.clients.edit import hook_entries, json_edit
from telex.clients.installer.transaction import content
from telex.clients.types import HookFile
from telex.errors.settings import SettingsUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.edit.hook_entries import Ours
    from telex.clients.types import Piece

_CAPITAL = re.compile(r"(?<!^)([A-Z])")


def obstacle(piece: Piece, ours: Ours) -> str:
    """Why Codex would not run telex's lines in this file; empty where it would, and for files of other clients.

    Raises SettingsUnreadable."""
    if not isinstance(piece, HookFile) or not piece.trust:
        return ""
    events = _untrusted(piece, ours)
    some = "telex's hooks" if len(events) == len(piece.entries) else f"telex's {', '.join(events)}"
    advice = "start codex, type /hooks, look at telex's hooks and trust them"
    return f"Codex does not run {some}: not trusted yet; {advice}" if events else ""


def _untrusted(piece: HookFile, ours: Ours) -> list[str]:
    """The events whose telex line has no valid record."""
    noted, path = _notes(piece.trust), piece.path
    found = []
    text = hook_entries.check(path, content(path) or b"", piece.form)
    for event, groups in json_edit.value_of(text).get("hooks", {}).items():
        for number, group in enumerate(groups):
            handlers = group.get("hooks") if isinstance(group, dict) else None
            for place, handler in enumerate(handlers if isinstance(handlers, list) else []):
                if ours(handler) and not _is_trusted(noted, path, f"{_snake(event)}:{number}:{place}", event, handler):
                    found.append(event)
    return list(dict.fromkeys(found))


def fingerprint(event: str, handler: dict[str, Any]) -> str:
    """The hash by which Codex 0.171.0 knows a hook without a matcher; its own `hooks/list` names the same."""
    whole: dict[str, Any] = {
        "async": False,
        **{name: handler[name] for name in ("type", "command", "timeout") if name in handler},
    }
    value: dict[str, Any] = {"event_name": _snake(event), "hooks": [whole]}
    raw = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def _is_trusted(noted: dict[str, Any], path: str, place: str, event: str, handler: dict[str, Any]) -> bool:
    directory, name = os.path.split(path)
    for file in (path, os.path.join(os.path.realpath(directory), name), os.path.realpath(path)):
        note = noted.get(f"{file}:{place}")
        if isinstance(note, dict) and note.get("trusted_hash") == fingerprint(event, handler):
            return note.get("enabled") is not False
    return False


def _notes(config: str) -> dict[str, Any]:
    import tomllib

    try:
        found = tomllib.loads((content(config) or b"").decode()).get("hooks", {}).get("state", {})
    except (SettingsUnreadable, ValueError, RecursionError, AttributeError):
        return {}
    return found if isinstance(found, dict) else {}


def _snake(event: str) -> str:
    return _CAPITAL.sub(r"_\1", event).lower()
