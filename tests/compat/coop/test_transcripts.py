"""coop's command line as its users meet it: each transcript, in an empty home."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli import transcript
from tests.support.cli import Shell


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.glob("*.txt")), ids=lambda path: path.stem)
def test_coops_commands_answer_as_written(path: Path, shell: Shell) -> None:
    transcript.run(path, shell)
