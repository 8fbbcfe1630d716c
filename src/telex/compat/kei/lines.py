"""kei's lines: a message as a record of a listing, and the block that its hook prints.

Rules kept here:
- The beginning of a line says whose it is. `[` opens a record or the block, `  • ` a message, `  (` a line of ours
  under the block, `    (` a note of ours about one message; whatever a sender wrote beyond its first line stands
  behind `    > `, every character of it visible, no client's tag in it.
- Names are held to the grammar here once more: a damaged row, or a file that was imported, may hold anything.
- What is not shown of a long body is said, with the command that prints all of it.
"""

from __future__ import annotations

from telex import limits
from telex.core import names, text
from telex.core.message import OWES_REPLY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.bus.message_view import Letter

ALL = "all"

_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-@")  # '@' stands between a name and its machine
_TO_CHARS = 2 * limits.NAME_CHARS + 1
_GOES_ON = "    > "


def sender(one: Letter) -> str:
    """Who sent it, as kei writes a name: without '@'. A person in a terminal was to kei where the terminal was."""
    if one.sender_kind == "person" and "@" not in one.sender[1:] and (base := one.place.rstrip("/").rpartition("/")[2]):
        return _name(names.slug(base, default=one.sender.removeprefix("@")))
    return _name(one.sender.removeprefix("@"))


def recipient(to: str) -> str:
    """How a message was addressed, as kei writes it: without '@' and '#'."""
    names = dict.fromkeys(_name(part.lstrip("@#")) for part in to.split(","))
    return text.clip(",".join(names), _TO_CHARS)


def shown(words: str) -> str:
    """A name as somebody gave it, or a directory's base name, safe to show on a line of ours."""
    return text.clip(text.defused(text.visible(words)), limits.KEI_NAME_BYTES)


def record(one: Letter) -> str:
    """`[YYYY-MM-DD HH:MM:SS] FROM -> TO: BODY`, in UTC, with further lines of the body behind their own mark."""
    second = one.created_ms // 1000 % 60
    head = f"[{text.when(one.created_ms)[:-1]}:{second:02}] "
    return head + _entry(one, limits.BODY_HEAD_CHARS)


def block(letters: list[Letter], me: str, waiting: int, budget: int) -> tuple[str, list[Letter]]:
    """The block for a prompt in at most `budget` characters, and which of the messages it shows.

    Messages keep their order; the first that does not fit stops the showing, and only the very first is cut.
    `waiting` counts all that is unread, these messages included.
    """
    head = f"[kei mailbox] new message(s) for this session ({shown(me)}):\n"
    tail = '  (reply: kei message send --to <name> "...")'
    room = budget - len(head) - len(tail) - len(_more(waiting)) - 1  # "1 more waits" is as long as "22 more wait"
    entries: list[str] = []
    for one in letters:
        entry = f"  • {_entry(one, room)}\n"
        if len(entry) > room and not entries:
            entry = _cut(one, room)
        if not entry or len(entry) > room:
            break
        entries.append(entry)
        room -= len(entry)
    if not entries:
        return "", []
    left = waiting - len(entries)
    return head + "".join(entries) + (_more(left) if left > 0 else "") + tail, letters[: len(entries)]


def _more(left: int) -> str:
    return f"  ({left:,} more wait{'s' if left == 1 else ''}: telex read)\n"


def _cut(one: Letter, room: int) -> str:
    """As much of one message as fits; '' where not even its names do."""
    chars = min(len(one.body), room)
    while True:
        entry = f"  • {_entry(one, chars)}\n"
        if len(entry) <= room:
            return entry
        if not chars:
            return ""
        chars = max(0, min(chars - 1, chars * room // len(entry)))


def _entry(one: Letter, most: int) -> str:
    """FROM -> TO: BODY, at most so many characters of it, and what else is to be known."""
    first, *others = text.quoted(one.body[:most], "")
    rows = [f"{sender(one)} -> {recipient(one.to)}: {first}", *(_GOES_ON + line for line in others)]
    if len(one.body) > most or (one.sound and not one.whole):
        chars = min(most, len(one.body))
        rows.append(f"    ({chars:,} characters of {one.size:,} bytes shown; all of it: telex read {one.id})")
    if one.data:
        rows.append(f"    (data came with it: telex read {one.id})")
    if one.kind in OWES_REPLY:
        rows.append(f'    (a request: telex reply {one.id} "...")')
    return "\n".join(rows)


def _name(word: str) -> str:
    if not _NAME.issuperset(word):
        word = "".join(char if char in _NAME else "?" for char in word)
    return text.clip(word, _TO_CHARS) or "?"
