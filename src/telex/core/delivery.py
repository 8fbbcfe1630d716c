"""What can become of one message at one recipient: the states, and the moves allowed between them.

Rules kept here: everything that decides a delivery's state is in the table below; a delivery ends in exactly one
closed state, with a reason its sender can see; `shown` needs evidence that a model request carried the message
(core/evidence.py); what was only written to a client is `handed`, and waits again when the client dropped it.

    queued   stored, not yet shown (also when nobody holds the name yet: the mail waits)
    handed   handed over to the recipient's client, which may still drop it
    shown    a request to the recipient's model carried it
    read     its reader asked for it, answered it, or worked on after it was shown
    done     handled
    expired  its time ran out before that
    refused  the recipient's limits said no when it was sent
    dead     it cannot be shown: damaged on disk, or its recipient was removed
"""

from __future__ import annotations

QUEUED, HANDED, SHOWN, READ, DONE = "queued", "handed", "shown", "read", "done"
EXPIRED, REFUSED, DEAD = "expired", "refused", "dead"

STATES = (QUEUED, HANDED, SHOWN, READ, DONE, EXPIRED, REFUSED, DEAD)
UNREAD = (QUEUED, HANDED, SHOWN)
UNSEEN = (QUEUED, HANDED)  # as far as telex knows, no model was given it

# Where a message to another machine is, as the reason of a delivery that is queued says it.
WAITS, AT_RELAY, ON_MACHINE = "waits here for the relay", "at the relay", "on its machine"

MOVES: dict[str, tuple[str, ...]] = {
    QUEUED: (HANDED, SHOWN, READ, DONE, EXPIRED, REFUSED, DEAD),
    HANDED: (QUEUED, HANDED, SHOWN, READ, DONE, DEAD),
    SHOWN: (SHOWN, READ, DONE, DEAD),
    READ: (READ, DONE),
    DONE: (DONE,),
    EXPIRED: (),
    REFUSED: (),
    DEAD: (),
}

CLOSED = tuple(state for state in STATES if not set(MOVES[state]) - {state})


def allowed(state: str, wanted: str) -> bool:
    """Whether a delivery may go from state to wanted."""
    return wanted in MOVES.get(state, ())  # a damaged state allows nothing
