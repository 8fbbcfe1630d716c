"""What `share_file` reads and `share_command` runs, and what the person forbids.

Rules kept here: a path is judged as it was given and as it really is, through every link; telex's own home is never
shared; a command is split into words and run without a shell, is ended with all its children after 30 seconds, and
of its output only so much is kept. The lists keep an agent from slips; whoever can run commands has other ways.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import stat
import subprocess
import threading
from fnmatch import fnmatchcase

from telex import limits
from telex.bus import body_source
from telex.errors import IpcRefused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any

    from telex.bus import Bus

_ANY = "*"


def file_message(bus: Bus, filepath: str, description: str) -> dict[str, Any]:
    """A message with a file's content. Raises IpcRefused with the words of the failure."""
    try:
        path = os.path.abspath(os.path.expanduser(filepath))
        real = os.path.realpath(path)
        if reason := body_source.forbidden(bus, path, real):
            raise PermissionError(reason)
        fd = os.open(real, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with open(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise OSError(f"not a file: {filepath!r}")
            raw = file.read(limits.BODY_MOST_BYTES + 1)
        if len(raw) > limits.BODY_MOST_BYTES:
            raise OSError(f"the file has over {limits.BODY_MOST_BYTES} bytes")
        content = raw.decode("utf-8")
    except (OSError, ValueError) as problem:
        raise IpcRefused(words=f"Error sharing file: {problem}") from None
    data = {"type": "file", "filepath": filepath, "content": content, "description": description}
    return {"content": f"Shared file: {filepath}", "data": data}


def command_message(bus: Bus, command: str, description: str) -> dict[str, Any]:
    """A message with a command's output. Raises IpcRefused with the words of the failure."""
    try:
        words = shlex.split(command)
    except ValueError as problem:
        raise IpcRefused(words=f"Invalid command format: {problem}") from None
    if not words:
        raise IpcRefused(words="Invalid command format: it is empty")
    _check_command(bus, words[0])
    try:
        status, out, err = _run(words)
    except OSError as problem:
        raise IpcRefused(words=f"Error executing command: {problem}") from None
    data = {"type": "command", "command": command, "stdout": out, "stderr": err, "returncode": status}
    return {"content": f"Command output: {command}", "data": {**data, "description": description}}


def _check_command(bus: Bus, program: str) -> None:
    found = shutil.which(program) or program
    called = {os.path.basename(program), os.path.basename(found), os.path.basename(os.path.realpath(found))}
    for pattern in bus.settings().ipc_command_deny.split(":"):
        if pattern == _ANY or any(fnmatchcase(name, pattern) for name in called):
            raise IpcRefused(words=f"Error executing command: the setting ipc_command_deny forbids {pattern}")


def _run(words: list[str]) -> tuple[int, str, str]:
    """Status and output of a command. Raises OSError, also for one that took too long."""
    process = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    kept: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
    assert process.stdout is not None
    assert process.stderr is not None
    readers = [
        threading.Thread(target=_keep, args=(stream, kept[name]), daemon=True)
        for name, stream in (("out", process.stdout), ("err", process.stderr))
    ]
    for reader in readers:
        reader.start()
    try:
        process.wait(limits.IPC_COMMAND_SECONDS)
        late = False
    except subprocess.TimeoutExpired:
        late = True
    _end_group(process)  # what it left running holds its output open
    for reader in readers:
        reader.join(limits.IPC_GRACE_SECONDS)
    if late:
        raise OSError(f"it took longer than {limits.IPC_COMMAND_SECONDS} s and was ended")
    return process.returncode, _text(kept["out"]), _text(kept["err"])


def _keep(stream: IO[bytes], kept: bytearray) -> None:
    """Read a stream to its end; only its beginning is kept."""
    with stream:
        while segment := stream.read(limits.IPC_SEGMENT_BYTES):
            kept += segment[: max(0, limits.IPC_OUTPUT_BYTES - len(kept))]


def _end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (OSError, AttributeError):
        pass
    process.wait()


def _text(raw: bytearray) -> str:
    """As text that telex carries: what is no UTF-8, and NUL, is replaced."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")
