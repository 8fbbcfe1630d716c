"""The secret keys of a machine, and those of its team, as files of this user alone.

Rules kept here:
- a key is in its file and in memory, and nowhere else: no argument, variable, URL, message or log ever has it;
- a key file is made whole or not at all, 0600, where nothing was before; symbolic links are not followed;
- a file that others may read or write, or that belongs to somebody else, is refused.
"""

from __future__ import annotations

import os
import stat
from _blake2 import blake2b

from nacl import bindings

from telex.core.members import ID_DIGITS
from telex.crypto import signatures
from telex.errors.between import KeysUnusable, TeamKeyMissing
from telex.private import make_directory

DIRECTORY = "link"
KEY_BYTES = 32

_MACHINE = "machine.key"
_ENDING = ".key"
_MACHINE_WORDS, _TEAM_WORDS = "telex-machine-key-1", "telex-team-key-1"
_MODE, _OPEN_TO_OTHERS = 0o600, 0o077
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_MOST_BYTES = 1_000  # of a key file


class MachineKeys:
    """The two secret keys of this machine. They show themselves to nobody who prints them."""

    def __init__(self, machine: str, seed: bytes, secret: bytes) -> None:
        self.machine = machine
        self._seed = seed
        self._secret = secret
        self.sign_public, self._signing = signatures.pair_of(seed)
        self.seal_public = bytes(bindings.crypto_scalarmult_base(secret))

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature."""
        return signatures.sign_with(self._signing, message)

    def unseal(self, sealed: bytes) -> bytes:
        """What somebody sealed for this machine. Raises nacl's CryptoError."""
        return bytes(bindings.crypto_box_seal_open(sealed, self.seal_public, self._secret))

    def derived(self, about: bytes) -> bytes:
        """A key that nobody else can make, the same for the same words."""
        return blake2b(about, key=self._seed, person=b"telex derived", digest_size=KEY_BYTES).digest()

    def text(self) -> str:
        """The line that its file holds."""
        return f"{_MACHINE_WORDS} {self.machine} {self._seed.hex()} {self._secret.hex()}\n"


def new_machine() -> MachineKeys:
    """Keys and an id that nobody ever had."""
    return MachineKeys(os.urandom(ID_DIGITS // 2).hex(), os.urandom(KEY_BYTES), os.urandom(KEY_BYTES))


def new_team_key() -> bytes:
    """A key for a new epoch of a team."""
    return os.urandom(KEY_BYTES)


def commitment(key: bytes) -> str:
    """What the team's chain says of a key, so that everybody has the same one."""
    return blake2b(b"telex key 1\0" + key, digest_size=32).hexdigest()


def keep_machine(home: str, keys: MachineKeys) -> None:
    """Write the machine's keys. Raises KeysUnusable where there are some already."""
    if not _write(home, _MACHINE, keys.text()):
        raise _unusable(home, _MACHINE, "there is one already")


def machine(home: str) -> MachineKeys:
    """The machine's keys. Raises KeysUnusable."""
    words = _read(home, _MACHINE, _MACHINE_WORDS)
    if len(words) != 3:
        raise _unusable(home, _MACHINE, "it is damaged")
    return MachineKeys(words[0], _key(home, _MACHINE, words[1]), _key(home, _MACHINE, words[2]))


def keep_team(home: str, epoch: int, key: bytes) -> None:
    """Write the team's key of an epoch; the same one again changes nothing: two processes may learn it at once.

    Raises KeysUnusable where another key is there.
    """
    name = _team_file(epoch)
    if not _write(home, name, f"{_TEAM_WORDS} {key.hex()}\n") and team(home, epoch) != key:
        raise _unusable(home, name, "another key is there")


def team(home: str, epoch: int) -> bytes:
    """The team's key of an epoch. Raises TeamKeyMissing, KeysUnusable."""
    name = _team_file(epoch)
    if not os.path.lexists(_path(home, name)):
        raise TeamKeyMissing(key=epoch)
    words = _read(home, name, _TEAM_WORDS)
    if len(words) != 1:
        raise _unusable(home, name, "it is damaged")
    return _key(home, name, words[0])


def forget(home: str) -> None:
    """Remove every key: those of the machine, and those of the team."""
    try:
        names = os.listdir(f"{home}/{DIRECTORY}")
    except FileNotFoundError:
        return
    for name in names:
        if name.endswith(_ENDING):
            os.unlink(_path(home, name))


def directory(home: str) -> str:
    """The link's own directory, made where it is missing. Raises KeysUnusable where others may enter it."""
    path = f"{home}/{DIRECTORY}"
    try:
        make_directory(path)
        found = os.lstat(path)
    except OSError as problem:
        raise KeysUnusable(path=path, problem=problem.strerror, advice="") from None
    if not stat.S_ISDIR(found.st_mode):
        raise KeysUnusable(path=path, problem="it is not a directory", advice="move it away")
    _check_owner(path, found, "700")
    return path


def _team_file(epoch: int) -> str:
    return f"team-{int(epoch)}{_ENDING}"


def _path(home: str, name: str) -> str:
    return f"{home}/{DIRECTORY}/{name}"


def _write(home: str, name: str, text: str) -> bool:
    """Make a file whole: under another name first, then under its own; False where there is one already."""
    folder = directory(home)
    path, draft = f"{folder}/{name}", f"{folder}/.{os.urandom(8).hex()}{_ENDING}"
    try:
        fd = os.open(draft, _MAKE, _MODE)
        try:
            os.write(fd, text.encode())
            os.fsync(fd)
            os.link(draft, path)
        finally:
            os.close(fd)
            os.unlink(draft)
        _sync(folder)
    except FileExistsError:
        return False
    except OSError as problem:
        raise _unusable(home, name, problem.strerror) from None
    return True


def _sync(folder: str) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _read(home: str, name: str, begins: str) -> list[str]:
    """The words of a key file after its first one. Raises KeysUnusable."""
    path = f"{directory(home)}/{name}"
    try:
        fd = os.open(path, _READ)
        try:
            found = os.fstat(fd)
            raw = os.read(fd, _MOST_BYTES)
        finally:
            os.close(fd)
    except FileNotFoundError:
        raise _unusable(home, name, "it is not there") from None
    except OSError as problem:
        raise _unusable(home, name, problem.strerror) from None
    if not stat.S_ISREG(found.st_mode):
        raise _unusable(home, name, "it is not a plain file")
    _check_owner(path, found, "600")
    words = raw.decode("ascii", "replace").split()
    if not words or words[0] != begins:
        raise _unusable(home, name, "it is damaged")
    return words[1:]


def _check_owner(path: str, found: os.stat_result, mode: str) -> None:
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        raise KeysUnusable(path=path, problem="it belongs to another user", advice="it may have been put there")
    if found.st_mode & _OPEN_TO_OTHERS:
        advice = f"if nobody else has read it: chmod {mode} {path}"
        raise KeysUnusable(path=path, problem="other users may read it", advice=advice)


def _key(home: str, name: str, digits: str) -> bytes:
    try:
        found = bytes.fromhex(digits)
    except ValueError:
        found = b""
    if len(found) != KEY_BYTES:
        raise _unusable(home, name, "it is damaged")
    return found


def _unusable(home: str, name: str, problem: str | None) -> KeysUnusable:
    advice = "without it this machine is a stranger to its team: 'telex link leave', then join anew"
    return KeysUnusable(path=_path(home, name), problem=problem, advice=advice)
