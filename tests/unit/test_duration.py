"""Time spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telex.core import duration
from telex.errors import DurationInvalid


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("10m", 600),
        ("2h", 7_200),
        ("7d", 604_800),
        ("45", 45),
        (" 1H ", 3_600),
        ("1.5h", 5_400),
        ("0.25", 0.25),
        ("3650d", 315_360_000),
        ("0005s", 5),
    ],
)
def test_a_span_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert duration.seconds(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "s",
            "0",
            "0s",
            "-1s",
            "+1s",
            "1w",
            "1y",
            "1m30s",
            "one",
            ".5h",
            "1.2.3",
            "1e3",
            "inf",
            "nan",
            "1_000",
        ),
        *("٣m", "²s", "1 m", "3651d", "315360001", "9" * 400, "1.\u0663s", "10ms"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(DurationInvalid) as refused:
        duration.seconds(text)
    assert len(refused.value.message) < 80


@given(st.text())
def test_whatever_is_typed_is_a_span_or_refused(text: str) -> None:
    try:
        found = duration.seconds(text)
    except DurationInvalid:
        return
    assert 0 < found <= 3650 * 86_400
