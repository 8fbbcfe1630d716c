"""Writes docs/protocol/vectors.json: fixed examples for whoever writes a telex client in another language.

`python tools/vectors.py` writes the file; with `--check` it ends with 1 where the file is not what would be written.

Rules kept here: everything is made from what docs/protocol says, by libsodium and hashing alone, without telex's own
sealing and signing: the tests open these with telex, so two implementations stand against each other; all that is
random in practice is fixed here.
"""

from __future__ import annotations

import hashlib
import json
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

from nacl import bindings
from spake2 import SPAKE2_A, SPAKE2_B

PATH = Path(__file__).resolve().parents[1] / "docs" / "protocol" / "vectors.json"

TEAM, AT_MS = "ab" * 16, 1_790_000_000_000
KEY_1, KEY_2 = bytes(range(32)), bytes(range(32, 64))
NONCE = bytes(range(24))


def digest(raw: bytes, size: int = 32) -> bytes:
    """BLAKE2b."""
    return hashlib.blake2b(raw, digest_size=size).digest()


def base64(raw: bytes) -> str:
    """As bytes travel in JSON."""
    return b64encode(raw).decode()


def compact(value: Any) -> bytes:
    """JSON without spaces, as the examples are written; any other spelling is as good, because bytes travel as sent."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Machine:
    """A machine with fixed keys."""

    def __init__(self, name: str, letter: str) -> None:
        self.name, self.id = name, letter * 32
        self.seed, self.secret = digest(f"seed {name}".encode()), digest(f"secret {name}".encode())
        self.sign_public, self._sign_secret = bindings.crypto_sign_seed_keypair(self.seed)
        self.seal_public = bindings.crypto_scalarmult_base(self.secret)

    def sign(self, message: bytes) -> bytes:
        """Ed25519, detached."""
        return bytes(bindings.crypto_sign(message, self._sign_secret)[:64])

    def said(self, role: str) -> dict[str, str]:
        """In a record."""
        return {
            "id": self.id,
            "name": self.name,
            "role": role,
            "sign": base64(self.sign_public),
            "seal": base64(self.seal_public),
        }

    def shown(self) -> dict[str, str]:
        """With its secret keys."""
        return self.said("") | {"sign_seed": self.seed.hex(), "seal_secret": self.secret.hex()}


ALICE, BOB = Machine("alice-laptop", "a"), Machine("bob-laptop", "b")


def aead(key: bytes, plain: bytes, about: bytes, nonce: bytes) -> bytes:
    """XChaCha20-Poly1305 (IETF)."""
    return bytes(bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, about, nonce, key))


def commitment(key: bytes) -> str:
    """What the chain says of a key."""
    return digest(b"telex key 1\0" + key).hex()


def chain() -> list[dict[str, str]]:
    """Alice founds the team, adds bob, and changes the key."""
    acts: list[tuple[str, dict[str, str], int, dict[str, str]]] = [
        ("found", ALICE.said("owner"), 1, {"commit": commitment(KEY_1), "team_name": "acme"}),
        ("add", BOB.said("member"), 1, {}),
        ("rotate", ALICE.said("owner"), 2, {"commit": commitment(KEY_2)}),
    ]
    records: list[dict[str, str]] = []
    before = ""
    for n, (act, machine, key, more) in enumerate(acts):
        body = compact(
            {"team": TEAM, "n": n, "prev": before, "at_ms": AT_MS + n, "by": ALICE.id, "act": act}
            | {"machine": machine, "key": key, "v": 1}
            | more
        )
        before = digest(body).hex()
        signature = ALICE.sign(b"telex record 1\0" + body)
        records.append({"body": body.decode(), "digest": before, "signature": base64(signature)})
    return records


def envelope() -> dict[str, str]:
    """Bob to alice, under the second key."""
    about: dict[str, Any] = {"team": TEAM, "machine": BOB.id, "to": [ALICE.id], "origin": "c" * 32, "oseq": 7}
    about |= {"id": "d" * 32, "key": 2, "record": 2, "at_ms": AT_MS, "blobs": [], "v": 1}
    header = compact(about)
    letter: dict[str, Any] = {
        "type": "letter",
        "after": {ALICE.id: 5},
        "sender": "api",
        "sender_kind": "session",
        "client": "claude",
    }
    letter |= {"place": "/home/bob/api", "addressed": "@web@alice-laptop", "to": {ALICE.id: ["web"]}, "kind": "note"}
    letter |= {"body": "the schema moved — see v2", "created_ms": AT_MS}
    payload = compact(letter)
    signature = BOB.sign(b"telex envelope 1\0" + digest(header) + payload)
    sealed = NONCE + aead(KEY_2, signature + payload, header, NONCE)
    return {
        "header": header.decode(),
        "payload": payload.decode(),
        "signature": base64(signature),
        "sealed": base64(sealed),
    }


def roster() -> dict[str, Any]:
    """Who is at bob's."""
    resident = {"name": "api", "kind": "session", "client": "claude", "state": "idle", "channels": ["shop"]}
    payload = compact({"at_ms": AT_MS, "residents": [resident]})
    about = f"telex roster 1 {TEAM} {BOB.id} 2".encode()
    signature = BOB.sign(b"telex roster 1\0" + digest(about) + payload)
    sealed = NONCE + aead(KEY_2, signature + payload, about, NONCE)
    return {"machine": BOB.id, "key": 2, "about": about.decode(), "payload": payload.decode(), "sealed": base64(sealed)}


