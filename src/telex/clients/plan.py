"""What installing or uninstalling means for one file: decided here, done by `install`.

Rules kept here:
- nothing is written; each function reads one file and answers with an `Outcome`;
- "before" is what uninstall will put back: the exact bytes from before the first install, as long as nobody
  else has edited the file; after that, the file as it is now without telex's entries;
- a file of telex's own that somebody edited, or that was there first, is left alone and said so.
"""

from __future__ import annotations

import difflib
import json
import os

from telex.clients import jsontext, servers, settings
from telex.clients.atomic import content, missing_directories
from telex.clients.manifest import Kept, hash_of
from telex.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.registry import HookFile, OwnFile, ServerFile
    from telex.clients.settings import Ours

CREATE, UPDATE, UNCHANGED, REMOVE, RESTORE, KEEP = (
    "create",
    "update",
    "unchanged",
    "remove",
    "restore",
    "keep",
)


class Change(Record):
    """What is done to one file, or would be."""

    path: str
    action: str
    detail: str = ""  # in words
    diff: str = ""  # unified, for files that are text to their owner


class Outcome(Record):
    """A change with the bytes it takes: `new` where something is written; `kept` goes into the manifest.

    `mode` is that of a file which is made or is telex's own; without it a file has the usual one, or keeps its own.
    """

    change: Change
    old: bytes | None
    new: bytes | None = None
    kept: Kept | None = None
    mode: int | None = None

    def directories(self) -> list[str]:
        """Those that writing this file makes."""
        writes = self.change.action in (CREATE, UPDATE)
        return missing_directories(self.change.path) if writes else []


def hooks_in(piece: HookFile, kept: Kept | None, is_telex: Ours) -> Outcome:
    """Put a client's entries into its settings file. Raises SettingsUnreadable."""
    path, old = piece.path, content(piece.path)
    text = settings.check(path, old or b"")
    after = settings.merged(text, piece.entries, is_telex)
    new, before = after.encode(), _before(old, text, kept, is_telex)
    had = settings.containers(settings.check(path, (before or "").encode()))
    record = Kept(
        path=path,
        after=hash_of(new),
        before=before,
        made=[name for name in settings.containers(after) if name not in had],
        commands=[handler["command"] for entry in piece.entries for handler in entry.group["hooks"]],
    )
    if new == old:
        return Outcome(change=Change(path=path, action=UNCHANGED), old=old, kept=record)
    action, detail = (CREATE, "") if old is None else (UPDATE, "telex's hooks")
    change = Change(path=path, action=action, detail=detail, diff=_diff(path, old, new))
    return Outcome(change=change, old=old, new=new, kept=record)


def _before(old: bytes | None, text: str, kept: Kept | None, is_telex: Ours) -> str | None:
    """What uninstall puts back; None if it removes the file."""
    if old is None:
        return None
    if kept and hash_of(old) == kept.after:
        return kept.before
    if not settings.groups_with(text, is_telex):
        return old.decode()
    bare = settings.stripped(text, is_telex, kept.made if kept else None)
    # An empty object is left where telex made the file and somebody has only laid it out anew.
    return None if kept and kept.before is None and not jsontext.value_of(bare) else bare


def hooks_out(path: str, kept: Kept | None, ours: Ours, is_telex: Ours) -> Outcome:
    """Take telex's entries out of a settings file: by the exact bytes from before if nobody touched it."""
    old = content(path)
    if old is None:
        return Outcome(change=Change(path=path, action=UNCHANGED, detail="there is no such file"), old=None)
    if kept and hash_of(old) == kept.after:
        if kept.before is None:
            return Outcome(change=Change(path=path, action=REMOVE, detail="telex had made it"), old=old)
        new = kept.before.encode()
        change = Change(path=path, action=RESTORE, detail="as it was before", diff=_diff(path, old, new))
        return Outcome(change=change, old=old, new=new)
    text = settings.check(path, old)
    bare = settings.stripped(text, ours, kept.made if kept else None) if settings.groups_with(text, ours) else text
    if bare == text:
        foreign = settings.groups_with(text, is_telex)
        detail = "its hooks are of another telex home" if foreign else "telex has no hooks in it"
        return Outcome(change=Change(path=path, action=KEEP if foreign else UNCHANGED, detail=detail), old=old)
    if kept and kept.before is None and not jsontext.value_of(bare):
        return Outcome(change=Change(path=path, action=REMOVE, detail="telex had made it"), old=old)
    new = bare.encode()
    detail = "telex's hooks taken out; it was edited since, the rest stays as it is"
    change = Change(path=path, action=UPDATE, detail=detail, diff=_diff(path, old, new))
    return Outcome(change=change, old=old, new=new)


def own_in(piece: OwnFile, kept: Kept | None) -> Outcome:
    """Write a file of telex's own, unless what is there is not, or no longer, telex's."""
    path, old, new = piece.path, content(piece.path), piece.content
    record = Kept(path=path, after=hash_of(new), before=None, made=[], commands=[])
    if old == new:
        return Outcome(change=Change(path=path, action=UNCHANGED), old=old, kept=record)
    if old is None:
        change = Change(path=path, action=CREATE, diff=_diff(path, None, new))
        return Outcome(change=change, old=None, new=new, kept=record, mode=piece.mode)
    if kept and hash_of(old) == kept.after:
        change = Change(path=path, action=UPDATE, detail=f"the {piece.part}", diff=_diff(path, old, new))
        return Outcome(change=change, old=old, new=new, kept=record, mode=piece.mode)
    reason = "it was edited since" if kept else f"another {piece.part} of that name was there"
    return Outcome(change=Change(path=path, action=KEEP, detail=f"{reason}; left as it is"), old=old, kept=kept)


