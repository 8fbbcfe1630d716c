"""Envelopes, rosters, grants, parts: what is changed, replayed elsewhere, misaddressed or cut is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.link import chains
from tests.link.chains import ALICE, BOB, CAROL, Player

from telex.core import members, safety
from telex.core.members import Team
from telex.crypto import signatures
from telex.errors.between import EnvelopeEarly, EnvelopeRefused, TeamKeyMissing
from telex.link import keys, seal
from telex.link.keys import MachineKeys
from telex.wire import records
from telex.wire.envelope import EVERY_MACHINE, Header, Large, Letter, Payload, Receipt, Receipts, Resident, Roster

OLD_KEY, KEY = b"1" * 32, b"2" * 32
ID = "01890000-0000-7000-8000-000000000000"
COMMITS = {1: keys.commitment(OLD_KEY), 2: keys.commitment(KEY)}


def own(player: Player) -> MachineKeys:
    return MachineKeys(player.id, player.seed, player.seed[::-1])


def said(player: Player, role: str = records.MEMBER) -> records.Machine:
    return player.said(role, seal=own(player).seal_public)


def team() -> Team:
    """Alice is the owner, bob and carol are members; the key was changed once, by record 3."""
    made = chains.extend(members, None, chains.founded(machine=said(ALICE, records.OWNER), commit=COMMITS[1]))
    made = chains.extend(members, made, chains.following(made, ALICE, records.ADD, said(BOB)))
    made = chains.extend(members, made, chains.following(made, ALICE, records.ADD, said(CAROL)))
    rotated = chains.following(made, ALICE, records.ROTATE, said(ALICE, records.OWNER), commit=COMMITS[2])
    found: Team = chains.extend(members, made, rotated)
    return found


TEAM = team()


def key_of(epoch: int) -> bytes:
    found = {1: OLD_KEY, 2: KEY}.get(epoch)
    if found is None:
        raise TeamKeyMissing(key=epoch)
    return found


def header(**changed: Any) -> Header:
    """Bob to carol."""
    plain = Header(
        team=TEAM.id, machine=BOB.id, to=[CAROL.id], origin="0" * 32, oseq=1, id="1" * 32, key=2, record=TEAM.n, at_ms=1
    )
    return msgspec.structs.replace(plain, **changed)


def letter(**changed: Any) -> Letter:
    plain = Letter(
        after={CAROL.id: 0},
        sender="api",
        sender_kind="session",
        client="claude",
        place="/home/bob/api",
        addressed="@web@c",
        to={CAROL.id: ["web"]},
        kind="note",
        body="the schema moved",
        created_ms=1,
    )
    return msgspec.structs.replace(plain, **changed)


def sealed(
    by: Player = BOB, key: bytes = KEY, about: Header | None = None, what: Payload | None = None
) -> tuple[bytes, bytes]:
    return seal.seal(own(by), key, about or header(), what or letter())


def opened(raw: bytes, locked: bytes, by: Player = CAROL, within: Team = TEAM) -> seal.Opened:
    return seal.open_(within, by.id, key_of, raw, locked)


def refusal(raw: bytes, locked: bytes, by: Player = CAROL, within: Team = TEAM) -> str:
    """Why it is refused."""
    with pytest.raises(EnvelopeRefused) as raised:
        opened(raw, locked, by, within)
    return raised.value.message


# --- what goes through ------------------------------------------------------------------------------------


def test_what_was_sealed_comes_out_as_it_went_in() -> None:
    found = opened(*sealed())
    assert (found.header, found.payload, found.sender.name) == (header(), letter(), "b")


def test_nothing_of_a_letter_can_be_read_outside() -> None:
    canary = "canary-7f3a"
    what = letter(body=canary, place=canary, sender="web-" + canary, data=json.dumps({"a": canary}))
    raw, locked = sealed(what=what)
    assert canary.encode() not in raw + locked


def test_the_same_letter_is_never_sealed_to_the_same_bytes() -> None:
    assert sealed()[1] != sealed()[1]


def test_an_owner_may_write_to_every_machine() -> None:
    about = header(machine=ALICE.id, to=[EVERY_MACHINE])
    what = letter(everyone=True, to={}, after={BOB.id: 0, CAROL.id: 0})
    assert opened(*sealed(ALICE, about=about, what=what)).payload == what


def test_a_letter_under_the_key_of_its_time_is_read_after_the_key_changed() -> None:
    assert opened(*sealed(key=OLD_KEY, about=header(key=1, record=2))).header.key == 1


def test_receipts_go_the_same_way() -> None:
    what = Receipts(after={CAROL.id: 3}, receipts=[Receipt(of=ID, name="web", via="direct", state="read", at_ms=2)])
    assert opened(*sealed(what=what)).payload == what


# --- what is refused --------------------------------------------------------------------------------------


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_changed_byte_anywhere_is_refused(data: st.DataObject) -> None:
    """Would break: a relay that changes a header or a letter without being found out."""
    raw, locked = sealed()
    whole = bytearray(raw + locked)
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises((EnvelopeRefused, EnvelopeEarly, TeamKeyMissing)):
        opened(bytes(whole[: len(raw)]), bytes(whole[len(raw) :]))


@given(st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_a_cut_envelope_is_refused(length: int) -> None:
    raw, locked = sealed()
    refusal(raw, locked[: min(length, len(locked) - 1)])


def test_a_seal_under_another_header_is_refused() -> None:
    """Would break: a relay that gives an old letter a new number, or puts letters in another order."""
    _, locked = sealed()
    for changed in ({"oseq": 2}, {"id": "2" * 32}, {"origin": "3" * 32}, {"at_ms": 9}, {"to": [CAROL.id, ALICE.id]}):
        assert "changed" in refusal(msgspec.json.encode(header(**changed)), locked)


def test_a_header_encoded_anew_is_another_header() -> None:
    raw, locked = sealed()
    again = json.dumps(json.loads(raw)).encode()
    assert "changed" in refusal(again, locked)


def test_a_letter_for_another_machine_is_refused() -> None:
    assert "another machine" in refusal(*sealed(), by=ALICE)


def test_a_letter_whose_header_was_readdressed_by_its_sender_is_refused() -> None:
    about = header(to=[ALICE.id])
    assert "another machine" in refusal(*sealed(about=about), by=ALICE)


def test_a_letter_that_names_more_machines_outside_than_inside_is_refused() -> None:
    assert "other machines" in refusal(*sealed(about=header(to=[CAROL.id, ALICE.id])))


def test_a_letter_of_another_team_or_version_is_refused() -> None:
    assert "another team" in refusal(*sealed(about=header(team="cd" * 16)))
    assert "another version" in refusal(*sealed(about=header(v=2)))


def test_a_letter_in_anothers_name_is_refused() -> None:
    """Would break: a member that writes as another member."""
    assert "not signed" in refusal(
        *sealed(CAROL, about=header(to=[ALICE.id]), what=letter(after={ALICE.id: 0})), by=ALICE
    )


def test_a_letter_by_a_stranger_is_refused() -> None:
    stranger = Player("x")
    assert "not in the team" in refusal(*sealed(stranger, about=header(machine=stranger.id)))


def test_a_letter_by_a_machine_that_was_removed_is_refused_whatever_time_it_claims() -> None:
    gone = chains.following(TEAM, ALICE, records.REMOVE, said(BOB))
    after = chains.extend(members, TEAM, gone)
    assert "not in the team" in refusal(*sealed(), within=after)


def test_a_letter_by_a_reader_is_refused() -> None:
    after = chains.extend(members, TEAM, chains.following(TEAM, ALICE, records.ROLE, said(BOB, records.READER)))
    assert "may not send" in refusal(*sealed(about=header(record=after.n)), within=after)


def test_what_a_member_sent_before_it_became_a_reader_is_read() -> None:
    after = chains.extend(members, TEAM, chains.following(TEAM, ALICE, records.ROLE, said(BOB, records.READER)))
    assert opened(*sealed(), within=after).sender.name == "b"


def test_a_member_may_not_write_to_everybody() -> None:
    assert "only an owner" in refusal(*sealed(about=header(to=[EVERY_MACHINE])))
    assert "only an owner" in refusal(*sealed(what=letter(everyone=True)))


def test_an_old_key_with_a_new_record_is_refused() -> None:
    """Would break: a sender that knows of a removal and still seals for the machine that was removed."""
    assert "another time" in refusal(*sealed(key=OLD_KEY, about=header(key=1)))


def test_a_letter_that_rests_on_a_record_to_come_waits_for_it() -> None:
    with pytest.raises(EnvelopeEarly):
        opened(*sealed(about=header(record=TEAM.n + 1)))


def test_a_letter_that_names_other_parts_outside_than_inside_is_refused() -> None:
    large = Large(size=9, digest="d" * 32, key=b"k" * 32, parts=["a" * 64])
    assert "other parts" in refusal(*sealed(what=letter(large=large)))
    assert "other parts" in refusal(*sealed(about=header(blobs=["a" * 64])))
    assert opened(*sealed(about=header(blobs=["a" * 64]), what=letter(large=large))).payload


def test_a_roster_is_no_envelope() -> None:
    roster = seal.seal_roster(own(BOB), TEAM.id, 2, KEY, Roster(at_ms=1, residents=[]))
    assert "changed" in refusal(msgspec.json.encode(header()), roster)


IMPOSSIBLE: tuple[dict[str, Any], ...] = (
    {"sender": "telex"},
    {"sender": "a@b"},
    {"sender": "../x"},
    {"sender": ""},
    {"sender_kind": "system"},
    {"to": {CAROL.id: ["web\n[telex]"]}},
    {"channels": ["a b"]},
    {"members": {CAROL.id: ["all"]}},
    {"without": {CAROL.id: ["\u202e"]}},
    {"kind": "order"},
    {"body": "a\0b"},
    {"place": "x" * 10_001},
    {"topic": "a\0"},
    {"data": "[]"},
    {"data": "{"},
    {"data": "[" * 9_000},
    {"data": json.dumps({"a": "x" * 20_000})},
    {"hops": -1},
    {"created_ms": -5},
    {"expires_ms": 2**60},
    {"after": {CAROL.id: -1}},
)


@pytest.mark.parametrize("changed", IMPOSSIBLE, ids=str)
def test_what_no_telex_would_say_is_refused(changed: dict[str, Any]) -> None:
    refusal(*sealed(what=letter(**changed)))


@pytest.mark.parametrize(
    "inner", [b"", b"{}", b"[]", b"null", b'{"type":"letter"}', b'{"type":"order"}', b"\xff", b"[" * 9_000]
)
def test_a_well_sealed_content_that_is_none_is_refused(inner: bytes) -> None:
    raw = msgspec.json.encode(header())
    signature = own(BOB).sign(signatures.sealed_text(raw, inner))
    assert "cannot be read" in refusal(raw, seal._locked(KEY, signature + inner, raw))


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_opened_or_refused(raw: bytes, locked: bytes) -> None:
    refusal(raw, locked)


# --- planted bugs -----------------------------------------------------------------------------------------


def _no_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    return True


def test_the_signature_is_what_keeps_a_member_from_writing_as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug: signatures that are not looked at."""
    monkeypatch.setattr(signatures, "good", _no_signature)
    what = letter(after={ALICE.id: 0})
    assert opened(*sealed(CAROL, about=header(to=[ALICE.id]), what=what), by=ALICE).sender.name == "b"


