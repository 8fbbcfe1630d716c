"""status, doctor, install, uninstall."""

from __future__ import annotations

import os
import sys

from telex import homes
from telex.bus import health, here
from telex.cli import extras
from telex.cli.output import remark
from telex.clients import hook_points, places, registry, types, versions
from telex.clients.installer import entries, inspection, manifest, modes, sandbox
from telex.clients.installer.plan import LAUNCHERS
from telex.clients.launcher import aliases
from telex.core import text
from telex.core.record import Record
from telex.errors import PathNotAbsolute, Refused, StoreFault, Usage
from telex.errors.settings import NobodyToAsk
from telex.wiring import home_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from telex.cli.call import Call
    from telex.clients.hook_points import Capability
    from telex.clients.installer.inspection import Finding
    from telex.clients.installer.plan import Change
    from telex.clients.places import Place

    Act = Callable[[str, Place], list[Change]]


_OF_CLAUDE = {"status-line": types.LINE, "only": types.DENIED}  # by flag


def status(call: Call) -> int:
    """`telex status`: 0 when everything that is installed works, 1 when something is broken, edited or not trusted."""
    home = home_directory()
    findings = _findings(home)
    checks = health.check(home)
    bad = any(one.state != health.OK for one in checks)
    bad = bad or any(one.state in inspection.FAULTY for one in findings)
    if call.out.as_json:
        told = {"home": home, "installed": findings, "checks": checks, "clients": _offers()}
        call.out.json({**told, "well": not bad})
        return int(bad)
    rows = [[one.part, one.state, text.place(one.path, _user_home(), 80), one.detail or "-"] for one in findings]
    call.out.table(["part", "state", "file", "detail"], rows)
    call.out.line()
    offers = [[one.client, hook_points.mail_at(one), hook_points.last_seen(one)] for one in _offers()]
    call.out.table(["client", "shows mail at", "tested up to"], offers)
    call.out.line()
    for one in checks:
        if one.state != health.OK:
            call.out.line(f"{one.what}: {text.visible(one.detail)}")
    call.out.line("the store is well" if all(one.state == health.OK for one in checks) else "see 'telex doctor'")
    for words in filter(None, (versions.remark(name, os.environ) for name in registry.names())):
        call.out.line(words)
    connected = {one.client for one in manifest.all_of(home)}
    for words in filter(None, (sandbox.remark(name, _place(name)) for name in registry.names() if name in connected)):
        call.out.line(text.visible(words))
    if all(one.state == inspection.NOT_INSTALLED for one in findings):
        call.out.line("no client is connected yet: 'telex install'")
    return int(bad)


def doctor(call: Call) -> int:
    """`telex doctor [--repair]`: 0 when all is well, 1 when something is not."""
    home = home_directory()
    done = health.repair(home) if "repair" in call.args.flags else []
    checks, findings = health.check(home), _findings(home)
    bad = [one for one in checks if one.state != health.OK]
    drifted = [one for one in findings if one.state in inspection.FAULTY]
    if call.out.as_json:
        call.out.json({"home": home, "done": done, "checks": checks, "installed": findings, "well": not bad + drifted})
        return int(bool(bad or drifted))
    for words in done:
        call.out.line(text.visible(words))
    rows = [[one.what, one.state, one.detail] for one in checks]
    rows += [[one.part, one.state, f"{one.path}: {one.detail}" if one.detail else one.path] for one in findings]
    call.out.table(["check", "state", "detail"], rows)
    if any(one.state == health.MENDABLE for one in bad):
        call.out.line("'telex doctor --repair' mends what is mendable, after a backup")
    if drifted:
        call.out.line("'telex install' writes telex's own entries anew")
    return int(bool(bad or drifted))


class Failed(Record):
    """What was not done for one client, while the others were served."""

    client: str
    code: str
    message: str
    hint: str


def install(call: Call) -> int:
    """`telex install [CLIENT]`: 1 when a client could not be served; the others are all the same."""
    if "print" in call.args.flags:
        return _print(call)
    if "mcp" in call.args.flags:
        extras.require("mcp")
    asked = not call.args.word("client") or "only" in call.args.flags
    if asked and not _dry(call) and not _agreed(call):
        call.out.line("nothing written")
        return 0
    changes, failed = _each(call, _found(call), _installing(call, dry_run=_dry(call)))
    changes += _servers_where_asked(call, [one.client for one in failed])
    _say(call, changes, failed, "nothing to do: everything is installed")
    if not call.out.as_json and not _dry(call):
        if len({one.client for one in failed}) < len(_found(call)):
            call.out.line("sessions that start from now on are connected; 'telex status' shows what is installed")
        for words in dict.fromkeys(one for client in dict(changes) for one in _to_know(call, client)):
            call.out.line(words)
    return int(bool(failed))


