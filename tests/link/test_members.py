"""The membership chain: what is refused, by whom, and that every rule is needed."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.link import chains
from tests.link.chains import ALICE, BOB, CAROL, DAVE, HOSTILE, HOSTILE_FIRST, Hostile, Player

from telex import limits
from telex.core import members
from telex.errors.between import ChainBroken
from telex.wire import records
from telex.wire.records import Signed

SOURCE = Path(members.__file__).read_text(encoding="utf-8")
PLAYERS = [Player(letter) for letter in "abcdef"]
ACTS = (records.FOUND, records.ADD, records.ROLE, records.REMOVE, records.ROTATE)


def refused(record: Signed, team: Any, rules: types.ModuleType = members) -> bool:
    """Whether the rules refuse a record."""
    try:
        chains.extend(rules, team, record)
    except ChainBroken:
        return True
    return False


# --- what is refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda one: one.tries)
def test_a_hostile_record_is_refused(hostile: Hostile) -> None:
    team = chains.team_of()
    assert refused(hostile.made(team), team)


@pytest.mark.parametrize("hostile", HOSTILE_FIRST, ids=lambda one: one.tries)
def test_a_hostile_first_record_is_refused(hostile: Hostile) -> None:
    assert refused(hostile.made(None), None)


def test_a_team_always_keeps_an_owner() -> None:
    team = chains.extend(members, None, chains.founded())
    assert refused(chains.following(team, ALICE, records.ROLE, ALICE.said()), team)


def test_a_team_has_a_most_of_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    team = chains.team_of()
    monkeypatch.setattr(limits, "TEAM_MACHINES", len(team.members()))
    assert refused(chains.following(team, ALICE, records.ADD, Player("e").said()), team)


def test_a_name_is_free_again_after_a_removal() -> None:
    team = chains.team_of()
    new = chains.extend(members, team, chains.following(team, ALICE, records.ADD, Player("e").said(name="d")))
    assert new.named("d").id == Player("e").id


def test_what_a_newer_telex_adds_to_a_record_is_passed_over() -> None:
    team = chains.team_of()
    plain = chains.following(team, ALICE, records.ADD, Player("e").said())
    more = plain.body[:-1] + b',"colour":"blue"}'
    assert chains.extend(members, team, ALICE.signed(more)).named("e")


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"team":1}', b"null"])
def test_what_is_no_record_is_refused(body: bytes) -> None:
    assert refused(ALICE.signed(body), chains.team_of())


# --- what a chain says ------------------------------------------------------------------------------------


def test_a_chain_says_who_is_in_the_team_and_since_when() -> None:
    team = chains.team_of()
    assert [one.name for one in team.members()] == ["a", "b", "c"]
    assert team.member(DAVE.id) is None and team.machines[DAVE.id].removed == team.n
    bob = team.machines[BOB.id]
    assert [bob.role_at(n) for n in range(team.n + 1)] == ["", *["member"] * 3, *["owner"] * 3]
    dave = team.machines[DAVE.id]
    assert [dave.role_at(n) for n in range(team.n + 1)] == ["", "", "", "member", "member", "owner", ""]


def test_a_removal_begins_a_key_and_an_addition_does_not() -> None:
    team = chains.team_of()
    assert team.key == 2
    assert [team.key_at(n) for n in range(team.n + 1)] == [1, 1, 1, 1, 1, 1, 2]
    assert (team.commit(1), team.commit(2), team.commit(3), team.commit(0)) == (
        chains.commit(1),
        chains.commit(2),
        "",
        "",
    )


# --- planted bugs -----------------------------------------------------------------------------------------

# Each takes one rule out. Some record above must then be taken, or the tests would not notice its loss.
PLANTED = (
    ("if not check(signer, body, signature):", "if False:"),
    (
        "if not check(signer, body, signature):",
        "if not any(check(k, body, signature) for k in (signer, said.machine.sign)):",
    ),
    ("if said.v != VERSION:", "if False:"),
    ("if not (_is_hex(said.team, ID_DIGITS)", "if False and not (_is_hex(said.team, ID_DIGITS)"),
    ("if machine.role not in ROLES:", "if False:"),
    ("if not (_may_hold(machine.name) and", "if not ("),
    ("and len(machine.sign) == len(machine.seal) == KEY_BYTES)", ")"),
    ("if begins != _is_hex(said.commit, DIGEST_DIGITS) or (not begins and said.commit):", "if False:"),
    ("if (said.act == FOUND) != bool(said.team_name):", "if False:"),
    ("if said.act != FOUND or said.n != 0 or said.prev:", "if said.act != FOUND or said.prev:"),
    ("if said.act != FOUND or said.n != 0 or said.prev:", "if said.act != FOUND or said.n != 0:"),
    ("if said.machine.id != said.by or said.machine.role != OWNER:", "if said.machine.role != OWNER:"),
    ("if said.machine.id != said.by or said.machine.role != OWNER:", "if said.machine.id != said.by:"),
    ("if said.key != FIRST_KEY:", "if False:"),
    ('return "" if _may_hold(said.team_name) else "the team has no valid name"', 'return ""'),
    ("said.team != team.id or said.n", "said.n"),
    ("or said.n != team.n + 1 or", "or"),
    ("or said.prev != team.newest:", ":"),
    ("if by is None or by.role != OWNER:", "if by is None:"),
    ("by = team.member(said.by)", "by = team.machines.get(said.by)"),
    ("if said.key != team.key + begins:", "if False:"),
    ("if begins and said.commit in", "if False and said.commit in"),
    ("if new.id in team.machines:", "if team.member(new.id):"),
    ("if team.named(new.name):", "if False:"),
    ("one.sign == new.sign or one.seal == new.seal", "one.seal == new.seal"),
    ("one.sign == new.sign or one.seal == new.seal", "one.sign == new.sign"),
    ("for one in team.machines.values()):", "for one in team.members()):"),
    ("if before is None or not _same(before, said.machine):", "if before is None:"),
    ("if before.role == said.machine.role:", "if False:"),
    ("or before.role != said.machine.role:", ":"),
    ('return "no machine removes itself" if said.machine.id == said.by else ""', 'return ""'),
    ("whole = said.machine.id == by.id and _same(by, said.machine) and", "whole ="),
    ("_same(by, said.machine) and by.role == said.machine.role", "_same(by, said.machine)"),
    ("return (before.name, before.sign, before.seal) == (now.name, now.sign, now.seal)", "return True"),
)


@pytest.mark.parametrize(("rule", "without"), PLANTED, ids=range(len(PLANTED)))
def test_every_rule_is_needed(rule: str, without: str) -> None:
    assert SOURCE.count(rule) >= 1, "the rule is written otherwise now"
    weaker = types.ModuleType("weaker")
    exec(compile(SOURCE.replace(rule, without), members.__file__, "exec"), weaker.__dict__)
    team = chains.team_of(weaker)
    slipped = [one.tries for one in HOSTILE if not _stopped(weaker, one, team)]
    slipped += [one.tries for one in HOSTILE_FIRST if not _stopped(weaker, one, None)]
    assert slipped


def _stopped(rules: types.ModuleType, hostile: Hostile, team: Any) -> bool:
    """Whether a record is refused, or at least brings the weaker rules to a halt."""
    return refused(hostile.made(team), team, rules)


# --- whatever anybody writes ------------------------------------------------------------------------------


@st.composite
def moves(draw: st.DrawFn) -> list[tuple[Player, str, Player, str, Player]]:
    """Who says what of whom, and who signs it: often the one who says it, sometimes not."""
    one = st.sampled_from(PLAYERS)
    made = []
    for _ in range(draw(st.integers(1, 25))):
        by = draw(one)
        made.append((by, draw(st.sampled_from(ACTS)), draw(one), draw(st.sampled_from(members.ROLES)), by))
        if draw(st.integers(0, 9)) == 0:
            made[-1] = (*made[-1][:4], draw(one))
    return made


@given(moves())
@settings(max_examples=300, deadline=None)
def test_whatever_is_written_a_team_stays_whole(made: list[tuple[Player, str, Player, str, Player]]) -> None:
    """Would break: a chain without an owner, two machines of one name, somebody back from removal, a key kept."""
    team = chains.extend(members, None, chains.founded())
    used = {team.commit(1)}
    for number, (by, act, about, role, signer) in enumerate(made, 2):
        said = about.said(role)
        if act in (records.REMOVE, records.ROTATE) and (known := team.machines.get(about.id)):
            said = about.said(known.role)
        begins = act in (records.REMOVE, records.ROTATE, records.FOUND)
        plain = chains.following(team, by, act, said, commit=chains.commit(number) if begins else "")
        before = team
        try:
            team = chains.extend(members, team, signer.signed(plain.body))
        except ChainBroken:
            assert team is before
            continue
        assert signer is by and before.member(by.id) and before.member(by.id).role == members.OWNER
        assert any(one.role == members.OWNER for one in team.members())
        assert len({one.name for one in team.members()}) == len(team.members())
        assert all(team.machines[key].removed for key, one in before.machines.items() if one.removed)
        assert (team.key > before.key) == (act in (records.REMOVE, records.ROTATE))
        assert team.commit(team.key) not in used or team.key == before.key
        used.add(team.commit(team.key))


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_changed_byte_of_a_signed_record_is_refused(data: st.DataObject) -> None:
    team = chains.team_of()
    record = chains.following(team, ALICE, records.ADD, Player("e").said())
    place = data.draw(st.integers(0, len(record.body) - 1))
    byte = data.draw(st.integers(1, 255))
    body = bytearray(record.body)
    body[place] ^= byte
    assert refused(Signed(body=bytes(body), signature=record.signature), team)


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=10),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["team", "n", "prev", "at_ms", "by", "act", "machine", "key", "commit", "v", "id"]),
                inner,
                max_size=8,
            )
        ),
        max_leaves=20,
    ).map(msgspec.json.encode)
)
@settings(max_examples=300, deadline=None)
def test_whatever_comes_as_a_record_is_a_record_or_refused(body: bytes) -> None:
    assert refused(CAROL.signed(body), chains.team_of())
