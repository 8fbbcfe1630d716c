"""What a person may set: names, defaults, bounds, and where a value came from.

Rules kept here: a setting is a whole number with its unit in its name, or a list of words with colons between them;
its value is, in this order, the environment's `TELEX_<NAME>`, the store's, the default (of a number, in
`limits.py`); a value that does not fit is refused when it is set, and ignored, with the default in its place, when
it comes from the environment; every setting says which values are the stricter ones, and an environment that is not
the person's counts only where it is stricter: an agent must not lift its own limits by a variable.
"""

from __future__ import annotations

from telex import limits
from telex.core.record import Record
from telex.errors import SettingInvalid, SettingUnknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

DEFAULT, STORE, ENVIRONMENT = "default", "store", "environment"
LESS, MORE = "less", "more"  # which values are stricter


class Setting(Record):
    """One number that a person may set."""

    name: str
    default: int
    least: int
    most: int
    stricter: str  # LESS or MORE
    meaning: str

    def tightened(self, base: int, given: int) -> int:
        """The stricter one of two values."""
        return min(base, given) if self.stricter == LESS else max(base, given)

    @property
    def takes(self) -> str:
        """What fits, in words."""
        return f"a whole number from {self.least} to {self.most}"

    def parsed(self, text: str) -> int | None:
        """The value that text means; None where it does not fit."""
        word = text.strip().replace("_", "")
        if not (word.isascii() and word.isdigit() and len(word) <= 12):
            return None
        number = int(word)
        return number if self.least <= number <= self.most else None


class Words(Record):
    """A list of words that a person may set, written with colons between them. Each forbids something, so that a longer
    list is stricter."""

    name: str
    default: str
    meaning: str

    def tightened(self, base: str, given: str) -> str:
        """Both lists, the second one's new words behind the first."""
        known = base.split(":")
        return ":".join([*known, *[word for word in given.split(":") if word not in known]])

    @property
    def takes(self) -> str:
        """What fits, in words."""
        return f"words with ':' between them, at most {limits.SETTING_CHARS} characters"

    def parsed(self, text: str) -> str | None:
        """The value that text means; None where it does not fit."""
        words = [word.strip() for word in text.split(":")]
        fits = all(words) and len(text) <= limits.SETTING_CHARS and text.isprintable() and text.isascii()
        return ":".join(words) if fits else None


SETTINGS = (
    Setting(
        name="hops_most",
        default=limits.HOPS_MOST,
        least=1,
        most=1_000,
        stricter=LESS,
        meaning="how often agents may pass a message on",
    ),
    Setting(
        name="repeat_seconds",
        default=limits.REPEAT_SECONDS,
        least=0,
        most=86_400,
        stricter=MORE,
        meaning="how long the same text to the same recipient is refused; 0 never",
    ),
    Setting(
        name="pair_replies",
        default=limits.PAIR_REPLIES,
        least=1,
        most=1_000_000,
        stricter=LESS,
        meaning="how many answers two agents may exchange without a person",
    ),
    Setting(
        name="pair_window_seconds",
        default=limits.PAIR_WINDOW_SECONDS,
        least=1,
        most=86_400,
        stricter=MORE,
        meaning="the time in which these answers are counted",
    ),
    Setting(
        name="pair_cooldown_seconds",
        default=limits.PAIR_COOLDOWN_SECONDS,
        least=1,
        most=86_400,
        stricter=MORE,
        meaning="how long the two rest after that",
    ),
    Setting(
        name="sends_per_minute",
        default=limits.SENDS_PER_MINUTE,
        least=1,
        most=100_000_000,
        stricter=LESS,
        meaning="how much one session may send",
    ),
    Setting(
        name="inbox_waiting",
        default=limits.INBOX_WAITING,
        least=1,
        most=100_000_000,
        stricter=LESS,
        meaning="how much may wait for one recipient",
    ),
    Setting(
        name="request_deadline_seconds",
        default=limits.REQUEST_DEADLINE_SECONDS,
        least=1,
        most=31_536_000,
        stricter=LESS,
        meaning="when a request's sender is told that no reply came",
    ),
    Setting(
        name="frame_chars",
        default=limits.FRAME_CHARS,
        least=1_000,
        most=9_000,
        stricter=LESS,
        meaning="how much one injection into a client may hold",
    ),
    Setting(
        name="keep_days",
        default=limits.KEEP_DAYS,
        least=1,
        most=36_500,
        stricter=MORE,  # a short one deletes
        meaning="how long finished messages are kept",
    ),
    Setting(
        name="forward_hours",
        default=limits.FORWARD_HOURS,
        least=0,
        most=8_760,
        stricter=LESS,
        meaning="how long an old name leads to the new one after a rename",
    ),
    Setting(
        name="claude_socket",
        default=0,
        least=0,
        most=1,
        stricter=LESS,
        meaning="1: call an idle Claude Code session by its inbox socket too; 0: by its bell alone",
    ),
    Setting(
        name="ipc_id_chars",
        default=limits.IPC_ID_CHARS,
        least=1,
        most=limits.NAME_CHARS - 1,
        stricter=LESS,
        meaning="how long an id of the claude-ipc face may be",
    ),
    Setting(
        name="ipc_requests_per_minute",
        default=limits.IPC_REQUESTS_PER_MINUTE,
        least=1,
        most=100_000_000,
        stricter=LESS,
        meaning="how much one instance of the claude-ipc face may ask for, checks left out",
    ),
    Setting(
        name="ipc_waiting",
        default=limits.IPC_WAITING,
        least=1,
        most=100_000_000,
        stricter=LESS,
        meaning="how much the claude-ipc face lets wait for one recipient",
    ),
    Setting(
        name="ipc_rename_seconds",
        default=limits.IPC_RENAME_SECONDS,
        least=0,
        most=31_536_000,
        stricter=MORE,
        meaning="how long an instance of the claude-ipc face rests between two renames",
    ),
    Setting(
        name="ipc_large_bytes",
        default=limits.IPC_LARGE_BYTES,
        least=256,
        most=limits.BODY_MOST_BYTES,
        stricter=LESS,
        meaning="how large a text the claude-ipc face hands over whole; of a larger one a summary and a file",
    ),
    Setting(
        name="ipc_lease_seconds",
        default=limits.IPC_LEASE_SECONDS,
        least=0,
        most=86_400,
        stricter=LESS,
        meaning="how long an id without a client's session stays its holder's after the last request",
    ),
)
LISTS = (
    Words(
        name="ipc_share_deny",
        default="~/.ssh/*:~/.aws/*:~/.gnupg/*:~/.kube/*:~/.config/gh/*:~/.netrc:~/.ipc-session:*/.env:*/.env.*",
        meaning="paths that share_file and an agent's --file do not read; * forbids all",
    ),
    Words(
        name="ipc_command_deny",
        default="sudo:su:doas:pkexec:rm:dd:mkfs:mkfs.*:fdisk:shutdown:reboot:halt:poweroff:init",
        meaning="commands that share_command does not run; * forbids all",
    ),
)
EVERY = (*SETTINGS, *LISTS)
BY_NAME: dict[str, Setting | Words] = {setting.name: setting for setting in EVERY}


