"""relay serve, team create, team list, team code, backup, restore: what a relay's operator runs on its host."""

from __future__ import annotations

import asyncio
import os
from typing import TypeVar

from telex import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telex.cli.call import Call
    from telex.relay.admin import OwnerCode
    from telex.relay.interfaces import Log

Found = TypeVar("Found")


def serve(call: Call) -> None:
    """`telex relay serve`"""
    from telex.relay import quota
    from telex.relay import serve as server
    from telex.wiring import open_relay

    args = call.args
    where = server.place(
        args.option("listen") or f"127.0.0.1:{limits.RELAY_PORT}",
        args.option("cert"),
        args.option("key"),
        args.option("public-url"),
    )
    quotas = quota.from_environment(os.environ)
    log, parts = open_relay(args.option("log"))

    def tell(url: str) -> None:
        if call.out.as_json:
            call.out.json({"url": url})
        else:
            call.out.line(f"serving at {url}")
        call.out.flush()

    server.serve(log, parts, where, quotas, tell)


def team_create(call: Call) -> None:
    """`telex relay team create`"""
    from telex.relay import admin

    _print_code(call, _with_log(call, lambda log: admin.create(log, call.args.word("team"))))


def team_code(call: Call) -> None:
    """`telex relay team code`"""
    from telex.relay import admin

    _print_code(call, _with_log(call, lambda log: admin.code(log, call.args.word("team"))))


def team_list(call: Call) -> None:
    """`telex relay team list`"""
    from telex.core import text
    from telex.relay import admin

    async def listed(log: Log) -> list[admin.HostedTeam]:
        return admin.teams(log)

    found = _with_log(call, listed)
    if call.out.as_json:
        call.out.json({"teams": found})
    elif not found:
        call.out.line("no teams; 'telex relay team create NAME' makes one")
    else:
        rows = [
            [one.name, str(one.machines), str(one.messages), str(one.bytes), text.when(one.made_ms)] for one in found
        ]
        call.out.table(["team", "machines", "messages", "bytes", "made"], rows)


def team_machines(call: Call) -> None:
    """`telex relay team machines`"""
    from telex.core import text
    from telex.relay import admin

    async def listed(log: Log) -> list[admin.HostedMachine]:
        return admin.machines(log, call.args.word("team"))

    found = _with_log(call, listed)
    if call.out.as_json:
        call.out.json({"machines": found})
        return
    rows = [
        [
            one.name or one.id,
            one.role or "removed",
            str(one.waiting),
            str(one.bytes),
            text.when(one.seen_ms) if one.seen_ms else "-",
        ]
        for one in found
    ]
    call.out.table(["machine", "role", "waiting", "bytes", "seen"], rows)


def team_drop(call: Call) -> None:
    """`telex relay team drop`"""
    from telex.relay import admin

    team, machine = call.args.word("team"), call.args.word("machine")
    count = _with_log(call, lambda log: admin.drop(log, team, machine))
    if call.out.as_json:
        call.out.json({"team": team, "machine": machine, "entries": count})
    else:
        call.out.line(
            f"{count} entries of {machine} are empty now; their readers are told that the operator removed them"
        )


def backup(call: Call) -> None:
    """`telex relay backup`"""
    from telex.relay import state_file
    from telex.wiring import relay_path

    target = os.path.abspath(call.args.word("file"))
    size = state_file.backup(relay_path(call.args.option("log")), target)
    if call.out.as_json:
        call.out.json({"file": target, "bytes": size})
    else:
        call.out.line(f"{target} has the relay as it was at one moment: {size} bytes")


def restore(call: Call) -> None:
    """`telex relay restore`"""
    from telex.relay import state_file
    from telex.wiring import relay_path

    source = os.path.abspath(call.args.word("file"))
    epoch = state_file.restore(relay_path(call.args.option("log")), source)
    if call.out.as_json:
        call.out.json({"file": source, "epoch": epoch})
    else:
        call.out.line(f"restored from {source}; every machine reads again and offers again what is missing")


def _with_log(call: Call, act: Callable[[Log], Awaitable[Found]]) -> Found:
    """Do something with the relay's log, beside the process that serves it or without one."""
    from telex.wiring import open_relay

    async def run() -> Found:
        log, _ = open_relay(call.args.option("log"), serving=False)
        await log.start(lambda _touched: None, lambda _commands, _seconds: None)
        try:
            return await act(log)
        finally:
            await log.close()

    return asyncio.run(run())


def _print_code(call: Call, made: OwnerCode) -> None:
    if call.out.as_json:
        call.out.json(made)
        return
    minutes = limits.INVITATION_MS // 60_000
    call.out.line(f"{made.code}  (founds {made.team}; one try, {minutes} minutes)")
    call.out.line("on the first owner's machine: telex link join URL; it asks for the code")
