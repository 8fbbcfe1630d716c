"""docs/protocol/vectors.json, made without telex's own sealing, is what telex opens, and what it makes."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec
import pytest
from spake2 import SPAKE2_A, SPAKE2_B
from tools import vectors

from telex.core import safety
from telex.core.members import Team
from telex.crypto import pairing, signatures
from telex.crypto.pairing import Agreed
from telex.crypto.words import parse
from telex.errors.between import CodeWrong, EnvelopeRefused
from telex.link import chain, keys, seal
from telex.link.keys import MachineKeys
from telex.wire import envelope, signing
from telex.wire.records import Grant, Signed

FILE: dict[str, Any] = json.loads(vectors.PATH.read_text("utf-8"))
ALICE, BOB = (
    MachineKeys(one["id"], bytes.fromhex(one["sign_seed"]), bytes.fromhex(one["seal_secret"]))
    for one in FILE["machines"]
)
KEYS = {int(number): bytes.fromhex(key) for number, key in FILE["team_keys"].items()}


def team() -> Team:
    given = [Signed(body=one["body"].encode(), signature=b64decode(one["signature"])) for one in FILE["chain"]]
    return chain.extended(None, 0, given)[0]


def test_the_file_is_what_the_tool_writes(tmp_path: Path) -> None:
    assert vectors.main(["--check"]) == 0
    (tmp_path / "vectors.json").write_text("{}")
    assert vectors.main(["--check"], tmp_path / "vectors.json") == 1


def test_the_public_keys_are_those_of_the_secret_ones() -> None:
    for own, shown in zip((ALICE, BOB), FILE["machines"], strict=True):
        assert (own.sign_public, own.seal_public) == (b64decode(shown["sign"]), b64decode(shown["seal"]))


def test_the_chain_is_a_teams() -> None:
    found = team()
    assert [(one.name, one.role) for one in found.members()] == [("alice-laptop", "owner"), ("bob-laptop", "member")]
    assert found.newest == FILE["chain"][-1]["digest"]
    assert [keys.commitment(KEYS[number]) for number in (1, 2)] == [found.commit(1), found.commit(2)]


def test_the_envelope_opens_and_is_what_its_sender_would_sign() -> None:
    one = FILE["envelope"]
    raw, locked = one["header"].encode(), b64decode(one["sealed"])
    found = seal.open_(team(), ALICE.machine, KEYS.__getitem__, raw, locked)
    assert msgspec.json.decode(one["payload"], type=envelope.Payload) == found.payload
    assert BOB.sign(signatures.sealed_text(raw, one["payload"].encode())) == b64decode(one["signature"])
    with pytest.raises(EnvelopeRefused):
        seal.open_(team(), ALICE.machine, KEYS.__getitem__, raw.replace(b'"oseq":7', b'"oseq":8'), locked)


def test_the_roster_opens() -> None:
    one = FILE["roster"]
    found = seal.open_roster(team(), one["machine"], one["key"], KEYS.__getitem__, b64decode(one["sealed"]))
    assert msgspec.json.decode(one["payload"], type=envelope.Roster) == found


def test_the_grant_gives_the_key() -> None:
    one = dict(FILE["grant"])
    expected = bytes.fromhex(one.pop("team_key"))
    assert seal.granted(BOB, team(), msgspec.convert(one, Grant)) == expected


def test_the_part_opens() -> None:
    one = FILE["part"]
    key, locked = b64decode(one["key"]), b64decode(one["sealed"])
    assert seal.open_part(key, one["number"], locked).decode() == one["plain"]
    assert seal.seal_part(key, one["number"], one["plain"].encode()) == locked
    assert seal.part_digest(locked) == one["digest"]


def test_the_request_is_signed_as_a_machine_signs_it() -> None:
    one = FILE["request"]
    text = signing.to_sign(
        one["method"], one["target"], one["time_ms"], one["nonce"], one["body"].encode(), one["audience"]
    )
    assert BOB.sign(text) == b64decode(one["signature"])


def test_the_pairing_leads_to_the_same_keys() -> None:
    one = FILE["pairing"]
    code, of_joiner, of_inviter = (
        parse(one["code"]),
        b64decode(one["joiner_message"]),
        b64decode(one["inviter_message"]),
    )
    transcript = pairing._transcript(code, one["attempt"], of_joiner, of_inviter)
    agreed = Agreed(message=b"", key=bytes.fromhex(one["key"]), transcript=transcript)
    words = (pairing._password(code), *pairing._identities(code))
    assert SPAKE2_A(*words, entropy_f=lambda size: vectors.digest(b"scalar a", 64)[:size]).start() == of_inviter
    assert SPAKE2_B(*words, entropy_f=lambda size: vectors.digest(b"scalar b", 64)[:size]).start() == of_joiner
    assert transcript.hex() == one["transcript"]
    assert agreed._key(pairing.JOINER).hex() == one["joiner_key"]
    assert agreed._key(pairing.INVITER).hex() == one["inviter_key"]
    assert agreed.proof(b64decode(one["sealed"])).name == "bob-laptop"
    with pytest.raises(CodeWrong):
        agreed.answer(b64decode(one["sealed"]))


def test_the_safety_number_is_what_verify_shows() -> None:
    found = team()
    one, other = (found.machines[machine.machine] for machine in (ALICE, BOB))
    assert safety.number(found, one, other) == FILE["safety_number"]
