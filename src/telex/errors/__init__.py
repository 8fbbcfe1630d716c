"""Every error telex can answer with: what happened, what to do next, and the exit status.

Rules kept here:
- one class per error; `code` is its stable name (in `--json` and in docs), `text` says what happened in lower
  case on one line, `hint` says what to do next on a second one;
- the family says whose fault it is: `LocalFault` (the caller or this machine), `RemoteFault` (another machine),
  `Bug` (telex itself). The family under it decides the exit status;
- nothing here imports anything, so the hook may.

Exit statuses: 0 done; 1 anything else; 2 wrong words; 3 refused by a limit or a policy; 4 not found;
5 nothing before the timeout; 6 who was asked asks first; 7 done, only the answer could not be written;
127 `telex run` could not start its command, whose own status it answers otherwise.
"""

from __future__ import annotations


class TelexError(Exception):
    """The root of all telex errors; never raised itself."""

    status = 1
    code = "error"
    text = ""
    hint = ""

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        self.message = self.text.format(**facts)
        self.advice = self.hint.format(**facts)
        super().__init__(self.message)

    def as_dict(self) -> dict[str, object]:
        """The shape that `--json` prints under `error`."""
        return {"code": self.code, "message": self.message, "hint": self.advice, "status": self.status}


class LocalFault(TelexError):
    """The caller's words, the policy, or this machine: something here must change."""


class RemoteFault(TelexError):
    """Another machine answered wrongly or not at all."""


class Bug(TelexError):
    """telex broke a promise to itself; please report it."""

    code = "bug"
    text = "a fault of telex itself: {what}"
    hint = "please report it with the output of 'telex doctor'"


# --- wrong words: exit status 2 ---------------------------------------------------------------------------


class WrongWords(LocalFault):
    """The call itself does not fit its grammar."""

    status = 2


class Usage(WrongWords):
    """The words of a command do not fit its grammar."""

    code = "usage"
    text = "{problem}"
    hint = "see 'telex {verb} --help'"


class WordsMissing(WrongWords):
    """A command lacks a word; often because a shell took `#channel` for a comment."""

    code = "words-missing"
    text = "{problem}"
    hint = "see 'telex {verb} --help'; in a shell, put quotes around a channel: '#name'"


class RecipientMissing(WrongWords):
    """One word, and no text: most probably the word is the text."""

    code = "recipient-missing"
    text = "to whom? '{text}' stands alone"
    hint = "telex {verb} @name 'TEXT'; 'telex who' lists the names"


class VerbUnknown(WrongWords):
    """There is no such command."""

    code = "verb-unknown"
    text = "there is no command '{word}'{advice}"
    hint = "{hint}"


class NameInvalid(WrongWords):
    """A name is outside the grammar `[a-z0-9][a-z0-9._-]{0,63}`."""

    code = "name-invalid"
    text = "{name} is not a name: a name has 1 to 64 of a-z 0-9 . _ - and starts with a letter or a digit"
    hint = "{advice}"


class NameReserved(WrongWords):
    """`all`, `telex`, `system` and `me` belong to telex."""

    code = "name-reserved"
    text = "'{name}' is reserved"
    hint = "choose another name"


class BodyEmpty(WrongWords):
    """A message needs at least one visible character."""

    code = "body-empty"
    text = "the message is empty"
    hint = "give the text as words, with --file PATH, or on a pipe with --stdin"


class BodyNotText(WrongWords):
    """The body is not UTF-8, or has a NUL character in it."""

    code = "body-not-text"
    text = "the message is not text: {problem}"
    hint = "send UTF-8 without NUL; for other files send the path"


class BodyTooLarge(WrongWords):
    """The body is over 16 MiB."""

    code = "body-too-large"
    text = "the message has over {most} bytes, the most that telex carries"
    hint = "send a path or a summary instead"


class DataInvalid(WrongWords):
    """`--data` is not a JSON object of at most 10,240 bytes."""

    code = "data-invalid"
    text = "--data is not a JSON object of at most {most} bytes: {problem}"
    hint = "for example --data '{{\"pr\": 12}}'"


