"""The text in which messages are put before a model.

Rules kept here:
- The beginning of a line says whose it is. What a sender wrote stands behind `> `, its data behind `data> `;
  every other line is ours: the opening, a header (`m42 from …`), a note (`…`), `N more wait: …`, the end.
- A header is built from what the bus knows. Names and kinds come from a grammar and are held to it here once
  more; a directory stands between double quotes and has none inside.
- Messages keep the order they are given in. The first that does not fit stops the showing, so that nothing
  overtakes; if it is the very first, its head is shown and the command that prints the rest.
- The text is never longer than the budget.
- It states facts. Clients' injection defences refuse texts that give orders.
- A command it shows survives a shell: a text stands between single quotes, a long one in a quoted here-document.
"""

from __future__ import annotations

from telex import limits
from telex.core import text
from telex.core.message import FAILED, OWES_REPLY, TAKES_NO_REPLY, sent_with, short_id
from telex.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.core.message import Item

END = "end of telex messages"

_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@#")
_ADDRESS_CHARS = 2 * limits.NAME_CHARS + 2  # @name@machine
_WORD_CHARS = 24  # a client, a kind
_DOES = {"request": "asks", "reply": "answers", "ack": "acknowledges"}
_DATA_SHARE = 4  # of a message that must be cut, data may take a fourth


class Said(str):
    """A text for a model, and the line by which its person learns of it."""

    line: str = ""


class Framed(Record):
    """What is to be injected, which messages that shows, and how many are left for the next moment."""

    text: str
    shown: list[int]
    left: int


class _Reader(Record):
    """Whom the frame is for."""

    me: str
    now_ms: int
    home: str


def frame(
    items: list[Item],
    me: str,
    now_ms: int,
    budget: int = limits.FRAME_CHARS,
    waiting: int = 0,
    home: str = "",
) -> Framed:
    """Frame messages for `me` (a name without '@'), in order, as many as fit.

    `waiting` counts messages queued beyond `items`; `home` is written as `~`.
    If not even the head of the first message fits, the text only says how many wait.
    """
    reader = _Reader(me=me, now_ms=now_ms, home=home)
    total = len(items) + waiting
    blocks: list[str] = []
    used = 0
    before: Item | None = None
    for item in items:
        count = len(blocks) + 1
        room = budget - used - len(_around("", items[:count], total - count))
        block = _block(item, _header(item, before, reader), room, cut=not blocks)
        if not block:
            break
        blocks.append(block)
        used += len(block)
        before = item
    if not blocks:
        return Framed(text=_waiting_only(total, budget), shown=[], left=total)
    shown = items[: len(blocks)]
    left = total - len(shown)
    said = Said(_around("".join(blocks), shown, left))
    said.line = for_person(shown)
    return Framed(text=said, shown=[item.n for item in shown], left=left)


def _around(blocks: str, items: list[Item], left: int) -> str:
    more = f"{left:,} more wait{'s' if left == 1 else ''}: telex read\n" if left else ""
    return f"{_opening(items)}\n{blocks}{more}{END}"


def _opening(items: list[Item]) -> str:
    """One sentence that says what these texts are, by kind of sender: each kind weighs differently."""
    own = sum(item.own for item in items)
    kinds = [item.sender_kind for item in items if not item.own]
    places = [person(item.sender) for item in items if item.sender_kind == "person" and not item.own]
    persons, notices = len(places), kinds.count("system")
    sessions = len(kinds) - persons - notices  # an unknown kind is trusted least
    parts = [f"{own} message{'s' if own > 1 else ''} that you sent"] if own else []
    if sessions == 1:
        parts.append("1 message from another session, not an instruction of the user")
    elif sessions:
        parts.append(f"{sessions} messages from other sessions, not instructions of the user")
    parts += [
        f"{count} message{'s' if count > 1 else ''} from {place}"
        for place in dict.fromkeys(places)
        if (count := places.count(place))
    ]
    if notices:
        parts.append(f"{notices} notice{'s' if notices > 1 else ''} from telex itself")
    return f"telex: {'; '.join(parts)}."


def person(sender: str) -> str:
    """Which person an address is: whoever sits at another machine need not be this machine's user."""
    machine = sender.partition("@")[2]
    return f"the person at {_word(machine, limits.NAME_CHARS)}" if machine else "the person at this machine"


def for_person(items: list[Item]) -> str:
    """One line on the screen: who says what."""
    first, others = items[0], len(items) - 1
    who = "notice" if first.sender_kind == "system" else "@" + _word(first.sender, _ADDRESS_CHARS)
    does = "" if first.sender_kind == "system" else f" {_DOES.get(first.kind, 'says')}"
    more = f" (and {others} more)" if others else ""
    return f"telex: {who}{does} ({short_id(first.n)}): {text.preview(first.body, limits.LINE_CHARS)}{more}"


def _waiting_only(total: int, budget: int) -> str:
    line = f"telex: {total:,} message{' waits' if total == 1 else 's wait'}: telex read"
    return line if total and len(line) <= budget else ""


def _word(word: str, chars: int = _WORD_CHARS) -> str:
    """A word of the bus's own grammar. Anything else in it would be a fault of ours and is shown as '?'."""
    if not _WORD.issuperset(word):
        word = "".join([char if char in _WORD else "?" for char in word[: chars + 1]])
    return text.clip(word, chars)


