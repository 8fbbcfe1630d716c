"""A base install is apsw and rich: it does everything on one machine, and names what it takes to do more.

The environment is a real one, made from the wheel, with those two and what they need, and without everything else.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.link.courier import introduce, join
from tests.support.cli import Ran, Shell

from telex.cli import extras
from telex.db.connection import Store
from telex.team import link_state

ROOT = Path(__file__).resolve().parents[2]
BASE = ("apsw", "rich", "pygments", "markdown_it", "mdurl")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `python` of an environment with the base install."""
    place = tmp_path_factory.mktemp("base install")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place / "env")], check=True)
    [packages] = (place / "env" / "lib").glob("python*/site-packages")
    for name in BASE:
        spec = find_spec(name)
        assert spec is not None and spec.origin is not None
        shutil.copytree(Path(spec.origin).parent, packages / name)
    [wheel] = place.glob("telex-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return place / "env" / "bin" / "python"


def telex(shell: Shell, base: Path, *words: str, name: str = "") -> Ran:
    """The command of the base install."""
    program = [str(base), "-c", "from telex.cli.main import main; main()", *words]
    return shell.run(program, PATH=f"{base.parent}{os.pathsep}{os.defpath}", **({"TELEX_NAME": name} if name else {}))


def test_on_one_machine_nothing_more_is_needed(shell: Shell, base: Path) -> None:
    sent = telex(shell, base, "send", "@api", "hello", "--kind", "request", name="web")
    assert (sent.status, sent.err) == (0, "")
    assert "> hello" in telex(shell, base, "read", name="api").out
    assert telex(shell, base, "reply", "m1", "hello yourself", name="api").status == 0
    for words in (["who"], ["log", "--json"], ["search", "hello"], ["status"], ["doctor"], ["export"], ["config"]):
        ran = telex(shell, base, *words)
        assert (ran.status, ran.err) == (0, ""), words
    assert telex(shell, base, "install", "claude").status == 0
    assert telex(shell, base, "demo").status == 0


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["mcp"], "mcp"),
        (["mcp", "--http"], "mcp"),
        (["install", "claude", "--mcp"], "mcp"),
        (["install", "--mcp", "--yes", "--scope", "project"], "mcp"),
        (["install", "codex", "--mcp", "--dry-run"], "mcp"),
        (["link", "join", "https://relay.example", "--json"], "team"),
        (["relay", "serve"], "relay"),
        (["relay", "team", "create", "acme"], "relay"),
    ],
)
def test_a_missing_part_is_named_with_the_command_that_brings_it(
    shell: Shell, base: Path, words: list[str], extra: str
) -> None:
    """Would break: a traceback, or a fault of telex to be reported, where a part was left out on purpose."""
    before = sorted(shell.home.rglob("*"))
    ran = telex(shell, base, *words, "--json") if "--json" not in words else telex(shell, base, *words)
    assert (ran.status, ran.out) == (1, "")
    assert ran.error["code"] == "extra-missing", ran.err
    assert f"its part '{extra}'" in ran.error["message"]
    assert ran.error["hint"].endswith(f"-m pip install '.[{extra}]'")
    assert sorted(shell.home.rglob("*")) == before, "nothing was written"


@pytest.fixture
def linked(shell: Shell) -> Shell:
    """A machine of a team, joined when telex was whole."""
    shell.telex("who")
    db = Store(str(shell.telex_home))
    join(db, "bob-laptop", "member", "e" * 32)
    introduce(db, "alice-laptop", "member")
    db.close()
    return shell


MISSING = "this telex was installed without its part 'team'"


def test_a_link_that_lacks_its_part_says_so_where_a_person_looks(linked: Shell, base: Path) -> None:
    """Would break: the background process ends without a word, and mail waits for ever."""
    before = telex(linked, base, "doctor")
    assert (before.status, MISSING in before.out) == (0, False)
    ran = telex(linked, base, "link", "run", "--quiet")  # as a send starts it
    assert ran.status == 1
    sent = telex(linked, base, "send", "@frontend@alice-laptop", "hello", name="api")
    assert sent.status == 0
    assert "the link cannot run: 'telex doctor' says why" in sent.out
    for words in (["status"], ["doctor"]):
        said = telex(linked, base, *words)
        assert said.status == 1
        assert said.out.count(MISSING) == 1
        assert "-m pip install '.[team]'" in said.out
    for _ in range(3):
        telex(linked, base, "link", "run", "--quiet")
    told = [one for one in telex(linked, base, "log", "--all", "--json").json["messages"] if MISSING in one["body"]]
    assert len(told) == 1


def test_once_the_relay_was_reached_the_missing_part_is_history(linked: Shell, base: Path) -> None:
    telex(linked, base, "link", "run", "--quiet")
    db = Store(str(linked.telex_home))
    with db.write():
        link_state.reached(db, int(time.time() * 1000) + 1)
    db.close()
    said = telex(linked, base, "status")
    assert (said.status, MISSING in said.out) == (0, False)


def test_a_module_of_no_part_is_still_a_fault_of_telex() -> None:
    """The planted fault: a module of telex's own is gone."""
    assert extras.missing(ModuleNotFoundError(name="telex.wire"), "send") is None


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/dana/.local/share/uv/tools/telex", "uv tool install --reinstall '.[team]'"),
        ("/home/dana/.local/share/pipx/venvs/telex", "pipx install --force '.[team]'"),
    ],
)
def test_the_command_is_of_the_program_that_installed_telex(
    monkeypatch: pytest.MonkeyPatch, prefix: str, command: str
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    assert extras.bringing("team") == command


def test_every_module_from_elsewhere_is_of_a_part() -> None:
    """Would break: a module that telex imports, and no extra brings."""
    own = {*sys.stdlib_module_names, "telex", "__main__", *BASE}
    names = set()
    for path in (ROOT / "src" / "telex").rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.split()
            if len(words) > 1 and words[0] in ("import", "from") and line.rstrip()[-1] not in ".;":
                names.add(words[1].partition(".")[0].rstrip(",;"))
    assert {name for name in names if name.isidentifier()} - own - set(extras.MODULES) == set()