def test_the_bound_header_is_what_keeps_a_letter_in_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug: neither seal nor signature looks at the header."""
    locked, unlocked = seal._locked, seal._unlocked
    monkeypatch.setattr(seal, "_locked", lambda key, plain, _: locked(key, plain, b""))
    monkeypatch.setattr(seal, "_unlocked", lambda key, one, _: unlocked(key, one, b""))
    monkeypatch.setattr(signatures, "sealed_text", lambda _, payload: payload)
    _, one = sealed()
    assert opened(msgspec.json.encode(header(oseq=2)), one).header.oseq == 2


# --- rosters ----------------------------------------------------------------------------------------------

ROSTER = Roster(
    at_ms=5, residents=[Resident(name="web", kind="session", client="claude", state="idle", channels=["web"])]
)


def test_a_roster_comes_out_as_it_went_in() -> None:
    locked = seal.seal_roster(own(BOB), TEAM.id, 2, KEY, ROSTER)
    assert seal.open_roster(TEAM, BOB.id, 2, key_of, locked) == ROSTER
    assert b"web" not in locked


CHANGES: tuple[Callable[[bytes], tuple[str, int, bytes]], ...] = (
    lambda locked: (CAROL.id, 2, locked),
    lambda locked: (BOB.id, 1, locked),
    lambda locked: (BOB.id, 2, locked[:-1]),
    lambda locked: (BOB.id, 2, locked[:50] + bytes([locked[50] ^ 1]) + locked[51:]),
    lambda locked: ("f" * 32, 2, locked),
    lambda locked: (BOB.id, 2, b""),
)


@pytest.mark.parametrize("changed", CHANGES, ids=range(len(CHANGES)))
def test_a_roster_of_another_or_changed_is_refused(changed: Callable[[bytes], tuple[str, int, bytes]]) -> None:
    machine, epoch, locked = changed(seal.seal_roster(own(BOB), TEAM.id, 2, KEY, ROSTER))
    with pytest.raises(EnvelopeRefused):
        seal.open_roster(TEAM, machine, epoch, key_of, locked)


def test_a_roster_signed_by_another_member_is_refused() -> None:
    forger = MachineKeys(BOB.id, CAROL.seed, CAROL.seed)
    with pytest.raises(EnvelopeRefused):
        seal.open_roster(TEAM, BOB.id, 2, key_of, seal.seal_roster(forger, TEAM.id, 2, KEY, ROSTER))


@pytest.mark.parametrize(
    "resident", [{"name": "telex"}, {"name": "a b"}, {"kind": "system"}, {"state": "x"}, {"channels": ["A"]}], ids=str
)
def test_a_roster_with_an_entry_that_cannot_be_is_refused(resident: dict[str, Any]) -> None:
    roster = Roster(at_ms=5, residents=[msgspec.structs.replace(ROSTER.residents[0], **resident)])
    with pytest.raises(EnvelopeRefused):
        seal.open_roster(TEAM, BOB.id, 2, key_of, seal.seal_roster(own(BOB), TEAM.id, 2, KEY, roster))


# --- grants -----------------------------------------------------------------------------------------------


def test_a_grant_gives_the_key_to_its_machine_alone() -> None:
    given_to_bob = seal.grant(own(ALICE), TEAM.id, 2, KEY, TEAM.machines[BOB.id])
    assert seal.granted(own(BOB), TEAM, given_to_bob) == KEY
    assert KEY not in given_to_bob.sealed
    with pytest.raises(EnvelopeRefused):
        seal.granted(own(CAROL), TEAM, given_to_bob)
    with pytest.raises(EnvelopeRefused):
        seal.granted(own(CAROL), TEAM, msgspec.structs.replace(given_to_bob, machine=CAROL.id))


def test_a_grant_of_another_key_than_the_chain_commits_to_is_refused() -> None:
    """Would break: an owner, or a relay with an owner's help, that gives each machine another key."""
    wrong = seal.grant(own(ALICE), TEAM.id, 2, b"3" * 32, TEAM.machines[BOB.id])
    with pytest.raises(EnvelopeRefused, match="not the team's"):
        seal.granted(own(BOB), TEAM, wrong)
    older = seal.grant(own(ALICE), TEAM.id, 2, OLD_KEY, TEAM.machines[BOB.id])
    with pytest.raises(EnvelopeRefused, match="not the team's"):
        seal.granted(own(BOB), TEAM, older)


