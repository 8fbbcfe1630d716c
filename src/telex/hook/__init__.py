"""What runs when a client's gate opens: `main` is called by the launcher with the client and the event.

Rules kept here:
- whatever happens, the client is never disturbed: any fault ends silently with exit status 0, and the mail stays
  for the next moment (the one other status, 2, is Claude Code's wake signal, given only after a message is out);
- the process leaves by `os._exit`: closing SQLite or the interpreter would cost 3 ms;
- nothing heavy is imported (tests/perf/test_imports.py lists what a run loads).
"""

from __future__ import annotations

import gc
import os
import sys

from telex import homes, limits

CLIENTS = ("codex", "gemini", "copilot", "opencode")  # besides Claude Code, which has a module of its own


def main() -> None:
    """Handle one event of one client, from argv and standard input, and leave."""
    gc.disable()  # the process is gone before there is anything to collect: 0.5 ms
    status = 0
    try:
        status = _handle(sys.argv[1:])
    except BaseException as problem:
        log_fault(problem)
    os._exit(status)


def _handle(words: list[str]) -> int:
    client, event, *more = [*words, "", ""]
    if event == "Call":
        from telex.hook import nudge

        return nudge.call(client, [word for word in more if word])
    if client == "claude" and event == "Monitor":
        from telex.hook import monitor

        return monitor.keep()
    if client == "claude" and event == "Ring":
        from telex.hook import nudge

        return nudge.ring(int(more[0]))
    if client == "claude":
        from telex.hook import claude

        if event == "StatusLine":
            return claude.status_line()
        return claude.handle(event, read_payload())
    if client in CLIENTS:
        from telex.hook import others

        pid = more[0]  # the client's process, where the gate knows it by nothing else
        end = b"\n" if client == "opencode" else b""  # it keeps its end open, to say what became of the answer
        return others.handle(client, event, read_payload(end), int(pid) if pid.isdigit() else 0)
    return 0


def read_payload(end: bytes = b"") -> str:
    """All of standard input, or up to an end of line where that is the end; '' when it is more than telex will read."""
    parts: list[bytes] = []
    size = 0
    while part := os.read(0, 1 << 20):
        parts.append(part)
        size += len(part)
        if size > limits.PAYLOAD_MOST_BYTES:
            return ""
        if end and part.endswith(end):
            break
    return b"".join(parts).decode("utf-8", "replace")


def log_fault(problem: BaseException) -> None:
    """For `telex doctor`: the last fault of a hook, type and words only, never a body."""
    try:
        home = homes.of_telex(os.environ)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        fd = os.open(f"{home}/hook-fault", flags, 0o600)
        os.write(fd, f"{type(problem).__name__}: {problem}"[:500].encode("utf-8", "replace"))
        os.close(fd)
    except Exception:  # noqa: S110 - there is nobody left to tell
        pass
