"""How the relays of a cluster agree on what their files are made from, also after the stream was lost or went back.

Rules kept here:
- an agreement is changed by compare-and-set only; whoever comes second looks again;
- a relay that has obeyed what the stream has no more says so: it puts its own file into the cluster as what comes
  before the stream, under a new epoch, so that every machine reads again and offers again. What is in the stream and
  in that file is obeyed once, because the file has the ids;
- a relay that knows little lets those speak first that know more, and takes over what they know;
- no file is thrown away that the agreement does not contain: it is put aside.
"""

from __future__ import annotations

import asyncio
import gzip
import os
import secrets
import shutil

import msgspec
from nats.js import errors as refused

from telex import limits
from telex.relay import logs, state_file
from telex.relay.jetstream.connection import Agreed, Agreement, Cluster, State
from telex.relay.state import Book

_PAST = 50  # epochs named in an agreement


class Agreeing:
    """One relay's part in it. Nobody writes to its file meanwhile."""

    def __init__(self, cluster: Cluster, path: str, book: Book) -> None:
        self._cluster = cluster
        self._path = path
        self._book = book

    @property
    def _position(self) -> int:
        return int(self._book.value("book.position"))

    @property
    def _base(self) -> str:
        return str(self._book.value("ordered.base"))

    @property
    def _blank(self) -> bool:
        return not self._position and not self._book.rows("team.ids")

    async def settle(self) -> Agreement:
        """Until this file is made from what is agreed, and the stream goes on after it; the agreement."""
        second_hand = False
        while True:
            state, found = await self._cluster.state(), await self._cluster.agreed()
            if found is not None and found.said.name != self._base:
                if self._knows_more(found.said):
                    await self._propose(state, found)
                else:
                    await self._load(found.said)
                    second_hand = True
            elif found is None or found.said.stream != state.identity or await self._surely_went_back(found.said):
                if second_hand:
                    second_hand = False
                    await asyncio.sleep(limits.CLUSTER_GRACE_SECONDS)
                else:
                    await self._propose(state, found)
            elif self._position < state.first - 1:
                await self._load(found.said)
            else:
                return found.said

    def _knows_more(self, said: Agreement) -> bool:
        """Whether others began from nothing, because they did not know what this relay has."""
        return not self._blank and not said.snapshot and self._base not in said.past

    async def went_back(self, state: State, said: Agreement) -> bool:
        """Whether the stream lacks something that this file was made from, or that nobody has read yet."""
        position = self._position
        if position > state.last or state.first - 1 > max(position, said.after):
            return True
        return 0 < position >= state.first and not await self._fits(position)

    async def _surely_went_back(self, said: Agreement) -> bool:
        """The same, asked a few times: a leader of the cluster that was asleep may say what was true before."""
        for _ in range(limits.CLUSTER_LOOKS):
            if not await self.went_back(await self._cluster.state(), said):
                return False
            await asyncio.sleep(limits.CLUSTER_BEAT_SECONDS)
        return True

    async def _fits(self, position: int) -> bool:
        """Whether the stream has at a place what this file has there."""
        return bool(self._book.value("ordered.place", await self._cluster.id_at(position)) == position)

    async def _common(self, state: State) -> int:
        """The last place up to which the stream and this file are the same; before its first where they never are."""
        low = max(state.first, self._book.value("ordered.first")) - 1
        high, found = min(self._position, state.last), state.first - 1
        while low < high:
            middle = (low + high + 1) // 2
            if await self._fits(middle):
                low = found = middle
            else:
                high = middle - 1
        return found

    async def _propose(self, state: State, found: Agreed | None) -> None:
        """Say what the stream goes on from: this file. Somebody else may have said something meanwhile."""
        before = found.said if found else None
        after = state.first - 1 if self._blank else await self._common(state)
        name = state_file.new_epoch()
        past = [*(before.past if before else []), *([before.name] if before else []), self._base]
        said = Agreement(
            name=name,
            past=[one for one in dict.fromkeys(past) if one][-_PAST:],
            epoch=state_file.new_epoch(),
            stream=state.identity,
            after=after,
            snapshot="" if self._blank else f"{name}-{after}",
        )
        if said.snapshot:
            await self._put(said.snapshot, said)
        done = await self._cluster.agree(said, found.revision if found else 0)
        logs.say("log-agreed" if done else "log-agreed-elsewhere", after=after, first=state.first, last=state.last)

    async def _put(self, name: str, said: Agreement | None = None) -> tuple[str, int]:
        """Put this file into the cluster, as what it begins with where that is said; its epoch and place."""
        made = f"{self._path}.{secrets.token_hex(4)}.out"
        try:
            found = await asyncio.to_thread(_pack, self._path, made, said)
            with open(f"{made}.gz", "rb") as packed:
                await self._cluster.objects.put(name, packed)
            return found
        finally:
            _remove(made)

    async def _load(self, said: Agreement) -> None:
        """Make this file from an agreement's snapshot."""
        made = f"{self._path}.{secrets.token_hex(4)}.in"
        known = [*said.past, said.name]
        aside = "" if self._blank or self._base in known else f"{self._path}.{self._book.epoch}"
        try:
            if said.snapshot:
                with open(f"{made}.gz", "wb") as packed:
                    async with asyncio.timeout(limits.CLUSTER_LOAD_SECONDS):
                        await self._cluster.objects.get(said.snapshot, packed)
            await asyncio.to_thread(_install, self._path, made, said, aside)
        except refused.ObjectNotFoundError:
            await asyncio.sleep(limits.CLUSTER_PAUSE_SECONDS)  # a newer one took its place
        finally:
            _remove(made)
        logs.say("log-loaded", after=said.after)

    async def keep(self, said: Agreement) -> None:
        """Put this file into the cluster as the new beginning, under the same epoch, and cut the stream before the
        last one: who starts, or was away, has less to read."""
        found = await self._cluster.agreed()
        if found is None or found.said != said:
            return
        name = f"{said.name}-{secrets.token_hex(4)}"
        epoch, position = await self._put(name)
        kept = msgspec.structs.replace(said, epoch=epoch, after=position, snapshot=name)
        if not await self._cluster.agree(kept, found.revision):
            await self._cluster.objects.delete(name)
            return
        await self._cluster.cut(said.after + 1)
        if said.snapshot:
            await self._cluster.objects.delete(said.snapshot)
        logs.say("log-kept", after=position)