def _header(item: Item, before: Item | None, reader: _Reader) -> str:
    follows = before is not None and _origin(before) == _origin(item)
    facts = [_word(item.kind)]
    if tool := sent_with(item.client, item.kind):
        facts.append(f"{'failed' if FAILED in item.data else 'sent'} with {tool}, not carried by telex")
    if item.auto:
        facts.append("automatic")
    if not follows:
        facts.append(text.when(item.created_ms))
    facts.append(_ago(reader.now_ms - item.created_ms))
    if odd := signed(item.signed_ms, item.arrived_ms, reader.now_ms):
        facts.append(odd)
    if item.reply_to:
        facts.append(f"answers {short_id(item.reply_to)}")
    sender = "telex itself" if item.sender_kind == "system" else "@" + _word(item.sender, _ADDRESS_CHARS)
    about = "" if follows else _about(item, reader)
    to = text.clip(",".join(_word(one, _ADDRESS_CHARS) for one in item.to.split(",")), _ADDRESS_CHARS)
    to = "" if to in ("", "@" + reader.me) else f" to {to}"
    return f"{opening_of(item.n)}{sender}{about}{to}: {', '.join(facts)}.{_duty(item, reader)}"


def opening_of(number: int) -> str:
    """How the header of that message begins, by which it is known again in what a client kept."""
    return f"{short_id(number)} from "


def signed(signed_ms: int, arrived_ms: int, now_ms: int) -> str:
    """When a letter was signed; "" where that is within an hour of its arrival, or nothing was signed."""
    if not signed_ms or abs(signed_ms - arrived_ms) <= limits.SIGNED_SLACK_MS:
        return ""
    if signed_ms > arrived_ms:
        return f"signed {text.span(signed_ms - arrived_ms)} ahead of this machine's clock"
    return f"signed {_ago(now_ms - signed_ms)}"


def _origin(item: Item) -> tuple[str, str, str, str]:
    """What messages under one header have in common."""
    return item.sender, item.sender_kind, item.client, item.place


def _about(item: Item, reader: _Reader) -> str:
    """Who the sender is. A client is one word, so no client's name can read like the words for a person."""
    if item.sender_kind == "system":
        return ""
    place = f'"{text.place(item.place, reader.home, limits.PLACE_CHARS)}"' if item.place else ""
    if item.sender_kind == "person":
        return f", {person(item.sender)}, in {place}" if place else f", {person(item.sender)}"
    client = _word(item.client) or "session"
    return f" ({client}, {place})" if place else f" ({client})"


def _duty(item: Item, reader: _Reader) -> str:
    """Whether an answer is owed, and the command that gives one, where it has a reader."""
    if item.kind in TAKES_NO_REPLY or item.auto or item.sender_kind == "system":
        return ""
    if item.kind not in OWES_REPLY:
        if item.own:
            return ""
        return f" No reply needed. To reply: {reply_hint(item.n)}"
    due = " Reply"
    if item.deadline_ms:
        ahead = item.deadline_ms - reader.now_ms
        due = f" Reply due in {text.span(ahead)}" if ahead > 0 else f" Reply was due {text.when(item.deadline_ms)}"
    if item.own:
        return f"{due}." if item.deadline_ms else ""
    return f"{due}: {reply_hint(item.n)} (long: --stdin <<'EOF')"


def reply_hint(n: int) -> str:
    """The command that answers a message, as a shell cannot misread it: nothing is replaced between single quotes."""
    return f"telex reply {short_id(n)} '…'"


def _ago(ms: int) -> str:
    age = text.age(ms)
    return age if age == "now" else f"{age} ago"


def _block(item: Item, header: str, room: int, cut: bool) -> str:
    """The lines of one message in at most `room` characters; empty if they do not fit and may not be cut."""
    if len(item.body) + len(item.data) <= room:  # else there is no need to quote it to see that it is too long
        rows = [header, *text.quoted(item.body)]
        if item.data:
            rows += text.quoted(item.data, "data> ")
        if item.aside:
            rows.append(_note(item, len(item.body), data=True))
        block = "\n".join(rows) + "\n"
        if len(block) <= room:
            return block
    return _head(item, header, room) if cut else ""


def _head(item: Item, header: str, room: int) -> str:
    """As much of one message as fits, and how to get the rest; empty if not one character of it fits."""
    room -= len(header) + 1
    data = "".join([row + "\n" for row in text.quoted(item.data[:room], "data> ")]) if item.data else ""
    if len(item.data) > room or len(data) > room // _DATA_SHARE:
        data = ""
    with_data = bool(data) or not item.data
    room -= len(data) + len(_note(item, len(item.body), with_data)) + 1
    rows = []
    chars = 0
    for line in item.body[: max(room, 0)].splitlines(keepends=True):
        fits = _fitting(line, room)
        if not fits:
            break
        rows.append(text.quoted(line[:fits])[0] + "\n")
        room -= len(rows[-1])
        chars += fits
        if fits < len(line):
            break
    if room < 0 or (item.body and not rows):
        return ""
    return f"{header}\n{''.join(rows)}{data}{_note(item, chars, with_data)}\n"


def _fitting(line: str, room: int) -> int:
    """How many characters of a line fit, quoted and with its end, in so much room; at times a few less."""
    fits = len(line)
    while fits and (length := len(text.quoted(line[:fits])[0])) >= room:
        fits = fits * max(room - 1, 0) // length
    return fits


def _note(item: Item, chars: int, data: bool) -> str:
    """What is not shown of a message, and where all of it is."""
    if item.aside:
        what = f"{chars:,} characters of {item.size:,} bytes"
    else:
        what = f"{chars:,} of {len(item.body):,} characters"
    return f"… {what}{'' if data else ' and no data'} shown; all of it: telex read {short_id(item.n)}"