def _print(call: Call) -> int:
    """What belongs into the files of one client, for a program that generates them."""
    client = call.args.word("client")
    if not client or "as-plugin" in call.args.flags:
        problem = "--print prints the settings of one client: name it" if not client else "a plugin has no settings"
        raise Usage(problem=problem, verb="install")
    call.out.json({"files": entries.of(client, _scope(call), _place(client), _extras(call, client))})
    return 0


def _servers_where_asked(call: Call, failed: list[str]) -> list[tuple[str, Change]]:
    """The MCP server for each client whose sandbox keeps its agent from sending, where the person at this terminal
    wants it."""
    if _dry(call) or not _may_ask(call) or _scope(call) != types.USER:
        return []
    added = []
    for client, place in _found(call):
        why = "" if client in failed else sandbox.remark(client, place)
        if why and _yes(f"{text.visible(why)}\nadd telex's MCP server to {client}? [Y/n] "):
            extras.require("mcp")
            form = "as-plugin" in call.args.flags
            found = modes.install(client, types.USER, place, as_plugin=form, also=(types.SERVER,))
            added += [(client, one) for one in found if one.action != "unchanged"]
    return added


def _to_know(call: Call, client: str) -> list[str]:
    """What the person still has to do, or should know: the client's trust step, another version, a switch set off."""
    found = inspection.inspect(client, _scope(call), **_place(client))
    states = (inspection.BROKEN, inspection.UNTRUSTED)
    broken = [
        text.visible(f"telex: {one.path}: {one.detail}" if one.part == LAUNCHERS else f"{client}: {one.detail}")
        for one in found
        if one.state in states
    ]
    shut = text.visible(sandbox.remark(client, _place(client)))
    return [words for words in (shut, versions.remark(client, os.environ, ask=True), *broken) if words]


def _installing(call: Call, *, dry_run: bool) -> Act:
    form = "as-plugin" in call.args.flags
    return lambda client, place: modes.install(
        client, _scope(call), place, as_plugin=form, dry_run=dry_run, also=_extras(call, client)
    )


def _each(call: Call, chosen: list[tuple[str, Place]], act: Act) -> tuple[list[tuple[str, Change]], list[Failed]]:
    """What is done, client by client; one that fails does not keep the next from being served. Raises what a client
    that was named fails with."""
    changes: list[tuple[str, Change]] = []
    failed: list[Failed] = []
    for client, place in chosen:
        try:
            found = act(client, place)
        except (StoreFault, Refused) as problem:
            if call.args.word("client"):
                raise
            failed.append(Failed(client=client, code=problem.code, message=problem.message, hint=problem.advice))
            continue
        known = [(one.path, one.detail) for _, one in changes]
        changes += [(client, one) for one in found if one.detail != LAUNCHERS or (one.path, one.detail) not in known]
    whole = [f"{one.path}/" for _, one in changes if one.detail == LAUNCHERS]  # one of them went before the rest
    return [
        pair for pair in changes if pair[1].detail != LAUNCHERS or not pair[1].path.startswith(tuple(whole))
    ], failed


def _agreed(call: Call) -> bool:
    """Whether the person at this terminal wants what would be written. Raises NobodyToAsk."""
    if "yes" in call.args.flags:
        return True
    planned, failed = _each(call, _found(call), _installing(call, dry_run=True))
    if all(one.action == "unchanged" for _, one in planned):
        return True
    if not _may_ask(call):
        raise NobodyToAsk()
    _say(call, planned, failed, "")
    if any(types.DENIED in _extras(call, client) for client, _ in planned):
        call.out.line("without SendMessage a session of Claude Code cannot write to subagents that it started either")
    return _yes("write this? [Y/n] ")


def _may_ask(call: Call) -> bool:
    """Whether somebody sits at a terminal and has not said yes to everything already."""
    return not ("yes" in call.args.flags or call.out.as_json) and sys.stdin.isatty() and sys.stdout.isatty()


def _yes(question: str) -> bool:
    remark(question, end="")
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def uninstall(call: Call) -> int:
    """`telex uninstall [CLIENT]`: 1 when telex could not be taken out of a client; it is out of the others."""
    changes, failed = _each(
        call,
        _chosen(call),
        lambda client, place: modes.uninstall(
            client, _scope(call), place, dry_run=_dry(call), only=_extras(call, client)
        ),
    )
    _say(call, changes, failed, "nothing of telex is installed there")
    left = [one.where for one in manifest.all_of(home_directory()) if one.where.scope != types.USER]
    if left and not (call.args.word("client") or call.out.as_json or _dry(call)):
        directories = sorted({one.project_dir for one in left})
        scopes = " or ".join(sorted({one.scope for one in left}, reverse=True))
        call.out.line(f"still installed for projects: {', '.join(map(text.visible, directories))}")
        call.out.line(f"'telex uninstall --scope {scopes}' in the directory takes it out there")
    return int(bool(failed))


