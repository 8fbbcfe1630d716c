"""The lines of POSIX shell that clients run: they end before anything is started while nothing waits.

Rules kept here:
- a line never disturbs the client: it ends with status 0 and says nothing, whatever is missing or broken. The
  one exception is the wake-up line, which lets the hook's 2 through, the client's own signal to wake;
- the bell is tested before any process is started, with the shell's own commands, and stdin is not read: a
  shell's `read` costs 0.19 ms per KB of prompt, and a client does not mind what is left unread. The exceptions
  are clients of which only the payload tells the sessions of a process apart, or a subagent's prompts from a
  person's: its head is enough where it begins with that, and what was read is handed to the hook;
- a failing redirection on a special builtin (`:`) ends a POSIX shell with status 2, which in Claude Code
  erases the user's prompt. So only `printf` writes, inside braces whose stderr goes nowhere;
- a line names no file of one machine where it can do without: the home is `${TELEX_HOME:-$HOME/.telex}`, and which
  interpreter runs the hook is read from a file in that home, only when the hook is started. So the line has the same
  bytes on every machine, and an interpreter that moves is mended there, not in the settings;
- a session id outside the grammar of bells counts as none: then "$T/bells/" is tested, a directory, and the
  hook decides from its payload. So no id becomes a path;
- `_MARK` finds a telex line of any version in a settings file. A change of wording must keep matching it.
"""

from __future__ import annotations

import re
import shlex

from telex import limits
from telex.core.record import Record

_MARK = re.compile(r""" -I -S .*/(?:bin/)?hook\.py['"]? ([a-z]+) [A-Za-z]+( \$PPID)?(;| \|\| exit 0$)""", re.DOTALL)
# How a line says which home it belongs to, and how one of an earlier telex does.
_HOME = re.compile(r"(?:^|[ \n])T=\$\{TELEX_HOME:-((?:'[^']*'|\"'\"|[^'}])*)\};", re.DOTALL)
_OLD_HOOK = re.compile(r""" -I -S ((?:'[^']*'|"'"|[^' ])+) """, re.DOTALL)
_HOOK_END = "/bin/hook.py"
_USER_HOME = "$HOME/"
_NOWHERE = "/dev/null"
# From a session's start, or /clear, to a working watcher 0.1 to 1 s were seen: once early, once to be sure.
_WATCHER_SECONDS = (1, 2)

# A question is over when anything happens after it. Emptied, not removed: the shell does that by itself.
_ANSWERED = '[ ! -s "$T/asks/$S" ] || printf "" >"$T/asks/$S";'


def written_for(command: object) -> str:
    """The client for which telex wrote this command, in whatever version and home; empty if it did not."""
    found = _MARK.search(command) if isinstance(command, str) else None
    return found[1] if found else ""


def home_of(command: str, user_home: str) -> str:
    """The telex home that a line of telex, of any version, starts the hook of; empty if it does not say."""
    old = _OLD_HOOK.search(command)
    if old and old[1] != '"$B/hook.py"':
        return _unquoted(old[1]).removesuffix(_HOOK_END)
    found = _HOME.search(command)
    if found is None:
        return ""
    word = found[1]
    if word.startswith(_USER_HOME):
        return user_home.rstrip("/") + "/" + _unquoted(word.removeprefix(_USER_HOME))
    return _unquoted(word)


def _unquoted(word: str) -> str:
    try:
        return "".join(shlex.split(word))
    except ValueError:
        return ""


def portable(home: str, user_home: str) -> str:
    """The home as a word of shell: by `$HOME` where it lies in the user's, so that it is the same on every machine."""
    root = user_home.rstrip("/") + "/"
    if user_home and home.startswith(root) and home != root:
        return _USER_HOME + shlex.quote(home.removeprefix(root))
    return shlex.quote(home)


