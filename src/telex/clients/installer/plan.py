"""What installing or uninstalling means for one file: decided here, done by `install`.

A shared file may hold several parts of telex (`shared.Part`), and has one record all the same.

Rules kept here:
- nothing is written; each function reads one file and answers with an `Outcome`;
- "before" is what uninstall will put back: the exact bytes from before the first install, as long as nobody
  else has edited the file; after that, the file as it is now without telex's entries;
- a file of telex's own that somebody edited, or that was there first, is left alone and said so.
"""

from __future__ import annotations

import difflib
import os

from telex.clients.installer import other_homes
from telex.clients.installer.manifest import hash_of
from telex.clients.installer.transaction import content, missing_directories
from telex.clients.types import Kept
from telex.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.edit.parts import Part
    from telex.clients.types import OwnFile

CREATE, UPDATE, UNCHANGED, REMOVE, RESTORE, KEEP = (
    "create",
    "update",
    "unchanged",
    "remove",
    "restore",
    "keep",
)
LAUNCHERS = "launchers"  # the detail of what belongs to all clients


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


def shared_in(path: str, wanted: list[Part], every: list[Part], kept: Kept | None, mode: int | None) -> Outcome:
    """Put parts of telex into a file that it shares; `every` is all that telex may have in it.

    Raises SettingsUnreadable.
    """
    old = content(path)
    text = _checked(every, old or b"")
    refusals = [reason for part in wanted if (reason := part.refusal(text, kept))]
    putting = [part for part in wanted if not part.refusal(text, kept)]
    if not putting:
        return Outcome(change=Change(path=path, action=KEEP, detail=_left(refusals)), old=old, kept=kept)
    after, notes, diffs = text, [], []
    for part in putting:
        before, after = after, part.put(after)
        if before != after:
            notes.append(part.words + (other_homes.IN_THE_PLACE if part.foreign(before) else ""))
            diffs.append(part.shown("+") or _diff(path, None if old is None else before.encode(), after.encode()))
    new = after.encode() if notes or old is None else old
    record = _record(path, putting, every, kept, old, text, new)
    action = CREATE if old is None else UPDATE if new != old else KEEP if refusals else UNCHANGED
    detail = "; ".join([*([] if old is None else notes), *([_left(refusals)] if refusals else [])])
    change = Change(path=path, action=action, detail=detail, diff="\n".join(diffs))
    written = new if new != old else None
    return Outcome(change=change, old=old, new=written, kept=record, mode=mode if old is None else None)


def _checked(parts: list[Part], raw: bytes) -> str:
    *_, text = (part.check(raw) for part in parts)
    return text


def _left(refusals: list[str]) -> str:
    return f"{', '.join(refusals)}; left as it is"


def _record(
    path: str, putting: list[Part], every: list[Part], kept: Kept | None, old: bytes | None, text: str, new: bytes
) -> Kept:
    """What uninstall will need. The file may be large and full of secrets: as long as it will do to take telex out of
    it, the bytes from before are not kept."""
    was, made = _before(putting, every, kept, old, text)
    after = new.decode()
    there = [name for part in every for name in part.containers(text)]
    made = [*made, *(name for part in every for name in part.containers(after) if name not in there)]
    record = Kept(path=path, after=hash_of(new), before=was, made=list(dict.fromkeys(made)), commands=[])
    if kept:
        record.commands, record.entry, record.member = kept.commands, kept.entry, kept.member
        record.line = kept.line
    for part in putting:
        part.record(record)
    return _lightened(record, every, after)


def _before(
    putting: list[Part], every: list[Part], kept: Kept | None, old: bytes | None, text: str
) -> tuple[str | None, list[str]]:
    """What uninstall puts back, None if it removes the file; and the containers in the file that telex made."""
    if old is None:
        return None, []
    untouched = kept is not None and hash_of(old) == kept.after
    if kept and untouched and not kept.inverse:
        return kept.before, kept.made
    bare, coming = text, [part.words for part in putting]
    for part in every:
        if (part.words in coming or (kept and part.is_in(kept))) and part.present(bare, kept):
            bare = part.bare(bare, kept.made if kept else None)
    # An empty file is left where telex made it and somebody has only laid it out anew.
    gone = kept is not None and kept.before is None and not kept.inverse and every[0].is_empty(bare)
    left = [name for part in every for name in part.containers(bare)]
    made = [name for part in every for name in part.containers(text) if name not in left]
    if kept and untouched:
        return bare, kept.made
    return None if gone else old.decode() if bare == text else bare, made


def _without(every: list[Part], kept: Kept, text: str) -> str:
    """The text without the parts of telex that the record names."""
    for part in every:
        if part.is_in(kept) and part.mine(text):
            text = part.taken(text, kept.made)
    return text


def _lightened(record: Kept, every: list[Part], after: str) -> Kept:
    """The record without the bytes from before, where taking telex out gives just those."""
    record.inverse = record.before is not None and _without(every, record, after) == record.before
    record.before = None if record.inverse else record.before
    return record


