"""What a person may set: names, defaults, bounds, and where a value came from.

Rules kept here: a setting is a whole number with its unit in its name, or a list of words with colons between them;
its value is, in this order, the environment's `TELEX_<NAME>`, the store's, the default (of a number, in
`limits.py`); a value that does not fit is refused when it is set, and ignored, with the default in its place, when
it comes from the environment.
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


class Setting(Record):
    """One number that a person may set."""

    name: str
    default: int
    least: int
    most: int
    meaning: str

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
    """A list of words that a person may set, written with colons between them."""

    name: str
    default: str
    meaning: str

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
        meaning="how often agents may pass a message on",
    ),
    Setting(
        name="repeat_seconds",
        default=limits.REPEAT_SECONDS,
        least=0,
        most=86_400,
        meaning="how long the same text to the same recipient is refused; 0 never",
    ),
    Setting(
        name="pair_replies",
        default=limits.PAIR_REPLIES,
        least=1,
        most=1_000_000,
        meaning="how many answers two agents may exchange without a person",
    ),
    Setting(
        name="pair_window_seconds",
        default=limits.PAIR_WINDOW_SECONDS,
        least=1,
        most=86_400,
        meaning="the time in which these answers are counted",
    ),
    Setting(
        name="pair_cooldown_seconds",
        default=limits.PAIR_COOLDOWN_SECONDS,
        least=1,
        most=86_400,
        meaning="how long the two rest after that",
    ),
    Setting(
        name="sends_per_minute",
        default=limits.SENDS_PER_MINUTE,
        least=1,
        most=100_000_000,
        meaning="how much one session may send",
    ),
    Setting(
        name="inbox_waiting",
        default=limits.INBOX_WAITING,
        least=1,
        most=100_000_000,
        meaning="how much may wait for one recipient",
    ),
    Setting(
        name="request_deadline_seconds",
        default=limits.REQUEST_DEADLINE_SECONDS,
        least=1,
        most=31_536_000,
        meaning="when a request's sender is told that no reply came",
    ),
    Setting(
        name="frame_chars",
        default=limits.FRAME_CHARS,
        least=1_000,
        most=9_000,
        meaning="how much one injection into a client may hold",
    ),
    Setting(
        name="keep_days",
        default=limits.KEEP_DAYS,
        least=1,
        most=36_500,
        meaning="how long finished messages are kept",
    ),
    Setting(
        name="forward_hours",
        default=limits.FORWARD_HOURS,
        least=0,
        most=8_760,
        meaning="how long an old name leads to the new one after a rename",
    ),
    Setting(
        name="claude_socket",
        default=0,
        least=0,
        most=1,
        meaning="1: call an idle Claude Code session by its inbox socket too; 0: by its bell alone",
    ),
    Setting(
        name="ipc_id_chars",
        default=limits.IPC_ID_CHARS,
        least=1,
        most=limits.NAME_CHARS - 1,
        meaning="how long an id of the claude-ipc face may be",
    ),
    Setting(
        name="ipc_requests_per_minute",
        default=limits.IPC_REQUESTS_PER_MINUTE,
        least=1,
        most=100_000_000,
        meaning="how much one instance of the claude-ipc face may ask for, checks left out",
    ),
    Setting(
        name="ipc_waiting",
        default=limits.IPC_WAITING,
        least=1,
        most=100_000_000,
        meaning="how much the claude-ipc face lets wait for one recipient",
    ),
    Setting(
        name="ipc_rename_seconds",
        default=limits.IPC_RENAME_SECONDS,
        least=0,
        most=31_536_000,
        meaning="how long an instance of the claude-ipc face rests between two renames",
    ),
    Setting(
        name="ipc_large_bytes",
        default=limits.IPC_LARGE_BYTES,
        least=256,
        most=limits.BODY_MOST_BYTES,
        meaning="how large a text the claude-ipc face hands over whole; of a larger one a summary and a file",
    ),
    Setting(
        name="ipc_lease_seconds",
        default=limits.IPC_LEASE_SECONDS,
        least=0,
        most=86_400,
        meaning="how long an id without a client's session stays its holder's after the last request",
    ),
)
LISTS = (
    Words(
        name="ipc_share_deny",
        default="~/.ssh/*:~/.aws/*:~/.gnupg/*:~/.kube/*:~/.config/gh/*:~/.netrc:~/.ipc-session:*/.env:*/.env.*",
        meaning="paths that share_file does not read; * forbids all",
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
    """The values in force."""

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

    def __init__(self, stored: Mapping[str, str], environment: Mapping[str, str]) -> None:
        self._stored = stored
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        if name not in BY_NAME:
            raise AttributeError(name)
        value = self.__dict__[name] = self._look(BY_NAME[name])[0]
        return value

    @property
    def sources(self) -> dict[str, str]:
        """Where each value comes from."""
        return {setting.name: self._look(setting)[1] for setting in EVERY}

    def _look(self, setting: Setting | Words) -> tuple[int | str, str]:
        places = ((self._environment.get(variable(setting.name)), ENVIRONMENT), (self._stored.get(setting.name), STORE))
        for text, source in places:
            value = None if text is None else setting.parsed(text)
            if value is not None:
                return value, source
        return setting.default, DEFAULT


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
