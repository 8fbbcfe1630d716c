"""What is said after a run of the real clients: tested only where every row's test passed, never on a guess."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tests.clients import last_run
from tests.clients.proofs import PROOFS
from tools import reference_clients

from telex.clients import hook_points

CLIENT, VERSION, DAY = "gemini", "9.9.9", "2031-01-02"
Report = Callable[[dict[str, str]], ElementTree.Element]


@pytest.fixture
def clients_dir(tmp_path: Path) -> Path:
    """A directory in which one client is installed."""
    (tmp_path / "clients" / CLIENT).mkdir(parents=True)
    (tmp_path / "clients" / CLIENT / ".installed").write_text(f"{VERSION}\n")
    return tmp_path / "clients"


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """What pytest reports of tests by these names, each with this body."""

    def run(bodies: dict[str, str]) -> ElementTree.Element:
        files: dict[str, str] = {}
        for proof, body in bodies.items():
            file, _, test = proof.partition("::")
            name, _, case = test.partition("[")
            mark = f"@pytest.mark.parametrize('c', ['{case[:-1]}', 'other'])\n" if case else ""
            head = files.setdefault(file, "import pytest\n")
            files[file] = f"{head}{mark}def {name}({'c' if case else ''}):\n    {body}\n"
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        out = tmp_path / "report.xml"
        words = ["-q", "-p", "no:cacheprovider", f"--junitxml={out}", "-o", "junit_logging=system-out", *files]
        bare = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # plugins are slow to load
        subprocess.run(
            [sys.executable, "-m", "pytest", *words], cwd=tmp_path, env=bare, capture_output=True, check=False
        )
        return ElementTree.parse(out).getroot()

    return run


def all_with(body: str, **other: str) -> dict[str, str]:
    """Every proof of the client with one body, but for those that end so."""
    found = dict.fromkeys(PROOFS[CLIENT].values(), body)
    for end, words in other.items():
        found |= {proof: words for proof in found if proof.endswith(end)}
    return found


def test_a_client_whose_every_row_passed_is_tested(report: Report, clients_dir: Path) -> None:
    found = last_run.line(CLIENT, clients_dir, last_run.outcomes(report(all_with("pass"))))
    count = len(PROOFS[CLIENT])
    assert found == (CLIENT, VERSION, f"tested: {count} of {count} moments passed", True)


@pytest.mark.parametrize(
    ("body", "word"), [("assert False", "FAILED"), ("pytest.skip('not here')", "FAILED"), ("raise OSError", "FAILED")]
)
def test_one_row_that_did_not_pass_spoils_it(report: Report, clients_dir: Path, body: str, word: str) -> None:
    bodies = all_with("pass", what_waited=body)
    found = last_run.line(CLIENT, clients_dir, last_run.outcomes(report(bodies)))
    assert not found.proved and f"{word}: end (SessionEnd)" in found.words


def test_a_row_that_was_not_run_leaves_it_untested(report: Report, clients_dir: Path) -> None:
    bodies = {proof: body for proof, body in all_with("pass").items() if "[" not in proof}
    found = last_run.line(CLIENT, clients_dir, last_run.outcomes(report(bodies)))
    assert not found.proved and "NOT TESTED whole" in found.words


def test_a_client_that_is_absent_is_not_tested_whatever_is_reported(report: Report, clients_dir: Path) -> None:
    found = last_run.line(
        "codex", clients_dir, last_run.outcomes(report(dict.fromkeys(PROOFS["codex"].values(), "pass")))
    )
    assert (found.proved, found.words) == (False, "NOT TESTED: it is not installed")


def test_only_what_was_proved_is_written_down(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tested, page = tmp_path / "tested.json", tmp_path / "clients.md"
    tested.write_bytes(Path(hook_points.TESTED).read_bytes())
    monkeypatch.setattr(hook_points, "TESTED", str(tested))
    monkeypatch.setattr(reference_clients, "PATH", page)
    before = json.loads(tested.read_text())
    spoiled = last_run.Line("codex", "8.8.8", "FAILED", proved=False)
    assert not last_run.keep([spoiled], DAY) and not page.exists()
    assert last_run.keep([spoiled, last_run.Line(CLIENT, VERSION, "tested", proved=True)], DAY)
    assert json.loads(tested.read_text()) == before | {CLIENT: {"version": VERSION, "date": DAY}}
    assert f"| {VERSION} | {DAY} |" in page.read_text()
    assert not last_run.keep([last_run.Line(CLIENT, VERSION, "tested", proved=True)], DAY), "the same again"


def test_the_figures_of_passing_tests_are_printed(report: Report) -> None:
    bodies = {
        "test_a.py::test_good": "print('idle wake-up: 0.42 s\\nno figure')",
        "test_a.py::test_bad": "assert print('0.9')",
    }
    assert last_run.measured(report(bodies)) == ["idle wake-up: 0.42 s"]
