"""The numbers that begin codes: small ones are easier to say, many are harder to guess."""

from __future__ import annotations

import secrets

from telex import limits


def nameplates() -> list[int]:
    """Numbers to try for an invitation, small ones first."""
    tries, digits = range(limits.NAMEPLATE_TRIES), range(2, limits.NAMEPLATE_DIGITS + 1, 2)
    return [1 + secrets.randbelow(10**count - 1) for count in digits for _ in tries]
