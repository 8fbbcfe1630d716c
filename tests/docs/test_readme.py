"""The first screen tells the truth: its commands, its transcript, its version."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs import pages

import telex
from telex.clients import types
from telex.clients.installer import install
from telex.testing.claude import Session, context

README = (pages.ROOT / "README.md").read_text("utf-8")
MAKEFILE = (pages.ROOT / "Makefile").read_text("utf-8")
MOST_LINES = 120


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_every_make_command_of_every_page_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    found = []
    for path in pages.pages():
        text = path.read_text("utf-8")
        shown = "\n".join(block.text for block in pages.blocks(text) if block.kind in pages.SHELLS)
        named = re.findall(r"^make ([a-z-]+)", shown, re.MULTILINE)
        named += [span.split()[1] for _, span in pages.spans(text) if span.startswith("make ")]
        found += [f"{pages.name(path)}: make {one}" for one in named if one not in targets]
    assert found == []
    assert {"demo", "test", "test-clients", "bench"} <= targets


def test_the_changelog_has_this_version() -> None:
    version = tomllib.loads((pages.ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert version == telex.__version__
    first = next(
        line for line in (pages.ROOT / "CHANGELOG.md").read_text("utf-8").splitlines() if line.startswith("## ")
    )
    assert first.startswith(f"## {version}") or first == "## Unreleased"
    assert f"\n## {version}" in (pages.ROOT / "CHANGELOG.md").read_text("utf-8")


class Stage:
    """Two stand-in sessions, with the hook lines that a person has installed."""

    def __init__(self, root: Path) -> None:
        self.home = root / ".telex"
        install.install("claude", types.USER, home=str(self.home), user_home=str(root))
        environment = {
            "PATH": f"{self.home}/bin{os.pathsep}{os.defpath}",
            "HOME": str(root),
            "TELEX_HOME": str(self.home),
        }
        self.sessions = []
        for name in ("frontend", "api"):
            (root / "projects" / name).mkdir(parents=True)
            settings = str(root / ".claude" / "settings.json")
            self.sessions.append(Session(settings, str(root / "projects" / name), environment))

    def shell(self, session: Session, line: str) -> str:
        """A line in a session's shell tool."""
        done = subprocess.run(
            ["sh", "-c", line],
            env=session.environment,
            cwd=session.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """The two directories of the README."""
    made = Stage(tmp_path)
    yield made
    for session in made.sessions:
        session.kill()


def without_times(text: str) -> str:
    """The same with every moment and span alike."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\dZ", "MOMENT", text.strip())
    return re.sub(r", (now|\d+[smhd] ago)", ", AGO", re.sub(r"in \d+[smhd]", "in SPAN", text))


def test_the_readme_shows_what_happens(stage: Stage) -> None:
    frontend, api = stage.sessions
    typed = [block.text.split("\n") for block in pages.blocks(README) if block.kind == "console"]
    frames = [block.text for block in pages.blocks(README) if block.text.startswith("telex: ")]
    assert (len(typed), len(frames)) == (2, 1)
    frontend.start()
    api.start()
    api.prompt("ask frontend which field it still reads")
    assert stage.shell(api, typed[0][0].removeprefix("$ ")) == typed[0][1] + "\n"
    woken = frontend.fire("FileChanged")
    assert woken["status"] == 2
    assert without_times(woken["stderr"]) == without_times(frames[0])
    assert stage.shell(frontend, typed[1][0].removeprefix("$ ")) == typed[1][1] + "\n"
    assert "only user.email; the rest can go" in context(api.tool())


def test_the_tutorial_shows_the_table_that_people_see(stage: Stage) -> None:
    frontend, api = stage.sessions
    frontend.start()
    api.start()
    text = (pages.ROOT / "docs" / "tutorial.md").read_text("utf-8")
    table = next(block.text for block in pages.blocks(text) if block.text.startswith("$ telex who")).split("\n")[1:]
    person = {"PATH": os.defpath, "HOME": str(stage.home.parent), "TELEX_HOME": str(stage.home)}
    told = subprocess.run([f"{stage.home}/bin/telex", "who"], env=person, capture_output=True, text=True, check=True)
    shown = told.stdout.splitlines()
    assert [line.split()[:1] for line in shown[2:]] == [["@frontend"], ["@api"]]
    assert shown[0].split() == table[0].split()
    assert [line.split()[1:5] for line in shown[2:]] == [line.split()[1:5] for line in table[2:]]