def own_out(path: str, kept: Kept | None, known: bytes | None) -> Outcome:
    """Remove a file of telex's own, unless somebody edited it. `known` is what this telex would write."""
    old = content(path)
    if old is None:
        return Outcome(change=Change(path=path, action=UNCHANGED, detail="there is no such file"), old=None)
    if old == known or (kept and hash_of(old) == kept.after):
        return Outcome(change=Change(path=path, action=REMOVE), old=old)
    reason = "it was edited since, so it is yours now" if kept else "it is not telex's"
    return Outcome(change=Change(path=path, action=KEEP, detail=reason), old=old)


def server_in(piece: ServerFile, kept: Kept | None) -> Outcome:
    """Put telex among a client's MCP servers, unless its owner has edited it. Raises SettingsUnreadable."""
    path, old = piece.path, content(piece.path)
    text = servers.check(path, old or b"")
    there = servers.entry(text)
    written = kept is not None and there is not None and json.dumps(there) == kept.entry
    if there is not None and there != piece.server and not written and not servers.is_plain(there):
        edited = servers.starts(there, piece.server["command"])
        reason = "it was edited since" if edited else "another server of that name is there"
        return Outcome(change=Change(path=path, action=KEEP, detail=f"{reason}; left as it is"), old=old, kept=kept)
    new = old if old is not None and there == piece.server else servers.merged(text, piece.server).encode()
    record = _server_kept(piece, kept, old, text, new)
    if new == old:
        return Outcome(change=Change(path=path, action=UNCHANGED), old=old, kept=record)
    action, detail = (CREATE, "") if old is None else (UPDATE, "telex's MCP server")
    change = Change(path=path, action=action, detail=detail, diff=_server_diff("+", piece.server))
    return Outcome(change=change, old=old, new=new, kept=record, mode=piece.mode if old is None else None)


def _server_kept(piece: ServerFile, kept: Kept | None, old: bytes | None, text: str, new: bytes) -> Kept:
    """The record. The file belongs to its client and may be large and full of secrets: as long as it will do to
    take the entry out, the bytes from before are not kept."""
    if kept and old is not None and hash_of(old) == kept.after:
        before, made, inverse = kept.before, kept.made, kept.inverse
    else:
        there = servers.entry(text) is not None
        bare = servers.stripped(text, made=not kept or servers.SERVERS in kept.made) if there else text
        made = [] if servers.has_container(bare) else [servers.SERVERS]
        was = bare if there or old is None else old.decode()
        alone = kept is not None and kept.before is None and not kept.inverse  # telex made the file
        if old is None or (alone and not jsontext.value_of(bare)):
            before, inverse = None, False
        else:
            inverse = servers.stripped(new.decode(), made=bool(made)) == was
            before = None if inverse else was
    entry = json.dumps(piece.server)
    return Kept(
        path=piece.path, after=hash_of(new), before=before, made=made, commands=[], entry=entry, inverse=inverse
    )


def server_out(path: str, kept: Kept | None, command: str) -> Outcome:
    """Take telex out of a client's MCP servers; `command` is how this home's telex is started."""
    old = content(path)
    if old is None:
        return Outcome(change=Change(path=path, action=UNCHANGED, detail="there is no such file"), old=None)
    text = servers.check(path, old)
    there = servers.entry(text)
    if not servers.starts(there, command):
        action, detail = (UNCHANGED, "telex is not in it") if there is None else (KEEP, "its server is not this telex")
        return Outcome(change=Change(path=path, action=action, detail=detail), old=old)
    untouched = kept is not None and hash_of(old) == kept.after
    bare = servers.stripped(text, made=not kept or servers.SERVERS in kept.made)
    if kept and kept.before is None and not kept.inverse and not jsontext.value_of(bare):
        return Outcome(change=Change(path=path, action=REMOVE, detail="telex had made it"), old=old)
    new = (kept.before if untouched and kept and kept.before is not None else bare).encode()
    action, detail = (RESTORE, "as it was before") if untouched else (UPDATE, "telex's MCP server taken out")
    return Outcome(
        change=Change(path=path, action=action, detail=detail, diff=_server_diff("-", there)), old=old, new=new
    )


def _server_diff(sign: str, server: object) -> str:
    """telex's entry alone: the lines around it hold other servers' tokens."""
    return f"{sign}{servers.SERVERS}.{servers.NAME}: {json.dumps(server)}"


def _diff(path: str, old: bytes | None, new: bytes) -> str:
    name = os.path.basename(path)
    before = [] if old is None else old.decode("utf-8", "replace").splitlines()
    after = new.decode("utf-8", "replace").splitlines()
    came, went = ("/dev/null" if old is None else name), name
    # One line of context: more would print what else stands in the file, keys and tokens among it.
    return "\n".join(difflib.unified_diff(before, after, came, went, lineterm="", n=1))
