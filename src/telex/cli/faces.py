"""The commands of the older systems, each with a grammar of its own: coop's, kei's and claude-ipc's.

Rules kept here: a face reads its own words, because its users' habits are what it keeps; each of its forms stands
in this table, from which `telex FACE --help` and the reference page are made; a face's module is in telex.compat
and speaks to the bus alone.
"""

from __future__ import annotations

from telex.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.main import Call


class Face(Record):
    """One word of the command line that begins another system's grammar."""

    names: tuple[str, ...]  # the first is the one that is documented, the others mean the same
    module: str  # telex.compat.…
    function: str  # called with the Call; answers the exit status
    summary: str
    example: str
    forms: tuple[tuple[str, str], ...]  # grammar, meaning


FACES = (
    Face(
        names=("session",),
        module="telex.compat.coop",
        function="session",
        summary="coop's sessions: a session is a channel",
        example='telex session send feature-auth "the schema moved to v2"',
        forms=(),
    ),
    Face(
        names=("hook",),
        module="telex.compat.coop",
        function="hook",
        summary="coop's hook commands: the hooks of Claude Code and the /coop command",
        example="telex hook status",
        forms=(),
    ),
    Face(
        names=("coop",),
        module="telex.compat.coop",
        function="coop",
        summary="everything that coop's own command understands",
        example="telex coop session poll",
        forms=(),
    ),
    Face(
        names=("message", "msg", "m"),
        module="telex.compat.kei",
        function="message",
        summary="kei's mailbox: a name is the channel of a directory",
        example="telex message send @backend ship it",
        forms=(),
    ),
    Face(
        names=("kei",),
        module="telex.compat.kei",
        function="kei",
        summary="everything of kei's own command that concerns messages",
        example="telex kei message inbox",
        forms=(),
    ),
    Face(
        names=("ipc",),
        module="telex.compat.ipc",
        function="ipc",
        summary="claude-ipc's port, tools and scripts",
        example="telex ipc serve",
        forms=(),
    ),
)
BY_WORD = {word: face for face in FACES for word in face.names}


def run(face: Face, call: Call) -> int:
    """Hand the words to the face; its exit status."""
    if call.words[:1] in (["--help"], ["-h"]):
        _help(face, call)
        return 0
    module = __import__(face.module, fromlist=["*"])  # importlib would load warnings
    return int(getattr(module, face.function)(call) or 0)


def _help(face: Face, call: Call) -> None:
    call.out.line(f"telex {face.names[0]}: {face.summary}")
    call.out.line()
    width = max((len(form) for form, _ in face.forms), default=0)
    for form, meaning in face.forms:
        call.out.line(f"  {form.ljust(width)}  {meaning}")
    call.out.line()
    call.out.line(f"example: {face.example}")
