"""The client's own record of a conversation, as evidence: whether its model was given a message.

Rules kept here:
- only what was written after the handing is looked at, and of that a bounded part;
- a line counts by what it is for the client, never by its words alone: a tool's result may quote anything;
- whatever is not as it is known to be proves nothing.
Seen with Claude Code 2.1.332: lines of JSON; what a hook added is an `attachment`, a wake-up a `user` entry, and each
answer an `assistant` entry after them; so is an error of the API, which is marked as one. A prompt that was taken back
has no entry after its attachment. The client writes them some tenths of a second late.
"""

from __future__ import annotations

from telex import limits
from telex.core import frame
from telex.store import mail
from telex.store.sqlite import Store

_ANSWERS = ('"type":"assistant"', "[Request interrupted")


def carried(db: Store, one: mail.Handed) -> bool:
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
