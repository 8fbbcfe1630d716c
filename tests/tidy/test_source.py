"""The shape of the source: sizes, layers, and the habits that keep the promises."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.tidy import checks

from telex import config, errors, limits
from telex.errors import answers, between

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "telex"
MODULES = sorted(PACKAGE.rglob("*.py"))
NO_ERRORS = [path for path in MODULES if path.parent.name != "errors"]
QUERIES = sorted([*(PACKAGE / "db" / "sql").glob("*.sql"), *(PACKAGE / "relay" / "sql").glob("*.sql")])
PYTHON_FILES = sorted([*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "tools").rglob("*.py")])

# What each part may grow to, SQL included. The rooms that every session runs stay small; a face pays for itself.
MOST_LINES = {
    "errors": 1_100,
    "core": 1_850,
    "fs": 1_150,
    "db": 2_500,
    "mail": 1_750,
    "team": 1_500,
    "hook": 1_760,
    "bus": 3_330,
    "clients": 5_500,
    "cli": 3_500,
    "mcp": 1_850,
    "compat": 3_360,
    "testing": 300,
    "wire": 900,
    "crypto": 400,
    "link": 2_600,
    "relay": 5_000,
}
TOP_MOST_LINES = 1_350  # limits, config, homes, private, wiring, doctor, salvage
FUNCTION_P95_LINES = 40

# Where examples lie too: a path right below is one of theirs, and what stands beside a checkout is no mark of it.
EXAMPLES = ("/home/", "/Users/", "/tmp/", "/root/", "/src/", "/opt/", "/usr/", "/var/")

Check = Callable[[str], list[str]]

# Numbers over 1,000 that may stand outside limits.py, and why.
UNITS = {3_600: "an hour in s", 60_000: "a minute in ms", 86_400: "a day in s"}
UNITS |= {3_600_000: "an hour in ms", 86_400_000: "a day in ms"}
NUMBERS = {
    "relay/jetstream/connection.py": "the NATS server's codes for what it refuses",
    "relay/jetstream/log.py": "the NATS server's codes for what it refuses",
    "config.py": "the bounds of each setting stand in its one table",
    "fs/watch.py": "the buffer of one read of inotify events",
    "core/text.py": "the last second that a calendar year of four digits holds, and a table's size",
}

# Who may listen, and where: never beyond this machine.
SPEAKERS = ("link/", "relay/")  # rooms whose work it is
NETWORKS = {
    "cli/link.py": "pairs with whoever invited this machine",
    "cli/team.py": "asks the relay to change the team",
    "cli/relay.py": "runs what a relay's operator asks of its log",
    "compat/ipc/server.py": "claude-ipc's port on 127.0.0.1, while `telex ipc serve` runs",
    "hook/inbox_socket.py": "calls an idle Claude Code through its session's own socket, where that is asked for",
    "wire/bounded_http.py": "what the servers of the relay and of MCP hold of a connection; it opens none",
    "compat/ipc/peer.py": "asks whether somebody listens at that port already",
}

# What leaves a process, or looks as if it did, without passing `telex.cli.output`.
EXITS = {
    "cli/output.py": "the one place that writes what a command says",
    "compat/kei/__init__.py": "a complaint in kei's own words, made visible; a face may not use telex's command line",
    "compat/kei/hook.py": "a hook of kei's, which loads no command line; it makes its one line visible itself",
    "compat/ipc/letters.py": "makes the content of a message, which is shown like any other",
    "compat/ipc/archive.py": "makes lines for an import, which stay in this process",
    "clients/adapters/claude_plugin.py": "writes a client's own file",
    "clients/edit/json_edit.py": "writes a client's own settings as they were",
    "clients/installer/codex_trust.py": "hashes a hook as Codex writes it, and puts the JSON nowhere",
    "clients/edit/mcp_toml.py": "writes a client's own settings as they were",
    "clients/adapters/copilot.py": "writes a client's own settings",
    "link/log.py": "the link's own log",
    "relay/logs.py": "the relay's own log, of words and numbers of its own",
    "mcp/pending.py": "a word for the client's log, in ASCII",
    "mcp/tools.py": "makes the data of a message, which is checked like any other",
}

# Who makes directories with a mode of their own.
DIRECTORIES = {
    "private.py": "the one place that makes private directories",
    "clients/installer/transaction.py": "makes what lies beside a client's own settings as open as those are",
}

# Who may build what.
BUILDERS = {
    "hook/payloads.py": "opens the store for every client's hooks, which may not import wiring",
    "compat/ipc/archive.py": "reads claude-ipc's own database, for reading only",
    "wiring.py": "the one place that builds adapters",
    "db/connection.py": "the connection of a store",
    "relay/state_file.py": "the connection of a relay's file, which is no store",
    "doctor.py": "looks at stores that may be damaged, and copies them",
    "salvage.py": "reads stores that are damaged, and makes their successors",
}


def relative(path: Path) -> str:
    """A module's path within the package."""
    return path.relative_to(PACKAGE).as_posix()


