"""Envelopes, rosters, grants and parts of large bodies: sealed for the team, signed by the machine.

Rules kept here:
- the signature is over the header as it travels and over everything that is sealed, so no word of a message can be
  changed, and none can be put into another envelope;
- the header is bound to the seal, too: who changes it, or puts another before it, spoils the whole;
- an envelope counts only if the chain that this machine verified itself says that its sender may send it;
- each seal is bound to what it is for: an envelope's cannot pass for a roster's or a part's.
"""

from __future__ import annotations

import os
from _blake2 import blake2b

import msgspec
from nacl import bindings
from nacl.exceptions import CryptoError

from telex import limits
from telex.core.members import MEMBER, OWNER, Machine, Team
from telex.core.record import Record
from telex.crypto import signatures
from telex.errors.between import EnvelopeEarly, EnvelopeRefused
from telex.link import judge, keys
from telex.link.keys import MachineKeys
from telex.wire.envelope import EVERY_MACHINE, NONCE_BYTES, SIGNATURE_BYTES, VERSION, Header, Letter, Payload, Roster
from telex.wire.records import Grant

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    KeyOf = Callable[[int], bytes]  # the team's key of an epoch; raises TeamKeyMissing

_PART = b"telex part 1\0"
_AROUND_BYTES = NONCE_BYTES + SIGNATURE_BYTES + bindings.crypto_aead_xchacha20poly1305_ietf_ABYTES


class Opened(Record):
    """An envelope that is what it says."""

    header: Header
    sender: Machine
    payload: Payload


def seal(own: MachineKeys, key: bytes, header: Header, payload: Payload) -> tuple[bytes, bytes]:
    """The header as it travels, and what is sealed under the team's key."""
    raw = msgspec.json.encode(header)
    inner = msgspec.json.encode(payload)
    signature = own.sign(signatures.sealed_text(raw, inner))
    return raw, _locked(key, signature + inner, raw)


def fits(payload: Payload) -> bool:
    """Whether a payload can travel in one envelope; else its body goes in parts."""
    return len(msgspec.json.encode(payload)) + _AROUND_BYTES <= limits.RELAY_SEALED_BYTES


def header_of(raw: bytes) -> Header:
    """What a header says, unchecked. Raises EnvelopeRefused."""
    try:
        return _HEADER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise EnvelopeRefused(machine="?", problem="its header cannot be read") from None


def open_(team: Team, me: str, key_of: KeyOf, raw: bytes, sealed: bytes) -> Opened:
    """What another machine sealed for this one.

    Raises EnvelopeRefused (for the person to see), EnvelopeEarly (fetch the records, then once more), TeamKeyMissing.
    """
    header = header_of(raw)
    sender = _sender(team, me, header)
    plain = _unlocked(key_of(header.key), sealed, raw)
    if plain is None:
        raise EnvelopeRefused(machine=sender.name, problem="it was changed, or sealed with another key")
    signature, inner = plain[:SIGNATURE_BYTES], plain[SIGNATURE_BYTES:]
    if not signatures.good(sender.sign, signatures.sealed_text(raw, inner), signature):
        raise EnvelopeRefused(machine=sender.name, problem="it is not signed by that machine")
    try:
        payload = _PAYLOAD.decode(inner)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise EnvelopeRefused(machine=sender.name, problem="its content cannot be read") from None
    if problem := _mismatch(header, payload, me, sender.role_at(header.record)) or judge.problem(payload):
        raise EnvelopeRefused(machine=sender.name, problem=problem)
    return Opened(header=header, sender=sender, payload=payload)


def _sender(team: Team, me: str, header: Header) -> Machine:
    """The machine that a header names, if it may send this to us at all."""
    sender = team.machines.get(header.machine)
    name = sender.name if sender else "?"
    if header.v != VERSION or header.team != team.id:
        raise EnvelopeRefused(machine=name, problem="it is of another version or another team")
    if header.record > team.n:
        raise EnvelopeEarly(machine=name, n=header.record)
    if sender is None or sender.removed:
        raise EnvelopeRefused(machine=name, problem="that machine is not in the team")
    if sender.role_at(header.record) not in (OWNER, MEMBER):
        raise EnvelopeRefused(machine=name, problem="that machine may not send")
    if header.key != team.key_at(header.record):
        raise EnvelopeRefused(machine=name, problem="it is sealed with a key of another time")
    if me not in header.to and header.to != [EVERY_MACHINE]:
        raise EnvelopeRefused(machine=name, problem="it is for another machine")
    return sender


def _mismatch(header: Header, payload: Payload, me: str, role: str) -> str:
    """Where what is sealed does not fit the header, or its sender's role; '' where it does."""
    if me not in payload.after:
        return "what is sealed is for another machine"
    if header.to != [EVERY_MACHINE] and set(header.to) != set(payload.after):
        return "its header names other machines than what is sealed"
    everyone = isinstance(payload, Letter) and payload.everyone
    if (everyone or header.to == [EVERY_MACHINE]) and role != OWNER:
        return "only an owner may write to everybody"
    large = payload.large if isinstance(payload, Letter) else None
    return "" if header.blobs == (large.parts if large else []) else "its header names other parts than what is sealed"


