"""The pages of docs/reference are what the code says, and leave nothing out."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs import pages
from tools import reference

from telex import config, limits
from telex.bus import Bus
from telex.cli.grammar import VERBS
from telex.cli.legacy import FACES, Face
from telex.core import delivery

FOLDER = pages.ROOT / "docs" / "reference"


def text_of(name: str) -> str:
    """A page as it is in the repository."""
    return (FOLDER / name).read_text(encoding="utf-8")


def test_every_page_is_fresh() -> None:
    assert reference.stale(FOLDER) == [], "run 'make docs'"


def test_the_same_code_gives_the_same_pages() -> None:
    program = (
        "import sys; from tools import reference; sys.stdout.write(''.join(w() for w in reference.PAGES.values()))"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=pages.ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(pages.ROOT / "src"), "TELEX_KEEP_DAYS": days},
            capture_output=True,
            check=True,
        ).stdout
        for seed, days in (("1", "3"), ("2", "4"))
    )
    assert first == second
    assert first.decode() == "".join(write() for write in reference.PAGES.values())


@pytest.fixture
def written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages are made once: to make all of them takes half a second."""
    monkeypatch.setattr(reference, "PAGES", {name: text.__str__ for name, text in _texts().items()})


@functools.cache
def _texts() -> dict[str, str]:
    return {name: write() for name, write in reference.PAGES.items()}


@pytest.mark.parametrize("name", reference.PAGES)
@pytest.mark.usefixtures("written_once")
def test_a_stale_page_is_named(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    reference.write_all(tmp_path)
    assert reference.main(["--check"], tmp_path) == 0
    with (tmp_path / name).open("a") as file:
        file.write("x")
    assert reference.main(["--check"], tmp_path) == 1
    assert name in capsys.readouterr().err


@pytest.mark.usefixtures("written_once")
def test_a_missing_page_and_one_too_many_are_named(tmp_path: Path) -> None:
    reference.write_all(tmp_path)
    (tmp_path / "limits.md").unlink()
    (tmp_path / "old.md").write_text("# Old")
    assert reference.stale(tmp_path) == ["limits.md", "old.md"]


def test_writing_mends_what_is_stale(tmp_path: Path) -> None:
    assert reference.main([], tmp_path / "new") == 0
    assert reference.main(["--check"], tmp_path / "new") == 0
    assert reference.main(["--nonsense"], tmp_path) == 2


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_command_word_and_option_has_an_entry(verb: object) -> None:
    name = getattr(verb, "name")  # noqa: B009
    _, _, entry = text_of("commands.md").partition(f"## telex {name}\n")
    entry = entry.partition("\n## ")[0]
    assert entry
    for option in getattr(verb, "options"):  # noqa: B009
        assert f"`--{option.name}" in entry
    for word in getattr(verb, "words"):  # noqa: B009
        assert f"`{word.name.upper()}" in entry
    assert "`--json`" in entry
    assert getattr(verb, "example") in entry  # noqa: B009


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.names[0])
def test_every_form_of_an_older_command_has_an_entry(face: Face) -> None:
    _, _, entry = text_of("older-commands.md").partition(f"## telex {face.names[0]}\n")
    entry = entry.partition("\n## ")[0]
    assert face.forms
    for form, meaning in face.forms:
        assert reference.code(form) in entry
        assert reference.cell(meaning) in entry
    for name in face.names[1:]:
        assert f"`telex {name}`" in entry
    assert face.example in entry


def test_every_setting_has_an_entry() -> None:
    text = text_of("settings.md")
    for one in config.SETTINGS:
        assert f"| `{one.name}` | {one.default:,} |" in text
        assert f"`{config.variable(one.name)}`" in text


def test_every_error_has_an_entry_with_a_hint() -> None:
    text = text_of("errors.md")
    for one in reference.error_families():
        assert f"### {one.code}\n" in text
        assert one.hint, f"{one.__name__} has no hint"
        assert one.__doc__


def test_every_limit_has_an_entry_that_says_what_it_is() -> None:
    text = text_of("limits.md")
    for name in vars(limits):
        if name.isupper():
            row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
            assert row.split(" | ")[-1].strip(" |"), f"{name} has no comment in limits.py"


def test_every_method_of_the_bus_has_an_entry() -> None:
    text = text_of("python-api.md")
    for name in vars(Bus):
        if not name.startswith("_"):
            assert f"### {name}\n" in text


def test_every_command_has_its_answer_in_json() -> None:
    assert set(reference.ANSWERS) == {verb.name for verb in VERBS}
    text = text_of("json.md")
    for name in reference.RECORDS:
        assert f"## {name}\n" in text


def test_the_drawing_of_the_states_is_the_table_of_the_moves() -> None:
    drawn = re.findall(r"^    (\w+) --> (\w+)$", text_of("delivery-states.md"), re.MULTILINE)
    assert set(drawn) == {(state, to) for state, moves in delivery.MOVES.items() for to in moves if to != state}
    closed = re.findall(r"^    (\w+) --> \[\*\]$", text_of("delivery-states.md"), re.MULTILINE)
    assert tuple(closed) == delivery.CLOSED
    assert set(reference.state_meanings()) == set(delivery.STATES)


def test_every_table_of_the_store_has_an_entry() -> None:
    text = text_of("store-schema.md")
    for path in (reference.PACKAGE / "db" / "schema").glob("*.sql"):
        for table in re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", path.read_text("utf-8")):
            assert f"### {table}\n" in text


def test_every_line_for_the_client_has_an_entry() -> None:
    from telex.hook import claude

    text = text_of("hook-events.md")
    for event in claude._EVENTS:
        if event in claude.OLDER:
            continue
        of, only = ("PostToolUse", ", of `SendMessage`") if event == claude.SENT else (event, "")
        assert f"| `{of}`{only} |" in text
        assert f"### {of}\n" in text


def missing_statuses(page: str) -> list[int]:
    """The exit statuses that a page does not list with the words of the reference."""
    return [status for status, words in reference._STATUSES.items() if f"| {status} | {words} |" not in page]


def test_the_page_for_scripts_lists_every_exit_status() -> None:
    page = (pages.ROOT / "docs" / "how-to" / "scripts-and-ci.md").read_text("utf-8")
    assert missing_statuses(page) == []
    assert {one.status for one in reference.error_families()} <= set(reference._STATUSES)
    planted = page.replace("| 141 |", "| 142 |")
    assert missing_statuses(planted) == [141]
