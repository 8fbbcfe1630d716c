"""Tokens, clocks, rates: what keeps a relay's door."""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from pathlib import Path

import pytest
from tests.relay.conftest import Crew
from tests.relay.machines import Peer, code_of, found_at_once, hex_id
from tests.relay.running import running, until_waiting

from telex import limits
from telex.core import members
from telex.crypto import signatures
from telex.errors import Usage
from telex.errors.between import RelayRefused
from telex.relay.app import network
from telex.relay.auth import Nonces
from telex.relay.quota import Quotas, Rate, from_environment
from telex.wire import api, signing


def test_a_token_is_in_no_file_of_the_relay(crew: Crew) -> None:
    """Would break: whoever reads a backup could speak as a machine."""
    token = crew.alice.token.encode()
    crew.alice.pull()
    files = [path for path in crew.relay.home.rglob("*") if path.is_file()]
    assert len(files) > 2
    assert [path for path in files if token in path.read_bytes()] == []


def test_the_relays_files_are_its_owners_alone(crew: Crew) -> None:
    crew.alice.pull()
    folder = crew.relay.file.parent
    assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}
    assert oct(folder.stat().st_mode & 0o777) == "0o700"


def test_a_machine_keeps_only_its_newest_tokens(crew: Crew) -> None:
    first = crew.bob.token
    for _ in range(limits.RELAY_TOKENS):
        crew.bob.fetch_token()
    assert crew.bob.send("pull").is_success
    crew.bob.token = first
    answer = crew.bob.send("pull")
    assert (answer.status_code, code_of(answer)) == (401, "token-unknown")


def test_a_removal_ends_a_token_at_once(crew: Crew) -> None:
    assert crew.bob.send("pull").is_success
    crew.chain.append(members.REMOVE, crew.bob.said(members.MEMBER))
    assert code_of(crew.bob.send("pull")) == "token-unknown"
    assert code_of(crew.bob.send("token")) == "machine-unknown"


def test_a_new_role_counts_at_once(crew: Crew) -> None:
    crew.chain.append(members.ROLE, crew.bob.said(members.READER))
    assert code_of(crew.bob.send("roster", api.SetRoster(key=1, sealed=b"x"))) == "role-forbids"


@pytest.mark.parametrize("off_ms", [-limits.CLOCK_WINDOW_MS - 60_000, limits.CLOCK_AHEAD_MS + 60_000])
def test_a_request_of_another_time_is_told_the_relays_time(crew: Crew, off_ms: int) -> None:
    when_ms, nonce = int(time.time() * 1000) + off_ms, "0" * 16
    text = signing.to_sign("GET", "/v1/log", when_ms, nonce, b"", crew.relay.url)
    headers = {
        "Authorization": signing.credentials(crew.alice.id, crew.alice.token),
        signing.TIME: str(when_ms),
        signing.NONCE: nonce,
        signing.SIGNATURE: b64encode(signatures.sign(crew.alice.seed, text)).decode(),
    }
    answer = crew.alice.client.get("/v1/log", headers=headers)
    assert (answer.status_code, code_of(answer)) == (401, "clock-wrong")
    assert abs(int(answer.headers[signing.NOW]) - int(time.time() * 1000)) < limits.CLOCK_WINDOW_MS


def test_a_restarted_relay_takes_no_request_from_before(tmp_path: Path) -> None:
    """Would break: what was recorded before a restart could be played again after it."""
    with running(tmp_path) as relay, Peer(relay.url, "alice") as alice:
        found_at_once(str(relay.file), alice, "acme")
        request = alice.request("roster", api.SetRoster(key=1, sealed=b"x"))
        assert alice.client.send(request).is_success
        assert relay.stop() == 0
        relay.start()
        again = alice.client.build_request(
            request.method, request.url, content=request.content, headers=request.headers
        )
        assert code_of(alice.client.send(again)) == "clock-wrong"
        assert alice.send("roster", api.SetRoster(key=1, sealed=b"x")).is_success


def nonce(number: int) -> str:
    return f"{number:016x}"


def test_forgotten_nonces_are_refused_by_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Would break: flooding the memory of nonces would open it to replays."""
    monkeypatch.setattr(limits, "RELAY_MACHINE_NONCES", 10)
    nonces = Nonces(0)
    for one in range(30):
        nonces.take("m", nonce(one), 1_000 + one, 1_000 + one)
    assert not nonces.may_be_new("m", 1_019, 1_030)
    assert nonces.may_be_new("m", 1_020, 1_030)
    with pytest.raises(RelayRefused):
        nonces.take("m", nonce(29), 1_029, 1_030)


@pytest.mark.parametrize("full", ["RELAY_MACHINE_NONCES", "RELAY_NONCES"])
def test_what_one_machine_floods_shuts_no_other_out(monkeypatch: pytest.MonkeyPatch, full: str) -> None:
    """Would break: one machine, of any team, could lock out all of them for minutes."""
    monkeypatch.setattr(limits, full, 10)
    nonces = Nonces(0)
    nonces.take("quiet", nonce(1), 1_000, 1_000)
    for one in range(1_000):
        nonces.take("loud", nonce(one), 4_000 + one, 1_000 + one)
    assert nonces.may_be_new("quiet", 1_001, 2_000)
    assert nonces.may_be_new("new", 1, 2_000)
    with pytest.raises(RelayRefused):
        nonces.take("quiet", nonce(1), 1_000, 2_000)


def test_what_is_refused_for_its_rate_is_not_remembered(tmp_path: Path) -> None:
    """Would break: a machine could fill the relay's memory with requests that it refuses."""
    with running(tmp_path, TELEX_RELAY_REQUESTS_PER_MINUTE="60") as relay, Peer(relay.url, "alice") as alice:
        found_at_once(str(relay.file), alice, "acme")
        alice.fetch_token()
        request = alice.request("rosters")
        while alice.client.send(request).is_success:
            request = alice.request("rosters")
        again = alice.client.build_request(request.method, request.url, headers=request.headers)
        assert alice.client.send(again).status_code in (200, 429), "it was not taken the first time"


