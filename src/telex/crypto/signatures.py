"""Ed25519 signatures, and what each of them is over.

Rules kept here: every signature begins with words that say what is signed, so that none can pass for another; a
signature that cannot be checked is a wrong one.
"""

from __future__ import annotations

from _blake2 import blake2b

from nacl import bindings
from nacl.exceptions import CryptoError

from telex.wire import envelope, records

GRANT, ROSTER, PROOF = b"telex grant 1\0", b"telex roster 1\0", b"telex proof 1\0"
PUBLIC_BYTES, SEED_BYTES = 32, 32


def pair_of(seed: bytes) -> tuple[bytes, bytes]:
    """The public key of a seed, and what libsodium signs with."""
    public, secret = bindings.crypto_sign_seed_keypair(seed)
    return bytes(public), bytes(secret)


def public_of(seed: bytes) -> bytes:
    """The public key of a seed."""
    return pair_of(seed)[0]


def sign(seed: bytes, message: bytes) -> bytes:
    """A signature of 64 bytes."""
    return sign_with(pair_of(seed)[1], message)


def sign_with(secret: bytes, message: bytes) -> bytes:
    """The same with the second of `pair_of`: half the work."""
    return bytes(bindings.crypto_sign(message, secret)[: envelope.SIGNATURE_BYTES])


def good(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the owner of a public key signed this message."""
    if len(public) != PUBLIC_BYTES or len(signature) != envelope.SIGNATURE_BYTES:
        return False
    try:
        bindings.crypto_sign_open(signature + message, public)
    except (CryptoError, ValueError):
        return False
    return True


def record(body: bytes) -> bytes:
    """What is signed of a membership record."""
    return records.SIGNED + body


def record_good(public: bytes, body: bytes, signature: bytes) -> bool:
    """Whether a membership record is signed by that key: the check of `members.extend`."""
    return good(public, record(body), signature)


def sealed_text(header: bytes, payload: bytes) -> bytes:
    """What is signed of an envelope: its header as it travels, and all that it seals."""
    return envelope.SIGNED + blake2b(header, digest_size=32).digest() + payload


def roster(about: bytes, payload: bytes) -> bytes:
    """What is signed of a roster; `about` says whose it is and which key seals it."""
    return ROSTER + blake2b(about, digest_size=32).digest() + payload


def grant(team: str, key: int, machine: str, sealed: bytes) -> bytes:
    """What is signed of a grant."""
    return GRANT + f"{team}\0{key}\0{machine}\0".encode() + sealed


def proof(transcript: bytes) -> bytes:
    """What a joining machine signs to show that the key is its own."""
    return PROOF + transcript
