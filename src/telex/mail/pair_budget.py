"""The budget of two agents that answer each other, as it stands in the store.

Rules kept here: one budget for both halves of a conversation, wherever the other half is; it is kept whether the answer
goes or not; both are told when a rest begins, and the person once.
"""

from __future__ import annotations

from telex.core import flow
from telex.db.connection import Store
from telex.mail import notices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.config import Settings


def judge(db: Store, me: int, other: int, cause: int, spoken_ms: int, rules: Settings, now_ms: int) -> flow.Pair | None:
    """Whether one of two agents may write to the other once more, because of message `cause` (0: not an answer); None
    where it may, else how the pair rests. `spoken_ms` is when a person last spoke to either. Inside a write."""
    first, second = sorted((me, other))
    row = db.row("mail.pair", first, second)
    if row is None and not cause:
        return None
    state = flow.Pair.of_row(row or (0, now_ms, 0, 0))
    window_ms, rest_ms = rules.pair_window_seconds * 1000, rules.pair_cooldown_seconds * 1000
    verdict = flow.pair(state, cause, now_ms, spoken_ms, rules.pair_replies, window_ms, rest_ms)
    kept = verdict.pair
    if kept != state or row is None:
        db.run("mail.set_pair", first, second, kept.count, kept.since_ms, kept.rest_until_ms, kept.cause)
    if verdict.allowed:
        return None
    if verdict.rest_begins:
        from telex.core.text import when

        persons = [found[0] for found in db.rows("people.persons")]
        notices.cooling(db, me, other, kept.count, when(kept.rest_until_ms), persons, now_ms)
    return kept
