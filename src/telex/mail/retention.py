"""What a write tidies on its way: time to live, deadlines, keeping.

Rules kept here: at most 20 rows of each kind a time, found by an index, so that no write pays for history; an
open delivery never goes silently, it expires with a reason its sender can see; only what is finished is removed.
"""

from __future__ import annotations

from telex import limits
from telex.core import delivery
from telex.db import settings
from telex.db.connection import Store
from telex.errors import StoreFault
from telex.fs import bodies
from telex.mail import addresses, gaps, last_words, messages, notices

_DAY_MS = 86_400_000


def sweep(db: Store, now_ms: int, keep_days: int) -> None:
    """Tidy a little. Inside a write."""
    horizon = now_ms - keep_days * _DAY_MS
    if not db.value("mail.any_to_sweep", now_ms, horizon, now_ms + limits.CLOCK_SLACK_MS):
        return
    if words := gaps.take_untold(db):
        person = addresses.person(db, addresses.user_name(), now_ms)
        notices.notify(db, person.id, words, 0, now_ms)
    for at_ms, number in list(db.rows("mail.overdue", now_ms, limits.SWEEP_ROWS)):
        db.run("mail.drop_due", at_ms, number)
        expire(db, number, "its time to live ran out", now_ms)
        _remove_if_old(db, number, horizon, keep_days, now_ms)
    for number, debtor, creditor in list(db.rows("mail.late", now_ms, limits.SWEEP_ROWS)):
        notices.no_reply(db, number, debtor, creditor, "its deadline has passed", notices.LATE, now_ms)
    _keep(db, now_ms, horizon, keep_days)


def notice(db: Store, now_ms: int) -> None:
    """What is overdue is noticed by anybody who looks, not by who writes next. Where nothing may be written, it waits
    for somebody else's look."""
    if db.value("mail.any_overdue", now_ms):
        try:
            with db.write():
                sweep(db, now_ms, settings.load(db).keep_days)
        except StoreFault:
            return


def pause_s(db: Store, now_ms: int) -> float:
    """How long a wait may sleep before it looks again: until the next thing is overdue, and WAIT_STEP_SECONDS at most,
    because a deadline that is set meanwhile rings no bell. What is overdue already could not be noticed just now."""
    next_ms = int(db.value("mail.next_overdue") or 0)
    return min((next_ms - now_ms) / 1000, limits.WAIT_STEP_SECONDS) if next_ms > now_ms else limits.WAIT_STEP_SECONDS


def _keep(db: Store, now_ms: int, horizon: int, keep_days: int) -> None:
    """Go on from the message that keeping has come to, so that one which stays a while holds up no other."""
    start = kept_to = int(db.value("mail.kept_to") or 0)
    for number, created_ms in list(db.rows("mail.oldest", start, limits.SWEEP_ROWS)):
        if created_ms > now_ms + limits.CLOCK_SLACK_MS:  # dated by a wrong clock: it must not hold up the others
            db.run("mail.add_due", created_ms + keep_days * _DAY_MS, number)
            kept_to = number
            continue
        if created_ms > horizon:
            break
        _end_open(db, number, f"kept for {keep_days} days", now_ms)
        _remove_if_old(db, number, horizon, keep_days, now_ms)
        kept_to = number
    if kept_to != start:
        db.run("settings.set", "kept_to", str(kept_to))


def _remove_if_old(db: Store, number: int, horizon: int, keep_days: int, now_ms: int) -> None:
    """Remove a message whose last change is old enough; one that closed later stays as long after that."""
    found = messages.get(db, number)
    if found is None or found.created_ms > horizon:
        return
    changed_ms = int(db.value("mail.newest_change", number) or 0)
    if changed_ms <= horizon:
        remove(db, number, now_ms)
    else:
        db.run("mail.add_due", changed_ms + keep_days * _DAY_MS, number)


def _end_open(db: Store, number: int, kept: str, now_ms: int) -> None:
    """Before a message goes for good: what waits expires, what was shown counts as read. Inside a write."""
    for recipient, state in list(db.rows("mail.open_deliveries", number)):
        if state == delivery.HANDED:
            messages.take_back(db, recipient, now_ms, [number])
        elif state == delivery.SHOWN:
            messages.move(db, number, recipient, delivery.READ, kept, now_ms)
    expire(db, number, f"{kept} unread", now_ms, elsewhere=True)


def expire(db: Store, number: int, reason: str, now_ms: int, *, elsewhere: bool = False) -> None:
    """Close every delivery of a message that waits; what was handed over or shown does not expire. Inside a write.

    What is on its way to another machine is closed there, and told; with `elsewhere`, where the message goes for good,
    it is closed here too, and whoever waits for a reply to it is told.
    """
    leaving = set() if elsewhere else {recipient for (recipient,) in db.rows("mail.on_its_way", number)}
    closing = [one for one in db.rows("mail.open_deliveries", number) if one[0] not in leaving]
    closing = [one for one in closing if one[1] == delivery.QUEUED]
    for recipient, _ in closing:
        messages.move(db, number, recipient, delivery.EXPIRED, reason, now_ms)
    closed = {recipient for recipient, _ in closing}
    for recipient, creditor in list(db.rows("mail.owed_for", number)):
        if elsewhere or recipient in closed:
            notices.no_reply(db, number, recipient, creditor, reason, notices.LATE, now_ms)
            db.run("mail.settle", number, recipient)
    for recipient, _ in closing:
        messages.settle_bell(db, recipient)


def end_dead(db: Store, now_ms: int) -> None:
    """End the oldest sessions whose process is gone without a word, and tell who waits for their reply. Inside a
    write. Without it, whoever asks who is here would ask the system about each of them for ever."""
    for session in addresses.silent(db, limits.SWEEP_ROWS, now_ms):
        for number, creditor in list(db.rows("mail.untold_debts", session.address)):
            notices.no_reply(db, number, session.address, creditor, "session-gone", notices.IDLE, now_ms)
        messages.take_back(db, session.address, now_ms)
        addresses.end(db, session, "its process was gone", now_ms)


def remove(db: Store, number: int, now_ms: int) -> None:
    """Remove a message and all that hangs on it. Inside a write."""
    found = messages.get(db, number)
    if found is None:
        return
    if "@" in found.sender_name:
        last_words.of_message(db, number, found.sender_name, now_ms)
    db.run("index.drop", number)
    for name in (
        "mail.drop_message_handed",
        "mail.drop_deliveries",
        "mail.drop_owed",
        "mail.drop_message_due",
        "mail.drop_message",
    ):
        db.run(name, number)
    if found.aside and not db.value("mail.digest_used", found.digest):
        db.after_commit(bodies.drop, db.home, found.digest)
