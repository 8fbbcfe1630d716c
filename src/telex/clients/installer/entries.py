"""What belongs into a client's files, for a settings generator (Nix, a configuration manager) that writes them.

Rule kept here: nothing is read of the files that are there, and nothing is written. A JSON file is given as its value;
a file in another form, or one that is telex's own, as its text.
"""

from __future__ import annotations

from telex.clients import registry
from telex.clients.edit import json_edit
from telex.clients.installer import install
from telex.clients.types import OwnFile
from telex.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from telex.clients.places import Place


def of(client: str, scope: str, place: Place, also: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Each file with its parts. Raises ClientUnknown, Usage, HomeUnsafe, PathNotAbsolute."""
    adapter = registry.client(client)
    where = install.where_of(adapter, scope, **place)
    usual, extras = adapter.pieces(where), adapter.extras(where)
    for part in also:
        if part not in [piece.part for piece in (*usual, *extras)]:
            raise Usage(problem=f"telex has no {part} for {adapter.title} in the scope '{scope}'", verb="install")
    listed: list[dict[str, Any]] = []
    for path, pieces in install.by_path([*usual, *(piece for piece in extras if piece.part in also)]):
        file: dict[str, Any] = {"path": path, "parts": [piece.part for piece in pieces]}
        if isinstance(pieces[0], OwnFile):
            listed.append({**file, "text": pieces[0].content.decode()})
            continue
        text = ""
        for part_of_file in install.parts(adapter, where, pieces):
            text = part_of_file.put(part_of_file.check(text.encode()))
        listed.append({**file, "text": text} if path.endswith(".toml") else {**file, "value": json_edit.value_of(text)})
    return listed
