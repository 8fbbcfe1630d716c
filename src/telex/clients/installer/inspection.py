"""What is installed where, and whether it still works: for `telex status` and `telex doctor`.

Rules kept here: nothing is written and nothing is started; each file is in one of four states (`installed`,
`not installed`, `drifted`: edited since, `broken`), and every state but the first says in words why.
"""

from __future__ import annotations

import json
import os

from telex.clients import registry, types
from telex.clients.edit import hook_entries, json_edit, parts
from telex.clients.edit.denials import Denials
from telex.clients.edit.marketplace import Enabling
from telex.clients.edit.parts import Server
from telex.clients.edit.statusline import StatusLine
from telex.clients.installer import codex_trust, manifest, other_homes, policy
from telex.clients.installer.install import extras_of, ours_in, where_of
from telex.clients.installer.manifest import hash_of
from telex.clients.installer.plan import LAUNCHERS
from telex.clients.installer.transaction import content
from telex.clients.launcher import launchers
from telex.clients.types import DenyFile, HookFile, Kept, LineFile, PluginFile, ServerFile
from telex.core.record import Record
from telex.errors.settings import SettingsUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.edit.hook_entries import Ours
    from telex.clients.types import Client, Entry, OwnFile, Piece, Where

INSTALLED, NOT_INSTALLED, DRIFTED, BROKEN = "installed", "not installed", "drifted", "broken"
UNTRUSTED = "not trusted"  # all is in place, and the client waits for its person's word before it runs it
FAULTY = (DRIFTED, BROKEN, UNTRUSTED)  # what does not work as it is
_OLDER = "by another version; 'telex install' brings it up to date"


class Finding(Record):
    """The state of one file."""

    path: str
    part: str  # hooks, skill, mcp server, launchers, …
    state: str
    detail: str = ""


def inspect(
    client: str | Client,
    scope: str,
    *,
    home: str,
    user_home: str,
    project_dir: str = "",
    config_dir: str = "",
    system: str = "/",
) -> list[Finding]:
    """Each file of one installation, extras where they are there. Raises ClientUnknown, Usage, HomeUnsafe.

    `system` is the directory under which an administrator's files are.
    """
    adapter = registry.client(client) if isinstance(client, str) else client
    where = where_of(adapter, scope, home, user_home, project_dir, config_dir)
    last = manifest.load(manifest.path_of(adapter.name, where))
    found, why = [], policy.obstacle(adapter, where, system, os.path.abspath(project_dir) if project_dir else "")
    for piece in adapter.pieces(where):
        one = _piece(adapter, where, piece, last.kept(piece.path) if last and last.has(piece) else None)
        is_well = one.part in (types.HOOKS, types.PLUGIN) and one.state == INSTALLED
        if is_well and why:
            one.state, one.detail = BROKEN, why
        elif is_well and (untrusted := codex_trust.obstacle(piece, ours_in(adapter, where))):
            one.state, one.detail = UNTRUSTED, untrusted
        found.append(one)
    for extra in extras_of(adapter, where):
        kept = last.kept(extra.path) if last and last.has(extra) else None
        finding = _piece(adapter, where, extra, kept)
        if kept or finding.state == INSTALLED:
            found.append(finding)
    hooks = next((one.state for one in found if one.part == types.HOOKS), NOT_INSTALLED)
    if last or hooks != NOT_INSTALLED:
        found += _launchers(where.home, "" if hooks != NOT_INSTALLED else where.hook)
    return found


def _piece(adapter: Client, where: Where, piece: Piece, kept: Kept | None) -> Finding:
    try:
        if isinstance(piece, HookFile):
            return _hooks(adapter, piece, kept, ours_in(adapter, where))
        if isinstance(piece, ServerFile):
            return _server(piece, kept)
        if isinstance(piece, LineFile):
            return _line(piece, kept)
        if isinstance(piece, DenyFile):
            return _denials(piece, kept)
        if isinstance(piece, PluginFile):
            return _plugin(adapter, piece, kept)
        return _own(piece, kept, where)
    except SettingsUnreadable as problem:
        return Finding(path=piece.path, part=piece.part, state=BROKEN, detail=problem.message)


def _plugin(adapter: Client, piece: PluginFile, kept: Kept | None) -> Finding:
    part = Enabling(piece)
    text = part.check(content(piece.path) or b"")
    on, obstacle = part.state(text), adapter.obstacle(json_edit.value_of(text))
    state, detail = INSTALLED, ""
    if on is None:
        state, detail = (DRIFTED, "it was taken out; 'telex install' puts it back") if kept else (NOT_INSTALLED, "")
        detail = part.refusal(text, kept) or detail
    elif not on:
        state, detail = DRIFTED, "it is switched off in Claude Code"
    elif obstacle:
        state, detail = BROKEN, obstacle
    elif isinstance(json_edit.value_of(text).get("hooks", {}), dict) and hook_entries.groups_with(
        text, adapter.is_telex
    ):
        state, detail = (
            DRIFTED,
            "telex's hooks are in this file too, so every line runs twice; 'telex install' mends it",
        )
    return Finding(path=piece.path, part=piece.part, state=state, detail=detail)


