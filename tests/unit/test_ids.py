"""Message ids: how they are made, written and read."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telex.core import ids
from telex.errors import MessageUnknown

NOW_MS = 1_795_296_600_000
ZEROS = bytes(10)


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = uuid.UUID(bytes=ids.uuid7(NOW_MS, bytes(range(10))))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == NOW_MS


def test_the_example_of_the_rfc_comes_out() -> None:
    # RFC 9562, appendix A.6: 0x017F22E279B0, rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F
    made = ids.uuid7(0x017F22E279B0, bytes.fromhex("0cc318c4dc0c0c07398f"))
    assert ids.written(made) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


@given(st.integers(0, 2**48 - 2), st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_a_later_millisecond_sorts_later(at: int, first: bytes, second: bytes) -> None:
    assert ids.uuid7(at, first) < ids.uuid7(at + 1, second)
    assert ids.written(ids.uuid7(at, first)) < ids.written(ids.uuid7(at + 1, second))


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_74_bits_are_random(first: bytes, second: bytes) -> None:
    free = int.from_bytes(bytes([0x0F, 0xFF, 0x3F, *[0xFF] * 7]), "big")
    same = not (int.from_bytes(first, "big") ^ int.from_bytes(second, "big")) & free
    assert (ids.uuid7(NOW_MS, first) == ids.uuid7(NOW_MS, second)) == same


@pytest.mark.parametrize("at", [-1, -(10**15), 0, 2**31 * 1000, 4_102_444_800_000, 2**48 - 1, 2**48, 2**60])
def test_no_clock_breaks_an_id(at: int) -> None:
    assert uuid.UUID(bytes=ids.uuid7(at, ZEROS)).version == 7


def test_more_random_bytes_than_needed_do_no_harm() -> None:
    assert ids.uuid7(NOW_MS, bytes(range(32))) == ids.uuid7(NOW_MS, bytes(range(10)))


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_what_is_written_is_read_back(at: int, random: bytes) -> None:
    made = ids.uuid7(at, random)
    text = ids.written(made)
    assert text == str(uuid.UUID(bytes=made))
    for typed in (text, text.upper(), text.replace("-", ""), f" {text}\n"):
        assert ids.parse(typed) == made


@pytest.mark.parametrize(
    ("typed", "number"),
    [("m42", 42), ("42", 42), ("M42", 42), ("#m7", 7), (" 7 ", 7), ("m0", 0), ("m" + "9" * 15, 10**15 - 1)],
)
def test_a_number_is_read_with_and_without_its_letter(typed: str, number: int) -> None:
    assert ids.parse(typed) == number


@pytest.mark.parametrize(
    "typed",
    [
        *("", "m", "#", "x42", "m-1", "-1", "m4.2", "m42x", "mm42", "1e3", "0x10", "m 42", "m" + "9" * 16, "٤٢", "²"),
        *("g" * 32, "0" * 31, "0" * 33, "zzz", "m1,m2", "\0", "\udcff", "'; DROP TABLE message; --", "../1"),
    ],
)
def test_anything_else_is_no_messages_id(typed: str) -> None:
    with pytest.raises(MessageUnknown) as unknown:
        ids.parse(typed)
    assert unknown.value.message.isascii()


@given(st.text())
def test_whatever_is_typed_is_a_number_sixteen_bytes_or_unknown(typed: str) -> None:
    try:
        found = ids.parse(typed)
    except MessageUnknown:
        return
    assert (isinstance(found, int) and found >= 0) or (isinstance(found, bytes) and len(found) == ids.ID_BYTES)


def test_spaces_inside_do_not_make_a_shorter_id() -> None:
    with pytest.raises(MessageUnknown):
        ids.parse("00 11 22 33 44 55 66 77 88 99 aa")  # 32 characters, of which fromhex skips the spaces
