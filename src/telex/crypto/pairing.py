"""Pairing by a code (SPAKE2): what each side says, without input or output.

Rules kept here:
- the inviter is side A and answers once; the one who joins is side B and proves first, so whoever guesses the code
  learns from one try whether that guess was right, and no more;
- number, attempt and both messages are bound into the keys: what was said in one pairing is nothing in another;
- each side seals with a key of its own, so that a message cannot be thrown back at its sender;
- who joins signs all that was said with the key that will stand in the team's chain.
"""

from __future__ import annotations

import os
from _blake2 import blake2b
from collections.abc import Callable
from typing import TypeVar

import msgspec
from nacl import bindings
from nacl.exceptions import CryptoError
from spake2 import SPAKE2_A, SPAKE2_B
from spake2.ed25519_basic import NotOnCurve
from spake2.spake2 import SPAKEError

from telex.core.record import Record
from telex.crypto import signatures
from telex.crypto.words import Code
from telex.errors.between import CodeWrong
from telex.wire import pairing as wire

INVITER, JOINER = b"telex inviter", b"telex joiner"  # who sealed; 16 bytes at most

_NONCE_BYTES, _MESSAGE_BYTES = 24, 33
_T = TypeVar("_T")


class Agreed(Record):
    """What a side has after both messages were exchanged. Whether the other knows the code shows when it unseals."""

    message: bytes  # of this side, for the other
    key: bytes
    transcript: bytes

    def seal(self, side: bytes, what: msgspec.Struct) -> bytes:
        """Seal something as that side."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + bytes(bindings.crypto_secretbox(msgspec.json.encode(what), nonce, self._key(side)))

    def proof(self, sealed: bytes) -> wire.Proof:
        """Who joins, as the inviter unseals it. Raises CodeWrong."""
        found = _decoded(self._open(JOINER, sealed), _PROOF)
        if not signatures.good(found.sign, signatures.proof(self.transcript + found.seal), found.proof):
            raise CodeWrong()
        return found

    def answer(self, sealed: bytes) -> wire.Answer:
        """What the inviter says, as the one who joins unseals it. Raises CodeWrong."""
        return _decoded(self._open(INVITER, sealed), _ANSWER)

    def _open(self, side: bytes, sealed: bytes) -> bytes:
        try:
            return bytes(bindings.crypto_secretbox_open(sealed[_NONCE_BYTES:], sealed[:_NONCE_BYTES], self._key(side)))
        except (CryptoError, ValueError):
            raise CodeWrong() from None

    def _key(self, side: bytes) -> bytes:
        return blake2b(self.transcript, key=self.key, person=side, digest_size=32).digest()


def answered(code: Code, attempt: str, message: bytes) -> Agreed:
    """The inviter's part, for the first message of whoever joins. Once for each code. Raises CodeWrong."""
    side = SPAKE2_A(_password(code), *_identities(code))
    own = bytes(side.start())
    return Agreed(message=own, key=_finished(side, message), transcript=_transcript(code, attempt, message, own))


class Joiner:
    """The part of whoever joins: `message` goes first."""

    def __init__(self, code: Code, attempt: str) -> None:
        self._code = code
        self._attempt = attempt
        self._side = SPAKE2_B(_password(code), *_identities(code))
        self.message = bytes(self._side.start())

    def agreed(self, message: bytes) -> Agreed:
        """After the inviter's message. Raises CodeWrong."""
        key = _finished(self._side, message)
        transcript = _transcript(self._code, self._attempt, self.message, message)
        return Agreed(message=self.message, key=key, transcript=transcript)


def proof_of(agreed: Agreed, sign: Callable[[bytes], bytes], seal: bytes) -> bytes:
    """The signature by which the machine with this secret key shows itself, and its other public key."""
    return sign(signatures.proof(agreed.transcript + seal))


def _password(code: Code) -> bytes:
    return f"telex code 1 {code.written()}".encode()


def _identities(code: Code) -> tuple[bytes, bytes]:
    return (f"telex inviter {code.nameplate}".encode(), f"telex joiner {code.nameplate}".encode())


def _transcript(code: Code, attempt: str, of_joiner: bytes, of_inviter: bytes) -> bytes:
    parts = (b"telex pairing 1", str(code.nameplate).encode(), attempt.encode(), of_joiner, of_inviter)
    whole = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return blake2b(whole, digest_size=32).digest()


def _finished(side: SPAKE2_A | SPAKE2_B, message: bytes) -> bytes:
    """The key that both have if both knew the code. A message that is no point of the curve is a wrong code."""
    if len(message) != _MESSAGE_BYTES:
        raise CodeWrong()
    try:
        return bytes(side.finish(message))
    except (SPAKEError, NotOnCurve, ValueError, AssertionError):
        raise CodeWrong() from None


def _decoded(raw: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise CodeWrong() from None


_PROOF: msgspec.json.Decoder[wire.Proof] = msgspec.json.Decoder(wire.Proof)
_ANSWER: msgspec.json.Decoder[wire.Answer] = msgspec.json.Decoder(wire.Answer)
