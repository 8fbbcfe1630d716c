"""Whether a message may go: every limit of `core.flow`, with what the store knows.

Rules kept here: limits of the whole message raise, those of one recipient are noted with it; the budget of a pair
is kept whether the answer goes or not; a person's word is looked for in messages and at the prompt.
"""

from __future__ import annotations

from telex import limits
from telex.bus.identity import Caller
from telex.bus.recipient import Recipient
from telex.config import Settings
from telex.core import flow, message
from telex.db.connection import Store
from telex.errors import CoolingDown, InboxFull, NoAnswerWanted, Refused, Repeated, TooFast, TooManyHops
from telex.fs import processes
from telex.mail import addresses, messages, pair_budget

_MINUTE_MS = 60_000


def judge(
    db: Store,
    caller: Caller,
    new: messages.Message,
    recipients: list[Recipient],
    parent: messages.Message | None,
    rules: Settings,
    now_ms: int,
    most_waiting: int = 0,
    per_minute: int = 0,
) -> None:
    """Apply every limit: those of the whole message raise, those of one recipient are noted with it.

    `most_waiting` and `per_minute`, unless 0, are the caller's own limits and count where they are less.
    """
    most = min(most_waiting or rules.inbox_waiting, rules.inbox_waiting)
    if 0 < per_minute < rules.sends_per_minute:
        _refuse_pace(db, caller, per_minute, now_ms)
    if parent:
        check_answerable(parent)
    arrival, cause_ms, spoken, woken, bell, cause = db.row("people.flow", caller.address.id) or ()
    arrival, wait_ms = flow.rate(arrival, now_ms, rules.sends_per_minute)
    if wait_ms:
        raise TooFast(limit=rules.sends_per_minute, seconds=-(-wait_ms // 1000))
    db.run("people.set_arrival", arrival, caller.address.id)
    _refuse_repeats(db, new, recipients, rules, now_ms)
    spoken = _latest(now_ms, spoken, processes.Turns(db.home, bell).spoken_ms(woken))
    because = _cause(db, parent, cause, cause_ms, spoken, now_ms)
    if caller.address.kind == "session":
        new.hops = flow.hops(because, [one.place.id for one in recipients])
        if new.hops > rules.hops_most:
            raise TooManyHops(hops=new.hops, limit=rules.hops_most)
    for one in recipients:
        if one.refusal:
            continue
        if db.value("mail.waiting_over", one.place.id, most - 1):
            one.refusal = InboxFull(to=one.place.written, waiting=most, limit=most)
        elif caller.address.kind == one.place.kind == "session":
            answered = because.n if because and because.sender == one.place.id else 0
            one.refusal = _judge_pair(db, caller.address, one.place, answered, spoken, rules, now_ms)


def _refuse_pace(db: Store, caller: Caller, per_minute: int, now_ms: int) -> None:
    """Raises TooFast where that many were sent in the minute before now: it slides, no burst is forgiven."""
    sent_ms = db.value("mail.sent_before", caller.address.id, per_minute - 1)
    if sent_ms is not None and sent_ms <= now_ms < sent_ms + _MINUTE_MS:
        raise TooFast(limit=per_minute, seconds=-(-(sent_ms + _MINUTE_MS - now_ms) // 1000))


def check_answerable(parent: messages.Message) -> None:
    """Raises NoAnswerWanted for what takes no reply."""
    if parent.auto or parent.kind in message.TAKES_NO_REPLY:
        what = (
            "telex's own notice" if parent.auto else f"an {parent.kind}{' message' * (parent.kind == message.OBSERVED)}"
        )
        raise NoAnswerWanted(id=message.short_id(parent.n), what=what)


def _refuse_repeats(
    db: Store, new: messages.Message, recipients: list[Recipient], rules: Settings, now_ms: int
) -> None:
    since = now_ms - rules.repeat_seconds * 1000
    for one in recipients:
        values = (one.place.id, new.sender, new.digest, new.kind, new.reply_to, new.data, since, now_ms)
        found = db.row("mail.repeat", *values)
        if found:
            seconds = max(0, now_ms - found[1]) // 1000
            one.refusal = Repeated(to=one.place.written, seconds=seconds, id=message.short_id(found[0]))


def _cause(
    db: Store, parent: messages.Message | None, cause: int, cause_ms: int, spoken_ms: int, now_ms: int
) -> flow.Cause | None:
    """What the sender answers, or what it was shown last and not long ago; nothing once a person has spoken."""
    if parent:
        return flow.Cause(n=parent.n, sender=parent.sender, hops=parent.hops)
    recent = 0 <= now_ms - cause_ms <= limits.CAUSE_SECONDS * 1000
    found = db.row("mail.passed_on", cause) if recent and spoken_ms <= cause_ms else None
    return flow.Cause.of_row(found) if found else None


def _latest(now_ms: int, *spoken_ms: int) -> int:
    """The last time that a person spoke; a time from the future was told by a clock that has gone back since."""
    return max((one for one in spoken_ms if one <= now_ms), default=0)


def _judge_pair(
    db: Store,
    me: addresses.Address,
    other: addresses.Address,
    cause: int,
    spoken_ms: int,
    rules: Settings,
    now_ms: int,
) -> Refused | None:
    """Whether one of two agents may write to the other once more; the budget is kept either way."""
    theirs = db.row("people.flow", other.id) or (0,) * 5
    typed_ms = processes.Turns(db.home, theirs[4] or "-").spoken_ms(theirs[3])
    spoken_ms = _latest(now_ms, spoken_ms, theirs[2], typed_ms)
    rests = pair_budget.judge(db, me.id, other.id, cause, spoken_ms, rules, now_ms)
    if rests is None:
        return None
    from telex.core.text import when

    until = when(rests.rest_until_ms)
    minutes = rules.pair_window_seconds // 60
    return CoolingDown(me=f"@{me.name}", to=f"@{other.name}", count=rests.count, minutes=minutes, until=until)
