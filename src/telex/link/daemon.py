"""The link's process: one for each machine, as long as it is in a team.

Rules kept here:
- a kernel lock on `link/lock` decides who is the one, so that whoever is killed has given it back;
- it stays while nobody is here: what comes for sessions to come, receipts and invitations need somebody; it ends when
  the machine leaves or pauses, when it was removed, and when it is told to;
- whatever it does, it may be killed before and after: what is durable is in the store, whose transactions are whole;
- it sleeps: on the link's bell, on the turns of sessions, on the relay's answer. A machine that was asleep itself, or
  whose clock jumped, looks again at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable

from telex import limits
from telex.db.connection import Store
from telex.errors import StoreFault, TelexError
from telex.fs import bells
from telex.fs.lock import FileLock
from telex.fs.watch import Watch
from telex.link import keys
from telex.link.context import Line, first_of
from telex.link.http import Relay
from telex.link.log import Log
from telex.link.membership import Membership
from telex.link.presence import Presence
from telex.link.pull import Pull
from telex.link.push import Push
from telex.team import link_state


def run(db: Store, *, aloud: bool = False) -> str:
    """Send and fetch until the link ends; why it ended, '' where another process does it already.

    Raises KeysUnusable, StoreFault.
    """
    keys.directory(db.home)
    lock = FileLock(f"{db.home}/{link_state.LOCK}")
    if not lock.acquire_within(limits.LINK_LOCK_MS):  # who only looks whether it is held, holds it for a moment
        return ""
    log = Log(db.home, aloud)
    try:
        return asyncio.run(_serve(db, log))
    except Exception as problem:  # nobody may read what it would print: `telex link status` has to say it
        failed = f"telex failed at this ({type(problem).__name__})"
        words = problem.message if isinstance(problem, TelexError) else failed
        log.line(f"link: {words}")
        with db.write():
            link_state.reached(db, Line.now_ms(), words)
        raise
    finally:
        lock.close()


async def _serve(db: Store, log: Log) -> str:
    linked = link_state.load(db)
    if linked is None or linked.paused:
        return "the link rests" if linked else "this machine is in no team"
    own = Membership(db, keys.machine(db.home))
    async with Relay(linked.relay, own.own.machine, own.own.sign) as relay:
        line = Line(db, relay, own, log)
        _heed_signals(line)
        log.line(f"link: process {os.getpid()} serves {linked.team_name} at {linked.relay}")
        with (
            Watch(f"{db.home}/{bells.BELLS}", link_state.BELL) as bell,
            Watch(f"{db.home}/{bells.TURNS}", "") as turns,
        ):
            _listen(bell, lambda: _rung(line))
            _listen(turns, line.residing.set)
            await _work(line)
    log.line(f"link: process {os.getpid()} ends: {line.why}")
    return line.why


async def _work(line: Line) -> None:
    """Run every task until the link is over, and see each to its end."""
    pull = Pull(line)
    presence = Presence(line)
    steps = {"push": Push(line).step, "pull": pull.step, "presence": presence.step}
    tasks = [asyncio.ensure_future(line.steady(name, step)) for name, step in steps.items()]
    tasks.append(asyncio.ensure_future(_keep_awake(line)))
    over = asyncio.ensure_future(line.over.wait())
    await asyncio.wait([over, *tasks], return_when=asyncio.FIRST_COMPLETED)
    line.over.set()
    for one in tasks:
        one.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    await pull.close()
    presence.close()
    over.cancel()
    for found in ended:
        if isinstance(found, Exception):
            raise found


def _heed_signals(line: Line) -> None:
    """End in good order when told to."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, line.end, f"told to by {number.name}")


def _listen(watch: Watch, then: Callable[[], None]) -> None:
    """Have something done when a watched directory moves; where the system has no such thing, `_keep_awake` looks."""

    def moved() -> None:
        watch.drain()
        then()

    if watch.fileno() >= 0:
        asyncio.get_running_loop().add_reader(watch.fileno(), moved)


def _rung(line: Line) -> None:
    """Some bell moved: where it is the link's, something is to be sent or told, or the link is to end."""
    if bells.rings(line.db.home, link_state.BELL):
        line.outgoing.set()
        line.residing.set()


async def _keep_awake(line: Line) -> None:
    """Look now and then: for what a bell did not say, for the end of the link, for a machine that slept."""
    slept = _asleep_s()
    while not line.over.is_set():
        await first_of(line.over, seconds=limits.LINK_LOOK_SECONDS)
        now = _asleep_s()
        if now - slept > 1:
            line.log.line(f"link: the machine was asleep for {int(now - slept)} s")
            line.arriving.set()
            line.residing.set()
            line.heard.set()
        slept = now
        try:
            line.db.check_in_place()
            line.link()
            _rung(line)
        except StoreFault as problem:  # a repair has put another store in its place
            line.end(problem.message)
        except Exception as problem:
            line.failed_at("look", problem)


def _asleep_s() -> float:
    """How long the machine has been suspended since it was started, where the system says so."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.monotonic()
    return 0.0