class Gate(Record):
    """Writes one client's lines. The paths are absolute and may hold any character but NUL."""

    home: str
    user_home: str = ""
    client: str
    session_variable: str  # of the client's environment; '' where it has none, and its process must do
    subagent_key: str = ""  # in a payload that comes from a subagent; '' where those are other events
    session_key: str = ""  # of the payload, which begins with it, where nothing else tells sessions of a process apart

    def start(self, event: str, attended: str) -> str:
        """Run the hook; touch a bell that rings soon after, when the client's watcher works."""
        # The client begins to watch some time after this line has told it what, and never reports a bell that
        # was rung in between: its session would sleep on. `-c` cannot make a bell that was silenced meanwhile.
        touches = " ".join(f'sleep {seconds}; touch -c "$T/bells/$S";' for seconds in _WATCHER_SECONDS)
        again = f"({touches}) </dev/null >/dev/null 2>&1 &"
        late = f'if [ "${attended}" = 1 ] && [ "$S" ]; then {again} fi;'
        return f"{self._session()} {late} {self._run(event)}"

    def always(self, event: str) -> str:
        """Run the hook, whatever the bell says."""
        return f"{self._at()} {self._run(event)}"

    def on_bell(self, event: str) -> str:
        """Note that no approval is awaited any more; run the hook if the bell is there."""
        test = f'{{ {_ANSWERED} }} 2>/dev/null; [ -e "$T/bells/$S" ] || exit 0;'
        return f"{self._session()} {test} {self._run(event, self._rest())}"

    def prompt(self, event: str, *, called: bool = False) -> str:
        """Note that the session is busy; run the hook if the bell is there, or telex asked for this prompt itself."""
        call = '[ -e "$T/calls/$S" ] || ' if called else ""
        test = f'[ -e "$T/bells/$S" ] || [ -e "$T/news/$S" ] || {call}exit 0;'
        looked, given = self._without_subagents(bool(self.subagent_key) and not self.session_key)
        return f"{self._session()} {looked}{_note('p')} {test} {self._run(event, given)}"

    def stop(self, event: str, *, subagents: bool = False) -> str:
        """Note that the session is idle; run the hook if the bell is there or the session owes something.

        `subagents` says that they fire this event too.
        """
        # The note comes before the test: whoever rings the bell and still reads "busy" after that has rung it
        # before this test, so either this line sees the bell or the ringer sees an idle session to wake.
        test = '[ -e "$T/bells/$S" ] || [ -e "$T/owed/$S" ] || exit 0;'
        looked, given = self._without_subagents(subagents)
        return f"{self._session()} {looked}{_note('s')} {test} {self._run(event, given)}"

    def asks(self, event: str, attended: str = "") -> str:
        """Note that the session waits for its person's approval; run the hook only where that cannot be noted."""
        only = f'[ "${attended}" = 1 ] || exit 0; ' if attended else ""
        mark = '{ umask 077; printf w >"$T/asks/$S"; } 2>/dev/null && exit 0;'
        return f"{self._session()} {only}{mark} {self._run(event, self._rest())}"

    def watch(self, event: str) -> str:
        """Name the bell as the file to watch; no interpreter where its path needs no escapes in JSON."""
        answer = f'{{"hookSpecificOutput":{{"hookEventName":"{event}","watchPaths":["%s"]}}}}\\n'
        say = f"printf '{answer}' \"$T/bells/$S\" 2>/dev/null; exit 0"
        choose = f"case $T:$S in *:|{_NOWHERE}:*|*[!A-Za-z0-9/:._-]*) ;; *) {say};; esac;"
        return f"{self._session()} {choose} {self._run(event)}"

    def wake(self, event: str, attended: str) -> str:
        """Run the hook if the bell is there and a person attends; its status 2 wakes the session."""
        # Without a person (`claude -p`) the client would wait for this line, and deliver nothing.
        test = f'[ "${attended}" = 1 ] && [ -e "$T/bells/$S" ] || exit 0;'
        return f"{self._session()} {test} {self._there()} {self._hook(event)}; [ $? -eq 2 ] && exit 2; exit 0"

    def monitor(self, event: str, process: str) -> str:
        """Become the process that wakes an idle session; where it cannot be had, one that only waits for the end."""
        # The client tells its model when a monitor ends, and starts a turn for that.
        wait = f'while kill -0 "${process}"; do sleep {limits.MONITOR_PAUSE_SECONDS}; done'
        there = self._there("{ " + wait + "; exit 0; } 2>/dev/null")
        return f"{self._at()} {there} exec {self._hook(event)} || exit 0"

    def line(self, event: str) -> str:
        """Add a line to a status line while the bell is there; `$E` is the status of what was shown before it."""
        # Its standard input has been read by then; the environment names the session.
        run = f'{self._find()} [ -x "$P" ] && {self._hook(event)} </dev/null'
        return f'{self._session()} [ "$S" ] && [ -e "$T/bells/$S" ] && {{ {run}; }}; exit $E'

    def _session(self) -> str:
        at = self._at()
        valid = f"case $S in -*|*[!A-Za-z0-9-]*) S=;; esac; [ ${{#S}} -le {limits.NAME_CHARS} ] || S=;"
        if self.session_key:
            head = f"""L=$(dd bs={limits.GATE_HEAD_BYTES} count=1 2>/dev/null); S=${{L#*'"{self.session_key}":"'}};"""
            subagent = f"""case $L in *'"{self.subagent_key}":'*) exit 0;; esac;"""
            return f"""{at} {head} S=${{S%%'"'*}}; {subagent} {valid}"""
        if not self.session_variable:  # the line's shell is a child of the client: telex.fs.bells.bell_of
            return f"{at} S={self.client}-$PPID;"
        known = f"{at} S=${self.session_variable};"
        return f"{known} {valid}"

    def _rest(self) -> str:
        """What hands the hook the payload whose head the line has read."""
        return """{ printf %s "$L"; cat; } 2>/dev/null | """ if self.session_key else ""

    def _without_subagents(self, read: bool) -> tuple[str, str]:
        """What leaves the line for a subagent's payload, and what hands the payload that was read to the hook."""
        if not read:
            return "", self._rest()
        # In the JSON of a prompt each quote has a backslash in front, so no prompt can look like the key.
        look = f"""IFS= read -r L || :; case $L in *'"{self.subagent_key}":'*) exit 0;; esac; """
        return look, """printf '%s\\n' "$L" 2>/dev/null | """

    def _at(self) -> str:
        # A relative home would be a directory of the project, whose files would be run: there is nothing in this one.
        default = portable(self.home, self.user_home)
        return f"T=${{TELEX_HOME:-{default}}}; case $T in /*) ;; *) T={_NOWHERE};; esac;"

    def _find(self) -> str:
        """What sets `$P` to the first interpreter that is there, and `$B` to where the hook is."""
        # A home that only the environment names may have no launchers of its own: then those that were installed do.
        where = f'B=$T/bin; [ -r "$B/hook.py" ] || B={portable(self.home, self.user_home)}/bin;'
        look = 'P=; while read -r P && [ ! -x "$P" ]; do :; done 2>/dev/null <"$B/interpreters";'
        return f"{where} {look}"

    def _there(self, otherwise: str = "exit 0") -> str:
        return f'{self._find()} [ -x "$P" ] && [ -r "$B/hook.py" ] || {otherwise};'

    def _hook(self, event: str) -> str:
        process = "" if self.session_variable else " $PPID"
        return f'"$P" -I -S "$B/hook.py" {self.client} {event}{process}'

    def _run(self, event: str, given: str = "") -> str:
        return f"{self._there()} {given}{self._hook(event)} || exit 0"


def _note(sign: str) -> str:
    return f'{{ umask 077; printf {sign} >>"$T/turns/$S"; {_ANSWERED} }} 2>/dev/null;'
