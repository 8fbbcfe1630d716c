"""A user's machine for the tests of installing: a home, a project, and a telex to install."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.files import held

from telex.clients.installer.inspection import Finding, inspect
from telex.clients.installer.install import install, uninstall
from telex.clients.installer.plan import Change
from telex.clients.launcher.launchers import Launch


class Machine:
    """A user with a home, a project, and the running telex to install."""

    def __init__(self, root: Path) -> None:
        self.root, self.user, self.project = root, root / "user", root / "project"
        self.home, self.claude = self.user / ".telex", self.user / ".claude"
        self.settings, self.skill = (
            self.claude / "settings.json",
            self.claude / "skills" / "telex" / "SKILL.md",
        )
        self.user.mkdir()
        self.project.mkdir()
        self.launch = Launch(python=os.path.realpath(sys.executable), import_dirs=[str(root / "nowhere")])

    def _arguments(self, other: dict[str, str]) -> dict[str, str]:
        places = {"home": str(self.home), "user_home": str(self.user), "project_dir": str(self.project)}
        return places | other

    def install(
        self,
        scope: str = "user",
        *,
        dry_run: bool = False,
        also: tuple[str, ...] = (),
        only: tuple[str, ...] = (),
        **other: str,
    ) -> list[Change]:
        places = self._arguments(other)
        return install("claude", scope, launch=self.launch, dry_run=dry_run, also=also, only=only, **places)

    def uninstall(
        self, scope: str = "user", *, dry_run: bool = False, only: tuple[str, ...] = (), **other: str
    ) -> list[Change]:
        return uninstall("claude", scope, dry_run=dry_run, only=only, **self._arguments(other))

    def inspect(self, scope: str = "user", **other: str) -> dict[str, Finding]:
        return {finding.part: finding for finding in inspect("claude", scope, **self._arguments(other))}

    def write(self, text: str | bytes) -> bytes:
        self.claude.mkdir(exist_ok=True)
        self.settings.write_bytes(text if isinstance(text, bytes) else text.encode())
        return self.settings.read_bytes()

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """What a client or a person does: reads the settings, changes them, writes them in its own layout."""
        value = json.loads(self.settings.read_text())
        change(value)
        self.settings.write_text(json.dumps(value, indent=2))

    def hooks(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = json.loads(self.settings.read_text())["hooks"]
        return found

    def tree(self) -> dict[str, object]:
        """Every path with its mode and bytes, temporary files and all."""
        found: dict[str, object] = {}
        for path in sorted(self.root.rglob("*")):
            found[str(path.relative_to(self.root))] = (stat.S_IMODE(path.lstat().st_mode), held(path))
        return found

    def clients_tree(self) -> dict[str, object]:
        return {path: held for path, held in self.tree().items() if not path.startswith("user/.telex")}


def actions(changes: list[Change]) -> dict[str, str]:
    return {Path(change.path).name: change.action for change in changes}
