"""The two forms of telex in Claude Code, settings and plugin, and that it has one of them at a time.

Rules kept here:
- whoever asks for the plugin gets it in the place of the settings; from then on `install` keeps the plugin up to date,
  and `uninstall` takes out whatever is there;
- what is asked for a project beside the plugin is refused: Claude Code would run every line twice there;
- the mail would be shown once all the same, because an inbox has one reader at a time.
"""

from __future__ import annotations

import os

from telex.clients import registry, types
from telex.clients.adapters import claude_plugin
from telex.clients.edit.marketplace import Enabling
from telex.clients.installer import inspection, manifest, plan
from telex.clients.installer import install as installing
from telex.clients.installer.inspection import INSTALLED, NOT_INSTALLED, Finding
from telex.clients.installer.transaction import content
from telex.clients.types import HOOKS, SERVER, SKILL, USER, PluginFile
from telex.errors import Usage
from telex.errors.settings import BothForms, SettingsUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.installer.plan import Change
    from telex.clients.places import Place

CLIENT = "claude"
_IN_THE_PLUGIN = (HOOKS, SKILL, SERVER)


def install(
    client: str, scope: str, place: Place, *, as_plugin: bool = False, also: tuple[str, ...] = (), dry_run: bool = False
) -> list[Change]:
    """Install telex into a client in the form that is asked for, or that is there. Raises BothForms, and as
    `install.install` does."""
    if client != CLIENT and as_plugin:
        raise Usage(problem=f"only Claude Code has telex as a plugin, not {client}", verb="install")
    if client != CLIENT or not (as_plugin or is_plugin(place)):
        return installing.install(client, scope, also=also, dry_run=dry_run, **place)
    if scope != USER and not as_plugin:
        raise BothForms(there="as a plugin, for all your sessions", asked="in a project's settings")
    for one in manifest.all_of(place["home"]):
        if one.client == CLIENT and one.where.scope != USER and any(file.commands for file in one.files):
            raise BothForms(there=f"in the settings of {one.where.project_dir}", asked="as a plugin")
    extras = _extras(place, also)
    inside, beside = tuple({*extras} & {SERVER}), tuple(one for one in extras if one != SERVER)
    planned = installing.install(claude_plugin.CLIENT, scope, also=inside, dry_run=True, **place)
    changes: list[Change] = []
    if _settings_hold_telex(place):
        changes = installing.uninstall(CLIENT, USER, only=_IN_THE_PLUGIN, dry_run=dry_run, **place)
        changes = [one for one in changes if one.detail != plan.LAUNCHERS]  # it is there again a moment later
    changes += planned if dry_run else installing.install(claude_plugin.CLIENT, scope, also=inside, **place)
    if beside:
        more = installing.install(CLIENT, USER, only=beside, dry_run=dry_run, **place)
        changes += [one for one in more if one.detail != plan.LAUNCHERS]
    return changes


def uninstall(
    client: str, scope: str, place: Place, *, only: tuple[str, ...] = (), dry_run: bool = False
) -> list[Change]:
    """Take telex out, whatever form it has. Raises as `install.uninstall` does."""
    if client != CLIENT or scope != USER or not is_plugin(place):
        return installing.uninstall(client, scope, only=only, dry_run=dry_run, **place)
    inside, beside = tuple({*only} & {SERVER}), tuple(one for one in only if one != SERVER)
    changes: list[Change] = []
    if inside or not only:
        changes = installing.uninstall(claude_plugin.CLIENT, USER, only=inside, dry_run=dry_run, **place)
    if beside or not only:
        changes += installing.uninstall(client, scope, only=beside, dry_run=dry_run, **place)
    return changes


def inspect(client: str, scope: str, place: Place) -> list[Finding]:
    """What is installed; the plugin's own files count as one. Raises as `inspection.inspect` does."""
    found = inspection.inspect(client, scope, **place)
    if client != CLIENT or scope != USER or not is_plugin(place):
        return found
    root = claude_plugin.directory(os.path.abspath(place["home"]))
    listed = inspection.inspect(claude_plugin.CLIENT, USER, **place)
    whole = [one for one in listed if os.path.dirname(one.path).startswith(root)]
    if all(one.state == INSTALLED and one.detail == whole[0].detail for one in whole):
        rest = [one for one in listed if one not in whole]
        listed = [Finding(path=root, part="plugin", state=INSTALLED, detail=whole[0].detail), *rest]
    return [*listed, *(one for one in found if one.state != NOT_INSTALLED and one not in listed)]


def is_plugin(place: Place) -> bool:
    """Whether Claude Code has telex as a plugin: by `telex install`, or by its owner's own words to the client."""
    if manifest.load(manifest.path_of(claude_plugin.CLIENT.name, _where(place))):
        return True
    part, raw = _enabling(place)
    try:
        return part.state(part.check(raw)) is not None
    except SettingsUnreadable:
        return False


def _where(place: Place) -> types.Where:
    return installing.where_of(claude_plugin.CLIENT, USER, place["home"], place["user_home"], "", place["config_dir"])


def _enabling(place: Place) -> tuple[Enabling, bytes]:
    piece = next(one for one in claude_plugin.CLIENT.pieces(_where(place)) if isinstance(one, PluginFile))
    try:
        return Enabling(piece), content(piece.path) or b""
    except SettingsUnreadable:
        return Enabling(piece), b""


def _extras(place: Place, also: tuple[str, ...]) -> tuple[str, ...]:
    """The extras that are asked for, and those that the settings have already."""
    where = _where(place)
    there = manifest.load(manifest.path_of(CLIENT, where))
    found = registry.client(CLIENT).extras(where)
    return tuple(one.part for one in found if one.part in also or (there and there.has(one)))


def _settings_hold_telex(place: Place) -> bool:
    """Whether telex's lines are in the settings, with or without a record of them."""
    found = inspection.inspect(CLIENT, USER, **place)
    return any(one.part in _IN_THE_PLUGIN and one.state != NOT_INSTALLED for one in found)
