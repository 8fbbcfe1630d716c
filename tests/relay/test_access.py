"""Who may do what: every route, for every role, of this team and of another, generated from the table of routes."""

from __future__ import annotations

import os
import time
from _blake2 import blake2b
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import msgspec
import pytest
from tests.relay.conftest import Crew
from tests.relay.machines import Peer, code_of, hex_id
from tests.relay.running import Relay

from telex.core import members
from telex.crypto import signatures
from telex.wire import api, signing
from telex.wire.records import Signed
from telex.wire.routes import ANYBODY, BY_NAME, ROUTES, SIGNED, Route

PART = b"a sealed part"
DIGEST = blake2b(PART, digest_size=32).hexdigest()
PLACES: dict[str, Any] = {"nameplate": 123_456_789, "digest": DIGEST}
BODIES: dict[str, Callable[[Peer], Any]] = {
    "push": lambda peer: api.Push(origin=peer.origin, items=[peer.item_numbered(1, [hex_id()])]),
    "append": lambda peer: api.Append(record=Signed(body=b"{}", signature=b"")),
    "roster": lambda peer: api.SetRoster(key=1, sealed=b"sealed"),
    "invite": lambda peer: api.Invite(role="member"),
    "answer": lambda peer: api.Reply(message=b"m"),
    "join": lambda peer: api.Join(attempt=hex_id(), message=b"m"),
    "prove": lambda peer: api.Prove(attempt=hex_id(), sealed=b"s"),
    "put_blob": lambda peer: PART,
}
QUERIES = {"joining": {"attempt": hex_id()}}
# What a caller who is let in is then told, where the thing it asks for is not there.
LET_IN = {
    "append": "record-wrong",
    "invitation": "invitation-unknown",
    "answer": "invitation-unknown",
    "burn": "invitation-unknown",
    "join": "invitation-unknown",
    "prove": "invitation-unknown",
    "joining": "invitation-unknown",
}
ROLES = {"alice": members.OWNER, "bob": members.MEMBER, "carol": members.READER}
GUARDED = [route for route in ROUTES if route.roles != ANYBODY]


@pytest.fixture(scope="module")
def team(relay: Relay) -> Iterator[Crew]:
    """One team for all that changes nothing."""
    with ExitStack() as peers:
        yield Crew(relay, "acme", peers)


@pytest.fixture(scope="module")
def stranger(relay: Relay) -> Iterator[Crew]:
    """Another team at the same relay, with machines of the same names."""
    with ExitStack() as peers:
        yield Crew(relay, "umbrella", peers)


def asked(peer: Peer, route: Route) -> httpx2.Request:
    """A request that fits a route, by this machine."""
    places = {name: value for name, value in PLACES.items() if f"{{{name}}}" in route.path}
    body = BODIES[route.name](peer) if route.name in BODIES else None
    return peer.request(route.name, body, QUERIES.get(route.name), **places)


def answered(peer: Peer, request: httpx2.Request) -> httpx2.Response:
    """Its answer; of a stream only how it begins."""
    answer = peer.client.send(request, stream=True)
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        answer.close()
    else:
        answer.read()
    return answer


def names(routes: list[Route] | tuple[Route, ...]) -> list[str]:
    return [route.name for route in routes]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", ROUTES, ids=names(ROUTES))
def test_a_role_may_do_what_the_table_says_and_nothing_else(team: Crew, role: str, route: Route) -> None:
    peer: Peer = getattr(team, role)
    team.alice.ask("put_blob", PART, digest=DIGEST)
    may = route.roles in (ANYBODY, SIGNED) or ROLES[role] in route.roles
    answer = answered(peer, asked(peer, route))
    if not may:
        assert (answer.status_code, code_of(answer)) == (403, "role-forbids")
    elif route.name in LET_IN:
        assert code_of(answer) == LET_IN[route.name]
    else:
        assert answer.is_success, answer.text


def without_headers(request: httpx2.Request, _team: Crew) -> None:
    for name in ("authorization", signing.TIME, signing.NONCE, signing.SIGNATURE):
        del request.headers[name]


def without_signature(request: httpx2.Request, _team: Crew) -> None:
    del request.headers[signing.SIGNATURE]


def with_another_signature(request: httpx2.Request, _team: Crew) -> None:
    request.headers[signing.SIGNATURE] = b64encode(bytes(64)).decode()


def with_another_token(request: httpx2.Request, team: Crew) -> None:
    request.headers["authorization"] = signing.credentials(team.alice.id, "guessed")


def with_another_machines_token(request: httpx2.Request, team: Crew) -> None:
    request.headers["authorization"] = signing.credentials(team.alice.id, team.bob.token)


def as_another_machine(request: httpx2.Request, team: Crew) -> None:
    request.headers["authorization"] = signing.credentials(team.bob.id, team.bob.token)


def at_another_time(request: httpx2.Request, _team: Crew) -> None:
    request.headers[signing.TIME] = str(int(request.headers[signing.TIME]) + 1)


def with_another_nonce(request: httpx2.Request, _team: Crew) -> None:
    request.headers[signing.NONCE] = "0" * 16


def with_another_query(request: httpx2.Request, _team: Crew) -> None:
    request.url = request.url.copy_merge_params({"after": "1"})


OF_TOKENS = (with_another_token, with_another_machines_token)
WRONGS = [
    without_headers,
    without_signature,
    with_another_signature,
    with_another_token,
    with_another_machines_token,
    as_another_machine,
    at_another_time,
    with_another_nonce,
    with_another_query,
]


