"""Machines with homes of their own that pair over a real relay, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from telex.core.members import MEMBER
from telex.crypto import words
from telex.crypto.words import Code
from telex.db.connection import Store
from telex.link import keys, pairing
from telex.link.http import Relay
from telex.link.membership import Membership
from telex.team import link_state

T = TypeVar("T")


class Home:
    """One machine."""

    def __init__(self, root: Path, name: str, url: str) -> None:
        self.path = root / name
        self.name = name
        self.url = url
        self.db = Store(str(self.path))

    @property
    def own(self) -> Membership:
        """The team as this machine has it in its store."""
        return Membership(self.db, keys.machine(self.db.home))

    @property
    def linked(self) -> link_state.Link | None:
        """The row that says so."""
        return link_state.load(self.db)

    async def join(self, code: Code, name: str = "", exact: bool = True) -> link_state.Link:
        """Join with a code."""
        return await pairing.join(self.db, self.url, code, pairing.Wish(name or self.name, exact=exact))

    def found(self, code: str) -> Home:
        """Be the first owner."""
        asyncio.run(self.join(words.parse(code)))
        return self

    def asks(self, act: Callable[[Relay, Membership], Awaitable[T]]) -> T:
        """Do something at the relay as this machine."""

        async def run() -> T:
            own = self.own
            async with Relay(self.url, own.own.machine, own.own.sign) as relay:
                return await act(relay, own)

        return asyncio.run(run())

    def invites(self, role: str = MEMBER, now_ms: int = 0) -> Code:
        """A code."""
        import time

        at_ms = now_ms or int(time.time() * 1000)
        return self.asks(lambda relay, _: pairing.invite(relay, self.db, role, at_ms))[0]

    async def serves(self, code: Code) -> str:
        """Wait until somebody answers, then pair."""
        own = self.own
        async with Relay(self.url, own.own.machine, own.own.sign) as relay:
            query: dict[str, str | int] = {"epoch": "", "after": 0, "records": own.count, "wait_ms": 10_000}
            page = await relay.ask("pull", query=query, wait_s=10)
            while code.nameplate not in page.invitations:
                page = await relay.ask("pull", query={**query, "epoch": page.epoch, "after": page.head}, wait_s=10)
            return await pairing.serve(relay, own, code.nameplate)


async def both(first: Awaitable[object], second: Awaitable[object]) -> list[object]:
    """Two machines at once; what each answered or raised."""
    return list(await asyncio.gather(first, second, return_exceptions=True))


def paired(owner: Home, new: Home, role: str = MEMBER) -> Home:
    """The new machine, in the owner's team."""
    code = owner.invites(role)
    answers = asyncio.run(both(owner.serves(code), new.join(code)))
    assert not any(isinstance(one, BaseException) for one in answers), answers
    return new


@contextmanager
def at(root: Path, url: str) -> Iterator[Callable[[str], Home]]:
    """Makes homes; closes them."""
    made: list[Home] = []

    def home(name: str) -> Home:
        made.append(Home(root, name, url))
        return made[-1]

    try:
        yield home
    finally:
        for one in made:
            one.db.close()