def test_a_grant_by_a_member_or_with_another_signature_is_refused() -> None:
    with pytest.raises(EnvelopeRefused, match="cannot give"):
        seal.granted(own(BOB), TEAM, seal.grant(own(CAROL), TEAM.id, 2, KEY, TEAM.machines[BOB.id]))
    good = seal.grant(own(ALICE), TEAM.id, 2, KEY, TEAM.machines[BOB.id])
    for changed in ({"key": 1}, {"signature": b"x" * 64}, {"signature": b""}, {"by": CAROL.id}, {"sealed": b"x"}):
        with pytest.raises(EnvelopeRefused):
            seal.granted(own(BOB), TEAM, msgspec.structs.replace(good, **changed))


# --- parts of large bodies --------------------------------------------------------------------------------


def test_parts_come_out_as_they_went_in_and_are_the_same_after_a_restart() -> None:
    key = seal.part_key(own(BOB), "m1", "digest")
    again = seal.part_key(own(BOB), "m1", "digest")
    parts = [b"one" * 100, b"two"]
    locked = [seal.seal_part(key, number, part) for number, part in enumerate(parts)]
    assert [seal.seal_part(again, number, part) for number, part in enumerate(parts)] == locked
    assert [seal.open_part(key, number, part) for number, part in enumerate(locked)] == parts


