"""Message ids: a UUIDv7 for the world, a short number for the hand.

Rules kept here: the id is made by the sender before the first attempt to store (RFC 9562, section 5.7), so a
retry cannot make a second message; the short form `m42` is this store's row number, never used again after a
purge; both are accepted wherever an id is asked for.
"""

from __future__ import annotations

from telex.errors import MessageUnknown

ID_BYTES = 16


def uuid7(now_ms: int, random: bytes) -> bytes:
    """A UUIDv7 from a time in milliseconds and at least 10 random bytes."""
    stamp = max(0, now_ms) & (1 << 48) - 1
    raw = bytearray(stamp.to_bytes(6, "big") + random[:10])
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return bytes(raw)


def written(uuid: bytes) -> str:
    """8-4-4-4-12 hexadecimal digits."""
    text = uuid.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def parse(text: str) -> int | bytes:
    """What an id written by a person or an agent means: a row number, or the 16 bytes of a UUID.

    Raises MessageUnknown for everything else, because no message has such an id.
    """
    word = text.strip().lower().strip("#@:,.;()[]")  # as it stands in a sentence: "@m1", "m1:"
    number = word.removeprefix("m")
    if number.isascii() and number.isdigit() and len(number) <= 15:
        return int(number)
    digits = word.replace("-", "")
    if len(digits) == 2 * ID_BYTES:
        try:
            found = bytes.fromhex(digits)  # which also takes spaces
            if len(found) == ID_BYTES:
                return found
        except ValueError:
            pass
    raise MessageUnknown(id=ascii(text[:40]))