def violations(check: Check, paths: list[Path], *, exempt: dict[str, str] | None = None) -> list[str]:
    """What a check finds in files that are not exempt, with their names; and exemptions that nothing needs."""
    found = []
    needed = set()
    for path in paths:
        name = path.relative_to(ROOT).as_posix().removeprefix("src/telex/")
        for words in check(path.read_text(encoding="utf-8")):
            if exempt and name in exempt:
                needed.add(name)
            else:
                found.append(f"{name}: {words}")
    return found + [f"{name}: is exempt but need not be" for name in (exempt or {}) if name not in needed]


def number_check(text: str) -> list[str]:
    """Large numbers that are no unit of time."""
    return [one for one in checks.large_numbers(text) if int(float(one.split(": ")[1].replace("_", ""))) not in UNITS]


def test_modules_have_at_most_600_lines() -> None:
    assert violations(checks.long_module, PYTHON_FILES) == []


def test_functions_have_at_most_70_lines() -> None:
    assert violations(checks.long_functions, PYTHON_FILES) == []


def test_nineteen_of_twenty_functions_have_at_most_40_lines() -> None:
    counts = sorted(count for path in MODULES for _, count in checks.function_lengths(path.read_text("utf-8")))
    assert counts[int(0.95 * len(counts))] <= FUNCTION_P95_LINES


def lines_of(files: list[Path]) -> int:
    return sum(len(path.read_text("utf-8").splitlines()) for path in files)


@pytest.mark.parametrize("room", sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()))
def test_a_part_stays_within_its_lines(room: str) -> None:
    files = [*(PACKAGE / room).rglob("*.py"), *(PACKAGE / room).rglob("*.sql")]
    assert lines_of(files) <= MOST_LINES[room]


def test_what_stands_beside_the_parts_stays_small() -> None:
    assert lines_of([*PACKAGE.glob("*.py")]) <= TOP_MOST_LINES


def test_the_core_reaches_nothing_outside() -> None:
    core = [path for path in MODULES if relative(path).startswith("core/")]
    assert core
    assert violations(checks.impure, core) == []


def test_limits_and_errors_import_nothing() -> None:
    assert violations(checks.imports_anything, [PACKAGE / "limits.py", PACKAGE / "errors" / "__init__.py"]) == []


def test_every_module_class_and_verb_says_what_it_is() -> None:
    assert violations(checks.undocumented, MODULES) == []


def test_sql_lives_in_sql_files() -> None:
    assert violations(checks.sql_in_python, MODULES) == []


def test_every_query_is_used() -> None:
    named = {name for path in QUERIES for name in checks.query_names(path.read_text("utf-8"), path.stem)}
    used = set().union(*(checks.queries_used(path.read_text("utf-8")) for path in MODULES))
    assert sorted(named - used) == []


def test_every_query_asked_for_exists() -> None:
    named = {name for path in QUERIES for name in checks.query_names(path.read_text("utf-8"), path.stem)}
    used = set().union(*(checks.queries_asked(path.read_text("utf-8")) for path in MODULES))
    assert used
    assert sorted(used - named) == []


def test_a_query_has_one_name() -> None:
    for path in QUERIES:
        found = checks.query_names(path.read_text("utf-8"), path.stem)
        assert sorted(found) == sorted(set(found)), path.name


def test_large_numbers_live_in_limits() -> None:
    paths = [path for path in MODULES if relative(path) != "limits.py"]
    assert violations(number_check, paths, exempt=NUMBERS) == []


def test_every_limit_is_used() -> None:
    used = {
        word for path in [*PYTHON_FILES] if path.name != "limits.py" for word in checks.words(path.read_text("utf-8"))
    }
    assert [name for name in vars(limits) if name.isupper() and name not in used] == []


def test_every_setting_is_read_by_somebody() -> None:
    paths = [path for path in MODULES if relative(path) != "config.py"]
    used = {word for path in paths for word in checks.words(path.read_text("utf-8"))}
    assert [one.name for one in config.SETTINGS if one.name not in used] == []


