"""The launchers in the home's `bin`: how a hook line and a shell start telex with nothing in between.

Rules kept here:
- they start the interpreter `-I -S`: no site directory is read, no environment variable of Python counts. So they
  carry the directories to import from, and put them last, where nothing in them can stand before the standard library;
- which interpreter that is stands in `interpreters`, one absolute path a line, the best first: the lines in settings
  read it there, so an interpreter that moves is mended in this one place (`interpreters.py`, `repair.py`);
- what another machine wrote into the same home stays listed behind: it may be shared with a container, where other
  paths hold;
- `hook.py` ends with status 0 whatever is missing or half upgraded, unless the hook itself asked for another;
- they belong to all clients together; `installed/launchers.json` holds what was written, for `problems`.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys

from telex import limits
from telex.clients.installer import preflight
from telex.clients.installer.transaction import content
from telex.clients.launcher import bytecode, interpreters
from telex.core.record import Record
from telex.errors.settings import SettingsUnwritable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.installer.transaction import Batch

# What both scripts begin with. A name of an interpreter may lead to another version after an upgrade, which cannot
# load what was compiled for this one: then the next in the list has its turn.
_START = """\
home = {home!r}
if not os.path.exists(home + "/bin"):  # the same directory has another name here, in a container say
    home = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
if not os.environ.get("TELEX_HOME"):
    os.environ["TELEX_HOME"] = home
import_dirs = {import_dirs!r}
if sys.hexversion >> 16 not in import_dirs:
    with open(home + "/bin/interpreters") as file:
        rest = file.read().split("\\n")
    for name in rest[rest.index(sys.executable) + 1 :]:
        if os.access(name, os.X_OK):
            os.execv(name, [name, "-I", "-S", {script}, *sys.argv[1:]])
sys.path += import_dirs[sys.hexversion >> 16]
"""

_HOOK = """\
# Written by 'telex install': what the lines in your clients' settings start. Do not edit.
import os
import sys

try:
{start}
except BaseException:
    os._exit(0)
{preamble}
{mend}try:
    from telex.hook import main
except BaseException:
    os._exit(0)
try:
    main()
except SystemExit:
    raise
except BaseException:
    os._exit(0)
"""

# Where the command names the interpreter itself, it is dead when that is: another one has just started this hook.
_MEND = """\
if sys.executable != {python!r} and not os.access({python!r}, os.X_OK):
    try:
        words = "import sys; sys.path += sys.argv[2:]; "
        words += "from telex.clients.launcher import repair; repair.mend(sys.argv[1])"
        null = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
        command = [sys.executable, "-I", "-S", "-c", words, home, *import_dirs[sys.hexversion >> 16]]
        os.posix_spawn(sys.executable, command, os.environ, file_actions=null, setsid=True)
    except BaseException:
        pass
"""

_TELEX_PY = """\
# Written by 'telex install'. Do not edit.
import os
import sys

try:
{start}
except (KeyError, OSError, ValueError):
    sys.exit("telex: no Python that telex was installed with is left\\nhint: install telex again, run 'telex install'")
{preamble}
try:
    from telex.cli.main import main
except ImportError as problem:
    sys.exit(f"telex: {{problem}}\\nhint: install telex again and run 'telex install'")
sys.exit(main())
"""

_TELEX = """\
#!/bin/sh
B={directory}
[ -r "$B/interpreters" ] || B=$(dirname -- "$0")
P=
while read -r P && [ ! -x "$P" ]; do :; done <"$B/interpreters"
exec "${{P:-python3}}" -I -S "$B/telex.py" "$@"
"""

_FIRST_LINE_CHARS = 100
_LIBRARIES = ("apsw", "rich", "mcp")  # the hook's first: it looks into no directory in vain
_PROOF = "import sys; sys.path += sys.argv[1:]; import apsw, telex; print('telex', telex.__version__)"
_OTHERS_MOST = 3
_ANEW = "; 'telex install' writes it anew"
_NOEXEC = (
    "no program may be started from this filesystem (mounted noexec): hooks run, but neither the agents' 'telex' nor "
    "telex's MCP server does; set TELEX_HOME to a directory elsewhere, for your clients too, and install again"
)


class Launch(Record):
    """How one telex is started: the interpreters that can, best first, and what they import telex and its libraries
    from."""

    python: str
    import_dirs: list[str]
    others: tuple[str, ...] = ()  # interpreters that stand in for the first
    version: int = sys.hexversion >> 16  # of all of them: 0x30b is Python 3.11
    machine: str = ""  # whose paths these are: a home may be shared with a container

    @property
    def interpreters(self) -> list[str]:
        """All of them."""
        return [self.python, *self.others]

    @property
    def package(self) -> str:
        """The directory of telex's own modules."""
        return os.path.join(self.import_dirs[0], "telex")

    def is_as(self, other: Launch) -> bool:
        """Whether both start the same."""
        return (self.python, self.import_dirs) == (other.python, other.import_dirs)


