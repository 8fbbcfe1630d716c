"""What another machine may say at all: the shape of letters, receipts and rosters, before anything of it is kept.

Rules kept here: a machine of the team is trusted with its own names and words only; kinds and states are those that
there are; nobody is called telex but telex. That texts, lists and numbers have a most is held by the types themselves
(telex.wire.bounds), before any of this is asked.
"""

from __future__ import annotations

import json

from telex import limits
from telex.core import delivery, names
from telex.core.message import KINDS
from telex.wire.envelope import Letter, Payload, Receipts, Roster

_SENDERS = ("session", "person")
_STATES = ("busy", "idle", "waiting", "offline", "")


def problem(payload: Payload) -> str:
    """What is wrong with a payload; '' for nothing."""
    if isinstance(payload, Receipts):
        return _of_receipts(payload)
    return _of_names(payload) or _of_texts(payload)


def problem_of_roster(roster: Roster) -> str:
    """What is wrong with a roster; '' for nothing."""
    for one in roster.residents:
        named = all(map(_holdable, (one.name, *one.channels)))
        if not named or one.kind not in _SENDERS or one.state not in _STATES:
            return "its list of sessions has an entry that cannot be"
    return ""


def _of_receipts(payload: Receipts) -> str:
    for one in payload.receipts:
        known = _holdable(one.name) and one.state in delivery.STATES
        if not known:
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
    if any("\0" in text for text in (letter.client, letter.place, letter.addressed, letter.body)):
        return "it has a text that cannot be"
    if len(letter.data.encode()) > limits.DATA_MOST_BYTES:
        return "its data is too long"
    try:
        whole = not letter.data or isinstance(json.loads(letter.data), dict)
    except (ValueError, RecursionError):
        whole = False
    return "" if whole else "its data is not a JSON object"


def _holdable(name: str) -> bool:
    return names.is_name(name) and name not in names.RESERVED