def test_every_error_is_raised_somewhere() -> None:
    used = {word for path in NO_ERRORS for word in checks.words(path.read_text("utf-8"))}
    leaves = [
        one
        for one in (vars(errors) | vars(between) | vars(answers)).values()
        if isinstance(one, type) and one.__dict__.get("code")
    ]
    assert [one.__name__ for one in leaves if one.__name__ not in used and one is not errors.TelexError] == []


def test_error_classes_live_in_errors() -> None:
    assert violations(checks.error_classes, NO_ERRORS) == []


def test_nothing_was_left_for_later() -> None:
    paths = [*PYTHON_FILES, *PACKAGE.rglob("*.sql"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert violations(checks.unfinished, paths) == []


def test_no_tabs_and_no_control_characters() -> None:
    assert violations(checks.odd_characters, [*PYTHON_FILES, *PACKAGE.rglob("*.sql")]) == []


def test_only_output_writes_for_people() -> None:
    assert violations(checks.prints, [path for path in MODULES if relative(path) != "cli/output.py"]) == []


def test_nothing_but_link_and_relay_speaks_over_a_network() -> None:
    quiet = [path for path in MODULES if not relative(path).startswith(SPEAKERS)]
    assert violations(checks.reaches_network, quiet, exempt=NETWORKS) == []


def test_there_is_one_sqlite_in_a_process() -> None:
    assert violations(checks.second_sqlite, MODULES) == []


def test_everything_that_leaves_passes_the_functions_that_make_it_safe() -> None:
    assert violations(checks.unescaped_exits, MODULES, exempt=EXITS) == []


def test_one_function_makes_private_directories() -> None:
    assert violations(checks.open_directories, MODULES, exempt=DIRECTORIES) == []


def test_only_entry_points_build_a_store() -> None:
    assert violations(checks.builds_adapters, MODULES, exempt=BUILDERS) == []


def test_tests_hold_wherever_the_checkout_lies_and_whatever_else_runs() -> None:
    ours = [path for path in PYTHON_FILES if path not in MODULES and path.name != "test_checks.py"]
    assert violations(checks.unquoted_programs, ours) == []
    assert violations(checks.unheld_ports, [path for path in ours if path.name != "ports.py"]) == []


def tracked() -> list[Path]:
    """The files that are, or are about to be, in the repository; all files where git is not at hand."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        return [*PYTHON_FILES, *PACKAGE.rglob("*.sql"), *ROOT.glob("*.*"), *(ROOT / "docs").rglob("*.md")]
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def this_machine() -> list[str]:
    """What would tell where a file was written: this checkout, its neighbours, and where pip asks for packages."""
    near = [one for one in ROOT.parent.iterdir() if not str(one).startswith(EXAMPLES)]
    deep = 4 if str(ROOT).startswith(EXAMPLES) else 3
    found = [str(one) for one in (ROOT, *near) if len(one.parts) >= deep]
    answer = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    for line in answer.splitlines():
        host = line.partition("://")[2].partition("/")[0].strip("'\"").rpartition("@")[2]
        if host and not host.endswith(("pypi.org", "pythonhosted.org")):
            found.append(host)
    return found


def test_no_file_names_the_machine_it_was_written_on() -> None:
    paths = this_machine()
    found = []
    for path in tracked():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {one}" for one in checks.machine_paths(text, paths)]
    assert found == []


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """import-linter's verdict on a tree with `src/telex` and `.importlinter`."""
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or "lint-imports"
    code = "import sys; sys.path.insert(0, 'src'); from importlinter.cli import lint_imports_command; "
    code += "lint_imports_command(['--no-cache'])"
    assert Path(program).exists(), "import-linter is missing: make setup"
    return subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)


def test_the_layers_are_kept() -> None:
    found = lint_imports(ROOT)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("core/flow.py", "import telex.db.connection"),
        ("hook/delivery.py", "import telex.bus"),
        ("clients/launcher/gate.py", "import telex.bus"),
        ("errors/__init__.py", "import telex.core.text"),
    ],
)
def test_an_import_against_the_layers_is_noticed(tmp_path: Path, module: str, line: str) -> None:
    shutil.copytree(PACKAGE, tmp_path / "src" / "telex", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    planted = tmp_path / "src" / "telex" / module
    planted.write_text(planted.read_text("utf-8") + f"\n{line}\n", encoding="utf-8")
    found = lint_imports(tmp_path)
    assert found.returncode != 0
    assert "BROKEN" in found.stdout
