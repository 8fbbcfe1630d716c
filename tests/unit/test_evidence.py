"""Which event proves a handing: the table, case by case, and what no event may prove."""

from __future__ import annotations

import pytest

from telex.core import evidence
from telex.core.evidence import (
    ANSWER,
    DROPPED,
    FAILED,
    INTERRUPTED,
    JOINED,
    OPEN,
    PROMPT,
    PROVED,
    RULES,
    SINGLE_TOOL,
    START,
    STOP,
    TOOL,
    WOKEN,
    Event,
    Handing,
)

POINTS = [(client, point) for client, points in RULES.items() for point in points]


def said(client: str, point: str, what: str, *, own: bool = False, turn: str = "", **handed: object) -> str:
    fields = {"turn": "", "joined": 0, "armed": 1} | handed
    return evidence.judge(client, Handing(stage=point, **fields), Event(what=what, turn=turn, own=own))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("client", "point", "what", "verdict"),
    [
        ("claude", PROMPT, TOOL, PROVED),
        ("claude", PROMPT, STOP, PROVED),
        ("claude", PROMPT, PROMPT, DROPPED),  # Esc put the prompt back into the input
        ("claude", TOOL, TOOL, PROVED),  # the next round of tools
        ("claude", TOOL, PROMPT, JOINED),  # after Esc the results of tools stay, and what was said with them
        ("claude", SINGLE_TOOL, SINGLE_TOOL, OPEN),  # another one of the same round
        ("claude", SINGLE_TOOL, STOP, PROVED),
        ("claude", STOP, STOP, PROVED),
        ("claude", WOKEN, TOOL, OPEN),  # of a turn that a person began in the same moment
        ("claude", WOKEN, STOP, OPEN),
        ("claude", WOKEN, PROMPT, DROPPED),
        ("codex", PROMPT, PROMPT, JOINED),
        ("codex", TOOL, TOOL, OPEN),
        ("codex", TOOL, STOP, PROVED),
        ("gemini", PROMPT, PROMPT, DROPPED),  # "Request cancelled."
        ("gemini", PROMPT, TOOL, OPEN),  # Esc takes the tool with the whole turn out of the conversation
        ("gemini", TOOL, TOOL, OPEN),
        ("gemini", TOOL, PROMPT, DROPPED),
        ("copilot", PROMPT, PROMPT, JOINED),
        ("opencode", START, TOOL, PROVED),
        ("opencode", ANSWER, TOOL, OPEN),
        ("opencode", ANSWER, STOP, PROVED),
        ("somebody", PROMPT, TOOL, OPEN),
        ("somebody", PROMPT, STOP, PROVED),
        ("somebody", PROMPT, PROMPT, DROPPED),
    ],
)
def test_what_an_event_says(client: str, point: str, what: str, verdict: str) -> None:
    assert said(client, point, what) == verdict


def test_a_wake_up_that_comes_back_as_a_prompt_is_that_prompts() -> None:
    assert said("claude", WOKEN, PROMPT, own=True) == JOINED
    assert said("gemini", STOP, PROMPT, own=True) == JOINED


def test_a_second_hook_of_a_woken_prompt_changes_nothing() -> None:
    """Would break: telex in settings and as a plugin, where the wake-up's mail would be said again in its own turn."""
    handed = Handing(stage=PROMPT, turn="first", joined=0, armed=1)
    assert evidence.judge("claude", handed, Event(what=PROMPT, turn="first", own=True)) == OPEN


@pytest.mark.parametrize(("client", "point"), POINTS)
def test_an_interruption_proves_nothing(client: str, point: str) -> None:
    assert said(client, point, INTERRUPTED) == OPEN


@pytest.mark.parametrize(("client", "point"), POINTS)
@pytest.mark.parametrize("what", [TOOL, ANSWER, STOP])
def test_another_turn_proves_nothing(client: str, point: str, what: str) -> None:
    handed = Handing(stage=point, turn="first", joined=0, armed=1)
    assert evidence.judge(client, handed, Event(what=what, turn="second")) == OPEN


@pytest.mark.parametrize(("client", "point"), POINTS)
def test_a_tool_of_a_turn_that_ran_already_proves_nothing(client: str, point: str) -> None:
    """Would break: a prompt typed while a tool runs, and that tool's end."""
    for what in (TOOL, ANSWER, SINGLE_TOOL):
        assert said(client, point, what, joined=1) == OPEN


@pytest.mark.parametrize(("client", "point"), POINTS)
@pytest.mark.parametrize("what", [TOOL, ANSWER, STOP, PROMPT])
def test_what_never_left_is_taken_back(client: str, point: str, what: str) -> None:
    assert said(client, point, what, armed=0) == DROPPED


@pytest.mark.parametrize(("client", "point"), POINTS)
def test_every_handing_can_be_proved_and_is_told(client: str, point: str) -> None:
    """Would break: mail that would be handed over again and again."""
    stage = PROMPT if said(client, point, PROMPT, own=True) == JOINED and point == WOKEN else point
    assert said(client, stage, STOP) == PROVED
    assert evidence.in_words(client, point)


def test_a_failed_turn_leaves_its_prompt_in_the_conversation_of_claude_code() -> None:
    """Would break: the text of such a turn given a second time with the next prompt."""
    assert said("claude", PROMPT, FAILED) == JOINED
    assert said("claude", FAILED, PROMPT) == JOINED
    assert said("claude", FAILED, TOOL) == said("claude", FAILED, STOP) == PROVED


@pytest.mark.parametrize(("client", "point"), [one for one in POINTS if one != ("claude", PROMPT)])
def test_a_failed_turn_proves_nothing(client: str, point: str) -> None:
    assert said(client, point, FAILED) == OPEN
    assert said(client, PROMPT, FAILED, joined=1) == said("claude", PROMPT, FAILED, joined=1) == OPEN


def test_another_turn_that_failed_says_nothing_of_this_one() -> None:
    handed = Handing(stage=PROMPT, turn="first", joined=0, armed=1)
    assert evidence.judge("claude", handed, Event(what=FAILED, turn="second")) == OPEN