def shared_out(path: str, taking: list[Part], every: list[Part], kept: Kept | None) -> Outcome:
    """Take parts of telex out of a file that it shares: by the exact bytes from before if nobody touched it and
    nothing of telex stays. Raises SettingsUnreadable."""
    old = content(path)
    if old is None:
        return Outcome(change=Change(path=path, action=UNCHANGED, detail="there is no such file"), old=None)
    text = _checked(every, old)
    going = [part.words for part in taking]
    rest = [part for part in every if kept and part.is_in(kept) and part.words not in going]
    untouched = kept is not None and hash_of(old) == kept.after
    bare, notes, diffs = text, [], []
    for part in taking:
        if part.mine(bare):
            before, bare = bare, part.taken(bare, kept.made if kept else None)
            if before == bare:
                continue  # what is there is its owner's
            notes.append(part.words)
            diffs.append(part.shown("-") or _diff(path, before.encode(), bare.encode()))
    if not notes:
        reason = next(filter(None, (part.foreign(text) for part in taking)), "")
        action, detail = (KEEP, reason) if reason else (UNCHANGED, "telex has nothing in it")
        return Outcome(change=Change(path=path, action=action, detail=detail), old=old, kept=kept if rest else None)
    made_by_telex = kept is not None and kept.before is None and not kept.inverse
    if not rest and made_by_telex and (untouched or every[0].is_empty(bare)):
        return Outcome(change=Change(path=path, action=REMOVE, detail="telex had made it"), old=old)
    if untouched and kept and not rest:
        new = (bare if kept.before is None else kept.before).encode()
        change = Change(path=path, action=RESTORE, detail="as it was before", diff="\n".join(diffs))
        return Outcome(change=change, old=old, new=new)
    new = bare.encode()
    edited = "" if untouched else "; it was edited since, the rest stays as it is"
    edited += "".join(f"; {words}" for part in taking if (words := part.warning(text, bare)))
    change = Change(path=path, action=UPDATE, detail=f"{', '.join(notes)} taken out{edited}", diff="\n".join(diffs))
    return Outcome(change=change, old=old, new=new, kept=_remainder(kept, rest, every, text, new) if rest else None)


def _remainder(kept: Kept | None, rest: list[Part], every: list[Part], text: str, new: bytes) -> Kept:
    """The record of a file in which another part of telex stays."""
    assert kept is not None
    was = _without(every, kept, text) if kept.inverse else kept.before
    after = new.decode()
    there = [name for part in every for name in part.containers(after)]
    made = [name for name in kept.made if name in there]
    record = Kept(path=kept.path, after=hash_of(new), before=was, made=made, commands=[])
    for part in rest:
        part.keep(kept, record)
    return _lightened(record, every, after)


def own_in(piece: OwnFile, kept: Kept | None, note: str = "") -> Outcome:
    """Write a file of telex's own, unless what is there is not, or no longer, telex's."""
    path, old, new = piece.path, content(piece.path), piece.content
    record = Kept(path=path, after=hash_of(new), before=None, made=[], commands=[], starts_hook=piece.starts_hook)
    if old == new:
        return Outcome(change=Change(path=path, action=UNCHANGED), old=old, kept=record)
    if old is None:
        change = Change(path=path, action=CREATE, diff=_diff(path, None, new))
        return Outcome(change=change, old=None, new=new, kept=record, mode=piece.mode)
    if kept and hash_of(old) == kept.after:
        change = Change(path=path, action=UPDATE, detail=f"the {piece.part}{note}", diff=_diff(path, old, new))
        return Outcome(change=change, old=old, new=new, kept=record, mode=piece.mode)
    reason = "it was edited since" if kept else f"another {piece.part} of that name was there"
    return Outcome(change=Change(path=path, action=KEEP, detail=f"{reason}; left as it is"), old=old, kept=kept)


def own_out(path: str, kept: Kept | None, known: bytes | None, user_home: str) -> Outcome:
    """Remove a file of telex's own, unless somebody edited it. `known` is what this telex would write."""
    old = content(path)
    if old is None:
        return Outcome(change=Change(path=path, action=UNCHANGED, detail="there is no such file"), old=None)
    if old == known or (kept and hash_of(old) == kept.after):
        return Outcome(change=Change(path=path, action=REMOVE), old=old)
    reason = "it was edited since, so it is yours now" if kept else "it is not telex's"
    if other_homes.is_anothers(old, known or b"", user_home):
        reason = "it is of another telex home"
    return Outcome(change=Change(path=path, action=KEEP, detail=reason), old=old)


def _diff(path: str, old: bytes | None, new: bytes) -> str:
    name = os.path.basename(path)
    before = [] if old is None else old.decode("utf-8", "replace").splitlines()
    after = new.decode("utf-8", "replace").splitlines()
    came, went = ("/dev/null" if old is None else name), name
    # One line of context: more would print what else stands in the file, keys and tokens among it.
    return "\n".join(difflib.unified_diff(before, after, came, went, lineterm="", n=1))
