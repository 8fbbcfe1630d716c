"""coop's hook commands: telex's own hooks for Claude Code, and the /coop command.

Rules kept here: coop's own hook line, where it is in the settings already, is left alone: it works once `coop` is
telex (`telex alias coop`); `status` prints coop's three lines.
"""

from __future__ import annotations

import os
import re

from telex.clients import places, registry
from telex.clients.edit import hook_entries
from telex.clients.installer import install as installing
from telex.clients.installer.plan import UNCHANGED
from telex.clients.installer.transaction import content
from telex.clients.types import COOP, HOOKS, PROJECT, SKILL, USER
from telex.compat.coop.words import parse
from telex.core import text
from telex.errors import Usage
from telex.errors.settings import SettingsUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call
    from telex.clients.installer.plan import Change
    from telex.clients.places import Place

_CLIENT = "claude"
_EVENTS = ("UserPromptSubmit", "SessionStart")
_OWN_LINE = re.compile(r"\bcoop session poll\b.*--format[= ]hook\b")
_PATH_CHARS = 200
_YES, _NO = "installed", "not installed"


def connect(call: Call) -> None:
    """Install the hooks where they are in no scope yet, and say so: joining a session does that in coop."""
    if any(map(_has_telex, (_settings_of(USER), _settings_of(PROJECT)))):
        return
    changes = installing.install(_CLIENT, USER, **_place())
    paths = [_shown(one.path) for one in changes if one.action != UNCHANGED and one.path.endswith("settings.json")]
    if paths:
        call.out.line(
            f"Installed telex's hooks for Claude Code in {paths[0]}: sessions that start from now on are connected"
        )


def install(call: Call) -> None:
    """`hook install [--scope user|project]`"""
    scope = _scope(call)
    changes = installing.install(_CLIENT, scope, **_place(), also=(COOP,) if scope == USER else ())
    if scope != USER:
        changes += installing.install(_CLIENT, USER, **_place(), only=(COOP,))
    _say(call, changes, "nothing to do: hooks and /coop are installed")
    if _has_own_line(_settings_of(scope)):
        call.out.line("coop's own hook line stays beside telex's; it works when 'coop' is telex: telex alias coop")
    call.out.line("sessions that start from now on are connected")


def uninstall(call: Call) -> None:
    """`hook uninstall [--scope user|project]`: what install put in, the /coop command with the user's hooks."""
    scope = _scope(call)
    parts = (HOOKS, SKILL, COOP) if scope == USER else (HOOKS, SKILL)
    _say(call, installing.uninstall(_CLIENT, scope, **_place(), only=parts), "nothing of telex is installed there")
    if _has_own_line(_settings_of(scope)):
        call.out.line(f"coop's own hook line stays in {_shown(_settings_of(scope))}")


def status(call: Call) -> None:
    """`hook status`: coop's three lines."""
    if parse("hook", call.words).texts:
        raise Usage(problem="status takes no words", verb="hook")
    user, project = _settings_of(USER), _settings_of(PROJECT)
    command = os.path.join(os.path.dirname(user), "commands", "coop.md")
    call.out.line(f"Poll hook — user scope ({_shown(user)}): {_YES if _polls(user) else _NO}")
    call.out.line(f"Poll hook — project scope (.claude/settings.json): {_YES if _polls(project) else _NO}")
    call.out.line(f"/coop command ({_shown(command)}): {_YES if os.path.isfile(command) else _NO}")


def _scope(call: Call) -> str:
    given = parse("hook", call.words, values=("scope",))
    if given.texts:
        raise Usage(problem=f"'{given.texts[0][:20]}' is one word too many", verb="hook")
    scope = given.options.get("scope", USER)
    if scope not in (USER, PROJECT):
        raise Usage(problem=f"Claude Code has no scope '{scope[:20]}', only user and project", verb="hook")
    return scope


def _place() -> Place:
    from telex.bus import here
    from telex.wiring import home_directory

    return places.of(_CLIENT, home_directory(), here(), os.environ)


def _settings_of(scope: str) -> str:
    """The settings file of a scope; that of the project is the working directory's."""
    place = _place()
    if scope == PROJECT:
        return os.path.join(place["project_dir"], ".claude", "settings.json")
    return os.path.join(place["config_dir"] or os.path.join(place["user_home"], ".claude"), "settings.json")


def _polls(path: str) -> bool:
    """Whether prompt and start of a session run telex's line or coop's own."""
    adapter = registry.client(_CLIENT)
    found = _groups(path, lambda handler: adapter.is_telex(handler) or _is_own_line(handler))
    return all(event in found for event in _EVENTS)


def _has_telex(path: str) -> bool:
    return bool(_groups(path, registry.client(_CLIENT).is_telex))


def _has_own_line(path: str) -> bool:
    return bool(_groups(path, _is_own_line))


def _groups(path: str, ours: hook_entries.Ours) -> dict[str, object]:
    try:
        return dict(hook_entries.groups_with(hook_entries.check(path, content(path) or b""), ours))
    except SettingsUnreadable:
        return {}


def _is_own_line(handler: object) -> bool:
    command = handler.get("command") if isinstance(handler, dict) else None
    return isinstance(command, str) and _OWN_LINE.search(command) is not None


def _say(call: Call, changes: list[Change], nothing: str) -> None:
    real = [one for one in changes if one.action != UNCHANGED]
    for one in real:
        call.out.line(f"{one.action} {_shown(one.path)}" + (f" ({text.visible(one.detail)})" if one.detail else ""))
    if not real:
        call.out.line(nothing)


def _shown(path: str) -> str:
    return text.place(path, os.environ.get("HOME", ""), _PATH_CHARS)