# --- rosters ----------------------------------------------------------------------------------------------


def seal_roster(own: MachineKeys, team: str, epoch: int, key: bytes, roster: Roster) -> bytes:
    """Who is at this machine, for the others."""
    inner = msgspec.json.encode(roster)
    about = _about(team, own.machine, epoch)
    return _locked(key, own.sign(signatures.roster(about, inner)) + inner, about)


def open_roster(team: Team, machine: str, epoch: int, key_of: KeyOf, sealed: bytes) -> Roster:
    """Who is at another machine. Raises EnvelopeRefused, TeamKeyMissing."""
    sender = team.member(machine)
    if sender is None:
        raise EnvelopeRefused(machine="?", problem="its list of sessions is of a machine that is not in the team")
    about = _about(team.id, machine, epoch)
    plain = _unlocked(key_of(epoch), sealed, about)
    problem = "its list of sessions was changed, or cannot be read"
    if plain is None:
        raise EnvelopeRefused(machine=sender.name, problem=problem)
    signature, inner = plain[:SIGNATURE_BYTES], plain[SIGNATURE_BYTES:]
    if not signatures.good(sender.sign, signatures.roster(about, inner), signature):
        raise EnvelopeRefused(machine=sender.name, problem=problem)
    try:
        found = _ROSTER.decode(inner)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise EnvelopeRefused(machine=sender.name, problem=problem) from None
    if wrong := judge.problem_of_roster(found):
        raise EnvelopeRefused(machine=sender.name, problem=wrong)
    return found


def _about(team: str, machine: str, epoch: int) -> bytes:
    return f"telex roster 1 {team} {machine} {epoch}".encode()


# --- grants -----------------------------------------------------------------------------------------------


def grant(own: MachineKeys, team: str, epoch: int, key: bytes, to: Machine) -> Grant:
    """The team's key for one machine; an owner gives it."""
    sealed = bytes(bindings.crypto_box_seal(key, to.seal))
    signature = own.sign(signatures.grant(team, epoch, to.id, sealed))
    return Grant(key=epoch, machine=to.id, by=own.machine, sealed=sealed, signature=signature)


def granted(own: MachineKeys, team: Team, given: Grant) -> bytes:
    """The key that a grant holds: the very one that the team's chain commits to. Raises EnvelopeRefused."""
    giver = team.machines.get(given.by)
    name = giver.name if giver else "?"
    if giver is None or OWNER not in {role for _, role in giver.roles} or given.machine != own.machine:
        raise EnvelopeRefused(machine=name, problem="it gives a key that it cannot give")
    text = signatures.grant(team.id, given.key, given.machine, given.sealed)
    if not signatures.good(giver.sign, text, given.signature):
        raise EnvelopeRefused(machine=name, problem="the key that it gives is not signed by it")
    try:
        key = own.unseal(given.sealed)
    except (CryptoError, ValueError):
        raise EnvelopeRefused(machine=name, problem="the key that it gives cannot be opened") from None
    if len(key) != keys.KEY_BYTES or keys.commitment(key) != team.commit(given.key):
        raise EnvelopeRefused(machine=name, problem="the key that it gives is not the team's")
    return key


# --- parts of large bodies --------------------------------------------------------------------------------


def part_key(own: MachineKeys, message: str, digest: str) -> bytes:
    """The key of one body in one message: the same after a restart, so that a transfer can be resumed."""
    return own.derived(f"part {message} {digest}".encode())


def seal_part(key: bytes, number: int, plain: bytes) -> bytes:
    """One part of a body. A key seals one body only, so the part's number is nonce enough."""
    nonce = number.to_bytes(NONCE_BYTES, "big")
    return bytes(bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, _PART, nonce, key))


def open_part(key: bytes, number: int, sealed: bytes) -> bytes:
    """One part of a body. Raises EnvelopeRefused."""
    nonce = number.to_bytes(NONCE_BYTES, "big")
    try:
        return bytes(bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, _PART, nonce, key))
    except (CryptoError, ValueError):
        raise EnvelopeRefused(machine="?", problem=f"part {number + 1} of a large text was changed") from None


def part_digest(sealed: bytes) -> str:
    """The name of a part at the relay."""
    return blake2b(sealed, digest_size=32).hexdigest()


# --- the seal itself --------------------------------------------------------------------------------------


def _locked(key: bytes, plain: bytes, about: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + bytes(bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, about, nonce, key))


def _unlocked(key: bytes, sealed: bytes, about: bytes) -> bytes | None:
    """What is under a seal; None where it does not open."""
    if len(sealed) < _AROUND_BYTES:
        return None
    nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return bytes(bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(rest, about, nonce, key))
    except (CryptoError, ValueError):
        return None


_HEADER: msgspec.json.Decoder[Header] = msgspec.json.Decoder(Header)
_PAYLOAD: msgspec.json.Decoder[Payload] = msgspec.json.Decoder(Payload)
_ROSTER: msgspec.json.Decoder[Roster] = msgspec.json.Decoder(Roster)
