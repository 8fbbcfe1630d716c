"""Large bodies in parts: what another machine may name, and what is made of a body."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from telex import limits
from telex.core import message
from telex.errors.between import EnvelopeRefused
from telex.link import blobs, keys, seal
from telex.link.http import Relay
from telex.wire.envelope import Large

NOWHERE = "http://127.0.0.1:9"  # nobody listens there: what asks the relay fails otherwise
DIGEST = "0" * 64


def large(parts: list[str], key: bytes = b"k" * keys.KEY_BYTES) -> Large:
    return Large(size=10, digest="0" * 32, key=key, parts=parts)


@pytest.mark.parametrize(
    "named",
    [
        large(["../../../../etc/passwd"]),
        large(["/etc/passwd"]),
        large([DIGEST[:-1]]),
        large([DIGEST.replace("0", "A")]),
        large([f"{DIGEST[:-1]}\n"]),
        large([]),
        large([DIGEST] * 17),
        large([DIGEST], key=b"short"),
    ],
)
def test_parts_that_cannot_be_are_refused_before_anything_is_asked_or_written(tmp_path: Path, named: Large) -> None:
    """Would break: the name of a part becomes a path."""

    async def fetch() -> None:
        async with Relay(NOWHERE) as relay:
            await blobs.fetch(relay, str(tmp_path), named)

    with pytest.raises(EnvelopeRefused):
        asyncio.run(fetch())
    assert list(tmp_path.iterdir()) == []


def test_a_body_is_always_cut_and_sealed_the_same_way() -> None:
    own = keys.new_machine()
    body = b"y" * (2 * limits.LINK_PART_BYTES + 5)
    one, sealed = blobs.prepared(own, "a letter", body)
    assert (one, sealed) == blobs.prepared(own, "a letter", body)
    assert one.parts == [seal.part_digest(part) for part in sealed]
    assert (one.size, one.digest) == (len(body), message.digest(body).hex())
    assert b"".join(seal.open_part(one.key, number, part) for number, part in enumerate(sealed)) == body


def test_two_letters_with_one_body_share_no_part() -> None:
    own = keys.new_machine()
    one, _ = blobs.prepared(own, "a letter", b"the same text")
    other, _ = blobs.prepared(own, "another letter", b"the same text")
    assert one.key != other.key
    assert not set(one.parts) & set(other.parts)
