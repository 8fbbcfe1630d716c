"""What an installation left behind: enough to take it out again, and to see what was edited since.

Rules kept here:
- one file per client and place, in the home's `installed`, 0600: the bytes from before may hold secrets;
- a file whose bytes still have the hash in `after` is as telex left it; any other was edited by somebody;
- a record that cannot be read counts as none: then only what is surely telex's is touched; what a newer telex has
  added to a record is passed over.
"""

from __future__ import annotations

import json
import os

from telex.clients.installer.transaction import content
from telex.clients.types import LOCAL, PROJECT, USER, Kept, Where
from telex.core.message import digest
from telex.core.record import Record
from telex.errors.settings import SettingsUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.types import Piece


class Manifest(Record):
    """One installation."""

    version: str  # of the telex that wrote it
    client: str
    where: Where
    files: list[Kept]
    directories: list[str]  # made by install, outermost first

    def kept(self, path: str) -> Kept | None:
        """What was done to that file."""
        return next((file for file in self.files if file.path == path), None)

    def has(self, piece: Piece) -> bool:
        """Whether that piece was put in."""
        kept = self.kept(piece.path)
        return kept is not None and kept.holds(piece)

    def encoded(self) -> bytes:
        """As it stands in the file."""
        return (json.dumps(self.as_dict(), indent=1) + "\n").encode()


def hash_of(data: bytes) -> str:
    """What `after` holds."""
    return digest(data).hex()


def path_of(client: str, where: Where) -> str:
    """Where the manifest of that client and place is."""
    place = where.scope
    if where.scope != USER:
        place += "-" + _short(where.project_dir)
    elif where.config_dir:
        place += "-" + _short(where.config_dir)
    return os.path.join(where.home, "installed", f"{client}-{place}.json")


def _short(path: str) -> str:
    return hash_of(os.fsencode(os.path.realpath(path)))[:12]


def load(path: str) -> Manifest | None:
    """The manifest in that file; None if there is none that can be read."""
    try:
        raw = content(path)
        return _decoded(json.loads(raw)) if raw else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, SettingsUnreadable):
        return None


def _decoded(value: dict[str, Any]) -> Manifest:
    files = [Kept(**_known(Kept, file)) for file in value.pop("files")]
    where = Where(**_known(Where, value.pop("where")))
    manifest = Manifest(files=files, where=where, **_known(Manifest, value))
    texts = [manifest.client, where.scope, *manifest.directories, *where.as_dict().values()]
    texts += [
        text
        for file in files
        for text in (
            file.path,
            file.after,
            file.before or "",
            file.entry,
            file.member,
            file.line,
            *file.made,
            *file.commands,
        )
    ]
    if where.scope not in (USER, PROJECT, LOCAL) or not all(isinstance(text, str) for text in texts):
        raise ValueError("not a manifest")
    return manifest


def _known(kind: type[Record], fields: dict[str, Any]) -> dict[str, Any]:
    return {name: fields[name] for name in kind.fields() if name in fields}


def all_of(home: str) -> list[Manifest]:
    """Every installation of this home that can be read, in the order of their names."""
    folder = os.path.join(home, "installed")
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    found = [load(os.path.join(folder, name)) for name in names if name.endswith(".json")]
    return [manifest for manifest in found if manifest is not None]
