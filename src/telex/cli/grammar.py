"""The words of the command line, as one table.

Rules kept here: every verb, word and option stands in this table and nowhere else; the parser, `--help` and the
reference page are made from it; every verb takes `--json` and `--help` and has an example.
"""

from __future__ import annotations

from telex.core.record import Record


class Option(Record):
    """An option: with a value when `value` names one, else a flag."""

    name: str  # without the dashes
    value: str = ""
    meaning: str


class Word(Record):
    """A positional word."""

    name: str
    meaning: str
    many: bool = False
    optional: bool = False
    last: bool = False  # it stands after --, so that its options stay its own


class Verb(Record):
    """One command."""

    name: str
    room: str  # the module of telex.cli that answers it
    summary: str
    example: str
    words: tuple[Word, ...] = ()
    options: tuple[Option, ...] = ()

    def usage(self) -> str:
        """The line that shows its grammar."""
        parts = [f"telex {self.name}"]
        for word in self.words:
            shown = word.name.upper() + ("…" if word.many else "")
            parts.append(f"[{shown}]" if word.optional else f"-- {shown}" if word.last else shown)
        options = [f"[--{option.name}{' ' + option.value if option.value else ''}]" for option in self.options]
        at = 1 if any(word.last for word in self.words) else len(parts)
        return " ".join(parts[:at] + options + parts[at:])

    def function(self) -> str:
        """The function of its room that answers it: of `relay team create` that is `team_create`."""
        if self.name == "import":
            return "import_"
        return "_".join(self.name.split()[1:]) or self.name


JSON = Option(name="json", meaning="answer in JSON")

_TO = Word(name="to", meaning="@name, @name@machine, '#channel' (in quotes), all, or several with commas")
_TEXT = Word(name="text", many=True, optional=True, meaning="the message; without it, --file, --stdin or a pipe")
_ID = Word(name="id", meaning="a message: m42, 42 or its UUID")
_IDS = Word(name="id", many=True, meaning="messages: m42, 42 or their UUIDs")
_CLIENT = Word(name="client", optional=True, meaning="the client, for example claude; without it, every client found")
_BODY = (
    Option(name="file", value="F", meaning="take the text from this file"),
    Option(name="stdin", meaning="take the text from standard input"),
)
_DATA = Option(name="data", value="JSON", meaning="a JSON object that travels with the message")
_KEY = Option(name="key", value="K", meaning="a repeat with the same key returns the first answer and sends nothing")
_FROM = Option(
    name="from",
    value="NAME",
    meaning="outside of any agent: the name to send as; an agent may only name itself",
)
_KIND = Option(name="kind", value="K", meaning="note (default), context, request, reply, ack or event")
_LIMIT = Option(name="limit", value="N", meaning="how many at most (20)")
_EVERY = Option(name="all", meaning="everybody's, not only what concerns you")
_SCOPE = Option(name="scope", value="S", meaning="user (default), project, or for Claude Code local")
_MACHINE = Word(name="machine", meaning="its name in the team")
_YES = Option(name="yes", meaning="do not ask")
_DRY = Option(name="dry-run", meaning="say what would be written, write nothing")

_LOG = Option(
    name="log", value="LOG", meaning="sqlite:PATH (default: relay/relay.db in telex's home), or nats://HOST:PORT,…"
)
_TEAM = Word(name="team", meaning="its name")