@pytest.mark.parametrize(
    ("route", "wrong"),
    [(route, wrong) for route in GUARDED for wrong in WRONGS if route.roles != SIGNED or wrong not in OF_TOKENS],
    ids=lambda one: getattr(one, "name", "") or one.__name__,
)
def test_a_request_that_was_changed_is_refused(
    team: Crew, route: Route, wrong: Callable[[httpx2.Request, Crew], None]
) -> None:
    """Would break: whoever sees one request could make another of it."""
    request = asked(team.alice, route)
    wrong(request, team)
    answer = answered(team.alice, request)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == signing.SCHEME


@pytest.mark.parametrize("route", GUARDED, ids=names(GUARDED))
def test_another_body_under_the_same_signature_is_refused(team: Crew, route: Route) -> None:
    request = asked(team.alice, route)
    changed = team.alice.client.build_request(request.method, request.url, content=b"{}", headers=request.headers)
    for name in ("content-length", "transfer-encoding"):
        changed.headers.pop(name, None)
    changed.headers["content-length"] = "2"
    assert answered(team.alice, changed).status_code == 401


@pytest.mark.parametrize("route", GUARDED, ids=names(GUARDED))
def test_a_request_counts_once(team: Crew, route: Route) -> None:
    """Would break: whoever recorded a request could play it again."""
    request = asked(team.alice, route)
    answered(team.alice, request)
    again = team.alice.client.build_request(
        request.method, request.url, content=request.content or None, headers=request.headers
    )
    answer = answered(team.alice, again)
    assert answer.status_code == 401
    assert route.method == "HEAD" or code_of(answer) == "replayed"


@pytest.mark.parametrize("route", ROUTES, ids=names(ROUTES))
def test_a_request_for_another_host_is_refused(team: Crew, route: Route) -> None:
    request = asked(team.alice, route)
    request.headers["host"] = "evil.example"
    assert answered(team.alice, request).status_code == 403


@pytest.mark.parametrize("route", ROUTES, ids=names(ROUTES))
def test_a_removed_machine_may_do_nothing(relay: Relay, route: Route, removed: Peer) -> None:
    answer = answered(removed, asked(removed, route))
    if route.roles == ANYBODY:
        assert answer.status_code != 401
    else:
        assert answer.status_code == 401


@pytest.fixture(scope="module")
def removed(relay: Relay) -> Iterator[Peer]:
    """A machine that was an owner, and was removed."""
    with ExitStack() as peers:
        crew = Crew(relay, "formerly", peers)
        dave = crew.chain.add(crew.peer("dave"), members.OWNER)
        crew.chain.append(members.REMOVE, dave.said(members.OWNER))
        yield dave


@pytest.mark.parametrize("role", ["alice", "bob", "carol"])
def test_nothing_of_one_team_is_seen_from_another(team: Crew, stranger: Crew, role: str) -> None:
    """Would break: two customers of one relay would read each other."""
    spy: Peer = getattr(stranger, role)
    team.alice.push(team.alice.item([team.bob.id], b"canary of acme"))
    team.alice.ask("put_blob", PART, digest=DIGEST)
    team.alice.ask("roster", api.SetRoster(key=1, sealed=b"canary roster"))
    plate = team.alice.ask("invite", api.Invite(role="member")).nameplate
    seen = [
        spy.send("pull", query={"epoch": spy.pull().epoch, "after": 0}).content,
        spy.send("rosters").content,
        spy.send("records").content,
        spy.send("invitation", nameplate=plate).content,
        spy.send("get_blob", digest=DIGEST).content,
    ]
    for answer in seen:
        for foreign in (b"canary", PART, *(one.id.encode() for one in (team.alice, team.bob, team.carol))):
            assert foreign not in answer
            assert b64encode(foreign)[:-4] not in answer


def test_an_item_cannot_be_addressed_into_another_team(team: Crew, stranger: Crew) -> None:
    before = team.bob.pull().head
    pushed = stranger.alice.push(stranger.alice.item([team.bob.id]))
    assert [one.code for one in pushed.refused] == ["nobody-there"]
    assert team.bob.pull().head == before


def test_a_record_of_one_team_is_nothing_in_another(team: Crew, stranger: Crew) -> None:
    record = team.chain.record(members.ADD, stranger.bob.said(members.OWNER))
    answer = stranger.alice.send("append", api.Append(record=record))
    assert (answer.status_code, code_of(answer)) == (409, "chain-conflict") or code_of(answer) == "record-wrong"


def test_a_machine_is_in_one_team_of_a_relay(team: Crew, stranger: Crew) -> None:
    """Would break: an id would not say whose it is, and another team's owner could claim it."""
    record = stranger.chain.record(members.ADD, msgspec.structs.replace(team.bob.said(members.MEMBER), name="robert"))
    answer = stranger.alice.send("append", api.Append(record=record))
    assert (answer.status_code, code_of(answer)) == (422, "record-wrong")


def test_a_token_is_good_for_this_relays_url_only(team: Crew) -> None:
    """Would break: another relay to which a machine speaks could speak as that machine here."""
    nonce, now_ms = os.urandom(8).hex(), int(time.time() * 1000)
    text = signing.to_sign("GET", "/v1/log", now_ms, nonce, b"", "https://other.example")
    headers = {
        "Authorization": signing.credentials(team.alice.id, team.alice.token),
        signing.TIME: str(now_ms),
        signing.NONCE: nonce,
        signing.SIGNATURE: b64encode(signatures.sign(team.alice.seed, text)).decode(),
    }
    answer = team.alice.client.get("/v1/log", headers=headers)
    assert (answer.status_code, code_of(answer)) == (401, "signature-wrong")


def test_every_route_has_a_body_here_where_it_takes_one() -> None:
    assert sorted(BODIES) == sorted(route.name for route in ROUTES if route.takes)
    assert set(LET_IN) <= set(BY_NAME)