def grant() -> dict[str, Any]:
    """The second key, for bob: a sealed box (its one-time key fixed), signed by alice."""
    once = digest(b"once")
    public = bindings.crypto_scalarmult_base(once)
    nonce = digest(public + BOB.seal_public, 24)
    sealed = public + bindings.crypto_box(KEY_2, nonce, BOB.seal_public, once)
    signature = ALICE.sign(b"telex grant 1\0" + f"{TEAM}\0{2}\0{BOB.id}\0".encode() + sealed)
    made = {"key": 2, "machine": BOB.id, "by": ALICE.id, "sealed": base64(sealed), "signature": base64(signature)}
    return {"team_key": KEY_2.hex()} | made


def part() -> dict[str, Any]:
    """The third part of a large body."""
    key, plain = digest(b"part key"), b"the third part"
    sealed = aead(key, plain, b"telex part 1\0", (2).to_bytes(24, "big"))
    return {
        "key": base64(key),
        "number": 2,
        "plain": plain.decode(),
        "sealed": base64(sealed),
        "digest": digest(sealed).hex(),
    }


def request() -> dict[str, Any]:
    """What a machine signs when it asks."""
    made = {"method": "GET", "target": "/v1/log?after=3", "time_ms": AT_MS, "nonce": "0123456789abcdef"}
    audience, body = "https://relay.example", b""
    lines = (made["method"], made["target"], str(made["time_ms"]), made["nonce"], digest(body).hex(), audience)
    text = b"telex request 1\0" + "\n".join(map(str, lines)).encode()
    return made | {"body": "", "audience": audience, "machine": BOB.id, "signature": base64(BOB.sign(text))}


def pairing() -> dict[str, Any]:
    """The inviter and the joiner with the code 4-puzzle-orbit."""
    password, number, attempt = b"telex code 1 4-puzzle-orbit", 4, "e" * 32
    names = (b"telex inviter 4", b"telex joiner 4")
    inviter = SPAKE2_A(password, *names, entropy_f=lambda size: digest(b"scalar a", 64)[:size])
    joiner = SPAKE2_B(password, *names, entropy_f=lambda size: digest(b"scalar b", 64)[:size])
    of_inviter, of_joiner = bytes(inviter.start()), bytes(joiner.start())
    key = bytes(inviter.finish(of_joiner))
    parts = (b"telex pairing 1", str(number).encode(), attempt.encode(), of_joiner, of_inviter)
    transcript = digest(b"".join(len(one).to_bytes(4, "big") + one for one in parts))
    keys = {
        side: hashlib.blake2b(transcript, key=key, person=f"telex {side}".encode(), digest_size=32).digest()
        for side in ("inviter", "joiner")
    }
    proof = BOB.sign(b"telex proof 1\0" + transcript + BOB.seal_public)
    said = {"type": "proof", "id": BOB.id, "name": BOB.name, "exact": True, "sign": base64(BOB.sign_public)}
    payload = compact(said | {"seal": base64(BOB.seal_public), "proof": base64(proof)})
    return {
        "code": "4-puzzle-orbit",
        "attempt": attempt,
        "joiner_message": base64(of_joiner),
        "inviter_message": base64(of_inviter),
        "key": key.hex(),
        "transcript": transcript.hex(),
        "joiner_key": keys["joiner"].hex(),
        "inviter_key": keys["inviter"].hex(),
        "proof": payload.decode(),
        "sealed": base64(NONCE + bindings.crypto_secretbox(payload, NONCE, keys["joiner"])),
    }


def safety() -> str:
    """The number of alice's and bob's machines."""
    first = chain()[0]["digest"]
    halves = []
    for one in (ALICE, BOB):
        about = b"telex safety 1\0" + f"{TEAM} {first} {one.id}".encode() + one.sign_public + one.seal_public
        raw = digest(about, 30)
        halves.append("".join(f"{int.from_bytes(raw[at : at + 5], 'big') % 100_000:05d}" for at in range(0, 30, 5)))
    digits = "".join(sorted(halves))
    return " ".join(digits[at : at + 5] for at in range(0, 60, 5))


def document() -> str:
    """The whole file."""
    made = {
        "about": "examples of telex's protocol, version 1; docs/protocol says how each is made. Bytes are base64, "
        "digests and secret keys hexadecimal; texts are UTF-8, byte for byte",
        "machines": [ALICE.shown(), BOB.shown()],
        "team": TEAM,
        "chain": chain(),
        "team_keys": {"1": KEY_1.hex(), "2": KEY_2.hex()},
        "envelope": envelope(),
        "roster": roster(),
        "grant": grant(),
        "part": part(),
        "request": request(),
        "pairing": pairing(),
        "safety_number": safety(),
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def main(words: list[str], path: Path = PATH) -> int:
    """Write the file, or with --check say whether it is stale."""
    if words == ["--check"]:
        stale = not path.exists() or path.read_text(encoding="utf-8") != document()
        if stale:
            sys.stderr.write("docs/protocol/vectors.json is stale: run 'make docs'\n")
        return int(stale)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
