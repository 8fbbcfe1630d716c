"""The launchers in the home's `bin`: how a hook line and a shell start telex with nothing in between.

Rules kept here:
- they name the interpreter by its real path and start it `-I -S`: no site directory is read, no environment
  variable of Python counts. So they carry the directories to import from, and put them last, where nothing in
  them can stand before the standard library;
- `hook.py` ends with status 0 whatever is missing or half upgraded, unless the hook itself asked for another;
- they belong to all clients together; `installed/launchers.json` holds what was written, for `problems`.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys

from telex import limits
from telex.clients import modules
from telex.clients.atomic import content
from telex.core.record import Record
from telex.errors import SettingsUnwritable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from telex.clients.atomic import Batch

_HOOK = """\
# Written by 'telex install': what the lines in your clients' settings start. Do not edit.
import os
import sys

try:
    if not os.environ.get("TELEX_HOME"):
        os.environ["TELEX_HOME"] = {home!r}
    sys.path += {import_dirs!r}
except BaseException:
    os._exit(0)
{preamble}
try:
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

_TELEX_PY = """\
# Written by 'telex install'. Do not edit.
import os
import sys

if not os.environ.get("TELEX_HOME"):
    os.environ["TELEX_HOME"] = {home!r}
sys.path += {import_dirs!r}
{preamble}
try:
    from telex.cli.main import main
except ImportError as problem:
    sys.exit(f"telex: {{problem}}\\nhint: install telex again and run 'telex install'")
sys.exit(main())
"""

_TELEX = """\
#!/bin/sh
exec {python} -I -S {script} "$@"
"""

_FIRST_LINE_CHARS = 100
_LIBRARIES = ("apsw", "rich", "mcp")  # the hook's first: it looks into no directory in vain
_PROOF = "import sys; sys.path += sys.argv[1:]; import apsw, telex; print('telex', telex.__version__)"


class Launch(Record):
    """How this telex is started: the interpreter, and the directories that hold telex and its libraries."""

    python: str
    import_dirs: list[str]


def this_launch() -> Launch:
    """How the running telex is started without its environment. Raises SettingsUnwritable if it cannot be."""
    directories = import_dirs()
    for python in _interpreters():
        if _runs(python, directories):
            return Launch(python=python, import_dirs=directories)
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


def _interpreters() -> list[str]:
    """The base interpreter before the environment's: it has no pyvenv.cfg to find and read at each start."""
    base = getattr(sys, "_base_executable", "") or sys.executable
    return list(dict.fromkeys([os.path.realpath(base), os.path.realpath(sys.executable), sys.executable]))


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


def _fits_a_first_line(python: str) -> bool:
    """Whether the kernel can start it from a script's first line, without a shell: 1 ms less."""
    return len(python) <= _FIRST_LINE_CHARS and python.isprintable() and " " not in python


def record_path(home: str) -> str:
    """Where it is kept how the launchers were written."""
    return os.path.join(home, "installed", "launchers.json")


def files(home: str, launch: Launch) -> dict[str, tuple[str, int]]:
    """Path, text and mode of each launcher, and of the record of them."""
    import json

    script = os.path.join(home, "bin", "telex.py")
    preamble = modules.PREAMBLE.format(modules=modules_path(home))
    facts = {"home": home, "import_dirs": launch.import_dirs, "preamble": preamble}
    telex = _TELEX.format(python=shlex.quote(launch.python), script=shlex.quote(script))
    if _fits_a_first_line(launch.python):
        telex = f"#!{launch.python} -IS\n{_TELEX_PY.format(**facts)}"
    return {
        hook_path(home): (_HOOK.format(**facts), 0o600),
        script: (_TELEX_PY.format(**facts), 0o600),
        command_path(home): (telex, 0o700),
        record_path(home): (json.dumps(launch.as_dict(), indent=1) + "\n", 0o600),
    }


def stage(batch: Batch, home: str, launch: Launch) -> list[tuple[str, str]]:
    """Plan to write them; answers per launcher with its path and `create`, `update` or `unchanged`."""
    actions = []
    for path, (text, mode) in files(home, launch).items():
        old, new = content(path), text.encode()
        same = old == new and stat.S_IMODE(os.stat(path).st_mode) == mode
        if not same:
            batch.put(path, new, old=old, mode=mode)
        actions.append((path, "unchanged" if same else "create" if old is None else "update"))
    return actions[:-1]


def compile_package(launch: Launch, home: str) -> None:
    """Write telex's byte code, so that no hook need do it; it does not matter if that cannot be done."""
    import subprocess

    package = os.path.join(launch.import_dirs[0], "telex")
    command = [launch.python, "-I", "-S", str(modules.__file__), modules_path(home), package]
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


def written(home: str) -> Launch | None:
    """How the launchers were written last; None if there is no telling."""
    import json

    try:
        launch = Launch(**json.loads(content(record_path(home)) or b""))
    except (ValueError, TypeError):
        return None
    good = isinstance(launch.python, str) and isinstance(launch.import_dirs, list) and launch.import_dirs
    return launch if good else None


def problems(home: str) -> list[tuple[str, str, str]]:
    """What is wrong with the launchers: path, `drifted` or `broken`, and why. Starts nothing."""
    launch = written(home)
    if launch is None:
        return [(os.path.join(home, "bin"), "broken", "no record of the launchers is left")]
    found = []
    for path, (text, mode) in list(files(home, launch).items())[:-1]:
        there = content(path)
        if there is None:
            found.append((path, "broken", "it is gone"))
        elif there != text.encode():
            found.append((path, "drifted", "it was edited since"))
        elif mode & 0o100 and not os.access(path, os.X_OK):
            found.append((path, "broken", "it is not executable"))
    if not os.access(launch.python, os.X_OK):
        found.append((launch.python, "broken", "the interpreter that the hooks start is gone"))
    if not os.path.isfile(os.path.join(launch.import_dirs[0], "telex", "__init__.py")):
        found.append((launch.import_dirs[0], "broken", "the telex that the hooks start is gone"))
    return found
