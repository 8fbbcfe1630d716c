"""What a person's trust in hooks looks like in Codex's config.toml, for tests without the real program."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from telex.clients.installer.codex_trust import fingerprint
from telex.clients.installer.inspection import Finding

Change = Callable[[str, str, str], tuple[str, str, str]]  # of event, key and what is recorded there


def trust(hooks: Path, config: Path, change: Change = lambda *record: record, *, named: Path | None = None) -> None:
    """Add records of trust in every hook of the file, as `/hooks` does; `named` is how Codex names the file."""
    lines = []
    for event, groups in json.loads(hooks.read_text())["hooks"].items():
        snake = "".join(f"_{one.lower()}" if one.isupper() else one for one in event).lstrip("_")
        for number, group in enumerate(groups):
            for place, handler in enumerate(group["hooks"]):
                record = f'trusted_hash = "{fingerprint(event, handler)}"'
                _, key, record = change(event, f"{named or hooks}:{snake}:{number}:{place}", record)
                lines.append(f"[hooks.state.{json.dumps(key)}]\n{record}\n")
    config.write_text((config.read_text() if config.exists() else "") + "".join(lines))


def but_for_trust(found: Finding) -> str:
    """Its state, as if its person had trusted the hooks already."""
    return "installed" if "not trusted yet" in found.detail else found.state
