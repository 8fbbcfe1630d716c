"""Who else is here, told to a session's model: everything once, later only what changed.

Rules kept here:
- a session that is alone is told nothing;
- everything is said at a session's start, or at the first prompt after somebody else came; what changed is said at a
  prompt, when somebody new is here, at most once in `limits.NEWS_PAUSE_MS`;
- whoever arrives leaves a mark for the others (telex.fs.bells.NEWS), which their prompt's gate tests. No hook runs
  for it before the next prompt;
- what was told stands in a file beside the marks. Where it is lost, a line is said twice;
- a directory and a branch are shown only where the name alone does not tell which session is meant. Both are foreign
  text; the file that names the branch is read only if it is a small regular file.
"""

from __future__ import annotations

import os
import stat

from telex import limits
from telex.core import names, text
from telex.core.frame import Said
from telex.core.record import Record
from telex.db.connection import Store
from telex.fs import bells
from telex.mail import addresses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PRIMER = (
    "telex send @name '…' writes to one (long: --stdin <<'EOF'), with --kind request it asks. "
    "Mail and answers come by themselves: nothing to poll. Only a request needs a reply."
)
_LISTED = 12
_BRANCH = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-")
_BRANCH_CHARS = 40
_HEAD_BYTES = 512  # of .git, where it is a file, and of HEAD


class Telling(Record):
    """What is to be said, '' for nothing, and the names that are known once it is said."""

    text: str = ""
    names: tuple[str, ...] = ()


def at_start(db: Store, session: addresses.Session, place: addresses.Address) -> Telling:
    """What a session that starts is told."""
    others = _others(db, session)
    return _whole(place.name, others) if others else Telling()


def at_prompt(db: Store, session: addresses.Session, now_ms: int) -> Telling:
    """What a session is told at a prompt: nothing, unless somebody arrived since it was last told."""
    if not bells.drop_news(db.home, session.bell):
        return Telling()
    others = _others(db, session)
    known, told_ms = bells.told(db.home, session.bell)
    fresh = [one for one in others if one[1].name not in known]
    if not fresh:
        return Telling()
    me = addresses.address(db, session.address).name
    if not told_ms:
        return _whole(me, others)
    if 0 <= now_ms - told_ms < limits.NEWS_PAUSE_MS:
        bells.mark_news(db.home, session.bell)
        return Telling()
    here = [place.name for _, place in others]
    gone = [f"@{name}" for name in known if name not in here]
    said = f"telex: new here: {_listed(fresh, others)}" + (f"; gone: {', '.join(gone[:_LISTED])}" if gone else "")
    return Telling(text=f"{said}. This session is @{me}. {PRIMER}", names=tuple(here))


class News:
    """What a session is told at a prompt, in front of its mail or alone.

    `emit` hands the mail over, `finish` what was not said with it.
    """

    def __init__(self, db: Store, session: addresses.Session, emit: Callable[[str], None], now_ms: int) -> None:
        self._db, self._session, self._emit = db, session, emit
        self._left = at_prompt(db, session, now_ms)
        self.taken = len(self._left.text) + 1 if self._left.text else 0  # characters of the injection

    def emit(self, text: str) -> None:
        """The mail, and what is left to be said before it."""
        if not self._left.text:
            self._emit(text)
            return
        both = Said(f"{self._left.text}\n{text}")
        both.line = getattr(text, "line", "")
        self._said(both)

    def finish(self) -> None:
        """What no mail came with."""
        if self._left.text:
            self._said(self._left.text)

    def _said(self, text: str) -> None:
        self._emit(text)
        record(self._db, self._session, self._left)
        self._left = Telling()


def record(db: Store, session: addresses.Session, said: Telling) -> None:
    """It was said."""
    if said.text:
        bells.note_told(db.home, session.bell, said.names)


_Living = list[tuple[addresses.Session, addresses.Address]]


def _others(db: Store, session: addresses.Session) -> _Living:
    return [one for one in addresses.living(db) if one[0].id != session.id]


def _whole(me: str, others: _Living) -> Telling:
    said = f"telex: this session is @{me}. Other sessions here: {_listed(others, others)}. {PRIMER}"
    return Telling(text=said, names=tuple(place.name for _, place in others))


def _listed(some: _Living, others: _Living) -> str:
    wishes = [_directory_name(session) for session, _ in others]
    listed = []
    for session, place in some[:_LISTED]:
        wish = _directory_name(session)
        plain = place.name == wish and wishes.count(wish) == 1
        listed.append(f"@{place.name}" if plain else f"@{place.name} ({_where(session)})")
    more = len(some) - len(listed)
    return ", ".join(listed) + (f" and {more} more ('telex who')" if more else "")


def _directory_name(session: addresses.Session) -> str:
    return names.slug(session.directory.rstrip("/").rpartition("/")[2], default="")


def _where(session: addresses.Session) -> str:
    place = f'"{text.place(session.directory, os.environ.get("HOME", ""), limits.PLACE_CHARS)}"'
    branch = _branch(session.directory)
    return f"{session.client}, {place}, branch {branch}" if branch else f"{session.client}, {place}"


def _branch(directory: str) -> str:
    """The branch that is checked out there; '' where there is none, or its name is an odd one."""
    git = f"{directory}/.git"
    pointer = _small_file(git)  # in a worktree .git is a file that names the directory
    if pointer.startswith("gitdir: "):
        git = os.path.join(directory, pointer[len("gitdir: ") :])
    before, ref, name = _small_file(f"{git}/HEAD").partition("ref: refs/heads/")
    return name if ref and not before and 0 < len(name) <= _BRANCH_CHARS and _BRANCH.issuperset(name) else ""


def _small_file(path: str) -> str:
    """The first line of a regular file; '' for anything else. Nothing that waits is opened."""
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError):
        return ""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return ""
        return os.read(fd, _HEAD_BYTES).decode("utf-8", "replace").partition("\n")[0].strip()
    except OSError:
        return ""
    finally:
        os.close(fd)
