"""A message sent in any face is read in any other: the whole matrix, with every face a process of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import pytest
from tests.faces.stage import Stage, receivers, senders

SENDERS = ("command line", "mcp", "mcp ipc", "tcp", "coop", "kei")
RECEIVERS = ("command line", "mcp", "mcp ipc", "tcp", "coop", "kei", "hook")
CONSUMING = tuple(face for face in RECEIVERS if face != "kei")  # kei's inbox is a look, as it always was


class Faces(NamedTuple):
    """Everybody who sends, everybody who reads."""

    senders: dict[str, Callable[[str, str], object]]
    receivers: dict[str, tuple[str, Callable[[], str]]]


def readable(shown: str) -> str:
    """JSON's escapes of letters as the letters that they are."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), shown)


@pytest.fixture(scope="module")
def faces(stage: Stage) -> Faces:
    return Faces(senders(stage), receivers(stage))


def test_every_face_is_in_the_matrix(faces: Faces) -> None:
    assert (tuple(faces.senders), tuple(faces.receivers)) == (SENDERS, RECEIVERS)


@pytest.mark.parametrize("receiver", RECEIVERS)
@pytest.mark.parametrize("sender", SENDERS)
def test_a_message_of_any_face_is_read_in_any_other(faces: Faces, sender: str, receiver: str) -> None:
    text = f"from {sender} to {receiver}: größer <than> & 'quoted'"
    name, read = faces.receivers[receiver]
    faces.senders[sender](name, text)
    shown = read()
    assert readable(shown).count(text) == 1, shown


@pytest.mark.parametrize("receiver", CONSUMING)
def test_what_was_read_is_not_shown_again(faces: Faces, receiver: str) -> None:
    """After the matrix: nothing of it is left, and nothing of it comes twice."""
    _, read = faces.receivers[receiver]
    read()
    assert "from " not in read()
