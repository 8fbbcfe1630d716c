"""What every log of a relay must hold to, whoever puts its commands into order.

A test class for an adapter derives from `LogContract` and says how to `open` it; nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.relay.machines import Chain, Peer, hex_id

from telex import limits
from telex.core import members
from telex.errors.between import RelayRefused
from telex.relay import commands
from telex.relay.interfaces import Log, Parts
from telex.relay.state import JOIN, Book, Wake
from telex.wire import api

DAY_MS = 86_400_000


class World:
    """An open log, two machines of a team in it, and who was woken."""

    def __init__(self, log: Log, parts: Parts) -> None:
        self.log, self.parts = log, parts
        self.woken: set[Wake] = set()
        self.alice, self.bob = Peer("http://127.0.0.1:1", "alice"), Peer("http://127.0.0.1:1", "bob")
        self.chain = Chain(self.alice, hex_id(), "acme")
        self.alice.team = self.bob.team = self.chain.team

    async def start(self) -> None:
        await self.log.start(self.woken.update, lambda _commands, _seconds: None)

    async def do(self, command: commands.Any) -> Any:
        """Submit a command."""
        return await self.log.submit(command)

    async def found(self) -> World:
        """The team, with alice as its owner and bob as a member."""
        for command in founding(self.chain):
            await self.do(command)
        await self.add(self.bob, members.MEMBER)
        return self

    async def add(self, machine: Peer, role: str) -> None:
        record = self.chain.record(members.ADD, machine.said(role))
        await self.do(appending(self.chain, record))
        self.chain.took(record)

    async def refused(self, command: commands.Any) -> str:
        """The code that a command is refused with; it changed nothing."""
        before = dump(self.log.book)
        with pytest.raises(RelayRefused) as caught:
            await self.do(command)
        assert dump(self.log.book) == before
        return str(caught.value.facts["code"])

    def push(self, peer: Peer, *items: api.Item, at_ms: int = 1, **quotas: int) -> commands.Push:
        """A push as a command."""
        most = {"waiting_most": 1_000, "team_bytes_most": 1_000_000, **quotas}
        return commands.Push(
            at_ms=at_ms, team=peer.team, machine=peer.id, origin=peer.origin, items=list(items), **most
        )

    def page(self, peer: Peer, after: int = 0) -> list[bytes]:
        """What waits for a machine."""
        return [row[2] for row in self.log.book.rows("entry.page", peer.team, peer.id, after, 1_000)]

    def close(self) -> None:
        for peer in (self.alice, self.bob):
            peer.client.close()


def founding(chain: Chain) -> list[commands.Any]:
    """The commands that found a team."""
    owner, attempt = chain.owner, hex_id()
    first = chain.record(members.FOUND, owner.said(members.OWNER))
    chain.took(first)
    said: dict[str, Any] = {"nameplate": 7, "attempt": attempt}
    return [
        commands.MakeTeam(at_ms=1, team=chain.team, name=chain.team_name),
        commands.Invite(
            at_ms=1, team=chain.team, machine="", role="owner", nameplates=[7], until_ms=9, most=1, words="two-words"
        ),
        commands.Claim(at_ms=2, message=b"m", answer=b"a", sealed=b"s", secret=b"k", **said),
        commands.Found(at_ms=3, sealed=b"p", answer=b"w", record=first, grants=[chain.grant(owner)], **said),
    ]


def appending(chain: Chain, record: Any, by: Peer | None = None) -> commands.Append:
    """A record as a command."""
    machine = (by or chain.owner).id
    return commands.Append(at_ms=4, team=chain.team, machine=machine, record=record, grants=[])


def dump(book: Book) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in a book but how it came there: the log's own name, and where in a stream it is."""
    tables = [name for (name,) in book.con.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    apart = ("book", "recent")
    rows = {name: book.con.execute(f"SELECT * FROM {name}").fetchall() for name in tables if name not in apart}
    return {name: sorted(found) for name, found in rows.items() if found}


class LogContract:
    """The contract."""

    async def open(self, folder: Path) -> tuple[Log, Parts]:
        """A new log, or the one that was opened in this folder before."""
        raise AssertionError("an adapter says how")

    @asynccontextmanager
    async def world(self, folder: Path) -> AsyncIterator[World]:
        """An open log, closed afterwards."""
        world = World(*await self.open(folder))
        await world.start()
        try:
            yield world
        finally:
            await world.log.close()
            world.close()

    def run(self, test: Coroutine[Any, Any, None]) -> None:
        """Run one test on an event loop of its own."""
        asyncio.run(test)

    def test_a_command_shows_when_it_was_submitted(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                assert [row[1] for row in world.log.book.rows("team.all")] == ["acme"]
                pushed = await world.do(world.push(world.alice, world.alice.item([world.bob.id], b"one")))
                assert pushed.last_oseq == 1
                assert world.page(world.bob) == [b"one"]

        self.run(test())

    def test_a_commit_wakes_those_whom_it_concerns_and_nobody_else(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                world.woken.clear()
                await world.do(world.push(world.alice, world.alice.item([world.bob.id])))
                await asyncio.sleep(0)
                assert world.woken == {(world.chain.team, world.bob.id)}
                world.woken.clear()
                await world.do(appending(world.chain, world.chain.record(members.ROLE, world.bob.said(members.READER))))
                await asyncio.sleep(0)
                assert world.woken == {(world.chain.team, one.id) for one in (world.alice, world.bob)}

        self.run(test())

    def test_a_joiner_wakes_the_inviter(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                invite = commands.Invite(
                    at_ms=5,
                    team=world.chain.team,
                    machine=world.alice.id,
                    role="member",
                    nameplates=[7, 8],
                    until_ms=99,
                    most=5,
                )
                assert (await world.do(invite)).nameplate == 8
                world.woken.clear()
                await world.do(commands.Claim(at_ms=6, nameplate=8, attempt=hex_id(), message=b"m"))
                await asyncio.sleep(0)
                assert world.woken == {(JOIN, "8"), (world.chain.team, world.alice.id)}

        self.run(test())

    def test_what_is_refused_changes_nothing(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                chain, alice, bob = world.chain, world.alice, world.bob
                good, late = alice.item([bob.id]), alice.item([bob.id], key=2)
                assert await world.refused(world.push(alice, good, late)) == "key-old"
                assert await world.refused(world.push(alice, good, team_bytes_most=10)) == "team-full"
                missing = alice.item_numbered(2, [bob.id], blobs=["0" * 64])
                assert await world.refused(world.push(alice, good, missing)) == "part-missing"
                again = commands.MakeTeam(at_ms=9, team=hex_id(), name="acme")
                assert await world.refused(again) == "team-exists"
                by_bob = chain.record(members.ADD, Peer("http://127.0.0.1:1", "carol").said("member"), by=bob)
                assert await world.refused(appending(chain, by_bob, by=bob)) == "role-forbids"
                assert await world.refused(appending(chain, by_bob)) == "record-wrong"

        self.run(test())

    def test_the_same_record_twice_is_one(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                record = world.chain.record(members.ROLE, world.bob.said(members.READER))
                for _ in range(2):
                    await world.do(appending(world.chain, record))
                other = world.chain.record(members.ROLE, world.bob.said(members.OWNER))
                assert await world.refused(appending(world.chain, other)) == "chain-conflict"

        self.run(test())

    def test_many_at_once_all_count_and_keep_their_senders_order(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                senders = [Peer("http://127.0.0.1:1", f"sender{one}") for one in range(4)]
                for sender in senders:
                    sender.team = world.chain.team
                    await world.add(sender, members.MEMBER)

                async def send(sender: Peer) -> None:
                    for one in range(25):
                        item = sender.item([world.bob.id], f"{sender.name} {one}".encode())
                        assert (await world.do(world.push(sender, item))).last_oseq == one + 1

                await asyncio.gather(*map(send, senders))
                seen = world.page(world.bob)
                for sender in senders:
                    mine = [one for one in seen if one.startswith(sender.name.encode())]
                    assert mine == [f"{sender.name} {one}".encode() for one in range(25)]
                    sender.client.close()

        self.run(test())

    def test_it_is_there_after_it_was_opened_again(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                await world.do(world.push(world.alice, world.alice.item([world.bob.id], b"kept")))
                before, epoch = dump(world.log.book), world.log.book.epoch
            async with self.world(tmp_path) as again:
                await again.do(commands.Probe(at_ms=1))
                assert again.log.book.epoch == epoch
                assert dump(again.log.book) == before

        self.run(test())

    def test_a_sweep_trims_what_is_old_from_the_beginning(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                for at_ms in (DAY_MS, 2 * DAY_MS, 3 * DAY_MS):
                    items = [world.alice.item([world.bob.id], b"%d" % at_ms) for _ in range(2)]
                    await world.do(world.push(world.alice, *items, at_ms=at_ms))
                sweep = commands.Sweep(
                    at_ms=4 * DAY_MS,
                    team=world.chain.team,
                    before_ms=3 * DAY_MS,
                    parts_before_ms=0,
                    rows=3,
                )
                assert [(await world.do(sweep)).entries for _ in range(3)] == [3, 1, 0]
                head, earliest = (world.log.book.row("team.for_page", world.chain.team) or ())[:2]
                assert (head, earliest) == (6, 5)
                assert len(world.page(world.bob)) == 2
                kept = world.log.book.rows("entry.oldest", world.chain.team, 9)
                assert world.log.book.value("team.bytes", world.chain.team) == sum(row[2] for row in kept)

        self.run(test())

    def test_a_reader_who_is_behind_a_sweep_is_not_full_for_ever(self, tmp_path: Path) -> None:
        """Would break: what was trimmed unread would count as waiting, and nothing would reach that machine again."""

        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                items = [world.alice.item([world.bob.id]) for _ in range(3)]
                await world.do(world.push(world.alice, *items, waiting_most=3))
                more = world.push(world.alice, world.alice.item([world.bob.id]), waiting_most=3)
                assert await world.refused(more) == "inbox-full"
                team = world.chain.team
                sweep = commands.Sweep(at_ms=9, team=team, before_ms=9, parts_before_ms=0, rows=99)
                await world.do(sweep)
                assert (await world.do(more)).last_oseq == 4

        self.run(test())

    def test_a_machine_that_read_has_room_again(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                items = [world.alice.item([world.bob.id]) for _ in range(3)]
                await world.do(world.push(world.alice, *items, waiting_most=3))
                sign = commands.Sign(team=world.chain.team, machine=world.bob.id, seen_ms=77, cursor=2)
                await world.do(commands.Heard(at_ms=78, signs=[sign]))
                items = [world.alice.item([world.bob.id]) for _ in range(3)]
                pushed = await world.do(world.push(world.alice, *items, waiting_most=3))
                assert (pushed.last_oseq, pushed.refused) == (5, []), "the sixth stays at its sender"
                assert dict(world.log.book.rows("chain.seen", world.chain.team))[world.bob.id] == 77

        self.run(test())

    def test_parts_are_kept_while_an_entry_needs_them(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                team, digest = world.chain.team, "ab" * 32
                keep = commands.KeepPart(
                    at_ms=1, team=team, machine=world.alice.id, digest=digest, size=4, team_bytes_most=1_000
                )
                await world.parts.put(team, digest, b"part")
                await world.do(keep)
                await world.do(keep)
                assert world.log.book.value("team.bytes", team) == 4
                await world.do(world.push(world.alice, world.alice.item([world.bob.id], blobs=[digest]), at_ms=5))
                early = commands.Sweep(at_ms=9, team=team, before_ms=5, parts_before_ms=9, rows=9)
                assert (await world.do(early)).parts == []
                assert await world.parts.get(team, digest) == b"part"
                late = commands.Sweep(at_ms=9, team=team, before_ms=9, parts_before_ms=9, rows=9)
                assert (await world.do(late)).parts == [digest]
                await world.parts.drop(team, digest)
                assert await world.parts.get(team, digest) is None
                assert world.log.book.value("team.bytes", team) == 0
                assert await world.parts.get(hex_id(), digest) is None

        self.run(test())

    def test_expired_tokens_and_invitations_go(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                for number in range(3):
                    give = commands.GiveToken(
                        at_ms=1,
                        team=world.chain.team,
                        machine=world.bob.id,
                        digest=bytes([number]) * 32,
                        audience="http://here",
                        until_ms=10 * (number + 1),
                        most=2,
                    )
                    await world.do(give)
                book = world.log.book
                assert [book.row("token.one", bytes([number]) * 32) is not None for number in range(3)] == [
                    False,
                    True,
                    True,
                ]
                await world.do(commands.Expire(at_ms=20))
                assert book.row("token.one", b"\1" * 32) is None
                assert book.row("token.one", b"\2" * 32) is not None
                assert book.row("pairing.one", 7) is None

        self.run(test())

    def test_another_epoch_is_another_log(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                world.woken.clear()
                await world.do(commands.Renew(at_ms=1, epoch="another"))
                await asyncio.sleep(0)
                assert world.log.book.epoch == "another"
                assert (world.chain.team, world.bob.id) in world.woken

        self.run(test())

    def test_what_was_durable_can_be_waited_for(self, tmp_path: Path) -> None:
        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                await world.log.caught_up()
                assert world.log.book.value("team.records", world.chain.team) == 2

        self.run(test())

    def test_what_one_machine_sends_uses_up_no_other_machines_share(self, tmp_path: Path) -> None:
        """Would break: one member could fill the inbox of a machine that is away, and lock out all others."""

        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                carol = Peer("http://127.0.0.1:1", "carol")
                carol.team = world.chain.team
                await world.add(carol, members.MEMBER)
                flood = [carol.item([world.bob.id]) for _ in range(3)]
                assert (await world.do(world.push(carol, *flood, waiting_most=3))).last_oseq == 3
                assert (
                    await world.refused(world.push(carol, carol.item([world.bob.id]), waiting_most=3)) == "inbox-full"
                )
                honest = [world.alice.item([world.bob.id]) for _ in range(3)]
                pushed = await world.do(world.push(world.alice, *honest, waiting_most=3))
                assert (pushed.last_oseq, pushed.refused) == (3, [])
                carol.client.close()

        self.run(test())

    def test_bytes_count_for_the_machine_that_sent_them_until_they_are_gone(self, tmp_path: Path) -> None:
        """Would break: one member could use up what the whole team may keep."""

        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                book, team = world.log.book, world.chain.team
                items = [world.alice.item([world.bob.id], b"x" * 1_000) for _ in range(3)]
                await world.do(world.push(world.alice, *items))
                part: dict[str, Any] = {"team": team, "digest": "d" * 64, "size": 500, "team_bytes_most": 1_000_000}
                await world.do(commands.KeepPart(at_ms=1, machine=world.alice.id, **part))
                await world.do(commands.KeepPart(at_ms=1, machine=world.bob.id, **part))
                used = sum(len(one.header) + 1_000 for one in items) + 500
                assert book.value("chain.bytes", world.alice.id) == used == book.value("team.bytes", team)
                assert book.value("chain.bytes", world.bob.id) == 0
                more = world.alice.item([world.bob.id], b"x")
                assert await world.refused(world.push(world.alice, more, machine_bytes_most=used)) == "machine-full"
                part = {**part, "digest": "e" * 64, "machine_bytes_most": used}
                assert await world.refused(commands.KeepPart(at_ms=1, machine=world.alice.id, **part)) == "machine-full"
                await world.do(commands.Sweep(at_ms=9, team=team, before_ms=9, parts_before_ms=9, rows=99))
                assert book.value("chain.bytes", world.alice.id) == 0 == book.value("team.bytes", team)

        self.run(test())

    def test_what_an_operator_drops_leaves_a_tombstone_for_its_reader(self, tmp_path: Path) -> None:
        """Would break: what a bad machine left would fill the team's place for a month; or look withheld."""

        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                book, team = world.log.book, world.chain.team
                await world.do(world.push(world.alice, *(world.alice.item([world.bob.id]) for _ in range(3))))
                await world.do(world.push(world.bob, world.bob.item([world.alice.id])))
                drop = commands.Drop(at_ms=5, team=team, machine=world.alice.id, rows=2)
                assert [(await world.do(drop)).entries for _ in range(3)] == [2, 1, 0]
                page = book.rows("entry.page", team, world.bob.id, 0, 9)
                assert [(row[0], row[2], row[4]) for row in page] == [(n, b"", "dropped") for n in (1, 2, 3)]
                assert len(world.page(world.alice)) == 1
                kept = book.rows("entry.oldest", team, 9)
                assert book.value("team.bytes", team) == sum(row[2] for row in kept)
                assert book.value("chain.bytes", world.alice.id) == sum(row[2] for row in kept[:3])

        self.run(test())

    def test_a_signed_request_is_obeyed_once_whichever_process_was_asked(self, tmp_path: Path) -> None:
        """Would break: who read a request could repeat it at another relay of the cluster."""

        async def test() -> None:
            async with self.world(tmp_path) as world:
                await world.found()
                asked = commands.Asked(nonce="0" * 16, at_ms=7)
                said: dict[str, Any] = {"team": world.chain.team, "machine": world.alice.id, "until_ms": 99, "most": 9}
                invite = commands.Invite(at_ms=8, role="member", nameplates=[41, 42], asked=asked, **said)
                await world.do(invite)
                assert await world.refused(invite) == "replayed"
                asked = commands.Asked(nonce="1" * 16, at_ms=7)
                token = commands.GiveToken(at_ms=8, digest=b"d", audience="a", asked=asked, **said)
                await world.do(token)
                again = commands.GiveToken(at_ms=9, digest=b"e", audience="a", asked=asked, **said)
                assert await world.refused(again) == "replayed"
                await world.do(commands.Expire(at_ms=8 + 2 * limits.CLOCK_WINDOW_MS))
                assert world.log.book.con.execute("SELECT count(*) FROM asked").fetchone() == (0,)

        self.run(test())


def test_commands_travel_whole() -> None:
    """Would break: a relay that replays them would come to another state."""
    alice = Peer("http://127.0.0.1:1", "alice")
    alice.team = hex_id()
    chain = Chain(alice, alice.team, "acme")
    push = commands.Push(
        at_ms=1,
        team=alice.team,
        machine=alice.id,
        origin=alice.origin,
        items=[alice.item(["*"], b"\x00\xff")],
        waiting_most=1,
        team_bytes_most=1,
    )
    heard = commands.Heard(at_ms=1, signs=[commands.Sign(team="t", machine="m", seen_ms=1, cursor=1)])
    for command in (*founding(chain), push, heard, commands.Probe(at_ms=1), commands.Expire(at_ms=1)):
        assert commands.decode(commands.encode(command)) == command
    with pytest.raises(msgspec.DecodeError):
        commands.decode(b"\xc1")
    alice.client.close()
