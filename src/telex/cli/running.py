"""run: a command as a session.

Rules kept here:
- the command has what it would have without telex: its standard streams, its terminal, its exit status; a signal that
  is sent to this process reaches it, one of the terminal's has reached it already;
- it gets its name as `TELEX_NAME`: what leaves the process tree is refused then, and never taken for the person;
- the store is closed while the command runs, and what cannot be recorded at its end does not change its status.
"""

from __future__ import annotations

import os
import signal
import sys

from telex.cli.output import remark
from telex.errors import CommandUnstartable, TelexError, Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call

_PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_PYTHONS_OWN = (signal.SIGPIPE, signal.SIGXFSZ)  # ignored by the interpreter, and by nobody else


def run(call: Call) -> int:
    """`telex run -- COMMAND`: the command's exit status, or its signal."""
    words = call.args.words["command"]
    if "--" not in call.words:
        raise Usage(problem="put -- before the command, so that its options stay its own", verb="run")
    bus = call.bus
    caller = bus.enter(call.args.option("name"))
    assert caller.session is not None
    name, key = caller.address.name, caller.session.key
    if caller.session.wish not in ("", name) and not call.out.as_json:
        remark(f"telex: this session is @{name}")
    bus.close()
    try:
        ended = _carry(words, {**os.environ, "TELEX_NAME": name})
    except OSError as problem:
        _leave(key, "its command could not be started")
        why = (problem.strerror or str(problem)).lower()
        raise CommandUnstartable(word=words[0][:80], problem=why) from None
    code = os.waitstatus_to_exitcode(ended)
    _leave(key, f"its command ended with {f'status {code}' if code >= 0 else f'signal {-code}'}")
    if call.out.as_json:
        call.out.json({"name": f"@{name}", "status": code})
        call.out.flush()
    return code if code >= 0 else _die_of(-code)


def _carry(words: list[str], environment: dict[str, str]) -> int:
    """Run a command to its end; its wait status. Raises OSError where it cannot be started."""
    watched = {signal.SIGCHLD, *_PASSED}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    child = os.posix_spawnp(words[0], words, environment, setsigmask=before, setsigdef=_PYTHONS_OWN)
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status
        number = _sent_here(watched)
        if number in _PASSED:
            os.kill(child, number)


def _sent_here(watched: set[signal.Signals]) -> int:
    """The next signal; 0 for one that came from the terminal, which the whole foreground has got."""
    if not hasattr(signal, "sigwaitinfo"):  # pragma: no cover - not on Linux
        number = signal.sigwait(watched)
        return 0 if number in (signal.SIGINT, signal.SIGQUIT) and sys.stdin.isatty() else number
    found = signal.sigwaitinfo(watched)
    return found.si_signo if found.si_code <= 0 else 0  # above 0 it is the kernel's


def _leave(key: str, why: str) -> None:
    from telex.wiring import open_bus

    try:
        open_bus(own_process=True).exit(key, why)
    except TelexError as problem:
        remark(f"telex: the end of the session could not be recorded: {problem}")


def _die_of(number: int) -> int:
    """End as the command ended, so that whoever started it sees the same."""
    import resource

    sys.stderr.flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # one core file is the command's own
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    return 128 + number
