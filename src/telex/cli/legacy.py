"""The commands of the older systems, each with a grammar of its own: coop's, kei's and claude-ipc's.

Rules kept here: a face reads its own words, because its users' habits are what it keeps; each of its forms stands
in this table, from which `telex FACE --help` and the reference page are made; a face's module is in telex.compat
and speaks to the bus alone.
"""

from __future__ import annotations

from telex.core.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.cli.call import Call


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
        example="telex session send feature-auth 'the schema moved to v2'",
        forms=(
            ("telex session init|join NAME", "enter a session, make it the active one, install the hooks if need be"),
            ("telex session leave [NAME]", "leave it; without NAME the active one"),
            ("telex session list", "every session with its members"),
            ("telex session send [NAME] TEXT", "one word is the text, two are session and text; 10 KB at most"),
            ("telex session send [NAME] --file F", "the text from a file"),
            ("telex session send [NAME] --stdin", "the text from standard input"),
            ("telex session send --kind K …", "context, request or another kind of telex's; a request owes a reply"),
            ("telex session poll [NAME]", "what is unread, in all or in one session; a look, nothing is consumed"),
            ("telex session poll --mark-read", "the same, marked read when it has been printed"),
            ("telex session poll --format json|hook", "as JSON, or as the answer of a Claude Code hook"),
        ),
    ),
    Face(
        names=("hook",),
        module="telex.compat.coop",
        function="hook",
        summary="coop's hook commands: the hooks of Claude Code and the /coop command",
        example="telex hook status",
        forms=(
            (
                "telex hook install [--scope S]",
                "telex's hooks for Claude Code (user or project), and the /coop command",
            ),
            ("telex hook status", "what is installed, in coop's three lines"),
            ("telex hook uninstall [--scope S]", "take out what install put in"),
        ),
    ),
    Face(
        names=("coop",),
        module="telex.compat.coop",
        function="coop",
        summary="everything that coop's own command understands",
        example="telex coop session poll",
        forms=(
            ("telex coop session …", "the same as telex session"),
            ("telex coop hook …", "the same as telex hook"),
            ("telex coop login", "says that nothing is needed"),
            ("telex coop init --key K", "says that no key is needed; the key is not kept"),
        ),
    ),
    Face(
        names=("message", "msg", "m"),
        module="telex.compat.kei",
        function="message",
        summary="kei's mailbox: a name is the channel of a directory",
        example="telex message send @backend ship it",
        forms=(
            (
                "send [@NAME] [--to NAME] [--from NAME] [--] TEXT…",
                "to the sessions in directories of that name, else to whoever starts there next; without a name to all",
            ),
            ("send … --file F, send … --stdin", "the text from a file or a pipe; these stand in front of any text"),
            ("inbox [--me NAME], read", "the last 20 messages to you, to your directory or to all; changes nothing"),
            ("list, all", "the last 40 of everybody"),
            ("channels, names, who", "the names that there are, one a line"),
            ("hook", "for UserPromptSubmit: prints what is unread as [kei mailbox], then marks it read"),
        ),
    ),
    Face(
        names=("kei",),
        module="telex.compat.kei",
        function="kei",
        summary="everything of kei's own command that concerns messages",
        example="telex kei message inbox",
        forms=(("message …, msg …, m …", "what 'telex message' answers"),),
    ),
    Face(
        names=("ipc",),
        module="telex.compat.ipc",
        function="ipc",
        summary="claude-ipc's port, tools and scripts",
        example="telex ipc serve",
        forms=(
            ("telex ipc serve [--port N]", "listen on 127.0.0.1:9876, as claude-ipc's broker does"),
            ("telex ipc register ID", "take an id; outside of a session it is kept in ~/.ipc-session"),
            ("telex ipc send ID TEXT…", "send to an id, or to any telex name"),
            ("telex ipc check", "show what is new and mark it read"),
            ("telex ipc list", "everybody who can be written to"),
            ("telex ipc rename NEW", "take another id; the old one forwards for two hours"),
        ),
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
