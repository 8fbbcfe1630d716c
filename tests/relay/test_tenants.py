"""Three teams at one relay, with machines of the same names, doing things at random: no byte of one reaches another.

The twin leaves a team's own secrets in the list of what is foreign, and must be caught at once.
"""

from __future__ import annotations

import itertools
import os
import random
from _blake2 import blake2b
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import pytest
from tests.relay.conftest import Crew
from tests.relay.machines import Peer
from tests.relay.running import Relay

from telex.wire import api

SEED = int(os.environ.get("TELEX_SEED", "0")) or random.SystemRandom().randrange(1, 2**31)
ACTS, LONG_ACTS = 400, 100_000


class Tenant:
    """A team, and what nobody else may ever see."""

    def __init__(self, relay: Relay, name: str, peers: ExitStack) -> None:
        self.crew = Crew(relay, name, peers)
        self.canary = f"canary-of-{name}".encode()
        self.peers = [self.crew.alice, self.crew.bob, self.crew.carol]
        self.plates: list[int] = []
        self.part = blake2b(self.canary * 3, digest_size=32).hexdigest()
        self.everybody = [self]

    def secrets(self) -> list[bytes]:
        ids = [self.crew.chain.team, *(one.id for one in self.peers), *(one.origin for one in self.peers)]
        plain = [self.canary, *(one.encode() for one in ids)]
        return [*plain, *(b64encode(one)[:-4] for one in plain)]

    def act(self, chance: random.Random) -> httpx2.Response:
        """One thing that one of its machines does."""
        peer, name = chance.choice(self.peers), chance.choice(ACTIONS)
        return getattr(self, name)(peer, chance)  # type: ignore[no-any-return]

    def pushes(self, peer: Peer, chance: random.Random) -> httpx2.Response:
        to = chance.choice([["*"], [one.id for one in self.peers if one is not peer]])
        items = [peer.item(to, self.canary) for _ in range(chance.randint(1, 3))]
        answer = peer.send("push", api.Push(origin=peer.origin, items=items))
        if not answer.is_success:
            peer.oseq -= len(items)
        return answer

    def pulls(self, peer: Peer, chance: random.Random) -> httpx2.Response:
        epoch = peer.epoch or peer.pull().epoch
        after = chance.randint(0, 50)
        return peer.send("pull", query={"epoch": epoch, "after": after, "wait_ms": chance.choice([0, 0, 3])})

    def lists(self, peer: Peer, chance: random.Random) -> httpx2.Response:
        return peer.send(chance.choice(["records", "rosters"]), query={"after": 0})

    def appears(self, peer: Peer, _chance: random.Random) -> httpx2.Response:
        return peer.send("roster", api.SetRoster(key=1, sealed=self.canary))

    def keeps(self, peer: Peer, _chance: random.Random) -> httpx2.Response:
        return peer.send("put_blob", self.canary * 3, digest=self.part)

    def fetches(self, peer: Peer, chance: random.Random) -> httpx2.Response:
        """A part by name: of its own team, or of another's, whose name it may have heard."""
        return peer.send("get_blob", digest=chance.choice(self.everybody).part)

    def invites(self, peer: Peer, chance: random.Random) -> httpx2.Response:
        if chance.random() < 0.1 and len(self.plates) < 15:
            answer = peer.send("invite", api.Invite(role="member"))
            if answer.is_success:
                self.plates.append(int(answer.json()["nameplate"]))
            return answer
        return peer.send("invitation", nameplate=chance.randint(1, 99))


NAMES = ("red", "green", "blue")
_NUMBERS = itertools.count()
ACTIONS = ("pushes", "pulls", "pulls", "lists", "appears", "keeps", "fetches", "invites")


@pytest.fixture
def tenants(relay: Relay) -> Iterator[list[Tenant]]:
    with ExitStack() as peers:
        made = [Tenant(relay, f"{name}-{next(_NUMBERS)}", peers) for name in NAMES]
        for one in made:
            one.everybody = made
        yield made


def leaks(tenants: list[Tenant], acts: int, own_too: bool = False) -> list[str]:
    """What of one team was in an answer to another, or in a metric."""
    chance = random.Random(SEED)
    found = []
    for number in range(acts):
        tenant = chance.choice(tenants)
        answer = tenant.act(chance)
        said = answer.content + str(answer.headers).encode()
        foreign = [one for other in tenants if own_too or other is not tenant for one in other.secrets()]
        found += [f"act {number}: {one!r} in an answer to {tenant.canary!r}" for one in foreign if one in said]
        if found:
            return found
    metrics = httpx2.get(f"{tenants[0].crew.relay.url}/metrics").content
    return [repr(one) for tenant in tenants for one in tenant.secrets() if one in metrics]


def test_no_byte_of_one_team_reaches_another(tenants: list[Tenant]) -> None:
    assert leaks(tenants, ACTS) == [], f"TELEX_SEED={SEED}"


@pytest.mark.long
def test_no_byte_of_one_team_reaches_another_for_long(tenants: list[Tenant]) -> None:
    assert leaks(tenants, LONG_ACTS) == [], f"TELEX_SEED={SEED}"


def test_a_leak_is_seen(tenants: list[Tenant]) -> None:
    assert leaks(tenants, ACTS, own_too=True) != []
