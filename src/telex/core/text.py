r"""Foreign text made safe to show, to people in a terminal and to models in a context.

Rules kept here:
- `visible` lets a character through only if it draws itself. What controls, hides, turns or fakes an empty
  place is written out as `\u{202e}`; every kind of space becomes a plain one. It works on one line.
- A backslash stays as it is: an escape says that something odd was there, it is not an encoding to reverse.
- Every line separator of Unicode ends a line (`lines`), so nobody's idea of a line is longer than ours.
- `defused` works on visible text. A `<` that could open or close one of the tags in which clients wrap what
  they inject gets a backslash behind it. Those tags are written in lower case, so a type argument
  (`List<User>`) is left alone, as is a comparison (`i < user.age`).
- `escaped` does for JSON what `visible` does for text, and loses nothing: whoever parses it gets the same characters.
- Each result is safe by itself; nothing here needs to be called twice.

No `re` and no `unicodedata`: the hook imports this module.
"""

from __future__ import annotations

import time

_SPACES = (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)

# What str.isprintable() lets through though nothing is drawn: joiners and fillers of several scripts, the
# blank Braille cell, variation selectors, the placeholder of an embedded object.
_BLANK = (
    *((0x34F, 0x34F), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2800, 0x2800)),
    *((0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFFA0, 0xFFA0), (0xFFFC, 0xFFFC), (0x13441, 0x13442)),
    *((0x16FE4, 0x16FE4), (0x1D159, 0x1D159), (0xE0000, 0xE0FFF)),
)

_EMOJI_STYLE = "\ufe0f"
_KEYCAP = "\u20e3"
_SYMBOLS_FROM = "\u203c"  # the first sign that has an emoji style, but for © and ®

# Brackets that are, or look like, the one that opens a tag.
_OPENERS = "<\uff1c\ufe64\u2039\u2329\u276e\u27e8\u3008"
_NOT_IN_PLACE = frozenset('"' + _OPENERS)
_BEFORE_NAME = " \t/\uff0f"
_NAME_CHARS = 64  # far beyond any tag's name, however it is stretched

# Compared in lower case without separators; a name that begins with one of these is a tag.
_TAGS = (
    *("systemreminder", "systemmessage", "systemprompt", "systemnotification", "tasknotification"),
    *("hookcontext", "hookprompt", "persistedoutput", "functioncall", "functionresult", "antml", "telex"),
    *("toolresult", "tooluse", "toolcall", "localcommand", "commandname", "commandmessage", "commandargs"),
    *("bashinput", "bashstdout", "bashstderr", "userprompt", "userinstruction", "userinput", "usermessage"),
    *("userquery", "useraction", "assistantmessage", "humanmessage", "channelmessage", "environmentcontext"),
    *("teammatemessage", "crosssession", "agentmessage"),
)
# Everyday words: only the whole name counts, or `<user-id>` and `<ChannelList>` would be unreadable.
_ROLES = ("assistant", "channel", "developer", "human", "invoke", "system", "thinking", "user")

# Full-width letters to plain ones; then everything that may separate the words of a name to nothing. Plain
# letters are in the table too, because a miss costs an exception.
_NARROW = {0xFF01 + at: chr(0x21 + at) for at in range(94)}
_SEPARATORS = " \t-_:.\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"
_SQUEEZED: dict[int, int | None] = {code: code for code in range(128)}
_SQUEEZED.update(dict.fromkeys(map(ord, _SEPARATORS)))
_INITIALS = frozenset([name[0] for name in _TAGS + _ROLES] + [*_SEPARATORS])

_LAST_SECOND = 253_402_300_799  # 9999-12-31 23:59:59
_AGE_MOST_DAYS = 99_999
_REMEMBERED = 4_096  # characters; more would only cost a long-lived process its memory


