"""status, doctor, install, uninstall."""

from __future__ import annotations

import os
import sys

from telex.bus import health, here
from telex.cli.output import remark
from telex.clients import aliases, forms, inspection, manifest, moments, places, registry, sandbox, versions
from telex.core import text
from telex.errors import Usage
from telex.wiring import home_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.main import Call
    from telex.clients.inspection import Finding
    from telex.clients.moments import Capability
    from telex.clients.places import Place
    from telex.clients.plan import Change


def status(call: Call) -> int:
    """`telex status`: 0 when everything that is installed works, 1 when something is broken or edited."""
    home = home_directory()
    findings = _findings(home)
    checks = health.check(home)
    bad = any(one.state != health.OK for one in checks)
    bad = bad or any(one.state in (inspection.BROKEN, inspection.DRIFTED) for one in findings)
    if call.out.as_json:
        told = {"home": home, "installed": findings, "checks": checks, "clients": _offers()}
        call.out.json({**told, "well": not bad})
        return int(bad)
    rows = [[one.part, one.state, text.place(one.path, _user_home(), 80), one.detail or "-"] for one in findings]
    call.out.table(["part", "state", "file", "detail"], rows)
    call.out.line()
    offers = [[one.client, moments.mail_at(one), moments.last_seen(one)] for one in _offers()]
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
    drifted = [one for one in findings if one.state in (inspection.BROKEN, inspection.DRIFTED)]
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


def install(call: Call) -> None:
    """`telex install [CLIENT]`"""
    if not call.args.word("client") and not _dry(call) and not _agreed(call):
        call.out.line("nothing written")
        return
    changes = _install(call, dry_run=_dry(call)) + _servers_where_asked(call)
    _say(call, changes, "nothing to do: everything is installed")
    if not call.out.as_json and not _dry(call):
        call.out.line("sessions that start from now on are connected; 'telex status' shows what is installed")
        for words in [one for client in dict(changes) for one in _to_know(call, client)]:
            call.out.line(words)


def _servers_where_asked(call: Call) -> list[tuple[str, Change]]:
    """The MCP server for each client whose sandbox keeps its agent from sending, where the person at this terminal
    wants it."""
    if _dry(call) or not _may_ask(call) or _scope(call) != registry.USER:
        return []
    added = []
    for client, place in _found(call):
        why = sandbox.remark(client, place)
        if why and _yes(f"{text.visible(why)}\nadd telex's MCP server to {client}? [Y/n] "):
            form = "as-plugin" in call.args.flags
            found = forms.install(client, registry.USER, place, as_plugin=form, also=(registry.SERVER,))
            added += [(client, one) for one in found if one.action != "unchanged"]
    return added


def _to_know(call: Call, client: str) -> list[str]:
    """What the person still has to do, or should know: the client's trust step, another version, a switch set off."""
    found = inspection.inspect(client, _scope(call), **_place(client))
    broken = [f"{client}: {text.visible(one.detail)}" for one in found if one.state == inspection.BROKEN]
    advice = registry.advice(registry.client(client))
    shut = text.visible(sandbox.remark(client, _place(client)))
    return [words for words in (advice, shut, versions.remark(client, os.environ, ask=True), *broken) if words]


def _install(call: Call, *, dry_run: bool) -> list[tuple[str, Change]]:
    changes = []
    for client, place in _found(call):
        form = "as-plugin" in call.args.flags
        found = forms.install(client, _scope(call), place, as_plugin=form, dry_run=dry_run, also=_extras(call, client))
        changes += [(client, one) for one in found]
    return changes


def _agreed(call: Call) -> bool:
    """Whether a person at a terminal wants what would be written; who is not at one has said so by the command."""
    if not _may_ask(call):
        return True
    planned = _install(call, dry_run=True)
    if all(one.action == "unchanged" for _, one in planned):
        return True
    _say(call, planned, "")
    return _yes("write this? [Y/n] ")


def _may_ask(call: Call) -> bool:
    """Whether somebody sits at a terminal and has not said yes to everything already."""
    return not ("yes" in call.args.flags or call.out.as_json) and sys.stdin.isatty() and sys.stdout.isatty()


def _yes(question: str) -> bool:
    remark(question, end="")
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def uninstall(call: Call) -> None:
    """`telex uninstall [CLIENT]`"""
    changes = []
    for client, place in _chosen(call):
        found = forms.uninstall(client, _scope(call), place, dry_run=_dry(call), only=_extras(call, client))
        changes += [(client, one) for one in found]
    _say(call, changes, "nothing of telex is installed there")


def _extras(call: Call, client: str) -> tuple[str, ...]:
    """The parts that are asked for by an option; the status line, which one client has, only of that one."""
    asked = (registry.SERVER,) if "mcp" in call.args.flags else ()
    has_line = client == forms.CLIENT or call.args.word("client")
    return (*asked, registry.LINE) if "status-line" in call.args.flags and has_line else asked


def _chosen(call: Call) -> list[tuple[str, Place]]:
    """The client that is named, or those that are on this machine or have something of telex."""
    wanted = call.args.word("client")
    known = {kept.client for kept in manifest.all_of(home_directory())}
    known |= set(registry.present(_user_home(), os.environ))
    return [(name, _place(name)) for name in ([wanted] if wanted else registry.names()) if wanted or name in known]


def _found(call: Call) -> list[tuple[str, Place]]:
    """The client that is named, or those that are on this machine."""
    wanted = call.args.word("client")
    return [(name, _place(name)) for name in ([wanted] if wanted else registry.present(_user_home(), os.environ))]


def _dry(call: Call) -> bool:
    return "dry-run" in call.args.flags


def _scope(call: Call) -> str:
    return call.args.option("scope") or registry.USER


def _place(client: str) -> Place:
    return places.of(client, home_directory(), here(), os.environ)


def _findings(home: str) -> list[Finding]:
    """Every file of every client, in the user's scope and in this directory's."""
    found: list[Finding] = []
    here_now = registry.present(_user_home(), os.environ)
    for name in registry.names():
        for scope in registry.client(name).scopes:
            try:
                listed = forms.inspect(name, scope, _place(name))
            except Usage:
                continue  # the home directory is no project
            if (scope == registry.USER and name in here_now) or any(
                one.state != inspection.NOT_INSTALLED for one in listed
            ):
                found += [one for one in listed if one not in found]
    for kept in manifest.all_of(home):
        if kept.client in aliases.BY_CLIENT:
            place: Place = {**_place(registry.names()[0]), "config_dir": kept.where.config_dir}
            listed = inspection.inspect(aliases.BY_CLIENT[kept.client], registry.USER, **place)
            found += [one for one in listed if one not in found]
    return found


def _offers() -> list[Capability]:
    """What the clients of this machine offer."""
    return [moments.capability(registry.client(name)) for name in registry.present(_user_home(), os.environ)]


def _say(call: Call, changes: list[tuple[str, Change]], nothing: str) -> None:
    if call.out.as_json:
        call.out.json({"changes": [{"client": client, **one.as_dict()} for client, one in changes]})
        return
    real = [(client, one) for client, one in changes if one.action != "unchanged"]
    if not real:
        call.out.line(nothing)
    for client, one in real:
        detail = f" ({text.visible(one.detail)})" if one.detail else ""
        call.out.line(f"{client}: {one.action} {text.visible(one.path)}{detail}")
        if one.diff and _dry(call):
            call.out.line(one.diff.rstrip("\n"))


def _user_home() -> str:
    return places.user_home(os.environ)