def test_nonces_that_would_pass_no_more_are_forgotten() -> None:
    nonces, later_ms = Nonces(0), 1_000 + 3 * limits.CLOCK_WINDOW_MS
    for one in range(10):
        nonces.take(f"m{one}", nonce(1), 1_000, 1_000)
    nonces.take("m", nonce(2), later_ms, later_ms)
    assert nonces.kept == 1


def test_a_clock_that_is_put_back_shuts_nobody_out() -> None:
    """Would break: a relay that started with a clock an hour ahead would refuse everything for an hour."""
    nonces = Nonces(3_600_000)
    assert not nonces.may_be_new("m", 3_600_000, 3_600_001)
    nonces.take("m", nonce(1), 3_600_001, 3_600_001)
    assert nonces.may_be_new("m", 1_001, 1_000)
    nonces.take("m", nonce(2), 1_001, 1_000)
    with pytest.raises(RelayRefused):
        nonces.take("m", nonce(1), 3_600_001, 3_600_002)


def test_an_older_roster_does_not_come_back(crew: Crew) -> None:
    older = crew.alice.request("roster", api.SetRoster(key=1, sealed=b"older"))
    crew.alice.ask("roster", api.SetRoster(key=1, sealed=b"newer"))
    answer = crew.alice.client.send(older)
    assert (answer.status_code, code_of(answer)) == (409, "roster-old")
    (listed,) = crew.bob.ask("rosters").rosters
    assert listed.sealed == b"newer"


def test_rosters_are_given_once_and_never_ones_own(crew: Crew) -> None:
    crew.alice.ask("roster", api.SetRoster(key=1, sealed=b"alice's"))
    crew.bob.ask("roster", api.SetRoster(key=1, sealed=b"bob's"))
    first = crew.carol.ask("rosters")
    assert [one.sealed for one in first.rosters] == [b"alice's", b"bob's"]
    assert crew.carol.ask("rosters", query={"after": first.n}).rosters == []
    assert [one.sealed for one in crew.bob.ask("rosters").rosters] == [b"alice's"]
    assert set(first.seen_ms) == {crew.alice.id, crew.bob.id, crew.carol.id}


def test_guesses_are_slowed_for_their_address(tmp_path: Path) -> None:
    with running(tmp_path, TELEX_RELAY_GUESSES_PER_MINUTE="5") as relay, Peer(relay.url, "mallory") as mallory:
        seen = []
        for number in range(1, 12):
            body = api.Join(attempt=hex_id(), message=b"guess")
            seen.append(code_of(mallory.send("join", body, nameplate=number)))
        assert seen == ["invitation-unknown"] * 5 + ["many-guesses"] * 6
        mallory.token = "guessed"
        answer = mallory.send("pull")
        assert (answer.status_code, code_of(answer)) == (429, "many-guesses")
        assert int(answer.headers["retry-after"]) > 0


def test_a_machine_that_is_too_fast_is_told_when_to_come_again(tmp_path: Path) -> None:
    with running(tmp_path, TELEX_RELAY_ITEMS_PER_MINUTE="10") as relay, Peer(relay.url, "alice") as alice:
        found_at_once(str(relay.file), alice, "acme")
        alice.push(*(alice.item([hex_id()]) for _ in range(10)))
        answer = alice.send("push", api.Push(origin=alice.origin, items=[alice.item([hex_id()])]))
        assert (answer.status_code, code_of(answer)) == (429, "too-fast")
        assert int(answer.headers["retry-after"]) > 0


def test_an_inbox_that_nobody_reads_is_full_some_time(tmp_path: Path) -> None:
    with (
        running(tmp_path, TELEX_RELAY_WAITING_ITEMS="3") as relay,
        Peer(relay.url, "a") as alice,
        Peer(relay.url, "b") as bob,
    ):
        found_at_once(str(relay.file), alice, "acme").add(bob)
        items = [alice.item([bob.id]) for _ in range(5)]
        pushed = alice.push(*items)
        assert (pushed.last_oseq, pushed.refused) == (3, []), "what is too much stays at its sender"
        answer = alice.send("push", api.Push(origin=alice.origin, items=items[3:]))
        assert (answer.status_code, code_of(answer)) == (429, "inbox-full")
        again = alice.push(*items[1:])
        assert again.last_oseq == 3, "a sender that missed the answer learns how far the relay is"
        page = bob.pull()
        assert [one.reason for one in page.items] == ["", "", ""]
        bob.pull(page.scanned)
        relay.stop()
        relay.start()
        assert alice.push(*items[3:]).last_oseq == 5