class Settings:
    """The values in force. With `tightens` the environment counts only where it is stricter."""

    hops_most: int
    repeat_seconds: int
    pair_replies: int
    pair_window_seconds: int
    pair_cooldown_seconds: int
    sends_per_minute: int
    inbox_waiting: int
    request_deadline_seconds: int
    frame_chars: int
    keep_days: int
    forward_hours: int
    claude_socket: int
    ipc_id_chars: int
    ipc_requests_per_minute: int
    ipc_waiting: int
    ipc_rename_seconds: int
    ipc_large_bytes: int
    ipc_lease_seconds: int
    ipc_share_deny: str
    ipc_command_deny: str

    def __init__(self, stored: Mapping[str, str], environment: Mapping[str, str], *, tightens: bool = False) -> None:
        self._stored = stored
        self._environment = environment
        self._tightens = tightens

    def __getattr__(self, name: str) -> Any:
        if name not in BY_NAME:
            raise AttributeError(name)
        value = self.__dict__[name] = self._look(BY_NAME[name])[0]
        return value

    @property
    def sources(self) -> dict[str, str]:
        """Where each value comes from."""
        return {setting.name: self._look(setting)[1] for setting in EVERY}

    @property
    def ignored(self) -> list[str]:
        """The variables that fit and do not count, because they would loosen a limit."""
        if not self._tightens:
            return []
        found = []
        for one in EVERY:
            given = _parsed(one, self._environment.get(variable(one.name)))
            value, source = self._look(one)
            if given is not None and source != ENVIRONMENT and given != value:
                found.append(variable(one.name))
        return found

    def _look(self, setting: Setting | Words) -> tuple[int | str, str]:
        base, source = _parsed(setting, self._stored.get(setting.name)), STORE
        if base is None:
            base, source = setting.default, DEFAULT
        given = _parsed(setting, self._environment.get(variable(setting.name)))
        if given is None:
            return base, source
        if not self._tightens:
            return given, ENVIRONMENT
        tight = setting.tightened(base, given)  # type: ignore[arg-type]
        return (base, source) if tight == base else (tight, ENVIRONMENT)


def _parsed(setting: Setting | Words, text: str | None) -> int | str | None:
    return None if text is None else setting.parsed(text)


def variable(name: str) -> str:
    """The environment variable that overrides a setting."""
    return "TELEX_" + name.upper()


def checked(name: str, text: str) -> str:
    """The value as it is stored. Raises SettingUnknown, SettingInvalid."""
    setting = BY_NAME.get(name)
    if setting is None:
        raise SettingUnknown(name=name)
    value = setting.parsed(text)
    if value is None:
        raise SettingInvalid(name=name, value=text, problem=setting.takes)
    return str(value)