def this_launch() -> Launch:
    """How the running telex is started without its environment. Raises SettingsUnwritable if it cannot be."""
    directories = import_dirs()
    proved: dict[str, bool] = {}
    for python in (found := interpreters.candidates()):
        real = os.path.realpath(python)
        if real not in proved:
            proved[real] = _runs(python, directories)
    good = [python for python in found if proved[os.path.realpath(python)]]
    if good:
        return Launch(python=good[0], others=tuple(good[1:]), import_dirs=directories, machine=os.uname().nodename)
    problem = f"no interpreter could be started with telex and apsw from {', '.join(directories)}"
    raise SettingsUnwritable(path="the launchers", problem=problem)


def import_dirs() -> list[str]:
    """Where telex and all that it depends on are imported from, each directory once: in most homes it is one."""
    from importlib.util import find_spec

    import telex

    assert telex.__file__
    found = [os.path.dirname(os.path.dirname(os.path.abspath(telex.__file__)))]
    for name in _LIBRARIES:
        spec = find_spec(name)
        places = [*(spec.submodule_search_locations or []), spec.origin or ""] if spec else [""]
        if places[0]:
            found.append(os.path.dirname(os.path.abspath(places[0])))
    return list(dict.fromkeys([*found, *_dirs_needed_by(_LIBRARIES)]))