def test_parts_in_another_order_or_changed_are_refused() -> None:
    key = seal.part_key(own(BOB), "m1", "digest")
    one, two = (seal.seal_part(key, number, b"same") for number in (0, 1))
    assert one != two and seal.part_digest(one) != seal.part_digest(two)
    for number, part in ((0, two), (1, one), (0, one[:-1]), (0, b""), (0, bytes([one[0] ^ 1]) + one[1:])):
        with pytest.raises(EnvelopeRefused):
            seal.open_part(key, number, part)


def test_every_body_of_every_message_has_a_key_of_its_own() -> None:
    """Would break: two bodies under one key and one nonce, which together give both away."""
    asked = [(BOB, "m1", "d1"), (BOB, "m1", "d2"), (BOB, "m2", "d1"), (CAROL, "m1", "d1")]
    assert len({seal.part_key(own(who), message, digest) for who, message, digest in asked}) == 4


# --- safety numbers ---------------------------------------------------------------------------------------


def test_two_machines_see_the_same_number_and_other_pairs_another() -> None:
    alice, bob, carol = (TEAM.machines[one.id] for one in (ALICE, BOB, CAROL))
    number = safety.number(TEAM, alice, bob)
    assert number == safety.number(TEAM, bob, alice)
    assert [len(group) for group in number.split()] == [5] * 12 and number.replace(" ", "").isdigit()
    assert len({number, safety.number(TEAM, alice, carol), safety.number(TEAM, bob, carol)}) == 3


def test_a_number_changes_with_either_key_and_with_the_team() -> None:
    """Would break: somebody in between who shows each side keys of his own."""
    alice, bob = TEAM.machines[ALICE.id], TEAM.machines[BOB.id]
    seen = {safety.number(TEAM, alice, bob)}
    for field in ("sign", "seal"):
        other = members.Machine(**{**vars(bob), field: b"e" * 32})
        seen.add(safety.number(TEAM, alice, other))
    seen.add(safety.number(members.Team(**{**vars(TEAM), "first": "0" * 64}), alice, bob))
    assert len(seen) == 4
