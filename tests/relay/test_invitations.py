"""Invitations at the relay: one try, ten minutes, and word left for the other side."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest
from tests.relay.conftest import Crew
from tests.relay.machines import Chain, Peer, code_of, found, hex_id, prove
from tests.relay.running import Relay, until_waiting

from telex import limits
from telex.core import members
from telex.crypto import pairing, words
from telex.crypto.words import Code
from telex.relay.state_file import open_book
from telex.wire import api
from telex.wire import pairing as said


class Joining:
    """Somebody with a code, right or wrong, one step at a time."""

    def __init__(self, peer: Peer, code: Code) -> None:
        self.peer, self.code, self.attempt = peer, code, hex_id()
        self.side = pairing.Joiner(code, self.attempt)
        self.place: dict[str, Any] = {"nameplate": code.nameplate}

    def claim(self) -> Any:
        return self.peer.send("join", api.Join(attempt=self.attempt, message=self.side.message), **self.place)

    def heard(self, wait_ms: int = 0) -> Any:
        return self.peer.send("joining", query={"attempt": self.attempt, "wait_ms": wait_ms}, **self.place)


def wrong(code: Code) -> Code:
    """Another code for the same invitation."""
    return Code(nameplate=code.nameplate, words=words.chosen(b"\x01\x02" if "acorn" in code.words else b"\x00\x00"))


def test_a_team_is_founded_with_the_relays_own_code(crew: Crew, relay: Relay) -> None:
    owner = crew.peer("dave")
    chain = found(owner, relay.code("founded"))
    assert owner.ask("records").grants == [chain.grant(owner)]
    listed = [team for team in relay.command("team", "list")["teams"] if team["name"] == "founded"]  # type: ignore
    assert [(team["machines"], team["records"]) for team in listed] == [(1, 1)]


def test_a_wrong_code_is_void_after_one_try(crew: Crew, relay: Relay) -> None:
    """Would break: 16 bits would be guessed in a minute."""
    code = words.parse(relay.code("guessed"))
    guess = Joining(crew.peer("mallory"), wrong(code))
    assert guess.claim().is_success
    agreed = guess.side.agreed(msgspec.json.decode(guess.heard().content, type=api.Joining).message)
    answer = guess.peer.send("prove", prove(guess.peer, agreed, guess.attempt), **guess.place)
    assert (answer.status_code, code_of(answer)) == (403, "code-wrong")
    right = Joining(crew.peer("dave"), code)
    assert code_of(right.claim()) == "invitation-unknown"


def test_the_first_try_has_an_invitation_to_itself(crew: Crew, relay: Relay) -> None:
    code = words.parse(relay.code("claimed"))
    first, second = Joining(crew.peer("dave"), code), Joining(crew.peer("erin"), code)
    assert first.claim().is_success
    assert first.claim().is_success  # its answer may have been lost
    assert code_of(second.claim()) == "claimed"
    assert code_of(second.heard()) == "claimed"


def test_a_message_that_is_no_point_burns_the_code(crew: Crew, relay: Relay) -> None:
    code = words.parse(relay.code("pointless"))
    answer = crew.bob.send("join", api.Join(attempt=hex_id(), message=b"A" * 33), nameplate=code.nameplate)
    assert code_of(answer) == "code-wrong"
    assert code_of(Joining(crew.peer("dave"), code).claim()) == "invitation-unknown"


def test_only_the_machine_that_proved_the_code_founds_the_team(crew: Crew, relay: Relay) -> None:
    joining = Joining(crew.peer("dave"), words.parse(relay.code("stolen")))
    joining.claim()
    heard = msgspec.json.decode(joining.heard().content, type=api.Joining)
    agreed = joining.side.agreed(heard.message)
    founding = agreed.answer(heard.sealed)
    assert isinstance(founding, said.Founding)
    other = crew.peer("mallory")
    for team, name, owner in (
        (founding.team, founding.team_name, other),
        (hex_id(), founding.team_name, joining.peer),
        (founding.team, "another", joining.peer),
    ):
        first = Chain(owner, team, name).record(members.FOUND, owner.said(members.OWNER))
        body = prove(joining.peer, agreed, joining.attempt, api.Append(record=first))
        assert code_of(joining.peer.send("prove", body, **joining.place)) == "record-wrong"
    missing = joining.peer.send("prove", prove(joining.peer, agreed, joining.attempt), **joining.place)
    assert code_of(missing) == "record-wrong"


def test_founding_again_after_a_lost_answer_is_no_error(crew: Crew, relay: Relay) -> None:
    joining = Joining(crew.peer("dave"), words.parse(relay.code("again")))
    joining.claim()
    heard = msgspec.json.decode(joining.heard().content, type=api.Joining)
    agreed = joining.side.agreed(heard.message)
    founding = agreed.answer(heard.sealed)
    assert isinstance(founding, said.Founding)
    owner = joining.peer
    first = Chain(owner, founding.team, founding.team_name).record(members.FOUND, owner.said(members.OWNER))
    body = prove(owner, agreed, joining.attempt, api.Append(record=first))
    for _ in range(2):
        assert owner.send("prove", body, **joining.place).status_code == 204
    welcome = agreed.answer(msgspec.json.decode(joining.heard().content, type=api.Joining).sealed)
    assert isinstance(welcome, said.Welcome)


def test_a_team_with_an_owner_takes_no_code_from_the_host(crew: Crew, relay: Relay) -> None:
    found(crew.peer("dave"), relay.code("owned"))
    done = relay.refused("team", "code", "owned")
    assert done["code"] == "team-founded"
    assert relay.refused("team", "create", "owned")["code"] == "team-exists"
    assert relay.refused("team", "code", "nobody")["code"] == "team-unknown"


def test_both_sides_leave_word_for_each_other(crew: Crew) -> None:
    invited = crew.alice.ask("invite", api.Invite(role="member"))
    code = Code(nameplate=invited.nameplate, words=words.chosen(b"ab"))
    place: dict[str, Any] = {"nameplate": invited.nameplate}
    joining = Joining(crew.peer("dave"), code)
    assert crew.alice.pull().invitations == []
    assert joining.claim().is_success
    assert crew.alice.pull().invitations == [invited.nameplate]
    heard = crew.alice.ask("invitation", **place)
    agreed = pairing.answered(code, heard.attempt, heard.message)
    crew.alice.ask("answer", api.Reply(message=agreed.message), **place)
    assert crew.alice.pull().invitations == []
    mine = joining.side.agreed(msgspec.json.decode(joining.heard().content, type=api.Joining).message)
    assert joining.peer.send("prove", prove(joining.peer, mine, joining.attempt), **place).is_success
    assert crew.alice.pull().invitations == [invited.nameplate]
    assert agreed.proof(crew.alice.ask("invitation", **place).sealed).name == "dave"
    crew.alice.ask("answer", api.Reply(sealed=b"welcome"), **place)
    last = msgspec.json.decode(joining.heard(30_000).content, type=api.Joining)
    assert (last.message, last.sealed) == (agreed.message, b"welcome")
    assert crew.alice.pull().invitations == []


def test_an_inviter_who_waits_is_woken_by_the_joiner(crew: Crew) -> None:
    invited = crew.alice.ask("invite", api.Invite(role="member"))
    seen: list[api.Page] = []
    crew.alice.pull()
    thread = threading.Thread(target=lambda: seen.append(crew.alice.pull(wait_ms=30_000)))
    thread.start()
    until_waiting(crew.relay, 1)
    Joining(crew.peer("dave"), Code(nameplate=invited.nameplate, words="acorn-acorn")).claim()
    thread.join(timeout=60)
    assert seen[0].invitations == [invited.nameplate]


def test_a_joiner_who_waits_is_woken_by_the_inviter(crew: Crew) -> None:
    invited = crew.alice.ask("invite", api.Invite(role="member"))
    joining = Joining(crew.peer("dave"), Code(nameplate=invited.nameplate, words="acorn-acorn"))
    joining.claim()
    seen: list[Any] = []
    thread = threading.Thread(target=lambda: seen.append(joining.heard(30_000)))
    thread.start()
    until_waiting(crew.relay, 1)
    crew.alice.ask("answer", api.Reply(message=b"hello"), nameplate=invited.nameplate)
    thread.join(timeout=60)
    assert msgspec.json.decode(seen[0].content, type=api.Joining).message == b"hello"


def test_a_burned_invitation_is_over_for_both(crew: Crew) -> None:
    invited = crew.alice.ask("invite", api.Invite(role="member"))
    joining = Joining(crew.peer("dave"), Code(nameplate=invited.nameplate, words="acorn-acorn"))
    joining.claim()
    crew.alice.ask("burn", nameplate=invited.nameplate)
    assert code_of(joining.heard()) == "invitation-unknown"
    assert code_of(crew.alice.send("invitation", nameplate=invited.nameplate)) == "invitation-unknown"


def test_an_invitation_is_its_inviters_alone(crew: Crew) -> None:
    invited = crew.alice.ask("invite", api.Invite(role="member"))
    dave = crew.chain.add(crew.peer("dave"), members.OWNER)
    for name, body in (("invitation", None), ("answer", api.Reply(message=b"m")), ("burn", None)):
        assert code_of(dave.send(name, body, nameplate=invited.nameplate)) == "invitation-unknown"


def test_a_team_has_so_many_invitations_open_and_no_more(crew: Crew) -> None:
    for _ in range(limits.RELAY_INVITATIONS):
        crew.alice.ask("invite", api.Invite(role="member"))
    answer = crew.alice.send("invite", api.Invite(role="member"))
    assert (answer.status_code, code_of(answer)) == (429, "many-invitations")


@pytest.mark.parametrize("words_of", ["words", "secret"])
def test_the_relays_own_words_and_keys_are_forgotten(crew: Crew, relay: Relay, words_of: str) -> None:
    """Would break: a backup would have what pairs as a team's owner."""
    code = words.parse(relay.code(f"forgotten-{words_of}"))
    owner = crew.peer("dave")
    found(owner, code.written())
    book = open_book(str(relay.file))
    row = book.row("pairing.one", code.nameplate)
    book.con.close()
    assert row is not None
    assert code.words not in row
    assert row[11] == b""
