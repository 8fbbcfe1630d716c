"""What a write tidies on its way: time to live, deadlines, keeping.

Rules kept here: at most 20 rows of each kind a time, found by an index, so that no write pays for history; an
open delivery never goes silently, it expires with a reason its sender can see; only what is finished is removed.
"""

from __future__ import annotations

from telex import limits
from telex.core import delivery
from telex.store import bodies, mail, notices
from telex.store.sqlite import Store

_DAY_MS = 86_400_000


def sweep(db: Store, now_ms: int, keep_days: int) -> None:
    """Tidy a little. Inside a write."""
    for at_ms, number in list(db.rows("mail.overdue", now_ms, limits.SWEEP_ROWS)):
        expire(db, number, "its time to live ran out", now_ms)
        db.run("mail.drop_due", at_ms, number)
    for number, debtor, creditor in list(db.rows("mail.late", now_ms, limits.SWEEP_ROWS)):
        notices.no_reply(db, number, debtor, creditor, "its deadline has passed", notices.LATE, now_ms)
    horizon = now_ms - keep_days * _DAY_MS
    for number, created_ms in list(db.rows("mail.oldest", limits.SWEEP_ROWS)):
        if created_ms > horizon:
            break
        expire(db, number, f"kept for {keep_days} days unread", now_ms)
        if (db.value("mail.newest_change", number) or 0) <= horizon:
            remove(db, number)


def expire(db: Store, number: int, reason: str, now_ms: int) -> None:
    """Close every open delivery of a message. Inside a write."""
    for recipient, _ in list(db.rows("mail.open_deliveries", number)):
        mail.move(db, number, recipient, delivery.EXPIRED, reason, now_ms)
        db.run("mail.settle", number, recipient)
        mail.settle_bell(db, recipient)


def remove(db: Store, number: int) -> None:
    """Remove a message and all that hangs on it. Inside a write."""
    found = mail.get(db, number)
    if found is None:
        return
    db.run("mail.drop_words", number, found.body)
    for name in ("mail.drop_deliveries", "mail.drop_owed", "mail.drop_message_due", "mail.drop_message"):
        db.run(name, number)
    if found.aside and not db.value("mail.digest_used", found.digest):
        db.after_commit(bodies.drop, db.home, found.digest)
