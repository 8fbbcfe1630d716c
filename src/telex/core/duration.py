"""Time spans as people and agents write them: 30s, 10m, 2h, 7d, or plain seconds."""

from __future__ import annotations

from telex.errors import DurationInvalid

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MOST_SECONDS = 10 * 365 * 86_400


def seconds(text: str) -> float:
    """The span in seconds, more than 0 and at most ten years. Raises DurationInvalid."""
    word = text.strip().lower()
    unit = _UNITS.get(word[-1:], 0)
    number = word[:-1] if unit else word
    whole, _, part = number.partition(".")
    if not (whole.isascii() and whole.isdigit() and (not part or (part.isascii() and part.isdigit()))):
        raise DurationInvalid(given=text[:40])
    span = float(number) * (unit or 1)
    if not 0 < span <= _MOST_SECONDS:
        raise DurationInvalid(given=text[:40])
    return span
