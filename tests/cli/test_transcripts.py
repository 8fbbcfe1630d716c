"""The command line as people and agents meet it: each transcript, in an empty home."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli import team, transcript
from tests.support.cli import Shell

from telex.cli.grammar import VERBS

HERE = Path(__file__).parent
TRANSCRIPTS = sorted(HERE.glob("*.txt"))


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_the_command_line_answers_as_written(path: Path, shell: Shell, tmp_path: Path) -> None:
    with team.around(path.stem, shell, tmp_path):
        transcript.run(path, shell)


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS])
def test_every_verb_has_a_transcript_with_its_json_and_its_help(verb: str) -> None:
    commands = [step.command for step in transcript.steps(HERE / f"{verb.replace(' ', '-')}.txt")]
    assert any(f"telex {verb} --help" in command for command in commands)
    assert any(f"telex {verb} " in command and "--json" in command for command in commands)


# --- the runner itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "$ echo one\ntwo\n",
        "$ echo one\n",
        "$ true\none\n",
        "$ echo one >&2\none\n",
        "$ echo one >&2\n! two\n",
        "$ exit 3\n",
        "$ exit 3\n= 4\n",
        "$ echo a b\na  b\n",
        "$ echo x\n{n}\n",
        "$ echo one; echo two\none\n",
    ],
)
def test_a_transcript_that_is_not_true_is_noticed(text: str, shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text(text)
    with pytest.raises(AssertionError, match=r"wrong\.txt:1"):
        transcript.run(path, shell)


@pytest.mark.parametrize(
    "text",
    [
        "# a remark\n$ echo one\none\n\n$ echo two >&2; exit 3\n! two\n= 3\n",
        "$ printf 'a    b\\n'\na  b\n",
        "$ echo now 3m 7\n{age} {age} {n}\n",
        "$ echo 'a.b*c{x}'\na.b*c{x}\n",
        "$ echo one; echo two; echo three\none\n...\nthree\n",
        "$ echo $HOME\n{home}\n",
    ],
)
def test_a_transcript_that_is_true_is_so(text: str, shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "right.txt"
    path.write_text(text)
    transcript.run(path, shell)
