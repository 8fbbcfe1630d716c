"""What a machine signs when it asks the relay for something.

Rule kept here: both sides make these bytes by this one function.
"""

from __future__ import annotations

from _blake2 import blake2b

SIGNED = b"telex request 1\0"
TIME, NONCE, SIGNATURE, NOW = "Telex-Time", "Telex-Nonce", "Telex-Signature", "Telex-Now"
SCHEME = "Telex"
NONCE_BYTES = 8
DIGEST_BYTES = 32


def to_sign(method: str, target: str, time_ms: int, nonce: str, body: bytes, audience: str) -> bytes:
    """The bytes under a request's signature; `target` is the path with its query, as it stands in the request."""
    digest = blake2b(body, digest_size=DIGEST_BYTES).hexdigest()
    return SIGNED + "\n".join((method, target, str(time_ms), nonce, digest, audience)).encode()


def credentials(machine: str, token: str) -> str:
    """The Authorization header; without a token it names the machine alone (for POST /v1/token)."""
    return f"{SCHEME} {machine}.{token}" if token else f"{SCHEME} {machine}"
