"""The client's own record of a conversation, as evidence: whether its model was given a message.

Rules kept here:
- only what was written after the handing is looked at, and of that a bounded part;
- a line counts by what it is for the client, never by its words alone: a tool's result may quote anything;
- whatever is not as it is known to be proves nothing. Without a record, the client's events count alone.
Seen with Claude Code 2.1.332: lines of JSON; what a hook added is an `attachment`, a wake-up a `user` entry, and each
answer an `assistant` entry after them; so is an error of the API, which is marked as one. A prompt that was taken back
has no entry after its attachment. The client writes them some tenths of a second late.
With Gemini CLI 0.61.0: lines of JSON with a `type`, and `$set` lines of its own bookkeeping; an answer is written when
it is whole, and again with the tools that it asked for. An Esc or an error takes the whole turn out of the
conversation, and the end of such a turn has the same event as any other.
"""

from __future__ import annotations

import os

from telex import limits
from telex.core import frame
from telex.db.connection import Store
from telex.mail import messages

_BOOKKEEPING = '{"$set":'
_ANSWERS = ('"type":"assistant"', "[Request interrupted")


def carried(db: Store, one: messages.Handed) -> bool:
    """Whether an answer, or the note that its person interrupted one, follows the message in the transcript."""
    words = frame.opening_of(one.message)
    signs = (words, *_ANSWERS)
    lines = [line for line in _tail(one.transcript, one.size) if any(sign in line for sign in signs)]
    sound = [line for line in lines if db.value("hook.valid", line)]
    named = False
    for names, answers in db.rows("hook.conversation", f"[{','.join(sound)}]", words):
        if named and answers:
            return True
        named = named or bool(names)
    return False


def _tail(path: str, start: int) -> list[str]:
    """The lines that were written after `start`; of a long tail the beginning, where an answer would be."""
    try:
        with open(path, "rb") as file:
            file.seek(start)
            return file.read(limits.TRANSCRIPT_BYTES).decode("utf-8", "replace").split("\n")
    except (OSError, ValueError):
        return []


def ends_in_answer(db: Store, path: str) -> bool:
    """Whether the turn that ends has its model's whole answer in Gemini CLI's record; True where there is none."""
    if not path or not os.path.exists(path):
        return True
    start = max(os.path.getsize(path) - limits.TRANSCRIPT_BYTES, 0)
    for line in reversed(_tail(path, start)):
        if line.startswith(_BOOKKEEPING) or not line or not db.value("hook.valid", line):
            continue
        kind, answers = db.row("hook.gemini_entry", line) or ("", 0)
        if kind != "info":  # what the client tells its person
            return bool(answers)
    return False
