"""Whether a message wakes its recipient, and what its sender is told where it does not.

Rules kept here:
- "idle" alone is said only of a session that this message wakes. In every other case the words say that the mail waits,
  and why;
- what was seen counts more than what should happen: mail that an idle session has left lying shows that its hooks do
  not run, whatever the reason.
"""

from __future__ import annotations

import os

from telex import limits
from telex.core import message, text
from telex.db.connection import Store
from telex.fs import processes
from telex.mail import addresses, messages, nudges

_HOOKED = ("claude", "codex", "gemini", "copilot", "opencode")
_WAITS = "the mail waits for its next prompt"


def standing(
    db: Store, new: messages.Message, place: addresses.Address, holder: addresses.Session, via: str, now_ms: int
) -> tuple[str, bool, str]:
    """What a session at an address does, whether it is shown this message without a prompt, and both in words."""
    turns = processes.Turns(db.home, place.bell)
    state = turns.state
    seen = state + _away(db, holder, now_ms)
    if state != processes.IDLE:
        return state, True, seen
    why = (
        unwoken(new.kind, via, bool(new.quiet), place.wake)
        or _deaf_client(holder)
        or _no_hooks(db, holder.client)
        or _unheeded(db, place, turns.changed_ms, now_ms)
    )
    return state, not why, f"{seen}; {why}" if why else seen


def _away(db: Store, holder: addresses.Session, now_ms: int) -> str:
    """Where a session is that runs in another PID namespace, and when it last did something."""
    if not holder.away:
        return ""
    return f", {holder.away}, last seen {text.age(now_ms - addresses.last_seen(db, holder))} ago"


def unwoken(kind: str, via: str, quiet: bool, wake: str) -> str:
    """Why a message of this kind that came this way wakes nobody with this setting, in words; '' where it wakes."""
    if message.wakes(kind, via, quiet, wake):
        return ""
    if quiet:
        reason = "sent quietly"
    elif kind in message.TAKES_NO_REPLY:
        reason = f"an {kind} wakes nobody"
    elif wake != "direct":
        reason = f"its wake setting is '{wake}'"
    else:
        reason = f"a {kind} to {'all' if via == message.EVERYONE else 'a channel'} wakes nobody, a request would"
    return f"{reason}: {_WAITS}"


def _deaf_client(holder: addresses.Session) -> str:
    """A client that nothing wakes, or that has to be called and cannot be from here."""
    called = holder.client == nudges.CODEX and holder.away
    return _WAITS if called or holder.client in processes.UNWOKEN else ""


def _no_hooks(db: Store, client: str) -> str:
    """A client from which telex was taken out again, while a session of it went on."""
    if client not in _HOOKED:
        return ""
    try:
        records = os.listdir(f"{db.home}/installed")
    except OSError:  # nothing was ever installed in this home: the client has its hooks from elsewhere
        return ""
    if any(name.startswith(client) for name in records):
        return ""
    return f"telex has no hooks in {client} now, 'telex install {client}' puts them in: the mail waits"


def _unheeded(db: Store, place: addresses.Address, idle_since_ms: int, now_ms: int) -> str:
    """Earlier mail that should have woken it, and did not."""
    waiting_since_ms = int(db.value("mail.waking_since", place.id) or 0)
    since_ms = max(waiting_since_ms, idle_since_ms)
    if not waiting_since_ms or now_ms - since_ms < limits.UNHEEDED_MS:
        return ""
    return f"mail for it has waited for {text.age(now_ms - since_ms)}, so its hooks may not run: 'telex status'"
