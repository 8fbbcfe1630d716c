"""Pairing: one try for each code, nobody in between, and nothing left of a try that failed."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nacl.exceptions import CryptoError
from tests.link.homes import Home, at, both, paired
from tests.relay.running import Relay as Process
from tests.relay.running import running

from telex import limits
from telex.core.members import MEMBER, OWNER, READER
from telex.crypto import pairing as crypto
from telex.crypto import signatures, words
from telex.crypto.pairing import INVITER, JOINER, Agreed, Joiner
from telex.crypto.words import WORDS, Code
from telex.errors.between import (
    ChainBroken,
    CodeInvalid,
    CodeWrong,
    EnvelopeEarly,
    PairingLate,
    PairingRefused,
    RelayInsecure,
    RelayRefused,
    RelayStrange,
    RelayUnreachable,
)
from telex.link import keys, membership, pairing, seal
from telex.link.http import Relay
from telex.team import alerts, chain_store
from telex.wire import api, records
from telex.wire import pairing as wire
from telex.wire.envelope import Header, Receipts

CODE, OTHER = Code(nameplate=4, words="puzzle-orbit"), Code(nameplate=4, words="puzzle-opal")
ATTEMPT = "a" * 32
SEED = b"s" * 32


def agreed(code: Code = CODE, guess: Code = CODE, attempt: str = ATTEMPT) -> tuple[Agreed, Agreed]:
    """The inviter's side and the joiner's."""
    joiner = Joiner(guess, attempt)
    inviter = crypto.answered(code, attempt, joiner.message)
    return inviter, joiner.agreed(inviter.message)


def proof(joiner: Agreed, **changed: Any) -> wire.Proof:
    def sign(message: bytes) -> bytes:
        return signatures.sign(SEED, message)

    made: dict[str, Any] = {
        "id": "1" * 32,
        "name": "bob",
        "exact": True,
        "sign": signatures.public_of(SEED),
        "seal": b"x" * 32,
    }
    made["proof"] = crypto.proof_of(joiner, sign, b"x" * 32)
    return wire.Proof(**(made | changed))


# --- codes ------------------------------------------------------------------------------------------------


def test_there_are_256_words_and_a_slip_makes_none_of_another() -> None:
    assert len(WORDS) == len(set(WORDS)) == 256 and list(WORDS) == sorted(WORDS)
    assert all(word.isascii() and word.islower() and 4 <= len(word) <= 9 for word in WORDS)


def test_a_wrong_letter_is_found_before_anything_is_sent() -> None:
    with pytest.raises(CodeInvalid, match="did you mean 'puzzle'"):
        words.parse("4-puzle-orbit")


@pytest.mark.parametrize("typed", ["4-puzzle-orbit", "4 puzzle orbit", " 4-PUZZLE-Orbit\n", "04-puzzle-orbit"])
def test_a_code_may_be_typed_in_several_ways(typed: str) -> None:
    assert words.parse(typed) == CODE


@pytest.mark.parametrize(
    "typed", ["", "puzzle-orbit", "4", "4-puzzle", "4-puzzle-orbit-opal", "0-puzzle-orbit", "4-orbit-x"]
)
def test_what_is_no_code_is_said_to_be_none(typed: str) -> None:
    with pytest.raises(CodeInvalid):
        words.parse(typed)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_whatever_is_typed_is_a_code_or_none(typed: str) -> None:
    try:
        found = words.parse(typed)
    except CodeInvalid:
        return
    assert words.parse(found.written()) == found


@given(st.binary(min_size=2, max_size=2))
@settings(deadline=None)
def test_every_chance_has_a_code(chance: bytes) -> None:
    code = Code(nameplate=7, words=words.chosen(chance))
    assert words.parse(code.written()) == code


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://relay.example/", "https://relay.example"),
        ("https://relay.example:8443/telex/", "https://relay.example:8443/telex"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        ("http://localhost:1", "http://localhost:1"),
    ],
)
def test_a_relay_is_reached_by_tls_or_on_this_machine(url: str, kept: str) -> None:
    assert pairing.checked_url(url) == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://relay.example",
        "http://127.evil.example",
        "http://localhost.evil.example",
        "http://10.0.0.1",
        "ftp://relay.example",
        "relay.example",
        "https://",
        "https://me:secret@relay.example",
        "https://relay.example/?a=1",
        "https://relay.example:port",
        "",
    ],
)
def test_any_other_url_is_refused_with_words(url: str) -> None:
    with pytest.raises(RelayInsecure) as raised:
        pairing.checked_url(url)
    assert raised.value.advice
    assert "secret" not in raised.value.message or url.startswith("https://me")


def test_without_tls_elsewhere_only_who_says_so() -> None:
    assert pairing.checked_url("http://10.0.0.1", insecure=True) == "http://10.0.0.1"


# --- the exchange -----------------------------------------------------------------------------------------


def test_two_who_know_the_code_agree() -> None:
    inviter, joiner = agreed()
    assert inviter.proof(joiner.seal(JOINER, proof(joiner))) == proof(joiner)
    welcome = wire.Refused(code="failed")
    assert joiner.answer(inviter.seal(INVITER, welcome)) == welcome


def test_a_wrong_guess_opens_nothing_on_either_side() -> None:
    inviter, joiner = agreed(guess=OTHER)
    with pytest.raises(CodeWrong):
        inviter.proof(joiner.seal(JOINER, proof(joiner)))
    with pytest.raises(CodeWrong):
        joiner.answer(inviter.seal(INVITER, wire.Refused(code="failed")))


def test_nothing_that_was_sealed_can_be_read_in_between() -> None:
    inviter, joiner = agreed()
    seen = joiner.seal(JOINER, proof(joiner)) + inviter.seal(INVITER, wire.Founding(team="7" * 32, team_name="acme"))
    assert b"bob" not in seen and b"acme" not in seen and b"puzzle" not in inviter.message + joiner.message


def test_somebody_between_who_guesses_learns_only_whether_that_guess_was_right() -> None:
    """The relay plays inviter to one and joiner to the other, with a guess of its own."""
    joiner = Joiner(CODE, ATTEMPT)
    to_joiner = crypto.answered(OTHER, ATTEMPT, joiner.message)
    fooled = joiner.agreed(to_joiner.message)
    with pytest.raises(CodeWrong):
        to_joiner.proof(fooled.seal(JOINER, proof(fooled)))
    false_joiner = Joiner(OTHER, ATTEMPT)
    inviter = crypto.answered(CODE, ATTEMPT, false_joiner.message)
    guessed = false_joiner.agreed(inviter.message)
    with pytest.raises(CodeWrong):
        inviter.proof(guessed.seal(JOINER, proof(guessed)))
    assert len({to_joiner.key, inviter.key, guessed.key}) == 3


def test_what_was_said_in_one_pairing_is_nothing_in_another() -> None:
    """Would break: a recorded proof, given to the inviter in another attempt, or under another number."""
    inviter, joiner = agreed()
    sealed = joiner.seal(JOINER, proof(joiner))
    for other in (
        agreed()[0],
        Agreed(message=b"", key=inviter.key, transcript=agreed(attempt="b" * 32)[0].transcript),
        Agreed(message=b"", key=agreed()[0].key, transcript=inviter.transcript),
    ):
        with pytest.raises(CodeWrong):
            other.proof(sealed)


def test_number_and_attempt_are_part_of_what_was_said() -> None:
    joiner = Joiner(CODE, ATTEMPT)
    plain = crypto._transcript(CODE, ATTEMPT, joiner.message, b"m")
    others = {
        crypto._transcript(Code(nameplate=5, words=CODE.words), ATTEMPT, joiner.message, b"m"),
        crypto._transcript(CODE, "b" * 32, joiner.message, b"m"),
        crypto._transcript(CODE, ATTEMPT, joiner.message + b"m", b""),
        crypto._transcript(CODE, ATTEMPT, b"m", joiner.message),
    }
    assert len(others) == 4 and plain not in others


def test_a_message_thrown_back_at_its_sender_opens_nothing() -> None:
    inviter, joiner = agreed()
    with pytest.raises(CodeWrong):
        joiner.answer(joiner.seal(JOINER, wire.Refused(code="failed")))
    with pytest.raises(CodeWrong):
        inviter.proof(inviter.seal(INVITER, proof(joiner)))


@pytest.mark.parametrize(
    "changed", [{"sign": b"p" * 32}, {"seal": b"y" * 32}, {"proof": b"z" * 64}, {"proof": b""}], ids=str
)
def test_a_key_that_is_not_ones_own_is_no_proof(changed: dict[str, bytes]) -> None:
    """Would break: a machine that joins with the public keys of another."""
    inviter, joiner = agreed()
    with pytest.raises(CodeWrong):
        inviter.proof(joiner.seal(JOINER, proof(joiner, **changed)))


@given(st.binary(max_size=80))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_as_a_message_is_refused_or_leads_nowhere(message: bytes) -> None:
    try:
        found = crypto.answered(CODE, ATTEMPT, message)
    except CodeWrong:
        return
    with pytest.raises(CodeWrong):
        found.proof(os.urandom(100))


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_whatever_comes_sealed_is_refused(sealed: bytes) -> None:
    inviter, joiner = AGREED
    for open_ in (inviter.proof, joiner.answer):
        with pytest.raises(CodeWrong):
            open_(sealed)


@pytest.mark.parametrize("point", [b"B" + b"\0" * 32, b"B\1" + b"\0" * 31, b"A" + b"\1" * 32, b"S" + b"\0" * 32, b""])
def test_a_point_that_gives_the_key_away_is_refused(point: bytes) -> None:
    with pytest.raises(CodeWrong):
        crypto.answered(CODE, ATTEMPT, point)


AGREED = agreed()


# --- over a real relay ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with running(tmp_path_factory.mktemp("pairing")) as one:
        yield one


@pytest.fixture
def home(process: Process, tmp_path: Path) -> Iterator[Callable[[str], Home]]:
    with at(tmp_path, process.url) as made:
        yield made


@pytest.fixture
def alice(process: Process, home: Callable[[str], Home], request: pytest.FixtureRequest) -> Home:
    """The owner of a team of her own."""
    return home("alice").found(process.code(f"team-{abs(hash(request.node.name)) % 10**9}"))


def test_the_first_code_founds_a_team(alice: Home) -> None:
    linked = alice.linked
    assert linked and (linked.machine_name, linked.role) == ("alice", OWNER)
    team = alice.own.team
    assert [one.name for one in team.members()] == ["alice"] and team.key == 1
    assert alice.own.key(1)


def test_a_machine_that_knows_the_code_is_in_the_team_with_the_teams_key(
    alice: Home, home: Callable[[str], Home]
) -> None:
    bob = paired(alice, home("bob"))
    assert bob.linked and (bob.linked.team, bob.linked.role) == (alice.own.team.id, MEMBER)
    assert bob.own.team.newest == alice.own.team.newest
    assert bob.own.key(1) == alice.own.key(1)
    assert [one.name for one in bob.own.team.members()] == ["alice", "bob"]


def test_the_invitation_decides_the_role(alice: Home, home: Callable[[str], Home]) -> None:
    carol = paired(alice, home("carol"), READER)
    assert carol.linked and carol.linked.role == READER


def test_a_wrong_guess_burns_the_code_and_both_are_told(alice: Home, home: Callable[[str], Home]) -> None:
    code = alice.invites()
    wrong = Code(nameplate=code.nameplate, words="acorn-acorn" if code.words != "acorn-acorn" else "opal-opal")
    mallory = home("mallory")
    served, raised = asyncio.run(both(alice.serves(code), mallory.join(wrong)))
    assert served == "" and isinstance(raised, CodeWrong)
    assert [one.kind for one in alerts.recent(alice.db)] == [alerts.GUESS]
    assert len(alice.own.team.members()) == 1
    assert mallory.linked is None and not list((mallory.path / keys.DIRECTORY).glob("*.key"))
    with pytest.raises(RelayRefused, match="no such invitation"):
        asyncio.run(home("bob").join(code))


async def claimed(home: Home, code: Code) -> None:
    """Answer an invitation, and go away."""
    async with Relay(home.url) as relay:
        attempt = os.urandom(16).hex()
        await relay.ask(
            "join", api.Join(attempt=attempt, message=Joiner(code, attempt).message), nameplate=code.nameplate
        )


def test_an_answer_that_stops_half_way_burns_the_code_and_the_person_is_told(
    alice: Home, home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: anybody who guesses an invitation's number could void it without a word to who made it."""
    monkeypatch.setattr(limits, "PAIRING_WAIT_SECONDS", 0.2)
    monkeypatch.setattr(limits, "PAIRING_POLL_MS", 100)
    code = alice.invites()
    asyncio.run(claimed(home("mallory"), code))
    assert asyncio.run(alice.serves(code)) == ""
    assert [one.kind for one in alerts.recent(alice.db)] == [alerts.GUESS]
    assert any("said nothing more" in body for body in notices(alice))
    with pytest.raises(RelayRefused, match="no such invitation"):
        asyncio.run(home("bob").join(code))


