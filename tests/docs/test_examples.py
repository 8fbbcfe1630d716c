"""The examples of the documentation are run, each page in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs import pages

SECONDS = 120
BIN = Path(sys.executable).parent

# Pages whose shell examples are run too, all of a page as one script, and what it must print.
SCRIPTS = {
    "docs/how-to/scripts-and-ci.md": "no answer in time; the question stands",
    "docs/clients/other.md": "> the tests are green",
}


def examples() -> list[tuple[str, str]]:
    """Every Python block, with its page and line."""
    return [
        (f"{pages.name(path)}:{block.line}", block.text)
        for path in pages.pages()
        for block in pages.blocks(path.read_text("utf-8"))
        if block.kind == "python"
    ]


def run(command: list[str], root: Path) -> subprocess.CompletedProcess[str]:
    """A command in a home of its own, with nothing of this machine around it."""
    environment = {
        "HOME": str(root),
        "TMPDIR": str(root),
        "TELEX_HOME": str(root / "telex"),
        "PATH": f"{BIN}{os.pathsep}{os.defpath}",
    }
    return subprocess.run(
        command,
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_there_are_examples() -> None:
    assert len(examples()) >= 3


@pytest.mark.parametrize(("where", "text"), examples(), ids=[where for where, _ in examples()])
def test_a_python_example_runs(tmp_path: Path, where: str, text: str) -> None:
    done = run([sys.executable, "-W", "error", "-c", text], tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), where


@pytest.mark.parametrize("page", SCRIPTS)
def test_the_shell_examples_of_a_page_run(tmp_path: Path, page: str) -> None:
    blocks = pages.blocks((pages.ROOT / page).read_text("utf-8"))
    script = "\n".join(block.text for block in blocks if block.kind == "sh")
    done = run(["sh", "-euc", script], tmp_path)
    assert done.returncode == 0, done
    assert "Traceback" not in done.stderr
    assert SCRIPTS[page] in done.stdout


def test_an_example_that_fails_is_noticed(tmp_path: Path) -> None:
    assert run([sys.executable, "-c", "import telex; telex.open().send('@a', '')"], tmp_path).returncode == 1
    assert run(["sh", "-euc", "telex sned @a x"], tmp_path).returncode == 2