def _extras(call: Call, client: str) -> tuple[str, ...]:
    """The parts that are asked for by an option; those that one client has, only of that one or of a named client."""
    flags = call.args.flags
    asked = [types.SERVER] if "mcp" in flags else []
    if client == modes.CLIENT or call.args.word("client"):
        asked += [part for flag, part in _OF_CLAUDE.items() if flag in flags]
    return tuple(asked)


def _chosen(call: Call) -> list[tuple[str, Place]]:
    """The client that is named, or those that are on this machine or have something of telex."""
    known = {_of_plugin(kept.client) for kept in manifest.all_of(home_directory())}
    known |= set(registry.present(_user_home(), os.environ))
    return _placed(call, [name for name in registry.names() if name in known])


def _found(call: Call) -> list[tuple[str, Place]]:
    """The client that is named, or those that are on this machine."""
    return _placed(call, registry.present(_user_home(), os.environ))


def _placed(call: Call, clients: list[str]) -> list[tuple[str, Place]]:
    """The client that is named, where the environment says; or all, wherever telex is installed in them besides."""
    wanted = call.args.word("client")
    if wanted or _scope(call) != types.USER:
        having = [name for name in clients if _scope(call) in registry.client(name).scopes]
        return [(name, _place(name)) for name in ([wanted] if wanted else having or clients)]
    return [(name, place) for name in clients for place in _places(name)]


def _places(client: str) -> list[Place]:
    """The configuration directory that the environment says, and the others that telex was installed into."""
    first = _place(client)
    others = sorted(
        one.where.config_dir
        for one in manifest.all_of(first["home"])
        if _of_plugin(one.client) == client and one.where.scope == types.USER
    )
    return [{**first, "config_dir": one} for one in dict.fromkeys([first["config_dir"], *others])]


def _of_plugin(client: str) -> str:
    """The client that a record is of: Claude Code's plugin has one of its own."""
    return client.removesuffix("-plugin")


def _dry(call: Call) -> bool:
    return "dry-run" in call.args.flags


def _scope(call: Call) -> str:
    return call.args.option("scope") or types.USER


def _place(client: str) -> Place:
    return places.of(client, home_directory(), here(), os.environ)


def _findings(home: str) -> list[Finding]:
    """Every file of every client, in the user's scope and in this directory's."""
    found: list[Finding] = []
    here_now = registry.present(_user_home(), os.environ)
    for name in registry.names():
        for scope in registry.client(name).scopes:
            try:
                places_of = _places(name) if scope == types.USER else [_place(name)]
                listed = [one for place in places_of for one in modes.inspect(name, scope, place)]
            except Usage:
                continue  # the home directory is no project
            except PathNotAbsolute as problem:  # the client's, not telex's: the others are looked at all the same
                listed = [_misplaced(name, problem)] if name in here_now else []
            if (scope == types.USER and name in here_now) or any(
                one.state != inspection.NOT_INSTALLED for one in listed
            ):
                found += [one for one in listed if one not in found]
    for kept in manifest.all_of(home):
        if kept.client in aliases.BY_CLIENT:
            place: Place = {**_place(registry.names()[0]), "config_dir": kept.where.config_dir}
            listed = inspection.inspect(aliases.BY_CLIENT[kept.client], types.USER, **place)
            found += [one for one in listed if one not in found]
    return found


def _misplaced(client: str, problem: PathNotAbsolute) -> Finding:
    path = os.environ.get(registry.client(client).config_variable, "")
    return inspection.Finding(path=path, part=types.HOOKS, state=inspection.BROKEN, detail=problem.message)


def _offers() -> list[Capability]:
    """What the clients of this machine offer."""
    return [hook_points.capability(registry.client(name)) for name in registry.present(_user_home(), os.environ)]


def _say(call: Call, changes: list[tuple[str, Change]], failed: list[Failed], nothing: str) -> None:
    if call.out.as_json:
        listed = [{"client": client, **one.as_dict()} for client, one in changes]
        call.out.json({"changes": listed, "failed": failed})
        return
    real = [(client, one) for client, one in changes if one.action != "unchanged"]
    if not real and not failed:
        call.out.line(nothing)
    for client, one in real:
        detail = f" ({text.visible(one.detail)})" if one.detail else ""
        whose = "telex" if one.detail == LAUNCHERS else client
        call.out.line(f"{whose}: {one.action} {text.visible(one.path)}{detail}")
        if one.diff and _dry(call):
            call.out.line(one.diff.rstrip("\n"))
    for fault in failed:
        call.out.flush()
        remark(f"telex: {fault.client}: {fault.message}")
        remark(f"hint: {fault.hint}")


def _user_home() -> str:
    return homes.of_user(os.environ)