def test_neither_the_words_nor_a_key_are_in_any_byte_that_the_relay_has(
    alice: Home, home: Callable[[str], Home], process: Process
) -> None:
    """Would break: a relay that can join by a code itself, or read."""
    code = alice.invites()
    asyncio.run(both(alice.serves(code), home("bob").join(code)))
    key = alice.own.key(1)
    secrets = [code.words.encode(), key, key.hex().encode(), b64encode(key)]
    secrets += (alice.path / keys.DIRECTORY / "machine.key").read_bytes().split()[2:]
    files = [path for path in process.home.rglob("*") if path.is_file()]
    assert process.file in files and process.log in files
    for path in files:
        raw = path.read_bytes()
        assert not [one for one in secrets if one in raw], path
    assert alice.own.team.name.encode() in b"".join(path.read_bytes() for path in files), (
        "the search finds what is there"
    )


def test_a_code_is_good_for_one_machine(alice: Home, home: Callable[[str], Home]) -> None:
    code = alice.invites()
    answers = asyncio.run(both(alice.serves(code), home("bob").join(code)))
    assert answers[0] == "bob"
    with pytest.raises(RelayRefused):
        asyncio.run(home("eve").join(code))


def test_the_words_of_a_code_serve_once_whatever_the_relay_says(alice: Home) -> None:
    """Would break: a relay that lets somebody guess again and again at one inviter."""
    code = alice.invites()
    now_ms = code_time(alice)
    with alice.db.write():
        assert chain_store.claim(alice.db, code.nameplate, now_ms) is not None
        assert chain_store.claim(alice.db, code.nameplate, now_ms) is None


