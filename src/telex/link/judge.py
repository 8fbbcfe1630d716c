"""What another machine may say at all: the shape of letters, receipts and rosters, before anything of it is kept.

Rules kept here: a machine of the team is trusted with its own names and words only; names are in the grammar, kinds and
states are those that there are, texts and numbers have a most; nobody is called telex but telex.
"""

from __future__ import annotations

import json

from telex import limits
from telex.core import delivery, names
from telex.core.message import KINDS
from telex.wire.envelope import Letter, Payload, Receipts, Roster

_SENDERS = ("session", "person")
_TIME_MOST_MS = 2**53
_STATES = ("busy", "idle", "waiting", "offline", "")


def problem(payload: Payload) -> str:
    """What is wrong with a payload; '' for nothing."""
    if any(number < 0 or number > _TIME_MOST_MS for number in payload.after.values()):
        return "it has a number that cannot be"
    if isinstance(payload, Receipts):
        return _of_receipts(payload)
    return _of_names(payload) or _of_texts(payload) or _of_numbers(payload)


def problem_of_roster(roster: Roster) -> str:
    """What is wrong with a roster; '' for nothing."""
    for one in roster.residents:
        named = all(map(_holdable, (one.name, *one.channels)))
        if not named or one.kind not in _SENDERS or one.state not in _STATES or len(one.client) > limits.NAME_CHARS:
            return "its list of sessions has an entry that cannot be"
    return "" if 0 <= roster.at_ms <= _TIME_MOST_MS else "its list of sessions has a time that cannot be"


def _of_receipts(payload: Receipts) -> str:
    for one in payload.receipts:
        known = _holdable(one.name) and one.state in delivery.STATES
        if not (
            known and 0 <= one.at_ms <= _TIME_MOST_MS and _all_short((one.of, one.via, one.reason, one.unanswered))
        ):
            return "it has a receipt that cannot be"
    return ""


def _of_names(letter: Letter) -> str:
    groups = (*letter.to.values(), *letter.members.values(), *letter.without.values(), letter.channels)
    if not all(map(_holdable, (letter.sender, *(name for group in groups for name in group)))):
        return "it has a name that nobody can have"
    return "" if letter.sender_kind in _SENDERS else "its sender is of a kind that cannot send"


def _of_texts(letter: Letter) -> str:
    if letter.kind not in KINDS:
        return "it is of a kind that there is not"
    texts = (letter.client, letter.place, letter.addressed, letter.thread, letter.topic, letter.reply_to)
    if "\0" in letter.body or not _all_short(texts):
        return "it has a text that cannot be"
    if len(letter.data.encode()) > limits.DATA_MOST_BYTES:
        return "its data is too long"
    try:
        whole = not letter.data or isinstance(json.loads(letter.data), dict)
    except (ValueError, RecursionError):
        whole = False
    return "" if whole else "its data is not a JSON object"


def _of_numbers(letter: Letter) -> str:
    times = (letter.created_ms, letter.expires_ms, letter.deadline_ms, letter.spoken_ms, letter.hops)
    if any(number < 0 or number > _TIME_MOST_MS for number in times):
        return "it has a number that cannot be"
    large = letter.large
    if large and not (0 < large.size <= limits.BODY_MOST_BYTES and large.parts):
        return "its text is too long"
    return ""


def _all_short(texts: tuple[str, ...]) -> bool:
    return all(len(text) <= limits.LETTER_TEXT_CHARS and "\0" not in text for text in texts)


def _holdable(name: str) -> bool:
    return names.is_name(name) and name not in names.RESERVED