class KindUnknown(WrongWords):
    """The kind of a message is none of the six."""

    code = "kind-unknown"
    text = "'{kind}' is not a kind"
    hint = "kinds are note, context, request, reply, ack and event"


class DurationInvalid(WrongWords):
    """A time span is not a number with s, m, h or d."""

    code = "duration-invalid"
    text = "'{given}' is not a time span"
    hint = "write 30s, 10m, 2h or 7d"


class FileUnreadable(WrongWords):
    """`--file` names something that cannot be read as a file."""

    code = "file-unreadable"
    text = "cannot read {path}: {problem}"
    hint = "give the path of a readable file"


class SettingUnknown(WrongWords):
    """There is no setting of that name."""

    code = "setting-unknown"
    text = "there is no setting '{name}'"
    hint = "'telex config' lists them"


class SettingInvalid(WrongWords):
    """The value does not fit the setting."""

    code = "setting-invalid"
    text = "'{value}' does not fit {name}: {problem}"
    hint = "'telex config' shows what each setting takes"


class ArgumentsInvalid(WrongWords):
    """The arguments of an MCP tool do not fit its schema."""

    code = "arguments-invalid"
    text = "{tool}: {problem}"
    hint = "it takes {takes}"


class ImportInvalid(WrongWords):
    """A line of an import file is not a message."""

    code = "import-invalid"
    text = "line {line} is not an exported message: {problem}"
    hint = "nothing of this file was taken; mend or remove the line and import again"


# --- refused by a limit or a policy: exit status 3 --------------------------------------------------------


class Refused(LocalFault):
    """A limit or a policy says no; the text has the figure and when to try again."""

    status = 3


class NotYourName(Refused):
    """A process may not send as the person, nor as another session."""

    code = "not-your-name"
    text = "you are {me}, not {claimed}"
    hint = "leave --from out; 'telex name NEW' renames you"


class FileForbidden(Refused):
    """An agent does not send the content of a file that the person keeps from it."""

    code = "file-forbidden"
    text = "an agent may not send {path}: {reason}"
    hint = "ask your user to send it, or to change 'telex config ipc_share_deny'"


class PersonOnly(Refused):
    """What changes limits or history is the person's to do, not an agent's."""

    code = "person-only"
    text = "{what} is the person's to do, and you are {me}"
    hint = "ask your user to run it in a terminal"


class WhoAreYou(Refused):
    """An agent's process that does not say which session it belongs to."""

    code = "who-are-you"
    text = "an agent runs this command, but which session it belongs to cannot be told"
    hint = "set TELEX_NAME for it, or run 'telex install' so that its sessions are known"


class AlreadySession(Refused):
    """Whoever is a session already takes no second name by 'telex run'."""

    code = "already-session"
    text = "this runs inside of the session {me} already"
    hint = "run the command without 'telex run': whatever it sends is sent by {me}"


class CallerUnnamed(Refused):
    """Over HTTP a call does not say which session makes it."""

    code = "caller-unnamed"
    text = "which session calls cannot be told over HTTP"
    hint = "start the server with --name NAME, one for each session, or use it over stdio"


class NameTaken(Refused):
    """A live session, or the person, holds that name."""

    code = "name-taken"
    text = "@{name} is held by {holder}"
    hint = "choose another name; 'telex who' lists them"


class Repeated(Refused):
    """The same text went from one sender to one recipient within a minute."""

    code = "repeated"
    text = "the same text went to {to} {seconds} s ago as {id}"
    hint = "it is stored; 'telex show {id}' says what became of it"


class TooFast(Refused):
    """One session sends more than its share."""

    code = "too-fast"
    text = "more than {limit} messages in a minute; try again in {seconds} s"
    hint = "put what belongs together into one message"


class InboxFull(Refused):
    """The recipient has too much waiting."""

    code = "inbox-full"
    text = "{to} has {waiting} messages waiting; the most is {limit}"
    hint = "try again when some were read; 'telex who' shows the count"