def notices(home: Home) -> list[str]:
    """What telex has told the person there."""
    return [row[0] for row in home.db.con.execute("SELECT body FROM message WHERE sender_kind = 'system'")]


def code_time(home: Home) -> int:
    """A time at which the home's newest invitation is good."""
    return chain_store.invitations(home.db, 0)[-1][2] - 1


def test_a_code_is_void_after_ten_minutes(alice: Home) -> None:
    code = alice.invites()
    with alice.db.write():
        assert chain_store.claim(alice.db, code.nameplate, code_time(alice) + 1) is None


def test_a_name_that_is_taken_is_refused_or_given_a_number(alice: Home, home: Callable[[str], Home]) -> None:
    code = alice.invites()
    other = home("other")
    _, raised = asyncio.run(both(alice.serves(code), other.join(code, "alice", exact=True)))
    assert isinstance(raised, PairingRefused) and "taken" in raised.message and "--name" in raised.advice
    assert other.linked is None
    code = alice.invites()
    _, linked = asyncio.run(both(alice.serves(code), other.join(code, "alice", exact=False)))
    assert getattr(linked, "machine_name", linked) == "alice-2"


def test_an_inviter_that_is_away_is_said_to_be(
    alice: Home, home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telex.limits.PAIRING_WAIT_SECONDS", 0.2)
    monkeypatch.setattr("telex.limits.PAIRING_POLL_MS", 100)
    code = alice.invites()
    with pytest.raises(PairingLate):
        asyncio.run(home("bob").join(code))


def test_a_chain_that_the_inviter_did_not_name_is_refused(
    alice: Home, home: Callable[[str], Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Would break: a relay that shows a new machine a team of its own making."""
    code, bob = alice.invites(), home("bob")
    plain = pairing._welcome

    def lied_to(answer: wire.Answer) -> wire.Welcome:
        welcome = plain(answer)
        return wire.Welcome(
            team=welcome.team,
            team_name=welcome.team_name,
            name=welcome.name,
            first="0" * 64,
            newest=welcome.newest,
            n=welcome.n,
            inviter=welcome.inviter,
        )

    monkeypatch.setattr(pairing, "_welcome", lied_to)
    _, raised = asyncio.run(both(alice.serves(code), bob.join(code)))
    assert isinstance(raised, ChainBroken) and bob.linked is None


def test_a_relay_that_is_not_there_is_said_to_be(home: Callable[[str], Home], tmp_path: Path) -> None:
    nobody = home("nobody")
    nobody.url = "http://127.0.0.1:9"
    with pytest.raises(RelayUnreachable):
        asyncio.run(nobody.join(CODE))
    assert not list(nobody.path.glob(f"{keys.DIRECTORY}/*.key"))


def test_what_is_not_a_relay_is_said_not_to_be(home: Callable[[str], Home]) -> None:
    async def strange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\ncontent-type: text/html\r\n\r\n<html>hi</html>")
        await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(strange, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            one = home("one")
            one.url = f"http://127.0.0.1:{port}"
            await one.join(CODE)

    with pytest.raises(RelayStrange):
        asyncio.run(run())


def test_a_machine_that_was_removed_is_out_and_reads_nothing_later(
    alice: Home, home: Callable[[str], Home], process: Process
) -> None:
    """Would break: a lost laptop that reads what is sent later, though its thief has all that the relay has."""
    bob, carol = paired(alice, home("bob")), paired(alice, home("carol"))
    gone, thief = alice.own.team.named("bob"), bob.own
    assert gone is not None
    alice.asks(lambda relay, own: membership.remove(relay, own, gone))
    carol.asks(membership.refresh)
    assert alice.own.team.key == carol.own.team.key == 2
    assert alice.own.key(2) == carol.own.key(2)
    with pytest.raises(RelayRefused):
        bob.asks(membership.refresh)
    assert not (bob.path / keys.DIRECTORY / "team-2.key").exists()
    everything = apsw.Connection(str(process.file), flags=apsw.SQLITE_OPEN_READONLY)
    grants = [row[0] for row in everything.execute("SELECT sealed FROM key_grant WHERE key = 2")]
    everything.close()
    assert len(grants) >= 2
    for sealed in grants:
        with pytest.raises(CryptoError):
            thief.own.unseal(sealed)
    own, to = alice.own, carol.own.own.machine
    assert own.me is not None
    about = Header(
        team=own.team.id,
        machine=own.own.machine,
        to=[to],
        origin="0" * 32,
        oseq=1,
        id="1" * 32,
        key=2,
        record=own.team.n,
        at_ms=1,
    )
    raw, sealed = own.seal(about, Receipts(after={to: 0}, receipts=[]))
    assert carol.own.open(raw, sealed).sender.name == "alice"
    assert seal._unlocked(thief.key(1), sealed, raw) is None
    with pytest.raises(EnvelopeEarly):
        thief.open(raw, sealed)


def test_a_relay_that_lost_the_end_of_the_chain_gets_it_back_from_an_owner(
    alice: Home, home: Callable[[str], Home], process: Process
) -> None:
    """The relay is restored from a backup that is older than a machine."""
    backup = process.home / "older.db"
    backup.unlink(missing_ok=True)
    process.command("backup", str(backup))
    bob = paired(alice, home("bob"))
    count = alice.own.count
    process.stop()
    process.command("restore", str(backup))
    process.start()
    alice.asks(lambda relay, own: membership.give_back(relay, own, 1))
    assert alice.asks(lambda relay, _: relay.ask("pull")).records == count
    given = bob.asks(lambda relay, own: relay.ask("records", query={"after": 0}))
    assert [one.key for one in given.grants] == [1]
    assert [one.kind for one in alerts.recent(alice.db)] == [alerts.CHAIN]


def test_a_relay_that_shows_another_chain_is_refused_and_the_person_told(
    alice: Home, home: Callable[[str], Home]
) -> None:
    paired(alice, home("bob"))
    own, before = alice.own, alice.own.team.newest
    _, body, signature = chain_store.records(alice.db)[1]
    other = records.Signed(body=body.replace(b'"n":1', b'"n":2'), signature=signature)

    class Lying:
        """A relay that gives a record which does not follow."""

        async def ask(self, *_: object, **__: object) -> api.Records:
            return api.Records(records=[other], grants=[])

    with pytest.raises(ChainBroken):
        asyncio.run(membership.refresh(Lying(), own))  # type: ignore[arg-type]
    assert alice.own.team.newest == before
    assert [one.kind for one in alerts.recent(alice.db)] == [alerts.CHAIN]
    assert any("something wrong" in text for text in notices(alice))
