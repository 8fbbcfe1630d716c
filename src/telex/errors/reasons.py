"""Why something did not come to an end: codes that travel between machines, and their words here.

Rules kept here: what another machine or a relay says of a reason is a code, never a sentence; the sentence is made
where it is read, from these tables alone; a code that is not in its table becomes UNKNOWN.
"""

from __future__ import annotations

UNKNOWN = "for a reason that this telex does not know"

# Why the relay keeps a tombstone in place of an item.
TOMBSTONES = {
    "header-wrong": "its header does not fit the request",
    "nobody-there": "none of the machines that it is for is in the team",
    "owners-only": "only an owner may write to every machine",
    "inbox-full": "too much waits for a machine that it is for",  # of logs from before it refused the push
    "dropped": "the relay's operator removed it",
}

# Why this machine itself sent an empty item in place of a message.
TEXT_MISSING, TOO_MANY, UNSENDABLE = "text-missing", "too-many", "unsendable"
UNSENT = {
    TEXT_MISSING: "its text is missing on this machine",
    TOO_MANY: "it is for too many at once",
    UNSENDABLE: "the relay cannot read it as it is",
}

# Why a message ended unread at another machine.
EXPIRED, FULL, RESERVED, LEFT, COOLING = "expired", "inbox-full", "name-reserved", "left", "cooling-down"
TOO_FAST, NEW_NAMES, DAMAGED, REMOVED, REFUSED = "too-fast", "new-names", "damaged", "removed", "refused"
TWICE = "twice"
ENDED = {
    EXPIRED: "its time ran out there",
    FULL: "as many messages wait for it there as may",
    RESERVED: "that name is telex's own",
    LEFT: "nobody there is in it any more",
    COOLING: "the two answered each other too often without a person there",
    TOO_FAST: "this machine sends more than that one takes",
    NEW_NAMES: "nobody there has that name, and that machine takes no more new ones from here",
    DAMAGED: "it was damaged on the disk there",
    REMOVED: "removed there before it was read",
    REFUSED: "a limit there refused it",
    TWICE: "a session that has it under another name has taken that name",
}

# Why a request has no reply.
IDLE, SESSION_ENDED, SESSION_GONE = "idle", "session-ended", "session-gone"
SILENT = {
    IDLE: "it went idle",
    SESSION_ENDED: "its session ended",
    SESSION_GONE: "its session is gone",
}


def of_relay(code: str) -> str:
    """Why the relay does not carry an item, or why this machine cannot send it, in words."""
    return TOMBSTONES.get(code) or UNSENT.get(code) or UNKNOWN


def of_ending(code: str) -> str:
    """Why a message ended unread at another machine, in words."""
    return ENDED.get(code, UNKNOWN)


def of_silence(code: str) -> str:
    """Why a request has no reply, in words."""
    return SILENT.get(code, UNKNOWN)