class CoolingDown(Refused):
    """Two agents have answered each other too often without a person."""

    code = "cooling-down"
    text = (
        "{me} and {to} have answered each other {count} times in {minutes} min without a person; resting until {until}"
    )
    hint = "a word from a person to either of you ends the rest"


class TooManyHops(Refused):
    """A message has been passed on from agent to agent too often."""

    code = "too-many-hops"
    text = "this is passed on for the {hops}th time from agent to agent; the most is {limit}"
    hint = "ask your user whether it should go further"


class KeyConflict(Refused):
    """The idempotency key was used for another message."""

    code = "key-conflict"
    text = "the key '{key}' belongs to {id}, which has other content"
    hint = "use a new key for a new message"


class NoAnswerWanted(Refused):
    """Acks and telex's own notices are not answered."""

    code = "no-answer-wanted"
    text = "{id} is {what}; it takes no reply"
    hint = "send a message of its own instead"


class RenamedLately(Refused):
    """An instance of the claude-ipc face took another name not long ago."""

    code = "renamed-lately"
    text = "{name} was renamed not long ago; again in {minutes} min"
    hint = "'telex config ipc_rename_seconds' says how long one rests"


class IpcRefused(Refused):
    """The claude-ipc face says no, in the words that its users know."""

    code = "ipc-refused"
    text = "{words}"
    hint = "docs/how-to/from-claude-ipc.md says what each of these means"


class MoveRefused(Refused):
    """A delivery cannot go from where it is to where it was asked to go."""

    code = "move-refused"
    text = "{id} is {state} and cannot become {wanted}"
    hint = "'telex show {id}' says what became of it"


class TooLargeForCoop(Refused):
    """A coop session takes at most 10 KB, as coop's own did."""

    code = "too-large-for-coop"
    text = "the message has {size} bytes; a coop session takes at most {most}"
    hint = "send a path or a summary, or all of it in telex's own words: telex send '#NAME' --file F"


# --- not found: exit status 4 -----------------------------------------------------------------------------


class NotFound(LocalFault):
    """What was named is not there."""

    status = 4


class NobodyThere(NotFound):
    """With `--strict`: nobody holds the name. For a channel or all: nobody is there. Nothing was stored."""

    code = "nobody-there"
    text = "nobody is at {to}; nothing was sent"
    hint = "{advice}"


class NobodyElse(NobodyThere):
    """What is to all has no reader: the sender is alone here."""

    code = "nobody-else"
    text = "no other session is here; nothing was sent"
    hint = "a name may wait for its mail: telex send @name 'TEXT'; 'telex who --all' lists those that were here"


class NameUnknown(NotFound):
    """Nobody was ever called that."""

    code = "name-unknown"
    text = "nobody was ever called {to}"
    hint = "'telex who --all' lists every name"


class MessageUnknown(NotFound):
    """No message has that id."""

    code = "message-unknown"
    text = "there is no message {id}"
    hint = "'telex log' lists the ids"


class ResourceUnknown(NotFound):
    """The MCP server has no such resource."""

    code = "resource-unknown"
    text = "there is no resource {uri}"
    hint = "resources/list and resources/templates/list have them"


class ClientUnknown(NotFound):
    """telex does not know the client."""

    code = "client-unknown"
    text = "telex does not know a client '{name}'"
    hint = "known: {known}"


class NotMember(NotFound):
    """The caller is not a member of that channel."""

    code = "not-member"
    text = "you are not a member of #{name}"
    hint = "'telex channels' lists yours"


class NoSession(NotFound):
    """In coop's words: no session was joined, and the directory has none to offer."""

    code = "no-session"
    text = "there is no active session here"
    hint = "'telex session join NAME' makes one active"


# --- nothing before the timeout: exit status 5 ------------------------------------------------------------


class TimedOut(LocalFault):
    """Nothing came in time."""

    status = 5
    code = "timed-out"
    text = "nothing came within {seconds} s"
    hint = "{advice}"


# --- who was asked asks first: exit status 6 --------------------------------------------------------------


