"""What a session sends with its client's own tool for messages: noted, so that the log tells of all traffic.

Rules kept here:
- the note is a message without deliveries: it has a number, and `log`, `show`, `search` and `export` have it; it waits
  for nobody, rings no bell, and counts for no limit of sending;
- the recipient stays as the client named it. It is no address of telex, and is never looked up as one;
- a subagent's messages are its session's, and say so: both share one session id.
"""

from __future__ import annotations

import os

from telex import limits
from telex.core import ids, message, text
from telex.db.connection import fault
from telex.errors import StoreCorrupt
from telex.fs import bodies
from telex.hook import payloads
from telex.hook.delivery import now_ms
from telex.mail import addresses, messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.db.connection import Store


def note(db: Store, session: addresses.Session, raw: str) -> None:
    """Note what the client's own tool sent, as its payload says it. Raises StoreFault."""
    tool = message.OWN_TOOLS[session.client]
    try:
        row = db.row("hook.sent_with_tool", raw, tool)
    except StoreCorrupt:  # half a character, as in payloads.read
        row = db.row("hook.sent_with_tool", payloads.whole(raw), tool)
    if row is None:
        return
    to = text.preview(row[0], limits.NAME_CHARS)
    body = row[1].replace("\0", "\ufffd")
    if not to.strip() or not body.strip():
        return
    content = body.encode()
    aside = len(content) > limits.BODY_INLINE_BYTES
    try:
        digest = bodies.keep(db.home, content) if aside else message.digest(content)
    except OSError as problem:
        raise fault(db.home, problem) from None
    place, now = addresses.address(db, session.address), now_ms()
    new = messages.Message(
        uuid=ids.uuid7(now, os.urandom(10)),
        sender=place.id,
        sender_name=place.name,
        sender_kind=place.kind,
        client=session.client,
        place=addresses.in_utf8(session.directory),
        addressed=to,
        kind=message.OBSERVED,
        body=body[: limits.BODY_HEAD_CHARS] if aside else body,
        size=len(content),
        aside=int(aside),
        digest=digest,
        data=row[2],
        quiet=1,
        created_ms=now,
    )
    with db.write():
        messages.add(db, new)
        db.run("people.observed", now, place.id)
