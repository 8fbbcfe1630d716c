"""Walking through every state that the model of the bell can reach, and judging each."""

from __future__ import annotations

from collections.abc import Iterator

from tests.crash.bell_model import DONE, Local, Program, World

State = tuple[World, tuple[Local, ...]]


def moves(state: State, programs: tuple[Program, ...], *, kills: bool) -> Iterator[State]:
    """Every state that one step of one process leads to."""
    world, locals_ = state
    for number, (local, program) in enumerate(zip(locals_, programs, strict=True)):
        if local.at == DONE:
            continue
        me = str(number)

        def put(one: Local, where: int = number) -> tuple[Local, ...]:
            return (*locals_[:where], one, *locals_[where + 1 :])

        for next_world, moved in program[local.at](world, local, me):
            yield next_world, put(Local(at=DONE) if moved.at >= len(program) else moved)
        if kills:
            freed = world._replace(
                lock="" if world.lock == me else world.lock,
                inbox="" if world.inbox == me else world.inbox,
                killed=True,
            )
            yield freed, put(Local(at=DONE))


def wrong(state: State, programs: tuple[Program, ...], *, last: bool) -> str:
    """What is wrong with a state; `last` says that nobody in it can move."""
    world, locals_ = state
    if world.queued and world.bell not in world.bells:
        return "mail waits behind a silent bell"
    if world.committed - world.queued - world.shown:
        return "recorded as shown and never shown"
    if world.twice and not world.killed:
        return "shown twice though nobody was killed"
    if last and world.queued and any(local.at != DONE for local in locals_):
        return "somebody sleeps while mail waits"
    return ""


def explore(programs: tuple[Program, ...], *, kills: bool = True) -> tuple[int, list[str]]:
    """Walk through every state that can be reached: how many there are, and what is wrong in any of them."""
    start: State = World(), tuple(Local() for _ in programs)
    known, open_ = {start}, [start]
    found: set[str] = set()
    while open_:
        state = open_.pop()
        followers = list(moves(state, programs, kills=kills))
        living = [one for one in followers if not one[0].killed or state[0].killed]
        if words := wrong(state, programs, last=not living):
            found.add(words)
        for one in followers:
            if one not in known:
                known.add(one)
                open_.append(one)
    return len(known), sorted(found)
