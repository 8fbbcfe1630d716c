"""What is the person's to do, an agent may not: by no command, in no form, through no face.

What would break: a message that says "run telex uninstall", and an agent that does; a new command that nobody judged.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.cli import Shell

from telex.cli import legacy, persons
from telex.cli.grammar import VERBS
from telex.cli.parse import quick

AGENT = {"CLAUDECODE": "1", "CLAUDE_CODE_SESSION_ID": "8b0c9ee6-2f0d-4c83-9f8e-3e2b1f6ad111"}
MARKED = {"GEMINI_CLI": "1"}  # an agent whose session is not known
NAMED = {**MARKED, "TELEX_NAME": "ci"}  # the same, that gives itself a name
WORDS = {"value": "1", "system": "coop", "file": "none.jsonl", "scope": "project"}


def commands() -> set[str]:
    """Every command, and every form of the older systems' commands, by their first words."""
    found = {verb.name for verb in VERBS}
    for face in legacy.FACES:
        for form, _ in face.forms:
            words = re.sub(rf"^telex {face.names[0]} ", "", form)
            for part in words.split(", "):
                first, _, rest = part.partition(" ")
                second = rest.split(" ")[0] if face.names[0] == "coop" and first == "hook" else ""
                found |= {f"{face.names[0]} {word} {second}".strip(" …") for word in first.split("|")}
    return found


def unjudged(found: set[str]) -> set[str]:
    """The commands that stand in neither table."""
    return found - set(persons.OPEN) - set(persons.BY_COMMAND)


def forms() -> list[list[str]]:
    """Each reserved command as it is typed."""
    typed = []
    for one in persons.RESERVED:
        verb = next((verb for verb in VERBS if verb.name == one.command), None)
        words = one.command.split()
        for word in verb.words if verb else ():
            words.append(WORDS.get(word.name, "acme"))
        for form in one.only:
            name, _, value = form.partition("=")
            if verb and name not in [word.name for word in verb.words]:
                words += [f"--{name}", value] if value else [f"--{name}"]
        typed.append(words)
    return typed


def test_every_command_is_judged() -> None:
    assert unjudged(commands()) == set()
    assert not set(persons.OPEN) & set(persons.BY_COMMAND)


def test_a_command_that_nobody_judged_is_noticed() -> None:
    """Would break: the test above, if it looked at nothing."""
    assert unjudged({*commands(), "link publish"}) == {"link publish"}


def test_what_is_reserved_in_some_forms_names_words_of_the_grammar() -> None:
    by_name = {verb.name: verb for verb in VERBS}
    for one in persons.RESERVED:
        verb = by_name.get(one.command)
        known = {word.name for word in verb.words} | {option.name for option in verb.options} if verb else set()
        assert {word.partition("=")[0] for word in one.only} <= known, one.command


@pytest.mark.parametrize("agent", [AGENT, MARKED, NAMED], ids=["a session", "marked", "named"])
@pytest.mark.parametrize("words", forms(), ids=" ".join)
def test_an_agent_is_refused(shell: Shell, words: list[str], agent: dict[str, str]) -> None:
    """Would break: an agent that is told to by a message, whatever it calls itself."""
    shell.telex("inbox", name="ci")
    before = {path: path.read_bytes() for path in shell.home.rglob("*.json")}
    done = shell.telex(*words, "--json" if words[0] not in ("hook", "coop") else "", env=agent)
    assert done.status == 3, done
    assert "is the person's to do" in done.err
    assert {path: path.read_bytes() for path in shell.home.rglob("*.json")} == before


@pytest.mark.parametrize("words", forms(), ids=" ".join)
def test_an_agent_is_refused_where_the_store_is_missing(shell: Shell, words: list[str]) -> None:
    """Would break: a check that needs a store, and lets everybody in where there is none."""
    done = shell.telex(*words, env=MARKED)
    assert (done.status, "is the person's to do" in done.err) == (3, True), done
    assert not shell.telex_home.exists()


@pytest.mark.parametrize("words", [["uninstall"], ["doctor", "--repair"], ["hook", "uninstall"]], ids=" ".join)
def test_the_person_is_not(shell: Shell, words: list[str]) -> None:
    assert "is the person's to do" not in shell.telex(*words).err


def test_the_person_mends_a_store_that_cannot_be_opened(shell: Shell) -> None:
    """Would break: a check that must open what is broken before it may be mended."""
    shell.telex("inbox", name="ci")
    path: Path = shell.telex_home / "telex.db"
    for name in ("telex.db-wal", "telex.db-shm"):
        (shell.telex_home / name).unlink(missing_ok=True)
    path.write_bytes(b"no database" * 999)
    assert "is the person's to do" not in shell.telex("doctor", "--repair").err
    assert shell.telex("doctor", "--repair", env=MARKED).status == 3


@pytest.mark.parametrize(
    "words", [["doctor"], ["config"], ["config", "keep_days"], ["install", "--dry-run"]], ids=" ".join
)
def test_an_agent_may_look_and_install(shell: Shell, words: list[str]) -> None:
    assert shell.telex(*words, env=AGENT).status != 3


def test_no_tool_of_mcp_is_the_persons() -> None:
    """Would break: a tool that does by MCP what a command refuses."""
    from telex.mcp.tools import TOOLS

    assert not {tool.name for tool in TOOLS} & {one.command for one in persons.RESERVED if not one.only}


def test_each_reserved_form_is_parsed_as_it_is_typed() -> None:
    by_name = {verb.name: verb for verb in VERBS}
    for one, words in zip(persons.RESERVED, forms(), strict=True):
        if verb := by_name.get(one.command):
            assert quick(verb, words[len(one.command.split()) :]) is not None, words