class _Shown(dict[int, str]):
    """How each character is shown, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        blank = any(first <= code <= last for first, last in _BLANK)
        shown = char if char.isprintable() and not blank else f"\\u{{{code:x}}}"
        if len(self) < _REMEMBERED:
            self[code] = shown
        return shown


_PLAIN = _Shown(dict.fromkeys(_SPACES, " "))
_WITH_TABS = _Shown({**_PLAIN, 9: "\t"})


def visible(text: str, tabs: bool = False) -> str:
    """One line of text in which every character can be seen; with `tabs`, TAB stays."""
    if text.isascii() and text.isprintable():
        return text
    table = _WITH_TABS if tabs else _PLAIN
    if _EMOJI_STYLE not in text:
        return text.translate(table)
    first, *others = text.split(_EMOJI_STYLE)
    parts = [first.translate(table)]
    before = first[-1:]
    for other in others:
        parts.append(_EMOJI_STYLE if _takes_emoji_style(before, other[:1]) else table[0xFE0F])
        parts.append(other.translate(table))
        before = other[-1:]
    return "".join(parts)


class _Escapes(dict[int, str]):
    """How each character stands in JSON, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        shown = _PLAIN[code]
        if shown != chr(code):
            high, low = divmod(code - 0x10000, 0x400)
            shown = f"\\u{code:04x}" if high < 0 else f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
        if len(self) < _REMEMBERED:
            self[code] = shown
        return shown


_ESCAPES = _Escapes({10: "\n", 13: "\r"})  # which stand between the parts of JSON only, or between events


def escaped(written: str) -> str:
    """JSON text in which every character can be seen: what `visible` would change is an escape of JSON."""
    return written if written.isascii() and written.isprintable() else written.translate(_ESCAPES)


def escaped_bytes(written: bytes) -> bytes:
    """The same for JSON text in UTF-8, in which control characters below U+0020 are escapes already."""
    return written if written.isascii() and b"\x7f" not in written else escaped(written.decode()).encode()


def _takes_emoji_style(before: str, after: str) -> bool:
    """Whether U+FE0F has a meaning between these two characters; elsewhere it only hides something."""
    if before and before in "0123456789#*":
        return after == _KEYCAP
    if before in ("\u00a9", "\u00ae"):
        return True
    if before < _SYMBOLS_FROM or before.isalnum() or "\u20d0" <= before <= "\u20ff":  # the last combine themselves
        return False
    return _PLAIN[ord(before)] == before


def lines(text: str) -> list[str]:
    """The lines of a text, by every separator there is; at least one."""
    return text.splitlines() or [""]


def defused(line: str) -> str:
    """A visible line in which no tag of a client is opened or closed."""
    for opener in "<" if line.isascii() else _OPENERS:
        if opener not in line:
            continue
        first, *others = line.split(opener)
        parts = [first]
        before = first[-1:]
        for after in others:
            parts.append(opener + "\\" + after if _is_tag(before, after) else opener + after)
            before = after[-1:]
        line = "".join(parts)
    return line


def _is_tag(before: str, after: str) -> bool:
    """Whether a `<` between this character and this text is a tag of some client."""
    if after[:1] in ("|", "\uff5c"):
        return after[1:2].isalpha()  # <|im_start|>, a model's own mark
    bare = after.lstrip(_BEFORE_NAME)
    name = bare[:_NAME_CHARS].casefold()
    if not name.isascii():
        name = name.translate(_NARROW)
    if name[:1] not in _INITIALS:
        return False
    if name.startswith(_TAGS) or _is_role(name, after[: len(after) - len(bare)]):
        return not _is_type_argument(before, after)
    return name.translate(_SQUEEZED).startswith(_TAGS)


def _is_role(name: str, skipped: str) -> bool:
    if not name.startswith(_ROLES):
        return False
    end = 0
    while end < len(name) and (name[end].isalnum() or name[end] in "-_."):
        end += 1
    if name[:end].rstrip("-_.") not in _ROLES:
        return False
    if skipped and not skipped.strip(" \t"):  # `i < user` compares, unless it goes on like a tag
        rest = name[end:].lstrip(" \t")
        return rest.startswith(">") or (rest[:1].isalpha() and "=" in rest.partition(" ")[0])
    return True