def _dirs_needed_by(names: tuple[str, ...]) -> list[str]:
    """The directories of these distributions and of every other that one of them asks for, as far as they are here."""
    import re
    from importlib.metadata import PackageNotFoundError, distribution

    found, seen, asked = [], set[str](), list(names)
    while asked:
        name = re.sub(r"[-_.]+", "-", asked.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            there = distribution(name)
        except PackageNotFoundError:  # for another system, or part of an extra
            continue
        found.append(os.path.abspath(str(there.locate_file(""))))
        asked += [word[0] for line in there.requires or [] if (word := re.match(r"[\w.-]+", line))]
    return list(dict.fromkeys(found))


def _runs(python: str, directories: list[str]) -> bool:
    import subprocess

    try:
        proof = subprocess.run(
            [python, "-I", "-S", "-c", _PROOF, *directories],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=limits.HOOK_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return proof.returncode == 0 and proof.stdout.startswith(b"telex ")


def hook_path(home: str) -> str:
    """The script that the lines in settings start."""
    return os.path.join(home, "bin", "hook.py")


def command_path(home: str) -> str:
    """The command that shells and MCP clients start."""
    return os.path.join(home, "bin", "telex")


def modules_path(home: str) -> str:
    """Where telex's byte code lies in one file; the Python version follows."""
    return os.path.join(home, "bin", "modules")


def record_path(home: str) -> str:
    """Where it is kept how the launchers were written."""
    return os.path.join(home, "installed", "launchers.json")


def _fits_a_first_line(python: str) -> bool:
    """Whether the kernel can start it from a script's first line, without a shell: 1 ms less."""
    return len(python) <= _FIRST_LINE_CHARS and python.isprintable() and " " not in python


def files(home: str, launches: list[Launch]) -> dict[str, tuple[str, int]]:
    """Path, text and mode of each launcher for these, the newest first, and of the record of them."""
    import json

    first, *earlier = launches
    script = os.path.join(home, "bin", "telex.py")
    preamble = bytecode.PREAMBLE
    dirs: dict[int, list[str]] = {}
    for launch in launches:
        known = dirs.setdefault(launch.version, [])
        known += [one for one in launch.import_dirs if one not in known]
    direct = not earlier and _fits_a_first_line(first.python)
    mend = _MEND.format(python=first.python, count=len(dirs[first.version])) if direct else ""
    start = _START.format(home=home, import_dirs=dirs, script="__file__")
    command = _TELEX_PY.format(start=_indented(start), preamble=preamble)
    by_shell = _TELEX.format(directory=shlex.quote(os.path.dirname(script)))
    if direct:
        start = _START.format(home=home, import_dirs=dirs, script='home + "/bin/telex.py"')
        by_shell = f"#!{first.python} -IS\n{_TELEX_PY.format(start=_indented(start), preamble=preamble)}"
    listed = dict.fromkeys(python for launch in launches for python in launch.interpreters)
    record = {**first.as_dict(), "earlier": [one.as_dict() for one in earlier]}
    return {
        interpreters.path(home): ("".join(f"{python}\n" for python in listed), 0o600),
        interpreters.packages_path(home): (
            "".join(f"{one.version >> 8}.{one.version & 255} {one.package}\n" for one in launches),
            0o600,
        ),
        hook_path(home): (_HOOK.format(start=_indented(start), preamble=preamble, mend=mend), 0o600),
        script: (command, 0o600),
        command_path(home): (by_shell, 0o700),
        record_path(home): (json.dumps(record, indent=1) + "\n", 0o600),
    }


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def stage(batch: Batch, home: str, launch: Launch) -> str:
    """Plan to write them; answers `create`, `update` or `unchanged`."""
    actions = set()
    others = [one for one in written(home) if one.machine not in ("", launch.machine) and not one.is_as(launch)]
    for path, (text, mode) in files(home, [launch, *others[:_OTHERS_MOST]]).items():
        old, new = content(path), _encoded(text)
        same = old == new and stat.S_IMODE(os.stat(path).st_mode) == mode
        if not same:
            batch.put(path, new, old=old, mode=mode)
        actions.add("unchanged" if same else "create" if old is None else "update")
    return "unchanged" if actions == {"unchanged"} else "create" if actions == {"create"} else "update"


def unstage(batch: Batch, home: str) -> list[str]:
    """Plan to remove them all, and the byte code; answers those that stay because somebody has edited them."""
    wanted = {path: _encoded(text) for path, (text, _) in files(home, written(home)).items()} if written(home) else {}
    edited = []
    for path in [*wanted, *bytecode.of_every_version(modules_path(home))]:
        there = content(path)
        if there is None:
            continue
        if path in wanted and path != record_path(home) and there != wanted[path]:
            edited.append(path)
        else:
            batch.remove(path, old=there)
    batch.remove_if_empty([os.path.join(home, "bin")])
    return edited


def compile_package(launch: Launch, home: str) -> None:
    """Write telex's byte code, so that no hook need do it; it does not matter if that cannot be done."""
    import subprocess

    package = os.path.join(launch.import_dirs[0], "telex")
    command = [launch.python, "-I", "-S", str(bytecode.__file__), modules_path(home), package]
    try:
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=limits.HOOK_TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        pass


def written(home: str) -> list[Launch]:
    """How the launchers were written last, this machine's or the newest first; none if there is no telling."""
    import json

    try:
        record = json.loads(content(record_path(home)) or b"")
        listed = [record, *record.pop("earlier", [])]
        known = [{name: one[name] for name in Launch.fields() if name in one} for one in listed]
        found = [Launch(**{**one, "others": tuple(one.get("others", ()))}) for one in known]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return []
    return [one for one in found if _is_whole(one)]


def _is_whole(launch: Launch) -> bool:
    texts = [launch.python, launch.machine, *launch.others, *launch.import_dirs]
    return all(isinstance(one, str) for one in texts) and isinstance(launch.version, int) and bool(launch.import_dirs)


def problems(home: str) -> list[tuple[str, str, str]]:
    """What is wrong with the launchers: path, `drifted` or `broken`, and why, with what mends it. Starts nothing."""
    launches = written(home)
    if not launches:
        return [(os.path.join(home, "bin"), "broken", f"no record of the launchers is left{_ANEW}")]
    found = []
    for path, (text, mode) in list(files(home, launches).items())[:-1]:
        there = content(path)
        if there is None:
            found.append((path, "broken", f"it is gone{_ANEW}"))
        elif there != _encoded(text):
            found.append((path, "drifted", f"it was edited since{_ANEW}"))
        elif mode & 0o100 and preflight.is_noexec(path):
            found.append((path, "broken", _NOEXEC))
        elif mode & 0o100 and not os.access(path, os.X_OK):
            found.append((path, "broken", f"it is not executable{_ANEW}"))
    if not any(os.access(python, os.X_OK) for one in launches for python in one.interpreters):
        found.append((launches[0].python, "broken", f"the interpreter that the hooks start is gone{_ANEW}"))
    if not any(os.path.isfile(os.path.join(one.package, "__init__.py")) for one in launches):
        found.append((launches[0].import_dirs[0], "broken", f"the telex that the hooks start is gone{_ANEW}"))
    return found
