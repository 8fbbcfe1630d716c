"""Several files changed as one: all prepared first, then renamed, put back if a rename fails.

Rules kept here:
- nothing a client reads is ever half written: a temporary file in the same directory, synced, renamed;
- a symbolic link stays and its target is replaced; mode, owner and extended attributes of a file that was there stay;
- a file with several names (hard links) is written in place, so that all of them have the new bytes. A copy of the old
  ones lies beside it meanwhile, and stays there if the machine stops in that moment;
- `check` refuses what `commit` would be refused, and writes nothing;
- a file that is no longer what was read when the change was planned is left alone, and so are all others;
- the order of `put` is the order of the renames.
"""

from __future__ import annotations

import errno
import os
import stat

from telex.errors.settings import SettingsChanged, SettingsReadOnly, SettingsUnreadable, SettingsUnwritable


def content(path: str) -> bytes | None:
    """The bytes of a regular file; None if there is none. Raises SettingsUnreadable."""
    try:
        # Without O_NONBLOCK a fifo in the place of a settings file would stop telex for ever.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise SettingsUnreadable(path=path, problem=_words(problem)) from None
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise SettingsUnreadable(path=path, problem="it is not a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(handle)


def missing_directories(path: str) -> list[str]:
    """The directories that must be made before the file can be written, outermost first."""
    missing = []
    parent = os.path.dirname(os.path.realpath(path))
    while not os.path.isdir(parent) and parent != os.path.dirname(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    return missing[::-1]


def check_file(path: str) -> None:
    """Look whether a file may be made or written to. Raises SettingsUnwritable."""
    step = _Step(path, b"" if os.path.lexists(path) else None, b"", None)
    try:
        step.check()
    except OSError as problem:
        raise SettingsUnwritable(path=step.path, problem=_words(problem)) from None


class _Step:
    """One file: what it was, what it shall be (None: gone), and where the new bytes wait."""

    def __init__(self, path: str, old: bytes | None, new: bytes | None, mode: int | None) -> None:
        self.path = path
        self.target = os.path.realpath(path)
        self.old = old
        self.new = new
        self.mode = mode
        self.waiting = ""
        self.in_place = False

    def check(self) -> None:
        """Raises OSError or SettingsReadOnly where the system would not let the file be written or removed."""
        if self.new is not None and self.old is not None and not os.access(self.target, os.W_OK):
            raise SettingsReadOnly(path=self.path, problem="it is read-only")
        if self.new is not None or self.old is not None:
            _check_directory(self.target)

    def prepare(self) -> None:
        """Write the new bytes beside the target, synced, with the owner and mode it will have; or the old ones, where
        the new are to be written in place."""
        if self.new is None:
            return
        self.in_place = self.old is not None and self.mode is None and os.stat(self.target).st_nlink > 1
        directory, name = os.path.split(self.target)
        waiting = os.path.join(directory, f".{name}.telex-{os.urandom(4).hex()}")
        handle = os.open(waiting, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, self.mode or 0o666)
        self.waiting = waiting
        with os.fdopen(handle, "wb") as file:
            if self.old is not None:
                _keep_owner(handle, os.stat(self.target))
                _keep_attributes(handle, self.target)
            if self.mode is not None:
                os.fchmod(handle, self.mode)
            file.write(self.old if self.in_place and self.old is not None else self.new)
            file.flush()
            os.fsync(handle)

    def apply(self) -> None:
        """Put the new bytes, or nothing, in the place of the old."""
        if self.new is not None and self.in_place:
            _sync_directory(os.path.dirname(self.target))  # the copy is there, whatever happens now
            _overwrite(self.target, self.new)
            self.drop()
        elif self.new is not None:
            os.rename(self.waiting, self.target)
            self.waiting = ""
        elif self.old is not None:
            os.unlink(self.target)
        _sync_directory(os.path.dirname(self.target))

    def undo(self) -> None:
        """Put the old bytes back, as well as it goes: the disk has just refused something. A file that was written in
        place and cannot be written again keeps the copy beside it."""
        if self.in_place and self.waiting and self.old is not None:
            try:
                _overwrite(self.target, self.old)
            except OSError:
                self.waiting = ""
            return
        back = _Step(self.path, self.new, self.old, None)
        try:
            back.prepare()
            back.apply()
        except OSError:
            back.drop()

    def drop(self) -> None:
        """Remove what waits."""
        if self.waiting:
            os.unlink(self.waiting)
            self.waiting = ""


class Batch:
    """A set of changes to files."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._emptied: list[str] = []

    def put(self, path: str, new: bytes, *, old: bytes | None, mode: int | None = None) -> None:
        """Plan to write the file, which has the old bytes. Without a mode it keeps its own."""
        self._steps.append(_Step(path, old, new, mode))

    def remove(self, path: str, *, old: bytes) -> None:
        """Plan to remove the file, not a link to it."""
        self._steps.append(_Step(path, old, None, None))

    def remove_if_empty(self, directories: list[str]) -> None:
        """Plan to remove directories, innermost first, that have nothing left in them."""
        self._emptied += directories

    def check(self) -> None:
        """Look whether it could be done, and write nothing. Raises SettingsUnwritable."""
        for step in self._steps:
            try:
                step.check()
            except OSError as problem:
                raise SettingsUnwritable(path=step.path, problem=_words(problem)) from None

    def commit(self) -> None:
        """Do it all, or nothing. Raises SettingsUnwritable; SettingsChanged for a file that has changed since."""
        made: list[str] = []
        done: list[_Step] = []
        step = None
        try:
            for step in self._steps:
                step.check()
                _make_directories(step, made)
                step.prepare()
            for step in self._steps:
                if content(step.path) != step.old:
                    raise SettingsChanged(path=step.path, problem="another program changed it just now")
            for step in self._steps:
                done.append(step)
                step.apply()
        except BaseException as problem:
            for other in reversed(done):
                other.undo()
            for other in self._steps:
                other.drop()
            _remove_directories(made[::-1])
            if step and isinstance(problem, (OSError, SettingsUnreadable)):
                raise SettingsUnwritable(path=step.path, problem=_words(problem)) from None
            raise
        _remove_directories(self._emptied)


def _make_directories(step: _Step, made: list[str]) -> None:
    if step.new is None:
        return
    for directory in missing_directories(step.path):
        # What belongs to telex is private from its first moment on; a client's own directories are as usual.
        os.mkdir(directory, 0o777 if step.mode is None else 0o700)
        if step.mode is not None:
            os.chmod(directory, 0o700)  # whatever the umask
        made.append(directory)


def _remove_directories(directories: list[str]) -> None:
    for directory in directories:
        try:
            os.rmdir(directory)
        except OSError:  # somebody else has something in it
            pass


def _keep_owner(handle: int, was: os.stat_result) -> None:
    now = os.fstat(handle)
    if (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        try:
            os.fchown(handle, was.st_uid, was.st_gid)
        except OSError:  # only root may; the content is what matters
            pass
    os.fchmod(handle, stat.S_IMODE(was.st_mode))


def _keep_attributes(handle: int, path: str) -> None:
    """The extended attributes of the file there, as far as the system has them and this user may set them."""
    if not hasattr(os, "listxattr"):
        return
    try:
        names = os.listxattr(path)
    except OSError:
        return
    for name in names:
        try:
            os.setxattr(handle, name, os.getxattr(path, name))
        except OSError:  # a label that only the system sets
            continue


def _check_directory(path: str) -> None:
    """Raises OSError where no file can be made in, or removed from, the directory of that path, or the nearest that is
    there."""
    missing = missing_directories(path)
    directory = os.path.dirname(missing[0] if missing else path)
    if not os.access(directory, os.W_OK | os.X_OK):
        shut = os.statvfs(directory).f_flag & getattr(os, "ST_RDONLY", 1)
        raise OSError(errno.EROFS if shut else errno.EACCES, os.strerror(errno.EROFS if shut else errno.EACCES))


def _overwrite(path: str, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.truncate()
        file.flush()
        os.fsync(handle)


def _sync_directory(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _words(problem: Exception) -> str:
    return (getattr(problem, "strerror", None) or str(problem)).lower()
