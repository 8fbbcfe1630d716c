"""A machine of the team, with good keys, says whatever it likes: the rules take it, keep a tombstone, or refuse it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.relay_port import World, appending, founding
from tests.relay.machines import hex_id

from telex.core import members
from telex.crypto import signatures
from telex.errors.between import RelayRefused
from telex.relay import commands
from telex.relay.log_sqlite import SqliteLog
from telex.relay.transitions import apply
from telex.wire import api
from telex.wire.faults import BY_CODE, TOMBSTONES
from telex.wire.records import Grant, Signed

EXAMPLES = 300
NUMBERS = st.one_of(st.integers(-2, 5), st.integers(), st.just(2**63), st.just(-(10**30)))
WORDS = st.one_of(st.text(max_size=70), st.sampled_from(["", "*", "\0", "0" * 32, "ff" * 16]))
TOO_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A team of two, and its book, open for writing here."""
    log = SqliteLog(str(tmp_path_factory.mktemp("hostile") / "relay.db"))
    made = World(log, log)
    record: Any = None
    for command in founding(made.chain):
        apply(log.book, command)
    record = made.chain.record(members.ADD, made.bob.said(members.MEMBER))
    made.chain.took(record)
    apply(log.book, appending(made.chain, record))
    yield made
    asyncio.run(log.close())
    made.close()


def tried(world: World, command: commands.Any) -> Any:
    """What the rules say; nothing of it is kept. Anything but an answer or a refusal of the table is a fault. What is
    out of bounds is no command: the door refuses it as 'body-invalid'."""
    book = world.log.book
    try:
        told = commands.decode(commands.encode(command))
    except msgspec.ValidationError:
        return None
    book.con.execute("SAVEPOINT one")
    try:
        return apply(book, told)
    except RelayRefused as problem:
        assert problem.facts["code"] in BY_CODE
        return None
    finally:
        book.con.execute("ROLLBACK TO one; RELEASE one")


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=TOO_SLOW, database=None)
@given(
    changed=st.fixed_dictionaries(
        {},
        optional={
            "team": WORDS,
            "machine": WORDS,
            "to": st.lists(WORDS, max_size=4),
            "origin": WORDS,
            "oseq": NUMBERS,
            "id": WORDS,
            "key": NUMBERS,
            "record": NUMBERS,
            "at_ms": NUMBERS,
            "blobs": st.lists(WORDS, max_size=3),
            "v": NUMBERS,
            "more": st.lists(st.none() | st.booleans() | WORDS, max_size=4),
        },
    ),
    owner=st.booleans(),
)
def test_any_header_is_taken_refused_or_a_tombstone(world: World, changed: dict[str, Any], owner: bool) -> None:
    peer, other = (world.alice, world.bob) if owner else (world.bob, world.alice)
    plain = msgspec.json.decode(peer.item_numbered(1, [other.id]).header)
    item = api.Item(oseq=1, header=msgspec.json.encode({**plain, **changed}), sealed=b"x")
    pushed = tried(world, world.push(peer, item))
    if pushed is not None:
        assert pushed.last_oseq == 1
        assert {one.code for one in pushed.refused} <= set(TOMBSTONES)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=TOO_SLOW, database=None)
@given(header=st.binary(max_size=200))
def test_any_bytes_for_a_header_are_a_tombstone(world: World, header: bytes) -> None:
    pushed = tried(world, world.push(world.alice, api.Item(oseq=1, header=header, sealed=b"")))
    assert [one.code for one in pushed.refused] == ["header-wrong"]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=TOO_SLOW, database=None)
@given(
    act=st.sampled_from([members.ADD, members.ROLE, members.REMOVE, members.ROTATE, members.FOUND, "other", ""]),
    changed=st.fixed_dictionaries(
        {},
        optional={
            "team": WORDS,
            "n": NUMBERS,
            "prev": WORDS,
            "by": WORDS,
            "key": NUMBERS,
            "commit": WORDS,
            "team_name": WORDS,
            "at_ms": NUMBERS,
            "v": NUMBERS,
        },
    ),
    grant=st.fixed_dictionaries({}, optional={"key": st.integers(0, 2**53), "machine": WORDS, "by": WORDS}),
)
def test_any_record_is_taken_or_refused(world: World, act: str, changed: dict[str, Any], grant: dict[str, Any]) -> None:
    """Would break: an owner's machine could stop the relay, or have it keep a chain that machines refuse."""
    chain, alice = world.chain, world.alice
    body = msgspec.json.decode(chain.record(act, world.bob.said(members.READER)).body)
    raw = msgspec.json.encode({**body, **changed})
    signed = Signed(body=raw, signature=signatures.sign(alice.seed, signatures.record(raw)))
    given_key = msgspec.structs.replace(chain.grant(world.bob), **grant)
    command = commands.Append(at_ms=1, team=chain.team, machine=alice.id, record=signed, grants=[given_key])
    tried(world, command)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=TOO_SLOW, database=None)
@given(body=st.binary(max_size=200), signature=st.binary(max_size=70))
def test_any_bytes_for_a_record_are_refused(world: World, body: bytes, signature: bytes) -> None:
    record = Signed(body=body, signature=signature)
    grant = Grant(key=1, machine=hex_id(), by=hex_id(), sealed=body, signature=signature)
    command = commands.Append(at_ms=1, team=world.chain.team, machine=world.alice.id, record=record, grants=[grant])
    assert tried(world, command) is None
