"""The telex command as a process that is forked from one with telex's modules loaded.

A command needs 40 to 70 ms of processor time, and most of it goes into Python's start and imports. The tests run
thousands of commands, so `Shell.telex` has them run here.

Rules kept here:
- a command is a process: its own id, environment, directory, descriptors and end;
- no command leaves anything for the next: each starts from the same loaded modules;
- where Python would read something of the environment when it starts, Python is started (`fits`);
- tests of the start itself (imports, interpreters, launchers, transcripts) start processes.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

LANGUAGE = "C.UTF-8"
_READ_BY_PYTHON = ("PYTHON", "LC_", "LD_", "COVERAGE_", "TZ")
_PIPE_BYTES = 65_536  # what a pipe holds
_REQUEST_BYTES = 1 << 18
_NOT_LOADED = (
    "telex.mcp",
    "telex.relay",
    "telex.link",
    "telex.crypto",
    "telex.wire",
)  # few commands need their libraries


class Ended(NamedTuple):
    """A command's exit status (of one that a signal ended: its number, negative), and what it wrote."""

    status: int
    out: bytes
    err: bytes


def fits(stdin: bytes, directory: str, environment: Mapping[str, str]) -> bool:
    """Whether a forked process can stand for a started one. Never without pidfds, which only Linux has."""
    return (
        hasattr(os, "pidfd_open")
        and len(stdin) <= _PIPE_BYTES
        and os.path.isdir(directory)
        and environment.get("LANG") == LANGUAGE
        and not any(name.startswith(_READ_BY_PYTHON) for name in environment)
    )


def run(words: list[str], stdin: bytes, directory: str, environment: Mapping[str, str], seconds: int) -> Ended:
    """Run one command that `fits`. Raises subprocess.TimeoutExpired when it takes longer."""
    request = json.dumps([words, directory, dict(environment), seconds]).encode()
    ours, theirs = socket.socketpair()
    pipes = [os.pipe() for _ in range(3)]
    given = [pipes[0][0], pipes[1][1], pipes[2][1], theirs.detach()]
    _hand_over(request, given)
    for fd in given:
        os.close(fd)
    with ours, open(pipes[0][1], "wb", buffering=0) as typed:
        try:
            typed.write(stdin)
        except BrokenPipeError:  # the command ended and read nothing
            pass
        typed.close()
        out, err = _read_both(pipes[1][0], pipes[2][0])
        answer = ours.recv(64)
    assert answer, "the process that forks commands has ended"
    if int(answer) == -signal.SIGALRM:
        raise subprocess.TimeoutExpired(words, seconds, out, err)
    return Ended(int(answer), out, err)


def _hand_over(request: bytes, given: list[int]) -> None:
    """Send a request and its descriptors."""
    assert len(request) <= _REQUEST_BYTES
    socket.send_fds(_server(), [request], given)


def _read_both(out: int, err: int) -> tuple[bytes, bytes]:
    """Everything that comes out of two pipes."""
    said: dict[int, list[bytes]] = {out: [], err: []}
    with selectors.DefaultSelector() as waiting:
        for fd in said:
            waiting.register(fd, selectors.EVENT_READ)
        while waiting.get_map():
            for key, _ in waiting.select():
                part = os.read(key.fd, _PIPE_BYTES)
                said[key.fd].append(part)
                if not part:
                    waiting.unregister(key.fd)
                    os.close(key.fd)
    return b"".join(said[out]), b"".join(said[err])


@functools.cache
def _server() -> socket.socket:
    """The socket of the process that forks. It ends when this process does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for one in (ours, theirs):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * _REQUEST_BYTES)
    words: list[str] = [
        sys.executable,
        "-c",
        f"import sys; sys.path[:0] = {sys.path!r}; from tests.support import warm; warm.serve()",
    ]
    environment = {"PATH": os.defpath, "LANG": LANGUAGE, "HOME": os.devnull}
    with theirs:
        server = subprocess.Popen(words, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=environment, cwd="/")

    def end() -> None:
        ours.close()
        server.wait(10)

    atexit.register(end)
    return ours


# --- in the process that forks ----------------------------------------------------------------------------


def serve() -> None:
    """Fork a process for each request on standard input, and answer how it ended, until that is closed."""
    import telex

    for found in pkgutil.walk_packages(telex.__path__, "telex."):
        if not found.name.startswith(_NOT_LOADED) and not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    requests = socket.socket(fileno=os.dup(0))
    gc.collect()
    gc.freeze()
    with selectors.DefaultSelector() as waiting:
        waiting.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                if key.fileobj is not requests:
                    waiting.unregister(key.fd)
                    _answer(key.fd, *key.data)
                    continue
                request, given, _, _ = socket.recv_fds(requests, _REQUEST_BYTES, 4)
                if not request:
                    return
                pid = os.fork() or _become(request, given[:3])
                for fd in given[:3]:
                    os.close(fd)
                waiting.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, given[3]))


def _answer(pidfd: int, pid: int, to: int) -> None:
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(pidfd)
    try:
        os.write(to, str(status).encode())
    except BrokenPipeError:  # its test gave up
        pass
    os.close(to)


def _become(request: bytes, streams: list[int]) -> NoReturn:
    """Run the command, as a process that was started with these words."""
    try:
        words, directory, environment, seconds = json.loads(request)
        for number, fd in enumerate(streams):
            os.dup2(fd, number)
        os.closerange(3, max(streams) + 4_096)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), "utf-8", "surrogateescape")
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8", "surrogateescape")
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", "backslashreplace", line_buffering=True
        )
        os.chdir(directory)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = words
        signal.alarm(seconds)
        from telex.cli.main import main

        main()
    except BaseException:
        traceback.print_exc()
    os._exit(1)