class AskedFirst(LocalFault):
    """Whoever was asked has a request of its own for the caller, unread until now, or waits for somebody who has: both
    would wait for each other. The request has been printed and is read; the caller's own stands."""

    status = 6
    code = "asked-first"
    text = "{who} asks you first: {id}"
    hint = "answer it: telex reply {id} 'TEXT'; your request {mine} stands, and its reply comes to your inbox"


# --- what shells answer too: exit status 127 --------------------------------------------------------------


class CommandUnstartable(LocalFault):
    """The command of 'telex run' is not there or cannot be run."""

    status = 127
    code = "command-unstartable"
    text = "cannot start '{word}': {problem}"
    hint = "telex run takes a command and its words: telex run -- make test"


# --- this machine: exit status 1 --------------------------------------------------------------------------


class StoreFault(LocalFault):
    """The store on this machine cannot do what is asked. Nothing was sent, unless it says that this is unsure."""


class StoreUnreachable(StoreFault):
    """The store cannot be opened or written."""

    code = "store-unreachable"
    text = "cannot use the store in {home}: {problem}"
    hint = "'telex doctor' says what is wrong"


class StoreShut(StoreFault):
    """The store may be read at most: an agent's sandbox, or a read-only disk."""

    code = "store-shut"
    text = "nothing can be written in {home}: {problem}"
    hint = "an agent's sandbox forbids it by default: allow it to write there, or use telex's MCP server (docs/clients)"


class StoreUnsure(StoreFault):
    """The disk failed at the very commit: SQLite gave it up, but a recovery may still find it whole."""

    code = "store-unsure"
    text = "the disk failed while it was being stored; it may be there or not: {problem}"
    hint = "'telex log' tells, once the disk works; with --key a repeat is safe"


class StoreFull(StoreFault):
    """The disk is full."""

    code = "store-full"
    text = "the disk is full; nothing was stored"
    hint = "free some space; reading still works"


class StoreCorrupt(StoreFault):
    """SQLite finds the file damaged, or it is not a telex store."""

    code = "store-corrupt"
    text = "the store in {home} is damaged: {problem}"
    hint = "'telex doctor --repair' keeps a backup and saves what can be read"


class StoreNewer(StoreFault):
    """A newer telex made this store."""

    code = "store-newer"
    text = "the store in {home} has schema {found}; this telex knows {known}"
    hint = "upgrade this telex; nothing was touched"


class StoreBusy(StoreFault):
    """Other processes kept the store locked for longer than ten seconds."""

    code = "store-busy"
    text = "the store was locked for {seconds} s by another process"
    hint = "try again; nothing was stored. A stopped process (Ctrl-Z, a debugger) may hold the lock"


class PortTaken(LocalFault):
    """Another program listens on the port."""

    code = "port-taken"
    text = "cannot listen on 127.0.0.1:{port}: {problem}"
    hint = "choose another one with --port N"


class ExtraMissing(LocalFault):
    """An optional part of telex is not installed."""

    code = "extra-missing"
    text = "this telex was installed without its part '{extra}': there is no module {module}"
    hint = "in telex's checkout: {command}"


class HomeUnsafe(StoreFault):
    """The state directory is not private to this user, or lies where SQLite cannot be trusted."""

    code = "home-unsafe"
    text = "{home} {problem}"
    hint = "{advice}"


class HomeUnknown(StoreFault):
    """Neither TELEX_HOME nor HOME says where the store is."""

    code = "home-unknown"
    text = "neither TELEX_HOME nor HOME is set"
    hint = "set TELEX_HOME to a directory of yours"


class DirectoryGone(StoreFault):
    """The working directory was removed, and what was asked for needs one."""

    code = "directory-gone"
    text = "the working directory was removed"
    hint = "'cd' to a directory that is there, or give whole paths"


class PathNotAbsolute(StoreFault):
    """An environment variable names a directory by a path that depends on where the command runs."""

    code = "path-not-absolute"
    text = "{variable} is '{path}', which is not an absolute path"
    hint = "give the whole path from the root; only a shell expands '~' and '$HOME'"
