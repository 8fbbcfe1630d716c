"""claude-ipc-mcp's face: its port, its scripts, its tools and its archive, on the bus.

Rule kept here: this module only tells the words apart, so that what one call does not need is not loaded.
"""

from __future__ import annotations

from telex import limits
from telex.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call

_SCRIPTS = ("register", "send", "check", "list", "rename")


def ipc(call: Call) -> int:
    """`telex ipc serve|register|send|check|list|rename …`; the exit status. Raises Usage."""
    word = call.words[0] if call.words else ""
    if word in _SCRIPTS:
        from telex.compat.ipc import scripts

        return scripts.DOES[word](call)
    if word != "serve":
        raise Usage(problem=f"ipc takes serve, {', '.join(_SCRIPTS)}, not '{word[:40]}'", verb="ipc")
    from telex.compat.ipc.server import serve

    def say(words: str) -> None:
        call.out.line(words)
        call.out.flush()

    serve(_port(call.words[1:]), say)
    return 0


def _port(words: list[str]) -> int:
    """The port that was asked for; 0 lets the system choose. Raises Usage."""
    if not words:
        return limits.IPC_PORT
    given = words[0].removeprefix("--port=") if words[0] != "--port" else "".join(words[1:2])
    plain = len(words) == (2 if words[0] == "--port" else 1) and words[0].startswith("--port")
    if not plain or not (given.isascii() and given.isdigit() and int(given) <= 0xFFFF):
        raise Usage(problem="serve takes --port N, a number from 0 to 65535", verb="ipc")
    return int(given)
