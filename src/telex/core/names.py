"""Names and addresses: the one place where they are folded, parsed and chosen.

Rules kept here:
- a name is `[a-z0-9][a-z0-9._-]{0,63}`; ASCII capitals are folded, everything else is refused, which leaves no
  room for look-alikes, bidi or invisible characters;
- what a person or an agent typed goes through `fold`, which refuses; what is derived from a directory or a title
  goes through `slug`, which mends: accents are taken off (émile is emile), other scripts are left out;
- a directory that is written in another script has the name of the nearest one above it that is not;
- `all`, `telex`, `system` and `me` are nobody's;
- whoever is at another machine of the team is `frontend@alice-laptop`: two names with one '@' between, which no
  session here can be called;
- a name never becomes a path: bells and files are named by ids.
"""

from __future__ import annotations

from telex import limits
from telex.core.record import Record
from telex.errors import NameInvalid, NameReserved, Usage

RESERVED = ("all", "telex", "system", "me")
ALL = "all"

_FIRST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_REST = _FIRST | frozenset("._-")
_FOLDED = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
# Latin letters that Unicode does not decompose (UnicodeData.txt), as they are commonly written in ASCII.
_LETTERS = {
    ord(letter): plain
    for letters, plain in (
        *(("ßẞ", "ss"), ("æÆ", "ae"), ("œŒ", "oe"), ("øØ", "o"), ("łŁ", "l"), ("đĐðÐ", "d"), ("þÞ", "th")),
        *(("ıİ", "i"), ("ħĦ", "h"), ("ŧŦ", "t"), ("ŋŊ", "n")),
    )
    for letter in letters
}


class Target(Record):
    """One recipient as it was written: a name, a channel, or everyone."""

    kind: str  # name, channel or all
    name: str
    machine: str = ""  # of the team, where one is given

    def written(self) -> str:
        """@name, @name@machine, #channel or all."""
        return {"name": "@", "channel": "#", "all": ""}[self.kind] + at_machine(self.name, self.machine)


def is_name(text: str) -> bool:
    """Whether text is in the grammar as it stands."""
    return 0 < len(text) <= limits.NAME_CHARS and text[0] in _FIRST and _REST.issuperset(text)


def is_plain(text: str) -> bool:
    """Whether text has only characters that a name may have: an id, a word of a format, a name of any length."""
    return _REST.issuperset(text)


def fold(text: str) -> str:
    """The name that text means. Raises NameInvalid."""
    name = text.translate(_FOLDED)
    if not is_name(name):
        near = slug(text, default="")
        advice = f"did you mean {near}?" if near else "try letters and digits"
        raise NameInvalid(name=ascii(text[: limits.NAME_CHARS]), advice=advice)
    return name


def at_machine(name: str, machine: str) -> str:
    """frontend@alice-laptop; the name alone without a machine."""
    return f"{name}@{machine}" if machine else name


def split(address: str) -> tuple[str, str]:
    """The name and the machine of an address; '' for one that is here."""
    name, _, machine = address.partition("@")
    return name, machine


def is_address(text: str) -> bool:
    """Whether text is a name, or a name at a machine, as it stands."""
    name, at, machine = text.partition("@")
    return is_name(name) and (not at or is_name(machine))


def fold_address(text: str) -> str:
    """The name, or the name at a machine, that text means, with or without '@' in front. Raises NameInvalid."""
    name, at, machine = text.removeprefix("@").partition("@")
    return at_machine(fold(name), fold(machine)) if at else fold(name)


def fold_own(text: str) -> str:
    """A name somebody wants to hold. Raises NameInvalid, NameReserved."""
    name = fold(text.removeprefix("@"))
    if name in RESERVED:
        raise NameReserved(name=name)
    return name


def slug(text: str, default: str = "session") -> str:
    """The nearest name to any text; `default` where nothing is left of it."""
    chars = [char if char in _REST else "-" for char in _plain(text)]
    name = "".join(chars)
    while "--" in name:
        name = name.replace("--", "-")
    name = name.lstrip("._-")[: limits.NAME_CHARS].rstrip("._-")
    if not name:
        return default
    return f"{name}-1"[-limits.NAME_CHARS :] if name in RESERVED else name


def of_directory(path: str, user_home: str = "") -> str:
    """The name that a directory gives a session and its channel; '' where nothing of it can be written.

    The directories above it are asked up to the person's home, which is nobody's name but its own.
    """
    user_home, first = user_home.rstrip("/"), True
    while (path := path.rstrip("/")) and (first or path != user_home):
        base = path.rpartition("/")[2]
        letters = sum(map(str.isalnum, base))
        kept = sum(char in _FIRST for char in _plain(base))
        if 2 * kept >= letters and (name := slug(base, default="")):
            return name
        path, first = path[: -len(base)], False
    return ""


def _plain(text: str) -> str:
    """text in small letters, Latin ones without their accents."""
    if not text.isascii():
        from unicodedata import combining, normalize  # 1 ms, paid only where it is needed

        text = "".join([char for char in normalize("NFKD", text.translate(_LETTERS)) if not combining(char)])
    return text.translate(_FOLDED)


def twin(name: str, number: int) -> str:
    """`frontend`, `frontend-2`, `frontend-3` …: the number-th name of one wish."""
    if number == 1:
        return name
    tail = f"-{number}"
    return name[: limits.NAME_CHARS - len(tail)] + tail


def parse_target(text: str) -> Target:
    """`@name`, `@name@machine`, `#channel`, `all`, or a bare name. Raises NameInvalid."""
    if text.translate(_FOLDED) in (ALL, "@all"):
        return Target(kind="all", name=ALL)
    if text.startswith("#"):
        return Target(kind="channel", name=fold(text[1:]))
    return parse_name(text)


def parse_name(text: str) -> Target:
    """A name, with or without '@' in front, perhaps at a machine. Raises NameInvalid."""
    name, machine = split(fold_address(text))
    return Target(kind="name", name=name, machine=machine)


def parse_targets(text: str) -> list[Target]:
    """Several targets with commas, each once. Raises NameInvalid, Usage."""
    targets: list[Target] = []
    for part in text.split(","):
        word = part.strip()
        if not word:
            continue
        target = parse_target(word)
        if target not in targets:
            targets.append(target)
    if not targets:
        raise Usage(problem="to whom? give @name, #channel or all", verb="send")
    if len(targets) > limits.RECIPIENTS_PER_SEND:
        raise Usage(problem=f"{len(targets)} recipients; the most is {limits.RECIPIENTS_PER_SEND}", verb="send")
    return targets


def nearest(name: str, known: list[str]) -> str:
    """The known name most like this one, or ''. Without difflib, which loads re: 8 ms in front of a send."""
    most = min((len(name) + 2) // 3, len(name) - 1)
    near = [(0 if _begins(name, other) else _edits(name, other), _edits(name, other), other) for other in known]
    slips, _, found = min(near, default=(most + 1, 0, ""))
    return found if slips <= most else ""


def _begins(one: str, other: str) -> bool:
    return len(min(one, other, key=len)) > 1 and (one.startswith(other) or other.startswith(one))


def _edits(one: str, other: str) -> int:
    """How many letters must be put in, taken out or changed to make one word of the other."""
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, wanted in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (letter != wanted))
    return row[-1]