def _pack(path: str, made: str, said: Agreement | None) -> tuple[str, int]:
    """A packed copy of a file as of one moment, or as what is said to begin with; its epoch and place."""
    state_file.backup(path, made)
    book = state_file.open_book(made)
    if said is not None:
        book.run("ordered.begin", said.name, said.epoch, said.after)
        book.run("ordered.move", said.after, said.after)
    found = book.epoch, int(book.value("book.position"))
    book.con.close()
    with open(made, "rb") as source, gzip.open(f"{made}.gz", "wb", compresslevel=1) as packed:
        shutil.copyfileobj(source, packed)
    return found


def _install(path: str, made: str, said: Agreement, aside: str) -> None:
    """Put a packed copy, or nothing at all, in the place of what is in a file."""
    if aside:
        _remove(aside)
        state_file.backup(path, aside)
    if said.snapshot:
        with gzip.open(f"{made}.gz", "rb") as packed, open(made, "xb", opener=_private) as target:
            shutil.copyfileobj(packed, target)
    state_file.prepare(made)
    book = state_file.open_book(made)
    book.run("ordered.begin", said.name, said.epoch, said.after)
    book.con.close()
    state_file.copy(made, path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _remove(path: str) -> None:
    for name in (path, f"{path}.gz", f"{path}-wal", f"{path}-shm"):
        try:
            os.unlink(name)
        except FileNotFoundError:
            pass