def _hooks(adapter: Client, piece: HookFile, kept: Kept | None, ours: Ours) -> Finding:
    text = hook_entries.check(piece.path, content(piece.path) or b"", piece.form)
    mine, any_telex = hook_entries.groups_with(text, ours), hook_entries.groups_with(text, adapter.is_telex)
    state, detail = INSTALLED, ""
    if not mine:
        state, detail = (DRIFTED, "telex's hooks were taken out") if kept else (NOT_INSTALLED, "")
        if any_telex:
            detail = "the hooks there belong to another telex home"
    elif adapter.obstacle(json_edit.value_of(text)):
        state, detail = BROKEN, adapter.obstacle(json_edit.value_of(text))
    elif not hook_entries.is_current(text, piece.entries, adapter.is_telex):
        lines = [handler.get("command") for groups in mine.values() for group in groups for handler in group["hooks"]]
        state, detail = DRIFTED, _difference(text, piece.entries, adapter.is_telex)
        if kept and sorted(map(str, lines)) == sorted(kept.commands) and kept.after == _hash(piece.path):
            state, detail = INSTALLED, _OLDER
    return Finding(path=piece.path, part="hooks", state=state, detail=detail)


def _difference(text: str, entries: list[Entry], is_telex: Ours) -> str:
    """Which events are not as telex writes them."""
    found = hook_entries.groups_with(text, is_telex)
    wanted = {entry.event: [entry.group] for entry in entries}
    words = [f"{event} is missing" for event in wanted if event not in found]
    words += [f"{event} was edited" for event in wanted if event in found and found[event] != wanted[event]]
    words += [f"{event} is left over" for event in found if event not in wanted]
    return ", ".join(words) + "; 'telex install' mends it"


def _own(piece: OwnFile, kept: Kept | None, where: Where) -> Finding:
    there = content(piece.path)
    if there == piece.content:
        state, detail = INSTALLED, ""
    elif there is None:
        state, detail = (DRIFTED, "it was removed; 'telex install' puts it back") if kept else (NOT_INSTALLED, "")
    elif kept and hash_of(there) == kept.after:
        state, detail = INSTALLED, _OLDER
    elif other_homes.is_anothers(there, piece.content, where.user_home):
        state, detail = NOT_INSTALLED, "what is there belongs to another telex home"
    elif kept is None:
        state, detail = NOT_INSTALLED, f"another {piece.part} of that name is there"
    else:
        state, detail = DRIFTED, "it was edited; telex leaves it as it is"
    return Finding(path=piece.path, part=piece.part, state=state, detail=detail)


def _server(piece: ServerFile, kept: Kept | None) -> Finding:
    part = Server(piece)
    text = part.check(content(piece.path) or b"")
    there, reason = part.entry(text), part.refusal(text, kept)
    if there == piece.server:
        state, detail = INSTALLED, ""
    elif there is None:
        state, detail = (DRIFTED, "it was taken out; 'telex install' puts it back") if kept else (NOT_INSTALLED, "")
    elif kept and json.dumps(there) == kept.entry:
        state, detail = INSTALLED, _OLDER
    elif reason == parts.EDITED:
        state, detail = DRIFTED, "it was edited; telex leaves it as it is"
    else:
        state, detail = NOT_INSTALLED, reason or "the server there belongs to another telex home"
    return Finding(path=piece.path, part=piece.part, state=state, detail=detail)


def _line(piece: LineFile, kept: Kept | None) -> Finding:
    part = StatusLine(piece)
    text = part.check(content(piece.path) or b"")
    state, detail = INSTALLED, ""
    if not part.mine(text):
        state, detail = (DRIFTED, "it was taken out; 'telex install' puts it back") if kept else (NOT_INSTALLED, "")
        detail = part.foreign(text) or detail
    elif not part.is_current(text):
        detail = _OLDER
    return Finding(path=piece.path, part=piece.part, state=state, detail=detail)


def _denials(piece: DenyFile, kept: Kept | None) -> Finding:
    """What the owner alone denies is the owner's affair."""
    part = Denials(piece)
    there = part.there(part.check(content(piece.path) or b""))
    gone = [tool for tool in piece.tools if tool not in there]
    state, detail = (INSTALLED, ", ".join(there)) if kept else (NOT_INSTALLED, "")
    if kept and gone:
        state, detail = DRIFTED, f"{' and '.join(gone)} taken out; 'telex install' puts it back"
    return Finding(path=piece.path, part=piece.part, state=state, detail=detail)


def _launchers(home: str, unneeded: str) -> list[Finding]:
    directory = os.path.join(home, "bin")
    try:
        problems = [one for one in launchers.problems(home) if one[0] != unneeded]
    except SettingsUnreadable as problem:  # another user's
        problems = [(directory, BROKEN, problem.message)]
    if not problems:
        return [Finding(path=directory, part=LAUNCHERS, state=INSTALLED)]
    return [Finding(path=path, part=LAUNCHERS, state=state, detail=why) for path, state, why in problems]


def _hash(path: str) -> str:
    return hash_of(content(path) or b"")