def test_a_team_that_has_too_much_is_refused_until_it_has_less(tmp_path: Path) -> None:
    with (
        running(tmp_path, TELEX_RELAY_TEAM_MIB="1") as relay,
        Peer(relay.url, "a") as alice,
        Peer(relay.url, "b") as bob,
    ):
        found_at_once(str(relay.file), alice, "acme").add(bob)
        large = b"x" * limits.RELAY_SEALED_BYTES
        for _ in range(10):
            alice.push(alice.item([bob.id], large))
        answer = alice.send("push", api.Push(origin=alice.origin, items=[alice.item([bob.id], large)]))
        assert (answer.status_code, code_of(answer)) == (429, "team-full")
        assert bob.pull().head == 10


def test_a_body_that_is_too_large_is_refused_before_it_is_read(crew: Crew) -> None:
    answer = crew.alice.send("put_blob", bytes(limits.RELAY_PART_BYTES + 1), digest="0" * 64)
    assert (answer.status_code, code_of(answer)) == (413, "body-too-large")


def test_a_rate_is_spread_over_its_minute() -> None:
    rate = Rate(60)
    assert [rate.late_ms("key", 1, 0.0) for _ in range(60)] == [0] * 60
    assert rate.late_ms("key", 1, 0.0) > 0
    assert rate.late_ms("key", 1, 1.1) == 0
    assert rate.late_ms("another", 60, 0.0) == 0


def test_what_a_rate_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RELAY_RATE_KEYS", 10)
    rate = Rate(60)
    for one in range(100):
        rate.late_ms(str(one), 1, 0.0)
    assert len(rate._used) <= 10


@pytest.mark.parametrize(
    ("host", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("a socket", "a socket"),
    ],
)
def test_wrong_tries_of_a_whole_ipv6_network_count_together(host: str, counts_as: str) -> None:
    """Would break: who has a /64, as every home has, could guess without end."""
    assert network(host) == counts_as


def test_quotas_are_set_in_the_environment() -> None:
    assert from_environment({}) == Quotas()
    assert from_environment({"TELEX_RELAY_KEEP_DAYS": "7"}).keep_ms == 7 * 86_400_000
    for wrong in ("0", "-1", "many", ""):
        with pytest.raises(Usage):
            from_environment({"TELEX_RELAY_KEEP_DAYS": wrong})


class Waits:
    """A machine that waits for its next page, knowing every roster up to now."""

    def __init__(self, crew: Crew) -> None:
        self.page: api.Page | None = None
        peer = crew.bob
        known = peer.ask("rosters").n
        before = peer.pull(0)
        self._thread = threading.Thread(target=self._wait, args=(peer, before, known))
        self._thread.start()
        until_waiting(crew.relay, 1)

    def _wait(self, peer: Peer, before: api.Page, known: int) -> None:
        query = {"epoch": before.epoch, "after": before.scanned, "records": before.records, "rosters": known}
        self.page = peer.ask("pull", query={**query, "wait_ms": limits.POLL_MS})

    def answered(self) -> api.Page:
        """The page that it got."""
        self._thread.join()
        assert self.page is not None
        return self.page


def test_who_comes_or_goes_answers_those_who_wait_and_who_is_busy_does_not(crew: Crew) -> None:
    """Would break: a session that starts is unknown elsewhere until the next look; or every prompt of everybody wakes
    every machine of the team."""
    waits = Waits(crew)
    crew.alice.ask("roster", api.SetRoster(key=1, sealed=b"busy now"))
    crew.alice.push(crew.alice.item([crew.bob.id], b"after it"))
    page = waits.answered()
    assert [one.sealed for one in page.items] == [b"after it"]  # it was not the roster that answered
    assert page.rosters == 1
    waits = Waits(crew)
    crew.alice.ask("roster", api.SetRoster(key=1, sealed=b"one more", news=True))
    page = waits.answered()
    assert (page.items, page.rosters) == ([], 2)


def test_a_roster_that_came_between_two_polls_answers_the_next_one(crew: Crew) -> None:
    crew.alice.ask("roster", api.SetRoster(key=1, sealed=b"while nobody waited", news=True))
    before = crew.bob.pull(0)
    query = {"epoch": before.epoch, "after": before.scanned, "records": before.records, "wait_ms": limits.POLL_MS}
    assert crew.bob.ask("pull", query={**query, "rosters": 0}).rosters == 1
    crew.alice.push(crew.alice.item([crew.bob.id], b"an item"))
    assert crew.bob.ask("pull", query={**query, "rosters": 1}).items  # known: it waits for something else
