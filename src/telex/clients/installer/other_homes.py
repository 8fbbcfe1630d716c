"""Other telex homes on this machine, as far as a client's files name them: what they wrote can be taken over whole.

Rules kept here:
- a file is taken for another telex's only if that telex's own record says so, byte for byte; a file that somebody has
  edited since is nobody's to take over;
- of a record only what concerns the client's own files is believed: a checkout may name any home.
"""

from __future__ import annotations

import json
import os
import re

from telex.clients.installer import manifest
from telex.clients.installer.manifest import Manifest, hash_of
from telex.clients.installer.transaction import content
from telex.clients.launcher import gate
from telex.clients.types import Kept, Where
from telex.errors.settings import SettingsUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.types import Client, Piece

_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"')  # in JSON, and in JavaScript that telex wrote
_HOOK = "/bin/hook.py"  # of an earlier telex, in JavaScript
_MARKS = ("-I -S", "hook.py")  # what a line of telex has, however its layout writes the rest
_INSTALLED = re.compile(r'^const INSTALLED = (process\.env\.HOME \+ )?("(?:[^"\\\n]|\\.)*")', re.MULTILINE)
IN_THE_PLACE = ", in the place of another telex home's"


def homes(text: str, user_home: str) -> set[str]:
    """The telex homes whose hook is started from a file of a client, for the user of this home directory."""
    found = {(user_home.rstrip("/") if below else "") + json.loads(path) for below, path in _INSTALLED.findall(text)}
    if not any(mark in text for mark in _MARKS):  # a file may have ten megabytes of other strings
        return found
    for literal in _STRING.findall(text):
        if not any(mark in literal for mark in _MARKS):
            continue
        try:
            value = json.loads(literal)
        except ValueError:
            continue
        if " -I -S " in value:
            found.add(gate.home_of(value, user_home))
        elif value.endswith(_HOOK):
            found.add(value.removesuffix(_HOOK))
    return {home for home in found if home.startswith("/")}


def is_anothers(there: bytes, ours: bytes, user_home: str) -> bool:
    """Whether a file starts some telex home's hook, and not the one that ours would start."""
    found = homes(there.decode("utf-8", "replace"), user_home)
    return bool(found) and not found & homes(ours.decode("utf-8", "replace"), user_home)


def manifests(adapter: Client, where: Where, pieces: list[Piece]) -> list[Manifest]:
    """What the telex homes that are named in these files have recorded of the same client and place."""
    found: set[str] = set()
    for path in {piece.path for piece in pieces}:
        try:
            found |= homes((content(path) or b"").decode("utf-8", "replace"), where.user_home)
        except SettingsUnreadable:
            continue
    others = [Where(**{**where.as_dict(), "home": home}) for home in sorted(found - {where.home})]
    loaded = [manifest.load(manifest.path_of(adapter.name, other)) for other in others]
    return [one for one in loaded if one is not None]


def kept(path: str, others: list[Manifest]) -> Kept | None:
    """The record of whichever of them wrote the file as it stands there now."""
    records = [one.kept(path) for one in others]
    if not any(records):
        return None
    there = content(path)
    return next((one for one in records if one and there is not None and hash_of(there) == one.after), None)


def directories(pieces: list[Piece], others: list[Manifest]) -> list[str]:
    """Those directories above these files that one of them made."""
    above = {parent for piece in pieces for parent in _parents(os.path.realpath(piece.path))}
    return [one for other in others for one in other.directories if one in above]


def _parents(path: str) -> list[str]:
    found = []
    while (path := os.path.dirname(path)) and path != "/":
        found.append(path)
    return found
