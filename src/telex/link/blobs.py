"""Large bodies between machines: in sealed parts of up to 1 MiB, each named by its digest.

Rules kept here:
- the parts are at the relay before the letter that names them, so no reference dangles;
- a part is always sealed the same way, so that after a break only what is missing travels;
- what was fetched is kept beside the store until the whole is there, and counts only if it has the letter's digest.
"""

from __future__ import annotations

import os

from telex import limits
from telex.core import message
from telex.errors.between import EnvelopeRefused, RelayRefused
from telex.link import keys, seal
from telex.link.http import Relay
from telex.link.keys import MachineKeys
from telex.private import make_directory
from telex.wire.envelope import Large

DRAFTS = "parts"
_DIGITS, _HEX = 64, frozenset("0123456789abcdef")
GONE = "\n\n[telex: the rest of these {size} bytes is not at the relay any more]"


def prepared(own: MachineKeys, letter: str, raw: bytes) -> tuple[Large, list[bytes]]:
    """A body in sealed parts, and what the letter says of them."""
    digest = message.digest(raw)
    key = seal.part_key(own, letter, digest.hex())
    step = limits.LINK_PART_BYTES
    plain = [raw[start : start + step] for start in range(0, len(raw), step)]
    sealed = [seal.seal_part(key, number, part) for number, part in enumerate(plain)]
    names = [seal.part_digest(part) for part in sealed]
    return Large(size=len(raw), digest=digest.hex(), key=key, parts=names), sealed


async def upload(relay: Relay, parts: dict[str, bytes]) -> None:
    """Give the relay the parts that it does not have. Raises RemoteFault."""
    for digest, sealed in parts.items():
        if not await relay.has_blob(digest):
            await relay.ask("put_blob", sealed, digest=digest)


async def fetch(relay: Relay, home: str, large: Large) -> bytes | None:
    """The whole body; None where the relay has not all of it any more.

    Raises EnvelopeRefused where it is not what the letter says, other RemoteFaults.
    """
    _check(large)
    try:
        parts = [await _part(relay, home, large, number) for number in range(len(large.parts))]
    except RelayRefused as problem:
        if problem.facts["status"] == 404:
            return None
        raise
    whole = b"".join(parts)
    if len(whole) != large.size or message.digest(whole).hex() != large.digest:
        raise EnvelopeRefused(machine="?", problem="a large text is not what its letter says")
    return whole


def forget(home: str, large: Large) -> None:
    """Remove the parts of a body that is kept whole now."""
    for digest in large.parts:
        try:
            os.unlink(_draft(home, digest))
        except OSError:
            pass


def _check(large: Large) -> None:
    """The names of parts become paths: what is no digest is refused. Raises EnvelopeRefused."""
    named = all(len(one) == _DIGITS and _HEX.issuperset(one) for one in large.parts)
    if not named or not 0 < len(large.parts) <= limits.WIRE_PARTS or len(large.key) != keys.KEY_BYTES:
        raise EnvelopeRefused(machine="?", problem="a large text names parts that cannot be")


async def _part(relay: Relay, home: str, large: Large, number: int) -> bytes:
    """One part, from a try before this one or from the relay."""
    digest = large.parts[number]
    sealed = _kept(home, digest)
    if sealed is None:
        sealed = await relay.ask("get_blob", digest=digest)
        if seal.part_digest(sealed) != digest:
            raise EnvelopeRefused(machine="?", problem=f"part {number + 1} of a large text was changed")
        _keep(home, digest, sealed)
    return seal.open_part(large.key, number, sealed)


def _draft(home: str, digest: str) -> str:
    return f"{home}/{keys.DIRECTORY}/{DRAFTS}/{digest}"


def _kept(home: str, digest: str) -> bytes | None:
    try:
        with open(_draft(home, digest), "rb") as file:
            found = file.read()
    except OSError:
        return None
    return found if seal.part_digest(found) == digest else None


def _keep(home: str, digest: str, sealed: bytes) -> None:
    """Best effort: without it the part is fetched once more."""
    try:
        make_directory(f"{home}/{keys.DIRECTORY}/{DRAFTS}")
        fd = os.open(_draft(home, digest), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0), 0o600)
        with open(fd, "wb") as file:
            file.write(sealed)
    except OSError:
        pass