VERBS = (
    Verb(
        name="send",
        room="mail",
        summary="send a message; when it answers, the message is on this disk",
        example="telex send @api 'the schema moved to v2'",
        words=(_TO, _TEXT),
        options=(
            *_BODY,
            _KIND,
            _DATA,
            Option(name="reply-to", value="ID", meaning="the message this one answers"),
            Option(
                name="thread",
                value="T",
                meaning="a message of the conversation it belongs to, or a word that names one",
            ),
            Option(name="ttl", value="SPAN", meaning="expires when nobody read it in this time: 30s, 10m, 2h, 7d"),
            Option(
                name="deadline",
                value="SPAN",
                meaning="a request's: when you are told that no reply came (1h)",
            ),
            _KEY,
            _FROM,
            Option(name="strict", meaning="refuse a name that nobody holds now, instead of letting the mail wait"),
            Option(name="quiet", meaning="do not wake an idle recipient"),
            Option(name="team", meaning="with all: everybody in the team, not only at this machine; owners only"),
        ),
    ),
    Verb(
        name="ask",
        room="mail",
        summary="send a request, wait for the reply, print it",
        example="telex ask @api 'which port does the dev server use?' --timeout 5m",
        words=(_TO, _TEXT),
        options=(
            *_BODY,
            _DATA,
            Option(name="timeout", value="SPAN", meaning="give up after this time (10m); the request stands"),
            _FROM,
        ),
    ),
    Verb(
        name="reply",
        room="mail",
        summary="answer a message: to its sender, in its thread",
        example="telex reply m42 'port 5173'",
        words=(_ID, _TEXT),
        options=(
            *_BODY,
            Option(name="kind", value="K", meaning="reply (default), ack, note or context"),
            _DATA,
            _KEY,
            _FROM,
        ),
    ),
    Verb(
        name="inbox",
        room="mail",
        summary="list what is unread, without consuming it",
        example="telex inbox",
        options=(
            Option(name="all", meaning="also what was read"),
            Option(name="mark-read", meaning="mark what is listed read"),
            _LIMIT,
        ),
    ),
    Verb(
        name="read",
        room="mail",
        summary="print messages whole and mark them read",
        example="telex read m42",
        words=(Word(name="id", many=True, optional=True, meaning="which; without it, all that is unread"),),
        options=(_LIMIT,),
    ),
    Verb(
        name="done",
        room="mail",
        summary="mark messages handled; a request so marked owes no reply",
        example="telex done m42",
        words=(_IDS,),
    ),
    Verb(
        name="wait",
        room="mail",
        summary="sleep at no cost until something comes, print it, mark it read",
        example="telex wait --from @api --timeout 10m",
        options=(
            Option(name="from", value="A", meaning="only from this sender"),
            Option(name="kind", value="K", meaning="only of this kind"),
            Option(name="timeout", value="SPAN", meaning="give up after this time; for ever without it"),
        ),
    ),
    Verb(
        name="show",
        room="history",
        summary="a message with every delivery: state, when, why",
        example="telex show m42",
        words=(_ID,),
    ),
    Verb(
        name="log",
        room="history",
        summary="what was said, newest first",
        example="telex log --with @api --limit 5",
        options=(
            Option(name="with", value="A", meaning="only with this name or in this #channel"),
            Option(name="thread", value="T", meaning="one conversation, oldest first"),
            _EVERY,
            _LIMIT,
            Option(name="follow", meaning="print what comes from now on, as it comes"),
        ),
    ),
    Verb(
        name="search",
        room="history",
        summary="full-text search, newest first",
        example="telex search schema v2",
        words=(Word(name="words", many=True, meaning="all of them must occur"),),
        options=(_EVERY, _LIMIT),
    ),
    Verb(
        name="who",
        room="people",
        summary="sessions with client, directory, state and unread count",
        example="telex who",
        options=(Option(name="all", meaning="also those that are gone"),),
    ),
    Verb(
        name="channels",
        room="people",
        summary="channels and their members",
        example="telex channels",
    ),
    Verb(
        name="join",
        room="people",
        summary="become a member of a channel",
        example="telex join '#release'",
        words=(Word(name="channel", meaning="name, or '#name' in quotes: a shell takes a bare # for a comment"),),
    ),
    Verb(
        name="leave",
        room="people",
        summary="leave a channel",
        example="telex leave '#release'",
        words=(Word(name="channel", meaning="name, or '#name' in quotes: a shell takes a bare # for a comment"),),
    ),
    Verb(
        name="name",
        room="people",
        summary="your name; with NEW, another one (the old one leads to it for two hours)",
        example="telex name frontend",
        words=(Word(name="new", optional=True, meaning="the name to take"),),
        options=(
            Option(name="wake", value="MODE", meaning="what wakes you when idle: direct, requests, all or never"),
        ),
    ),
    Verb(
        name="run",
        room="running",
        summary="run a command as a session of its own, for as long as it runs",
        example="telex run --name reviewer -- make review",
        words=(Word(name="command", many=True, last=True, meaning="the command and its words, after --"),),
        options=(Option(name="name", value="NAME", meaning="its name; without it TELEX_NAME, or the directory's"),),
    ),
    Verb(
        name="status",
        room="install",
        summary="what is installed where, and whether it works",
        example="telex status",
    ),
    Verb(
        name="doctor",
        room="install",
        summary="check store, permissions, hooks and installed files; read-only unless told",
        example="telex doctor",
        options=(Option(name="repair", meaning="mend what can be mended, after a backup"),),
    ),
    Verb(
        name="install",
        room="install",
        summary="connect a client: its hooks and the /telex skill",
        example="telex install claude",
        words=(_CLIENT,),
        options=(
            _SCOPE,
            Option(name="mcp", meaning="telex as an MCP server of the client, too"),
            Option(name="status-line", meaning="Claude Code: the unread count in the status line, too"),
            Option(name="only", meaning="Claude Code: deny the model's own ListAgents and SendMessage, too"),
            Option(name="as-plugin", meaning="Claude Code: as a plugin, with what wakes an idle session quickest"),
            Option(name="print", meaning="print what belongs into each file, as JSON, for a settings generator"),
            _DRY,
            _YES,
        ),
    ),
    Verb(
        name="uninstall",
        room="install",
        summary="take out what install wrote, and only that",
        example="telex uninstall claude",
        words=(_CLIENT,),
        options=(
            _SCOPE,
            Option(name="mcp", meaning="only the MCP server"),
            Option(name="status-line", meaning="only the unread count in Claude Code's status line"),
            Option(name="only", meaning="only the denial of Claude Code's own ListAgents and SendMessage"),
            _DRY,
        ),
    ),
    Verb(
        name="alias",
        room="alias",
        summary="put the commands of an older system on the path: coop, kei, or the five ipc_ scripts",
        example="telex alias coop",
        words=(Word(name="system", meaning="coop, kei or ipc"),),
        options=(
            Option(name="dir", value="D", meaning="where to; ~/.local/bin without it"),
            Option(name="remove", meaning="take out what alias wrote, and only that"),
        ),
    ),
    Verb(
        name="export",
        room="data",
        summary="every message as a line of JSON, oldest first",
        example="telex export > mail.jsonl",
        options=(Option(name="jsonl", meaning="as kei's messages.jsonl: id, ts, from, to, body"),),
    ),
    Verb(
        name="import",
        room="data",
        summary="take in exported messages; those already here are left as they are",
        example="telex import mail.jsonl",
        words=(
            Word(
                name="file",
                meaning="an export of telex, kei's messages.jsonl, claude-ipc's messages.db, or - for standard input",
            ),
        ),
        options=(Option(name="queued", meaning="what nobody had read waits here too, and is shown to its recipient"),),
    ),
    Verb(
        name="purge",
        room="data",
        summary="delete finished messages for good",
        example="telex purge --older-than 30d",
        options=(
            Option(name="older-than", value="SPAN", meaning="only what is older: 12h, 30d"),
            Option(name="with", value="A", meaning="only what this name sent or was sent"),
            Option(name="open", meaning="also what nobody has read yet"),
            _YES,
        ),
    ),
    Verb(
        name="config",
        room="data",
        summary="the settings with their source; with NAME and VALUE, set one",
        example="telex config keep_days 30",
        words=(
            Word(name="setting", optional=True, meaning="which"),
            Word(name="value", optional=True, meaning="a whole number, or 'default'"),
        ),
    ),
    Verb(
        name="mcp",
        room="mcp",
        summary="the MCP server on standard input and output; a client starts it",
        example="telex mcp --name reviewer",
        options=(
            Option(name="tools", value="SET", meaning="default, ipc (the nine of claude-ipc-mcp) or all"),
            Option(name="name", value="NAME", meaning="the name of a session whose client says nothing of itself"),
            Option(name="channel", meaning="announce mail as claude/channel; Claude Code needs a flag for it"),
            Option(name="http", meaning="serve streamable HTTP on 127.0.0.1 instead, and print the URL"),
            Option(name="port", value="N", meaning="the port of --http (8737)"),
        ),
    ),
    Verb(
        name="link join",
        room="link",
        summary="join a team with a code, or found it with the first one",
        example="telex link join https://relay.example --name alice-laptop",
        words=(
            Word(name="url", meaning="the relay's"),
            Word(
                name="code", optional=True, meaning="refused here: telex asks for it, or reads a line of standard input"
            ),
        ),
        options=(
            Option(name="name", value="M", meaning="what this machine is called in the team; its host name without it"),
            Option(name="insecure", meaning="take a URL without TLS that is not of this machine"),
            Option(name="expose-code", meaning="take CODE as a word, though other users of the machine can read it"),
        ),
    ),
    Verb(
        name="link invite",
        room="team",
        summary="a code for one more machine: one try, ten minutes",
        example="telex link invite --role member",
        options=(Option(name="role", value="R", meaning="member (default), owner or read-only"),),
    ),
    Verb(
        name="link status",
        room="link",
        summary="relay, team and role, what waits where, what went wrong",
        example="telex link status",
    ),
    Verb(
        name="link machines",
        room="link",
        summary="the machines of the team",
        example="telex link machines",
    ),
    Verb(
        name="link verify",
        room="link",
        summary="a number that is the same on both machines if nobody is in between",
        example="telex link verify bob-laptop",
        words=(_MACHINE,),
    ),
    Verb(
        name="link remove",
        room="team",
        summary="put a machine out of the team; it can read nothing that is sent later",
        example="telex link remove bob-laptop",
        words=(_MACHINE,),
    ),
    Verb(
        name="link role",
        room="team",
        summary="give a machine another role",
        example="telex link role bob-laptop owner",
        words=(_MACHINE, Word(name="role", meaning="owner, member or read-only")),
    ),
    Verb(
        name="link rotate",
        room="team",
        summary="give the team a new key",
        example="telex link rotate",
    ),
    Verb(
        name="link pause",
        room="link",
        summary="send and fetch nothing until resume; what is sent waits here",
        example="telex link pause",
    ),
    Verb(
        name="link resume",
        room="link",
        summary="go on after pause",
        example="telex link resume",
    ),
    Verb(
        name="link leave",
        room="link",
        summary="leave the team and delete its keys here",
        example="telex link leave",
        options=(Option(name="force", meaning="though this is the only owner's machine"),),
    ),
    Verb(
        name="link run",
        room="link_run",
        summary="send and fetch in the foreground; otherwise telex starts this by itself",
        example="telex link run",
        options=(Option(name="quiet", meaning="print nothing"),),
    ),
    Verb(
        name="link unit",
        room="link_run",
        summary="a unit file that has the system run the link",
        example="telex link unit systemd",
        words=(Word(name="system", meaning="systemd or launchd"),),
    ),
    Verb(
        name="relay serve",
        room="relay",
        summary="the server in the middle of a team: it keeps sealed messages and can read none",
        example="telex relay serve --listen 127.0.0.1:8738 --public-url https://relay.example",
        options=(
            Option(name="listen", value="HOST:PORT", meaning="where to listen (127.0.0.1:8738)"),
            _LOG,
            Option(name="cert", value="F", meaning="its certificate, in PEM; without it a proxy must speak TLS"),
            Option(name="key", value="F", meaning="the certificate's key"),
            Option(name="public-url", value="URL", meaning="by which machines reach it, where that is another one"),
        ),
    ),
    Verb(
        name="relay team create",
        room="relay",
        summary="a new team, and the code that makes a machine its first owner",
        example="telex relay team create acme",
        words=(_TEAM,),
        options=(_LOG,),
    ),
    Verb(
        name="relay team list",
        room="relay",
        summary="the teams that this relay keeps",
        example="telex relay team list",
        options=(_LOG,),
    ),
    Verb(
        name="relay team code",
        room="relay",
        summary="another code for a team that has no owner yet",
        example="telex relay team code acme",
        words=(_TEAM,),
        options=(_LOG,),
    ),
    Verb(
        name="relay team machines",
        room="relay",
        summary="what each machine of a team uses of the relay",
        example="telex relay team machines acme",
        words=(_TEAM,),
        options=(_LOG,),
    ),
    Verb(
        name="relay team drop",
        room="relay",
        summary="empty all that one machine has in the relay's log, read or not",
        example="telex relay team drop acme old-laptop",
        words=(_TEAM, Word(name="machine", meaning="its name or id, as 'telex relay team machines' lists it")),
        options=(_LOG,),
    ),
    Verb(
        name="relay backup",
        room="relay",
        summary="copy the relay's file as it is at one moment, while it serves",
        example="telex relay backup relay-backup.db",
        words=(Word(name="file", meaning="where to; it must not be there yet"),),
        options=(_LOG,),
    ),
    Verb(
        name="relay restore",
        room="relay",
        summary="put a backup in place of the relay's file; machines offer again what it lacks",
        example="telex relay restore relay-backup.db",
        words=(Word(name="file", meaning="a backup"),),
        options=(_LOG,),
    ),
    Verb(
        name="demo",
        room="demo",
        summary="two sessions exchange a message through the real hook, in a store of its own",
        example="telex demo",
    ),
)
# Commands that answer only once what they change is changed: an answer that cannot be written undoes nothing.
CHANGES = {
    *("done", "join", "leave", "name", "install", "uninstall", "alias", "import", "purge", "config"),
    *("link join", "link invite", "link remove", "link role", "link rotate", "link pause", "link resume", "link leave"),
    *("relay team create", "relay team code", "relay backup", "relay restore"),
}

_NAME_WORDS = 3  # of the longest name of a command
BY_NAME = {verb.name: verb for verb in VERBS}


def verb_of(words: list[str]) -> tuple[Verb | None, list[str]]:
    """The command that these words begin with, whose name may have up to three, and the words after it."""
    for count in range(1, _NAME_WORDS + 1):
        if found := BY_NAME.get(" ".join(words[:count])):
            return found, words[count:]
    return None, words


# The first words of commands that have several.
GROUPS = {
    "link": "this machine in a team",
    "relay": "the server between a team's machines",
    "relay team": "the teams of a relay",
}

# What `telex --help` lists together: each first word of a command once.
SECTIONS = {
    "write": ("send", "ask", "reply", "done"),
    "read": ("inbox", "read", "wait", "show", "log", "search"),
    "sessions and channels": ("who", "name", "channels", "join", "leave", "run"),
    "set up": ("install", "uninstall", "status", "doctor", "config", "mcp", "alias", "demo"),
    "keep": ("export", "import", "purge"),
    "team": ("link", "relay"),
}