def _is_type_argument(before: str, after: str) -> bool:
    """`List<User>`, `parse::<User>`: glued to a name, and in the case that no client's tag is written in."""
    return (before.isalnum() or before in ("_", ":", ".")) and after[:1].isupper() and after[1:2].islower()


def quoted(text: str, prefix: str = "> ") -> list[str]:
    """The lines of a text, safe to show, each behind the prefix so that none passes for a line of ours."""
    return [prefix + defused(visible(line, tabs=True)) for line in lines(text)]


def speech(speaker: str, said: str, chars: int) -> str:
    """What somebody else said, on one visible line that names its speaker and cannot end its own quotation."""
    line = visible(" ".join(said[: chars * 4].split())).replace('"', "'")
    return f'{speaker} says: "{_fitted(line, chars)}"'


def clip(text: str, chars: int) -> str:
    """The text, or its beginning and `…`, in at most so many characters."""
    if len(text) <= chars:
        return text
    return text[: chars - 1] + "…" if chars > 0 else ""


def preview(text: str, chars: int) -> str:
    """The beginning of a text on one line, for a listing."""
    head = text[: chars * 4]  # a body may be 16 MiB
    kept = [line.strip() for line in lines(head.replace("\t", " "))]
    line = visible(" / ".join([line for line in kept if line]))
    return _fitted(line if len(head) == len(text) else line + "…", max(chars, 0))


def _fitted(line: str, chars: int) -> str:
    """A visible line, defused before and after it is cut, because cutting `<username>` can leave `<user`."""
    line = defused(line)
    room = chars
    while len(shown := defused(clip(line, room))) > chars:
        room -= len(shown) - chars
    return shown


def place(path: str, home: str, chars: int) -> str:
    """A directory to stand between double quotes: none is left in it, no bracket either, and its end is kept."""
    home = home.rstrip("/")
    if home and (path == home or path.startswith(home + "/")):
        path = "~" + path[len(home) :]
    shown = visible(path)
    if not _NOT_IN_PLACE.isdisjoint(shown):
        shown = "".join([f"\\u{{{ord(char):x}}}" if char in _NOT_IN_PLACE else char for char in shown])
    if len(shown) <= chars:
        return shown
    tail = shown[len(shown) - chars + 1 :]
    whole = tail[max(tail.find("/"), 0) :].lstrip(_EMOJI_STYLE)
    return clip("…" + whole, chars)


def when(ms: int) -> str:
    """A moment to the minute, in UTC."""
    moment = time.gmtime(min(max(ms // 1000, 0), _LAST_SECOND))
    return f"{moment[0]:04}-{moment[1]:02}-{moment[2]:02} {moment[3]:02}:{moment[4]:02}Z"


def span(ms: int) -> str:
    """How long from now, in one unit, rounded: an hour that began a second ago is 1h."""
    seconds = max(ms + 500, 0) // 1000
    if seconds < 60:
        return f"{max(seconds, 1)}s"
    if (minutes := (seconds + 30) // 60) < 60:
        return f"{minutes}m"
    if (hours := (seconds + 1_800) // 3_600) < 24:
        return f"{hours}h"
    return f"{min((seconds + 43_200) // 86_400, _AGE_MOST_DAYS)}d"


def age(ms_ago: int) -> str:
    """How long ago, in one unit; "now" under a second and for what lies ahead."""
    seconds = max(ms_ago, 0) // 1000
    if seconds < 1:
        return "now"
    for most, size, unit in ((60, 1, "s"), (3_600, 60, "m"), (86_400, 3_600, "h")):
        if seconds < most:
            return f"{seconds // size}{unit}"
    return f"{min(seconds // 86_400, _AGE_MOST_DAYS)}d"
