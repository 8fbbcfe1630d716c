"""Every refusal that the relay can answer with: its code, its status, its words.

Rules kept here: the relay answers with nothing else, the OpenAPI document lists them, a link decides by the code;
a refusal that passes by itself has a `retry_after_ms`.
"""

from __future__ import annotations

from typing import NamedTuple

from telex import limits
from telex.errors.between import RelayRefused
from telex.errors.reasons import TOMBSTONES
from telex.wire.api import Fault

__all__ = ["BY_CODE", "FAULTS", "TOMBSTONES", "Kind", "advice_for", "fault", "refusal"]


class Kind(NamedTuple):
    """One refusal. `passes` says that the same request may succeed later."""

    code: str
    status: int
    message: str
    hint: str
    passes: bool = False


FAULTS = (
    Kind("body-invalid", 400, "the request does not fit: {problem}", "see /v1/openapi.json"),
    Kind("signature-missing", 401, "the request lacks {what}", "sign it as docs/protocol/http.md says"),
    Kind(
        "signature-wrong",
        401,
        "the signature does not fit the request",
        "it must be by the machine's key, for the relay {audience}",
    ),
    Kind("clock-wrong", 401, "the request's time is {seconds} s from the relay's", "use the time of Telex-Now"),
    Kind("replayed", 401, "this request was made before", "sign every request with a new nonce"),
    Kind("token-unknown", 401, "the token is unknown, revoked or too old", "ask for a new one: POST /v1/token"),
    Kind("machine-unknown", 401, "no such machine is in the team", "an owner can add it"),
    Kind("role-forbids", 403, "a machine with the role {role} may not do this", "an owner can change the role"),
    Kind("host-wrong", 403, "this relay does not answer to that host", "use the relay's own URL"),
    Kind("code-wrong", 403, "the code is wrong, and void from now on", "ask for a new one"),
    Kind("path-unknown", 404, "there is nothing here", "see /v1/openapi.json"),
    Kind("invitation-unknown", 404, "there is no such invitation, or it is over", "ask for a new code"),
    Kind("part-unknown", 404, "there is no such part", "it may have been trimmed"),
    Kind("method-unknown", 405, "this path does not take that method", "see /v1/openapi.json"),
    Kind("chain-conflict", 409, "the membership chain has {n} records", "fetch it, and append after its newest"),
    Kind("claimed", 409, "somebody else answered this invitation first", "ask for a new code"),
    Kind("key-old", 409, "the team's key is of epoch {key}", "fetch the records, and seal again"),
    Kind("part-missing", 409, "part {digest} is not here", "send the parts first"),
    Kind("roster-old", 409, "a newer roster is here", "nothing is to be done"),
    Kind("team-exists", 409, "there is a team of that id or name", "choose another one"),
    Kind("body-too-large", 413, "the request has over {most} bytes", "send less at a time"),
    Kind("record-wrong", 422, "the record breaks a rule: {problem}", "fetch the chain, and make it again"),
    Kind("part-wrong", 422, "the part is not what its digest says", "send it again"),
    Kind("too-fast", 429, "more than {most} {what}", "try again later", True),
    Kind("team-full", 429, "the team has {most} bytes here, the most it may", "older ones go by themselves", True),
    Kind(
        "machine-full", 429, "this machine has {most} bytes here, the most it may", "older ones go by themselves", True
    ),
    Kind("inbox-full", 429, "{most} items of this machine wait for one that does not read", "they stay here", True),
    Kind("many-guesses", 429, "too many wrong tries from this address", "try again later", True),
    Kind("many-invitations", 429, "too many invitations are open", "they end after ten minutes", True),
    Kind("bug", 500, "the relay failed at this", "its operator sees why in its log", True),
    Kind("log-full", 503, "the relay's disk is full", "its operator must free some space", True),
    Kind("log-broken", 503, "the relay's log does not work", "its operator sees why in its log", True),
    Kind("log-busy", 503, "the relay has too much to do", "try again later", True),
    Kind("closing", 503, "the relay is about to end", "try again later", True),
)
BY_CODE = {one.code: one for one in FAULTS}


def refusal(code: str, retry_after_ms: int = 0, **facts: object) -> RelayRefused:
    """The error to raise for a code of the table."""
    kind = BY_CODE[code]
    return RelayRefused(
        code=code,
        status=kind.status,
        words=kind.message.format(**facts),
        advice=kind.hint.format(**facts),
        retry_after_ms=retry_after_ms,
    )


def advice_for(code: str) -> str:
    """What to do about a refusal, by its code alone; '' for a code that this telex does not know."""
    kind = BY_CODE.get(code)
    return kind.hint if kind and "{" not in kind.hint else ""


def fault(problem: RelayRefused) -> Fault:
    """What a refusal looks like in an answer."""
    return Fault(
        code=str(problem.facts["code"]),
        message=problem.message[: limits.WIRE_WORDS_CHARS],
        hint=problem.advice[: limits.WIRE_WORDS_CHARS],
        retry_after_ms=int(str(problem.facts["retry_after_ms"])),
    )
