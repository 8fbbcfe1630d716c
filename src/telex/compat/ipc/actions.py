"""What an instance can ask for, in the words of claude-ipc, whichever way it asks: port, tools or scripts.

Rules kept here: the instance is the caller of the bus, never a claim in the request; an answer is
`{"status": "ok", …}`, a refusal `{"status": "error", "message": …}` with the original's text where it has one;
nothing is answered as sent that is not on the disk.
"""

from __future__ import annotations

from telex import limits
from telex.compat.ipc import ids, letters
from telex.errors import InboxFull, IpcRefused, NameTaken, RenamedLately, TelexError, TooFast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from telex.bus import Bus
    from telex.bus.send import Sent

    Answer = dict[str, Any]

TOO_FAST = "Rate limit exceeded. Please wait before sending more requests."
NO_TOKEN = "Invalid or missing session token"


def answered(action: Callable[[], Answer]) -> Answer:
    """The answer of an action, or its refusal."""
    try:
        return action()
    except TelexError as problem:
        return refusal(problem)


def refusal(problem: TelexError) -> Answer:
    """An error in the original's shape; telex's own come with what to do next."""
    words = problem.message
    if problem.advice and not isinstance(problem, IpcRefused):
        words = f"{words} ({problem.advice})"
    return {"status": "error", "message": words}


def register(bus: Bus, written: object, admit: Callable[[str, str], tuple[Bus, str]]) -> Answer:
    """Take an id. `admit` gives a name and its spelling to whoever asks: its bus and its token."""
    most = bus.settings().ipc_id_chars
    complaint = f"Invalid instance ID format. Use 1-{most} alphanumeric characters, hyphens, or underscores."
    name = ids.own(written, most, complaint)
    try:
        mine, token = admit(name, str(written))
    except NameTaken:
        raise IpcRefused(words=f"Instance {written} already exists and is in use") from None
    waiting = mine.unread()
    queued = f" with {waiting} queued messages" if waiting else ""
    return {"status": "ok", "session_token": token, "message": f"Registered {written}{queued}"}


def send(bus: Bus, to_id: object, message: object) -> Answer:
    """To an id, or to any telex name or channel."""
    rules = bus.settings()
    target = ids.target(to_id, rules.ipc_id_chars)
    body, data = letters.packed(message)
    place = bus.leads_to(target.name) if target.kind == "name" and not target.machine else ""
    try:
        sent = bus.send(
            target.written(),
            body,
            data=data,
            most_waiting=rules.ipc_waiting,
            per_minute=rules.ipc_requests_per_minute,
        )
    except InboxFull as problem:
        raise IpcRefused(words=_full(str(to_id), problem)) from None
    except TooFast:
        raise IpcRefused(words=TOO_FAST) from None
    return {"status": "ok", "message": _sent(bus, sent, str(to_id), place, target.name)}


def broadcast(bus: Bus, message: object) -> Answer:
    """To every other instance: whoever lives, and whoever's token is good."""
    rules = bus.settings()
    body, data = letters.packed(message)
    others = [one for one in bus.instances() if one.name != bus.me.address.name]
    targets = ["all"] if any(one.here for one in others) else []
    targets += [f"@{one.name}" for one in others if not one.here]
    reached, refused = 0, []
    for start in range(0, len(targets), limits.RECIPIENTS_PER_SEND):
        some = ",".join(targets[start : start + limits.RECIPIENTS_PER_SEND])
        try:
            sent = bus.send(
                some, body, data=data, most_waiting=rules.ipc_waiting, per_minute=rules.ipc_requests_per_minute
            )
        except InboxFull as problem:
            raise IpcRefused(words=_full(str(problem.facts["to"])[1:], problem)) from None
        except TooFast:
            raise IpcRefused(words=TOO_FAST) from None
        reached += sum(one.state == "queued" for one in sent.recipients)
        refused += [f"{bus.spelling(one.name[1:])}: {one.note}" for one in sent.recipients if one.state == "refused"]
    missed = f" (not to {'; '.join(refused)})" if refused else ""
    return {"status": "ok", "message": f"Broadcast to {reached} instances{missed}"}


def check(bus: Bus, patience_ms: int = limits.BUSY_MS) -> letters.Handed:
    """What waits, to be marked read once it has arrived. Raises StoreBusy where somebody else has the inbox."""
    taking = bus.take(most=limits.IPC_WAITING, patience_ms=patience_ms, whole=False)
    return letters.hand_over(bus, taking, bus.settings())


def instances(bus: Bus) -> Answer:
    """Everybody who can be written to."""
    found = [{"id": one.written, "last_seen": letters.timestamp(one.seen_ms)} for one in bus.instances()]
    return {"status": "ok", "instances": found}


def rename(bus: Bus, old_id: object, new_id: object) -> Answer:
    """Take another id; only one's own can be given up."""
    most = bus.settings().ipc_id_chars
    name = ids.own(new_id, most, "Invalid new instance ID format")
    if not owns(bus, old_id):
        known = ids.is_id(old_id, most) and bus.leads_to(ids.name_of(str(old_id)))
        raise IpcRefused(words=f"Instance {old_id} {'is not yours to rename' if known else 'not found'}")
    if name == bus.me.address.name:
        raise IpcRefused(words=f"Instance {new_id} already exists")
    try:
        bus.rename_guest(name, str(new_id))
    except NameTaken:
        raise IpcRefused(words=f"Instance {new_id} already exists") from None
    except RenamedLately as problem:
        raise IpcRefused(words=f"Rate limit: can rename again in {problem.facts['minutes']} minutes") from None
    return {"status": "ok", "message": f"Renamed {old_id} to {new_id}"}


def owns(bus: Bus, written: object) -> bool:
    """Whether an id is the caller's, by its name now or by one that leads to it."""
    me = bus.me.address.name
    if not ids.is_id(written, limits.NAME_CHARS - 1):
        return written == me  # a telex name may have a dot
    return bus.leads_to(ids.name_of(str(written))) == me


def _sent(bus: Bus, sent: Sent, to_id: str, place: str, name: str) -> str:
    one = sent.recipients[0]
    if place and place != name:
        return f"Message forwarded from {to_id} to {bus.spelling(one.name[1:])}"
    if len(sent.recipients) == 1 and "@" in one.name[1:]:
        return f"Message queued for {to_id} ({one.note})"
    if len(sent.recipients) == 1 and one.presence == "nobody":
        return f"Message queued for {to_id} (not yet registered)"
    return "Message sent"


def _full(who: str, problem: InboxFull) -> str:
    return f"Message queue full for {who} ({problem.facts['limit']} message limit)"
