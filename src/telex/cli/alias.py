"""alias: the commands of coop, kei and claude-ipc, as launchers of this telex."""

from __future__ import annotations

import os
import shlex

from telex.bus import here
from telex.clients import places, registry, types
from telex.clients.installer import install as installing
from telex.clients.installer import manifest
from telex.clients.installer.plan import KEEP, UNCHANGED
from telex.clients.launcher import aliases
from telex.core import text
from telex.errors import Refused, Usage
from telex.wiring import home_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call
    from telex.clients.installer.plan import Change
    from telex.clients.launcher.aliases import Alias
    from telex.clients.places import Place

_CLIENT = "claude"
# What the system had in clients besides its command: Claude Code's always, another's where that client is.
_BESIDE = {"coop": {_CLIENT: types.COOP}, "kei": {_CLIENT: types.MSG, "gemini": types.MSG_COMMAND}}


def alias(call: Call) -> int:
    """`telex alias SYSTEM [--dir D] [--remove]`: 3 where a command of that name is somebody else's and stays."""
    chosen = aliases.alias(call.args.word("system"))
    place = places.of(_CLIENT, home_directory(), here(), os.environ)
    given = call.args.option("dir")
    default = os.path.join(place["user_home"], ".local", "bin")
    directory = os.path.abspath(os.path.expanduser(given)) if given else default
    if os.path.lexists(directory) and not os.path.isdir(directory):
        raise Usage(problem=f"{directory} is not a directory", verb="alias")
    removed = "remove" in call.args.flags
    act = installing.uninstall if removed else installing.install
    there: Place = {**place, "config_dir": directory}
    changes = act(chosen, types.USER, **there)
    if not (removed and chosen.name in [one.client for one in manifest.all_of(place["home"])]):
        for client, part in _beside(chosen.system, place["user_home"], removed):
            known = [one.path for one in changes]  # the launchers belong to all
            found_there = places.of(client, place["home"], here(), os.environ)
            changes += [one for one in act(client, types.USER, **found_there, only=(part,)) if one.path not in known]
    found = {} if removed else _found(chosen)
    kept = any(one.action == KEEP and os.path.dirname(one.path) == directory for one in changes)
    if call.out.as_json:
        call.out.json({"changes": changes, "directory": directory, "runs": [path for path in found.values() if path]})
    else:
        _say(call, changes)
        if not removed:
            _say_paths(call, directory, found, given == "")
    return Refused.status if kept and not removed else 0


def _beside(system: str, user_home: str, removed: bool) -> list[tuple[str, str]]:
    """Which part of which client goes with a system's command: (client, part)."""
    there = {_CLIENT, *registry.present(user_home, os.environ)}
    return [(client, part) for client, part in _BESIDE.get(system, {}).items() if removed or client in there]


def _found(chosen: Alias) -> dict[str, str]:
    """What each command runs in this shell; '' for nothing."""
    import shutil

    return {name: shutil.which(name) or "" for name in chosen.commands}


def _say(call: Call, changes: list[Change]) -> None:
    real = [one for one in changes if one.action != UNCHANGED]
    for one in real:
        detail = f" ({text.visible(one.detail)})" if one.detail else ""
        call.out.line(f"{one.action} {text.visible(one.path)}{detail}")
    if not real:
        call.out.line("nothing to do")


def _say_paths(call: Call, directory: str, found: dict[str, str], usual: bool) -> None:
    """Which command wins, and what to add to the path."""
    shown = '"$HOME/.local/bin:$PATH"' if usual else f'{shlex.quote(directory)}:"$PATH"'
    entries = [os.path.realpath(one) for one in os.environ.get("PATH", "").split(os.pathsep) if one]
    here_too = os.path.realpath(directory) in entries
    if not here_too:
        call.out.line(f"{text.visible(directory)} is not on the PATH; add to your shell's profile: export PATH={shown}")
    for name, path in found.items():
        mine = os.path.join(directory, name)
        if path and os.path.realpath(path) != os.path.realpath(mine):
            first = "comes first on the PATH, so it runs, not" if here_too else "runs until then, not"
            call.out.line(f"{text.visible(path)} {first} {text.visible(mine)}")
